/** Looks at the tables to migrate: keys, foreign keys, and whether there are any. */
import { Router } from '../filter/router.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import { quoteString } from '../mysql/text.js';
import { MigratedTables } from '../online-ddl/migrated-tables.js';
import type { Finding } from './types.js';

/** Findings beyond this many are counted only. */
const SHOWN = 10;

export async function checkTables(session: Session, config: SubtaskConfig): Promise<Finding> {
  const allowed = new MigratedTables(config);
  const router = new Router(config.routes, config);
  const problems: string[] = [];
  let tables = 0;
  for (const { s } of await session.query('SELECT schema_name AS s FROM information_schema.schemata')) {
    const schema = s ?? '';
    if (!allowed.allowsSchema(schema)) continue;
    const names = await baseTables(session, schema);
    const keyed = await keyedTables(session, schema);
    const foreign = await foreignKeys(session, schema);
    for (const table of names) {
      const name = { schema, table };
      if (!allowed.allows(name)) continue;
      tables++;
      // Two route rules for one table are an error of the task, told by its own code.
      router.route(name);
      if (!keyed.has(tableKey(name)))
        problems.push(`table ${quoteTable(name)}: primary/unique key does not exist`);
      for (const key of foreign.get(tableKey(name)) ?? []) {
        problems.push(
          `table ${quoteTable(name)}: foreign key ${key} is not enforced on the target while migrating`,
        );
      }
    }
  }
  if (tables === 0) {
    return {
      state: 'warn',
      errorMsg: 'no table of the source passes the block-allow list, or the user may not see any',
      instruction: 'Please check `block-allow-list` and the privileges of the user of the source.',
    };
  }
  if (problems.length === 0) return { state: 'success' };
  const more = problems.length > SHOWN ? ` ... and ${problems.length - SHOWN} more` : '';
  return {
    state: 'warn',
    errorMsg: problems.slice(0, SHOWN).join('; ') + more,
    instruction:
      'You need to set primary/unique keys for the tables, otherwise they are migrated through one connection and slowly; data that depend on foreign key actions must be checked.',
  };
}

async function baseTables(session: Session, schema: string): Promise<string[]> {
  const rows = await session.query(
    `SELECT table_name AS t FROM information_schema.tables WHERE table_schema = ${quoteString(schema)}
     AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY table_name`,
  );
  return rows.map(({ t }) => t ?? '');
}

/** Tables with a primary key or a unique key of columns that are all NOT NULL. */
async function keyedTables(session: Session, schema: string): Promise<Set<string>> {
  const rows = await session.query(
    `SELECT table_name AS t, index_name AS i, SUM(nullable = 'YES') AS n FROM information_schema.statistics
     WHERE table_schema = ${quoteString(schema)} AND non_unique = 0 GROUP BY table_name, index_name`,
  );
  return new Set(rows.filter(({ n }) => Number(n) === 0).map(({ t }) => tableKey(name(schema, t))));
}

async function foreignKeys(session: Session, schema: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { t, c } of await session.query(
    `SELECT table_name AS t, constraint_name AS c FROM information_schema.table_constraints
     WHERE table_schema = ${quoteString(schema)} AND constraint_type = 'FOREIGN KEY'`,
  )) {
    const key = tableKey(name(schema, t));
    found.set(key, [...(found.get(key) ?? []), c ?? '']);
  }
  return found;
}

function name(schema: string, table: string | null): TableName {
  return { schema, table: table ?? '' };
}
