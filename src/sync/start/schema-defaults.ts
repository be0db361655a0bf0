/**
 * The default character sets of the source's databases where sync begins or goes on. What the source has now may
 * have been changed by statements that are still to come, and tables that name no character set would be read by
 * the wrong one.
 */
import { copiedDatabases } from '../../load/positions.js';
import type { SubtaskConfig } from '../../model/subtask-config.js';
import type { Session } from '../../mysql/session.js';
import type { SchemaTracker } from '../../schema/apply.js';
import { dialectOf, fetchSchemaDefaults, flavorOf, schemaDefaultOf } from '../../schema/fetch.js';

export interface SchemaDefaultsInput {
  readonly config: SubtaskConfig;
  /** Knows the defaults of now. */
  readonly tracker: SchemaTracker;
  readonly source: Session;
  readonly target: Session;
  /** Sync has been here before: the statements up to its place have run. */
  readonly resumed: boolean;
}

/** Of the databases that the full copy knows; of others the source's present ones stay. */
export async function settleSchemaDefaults(input: SchemaDefaultsInput): Promise<void> {
  const { config, tracker, source, target, resumed } = input;
  const databases = await copiedDatabases(target, config);
  if (!resumed) {
    for (const { source: schema, definition } of databases) {
      const pair = schemaDefaultOf(definition, dialectOf(source));
      if (pair !== undefined) tracker.setSchema(schema, pair);
    }
    return;
  }
  // Where the copy has made the database its defaults are the work of the same statements.
  const made = databases.filter((database) => database.made);
  const names = made.map((database) => database.target);
  const defaults = await fetchSchemaDefaults(target, names);
  const alike = flavorOf(source) === flavorOf(target);
  for (const { source: schema, target: name } of made) {
    const pair = defaults.get(name);
    // Of another flavour's collations the nearest were taken.
    const differs = alike || pair?.charset !== tracker.schemaDefault(schema).charset;
    if (pair !== undefined && differs) tracker.setSchema(schema, pair);
  }
}
