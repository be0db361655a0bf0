/**
 * Tables that refer to each other, where the target checks foreign keys.
 *
 * Each table takes the changes after its own place P only. Were a child read at an earlier place than its
 * parent, the end of a parent in between would be left out with all that it brings about: its children,
 * which went by ON DELETE CASCADE and are in no binlog, would stay for good; and a child that came in between
 * would not find its parent. So the tables of a family are all read at one place: where one has yet to be
 * read, those that an earlier session has read are read again.
 */
import type { SnapshotConnection } from '../dump/snapshot.js';
import { WHOLE } from '../dump/chunk-plan.js';
import type { SourceTable } from '../dump/source-tables.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { tableKey, type TableName } from '../model/table-name.js';
import { checksForeignKeys } from '../mysql/connect.js';
import type { Session } from '../mysql/session.js';
import type { CopyState } from './copy-meta.js';
import { newChunks, newTableRow, pendingTables, rangesOf, type Change } from './reconcile.js';

/** As SHOW CREATE TABLE writes it: each on a line of its own. */
const REFERENCE =
  /^ +CONSTRAINT `(?:[^`]|``)+` FOREIGN KEY \(.*?\) REFERENCES (?:`((?:[^`]|``)+)`\.)?`((?:[^`]|``)+)` \(/gm;

/** The tables that a definition refers to. */
export function referencesOf(table: TableName, createSql: string): TableName[] {
  return [...createSql.matchAll(REFERENCE)].map(([, schema, name]) => ({
    schema: schema?.replaceAll('``', '`') ?? table.schema,
    table: name.replaceAll('``', '`'),
  }));
}

/** Groups of tables that refer to each other, by keys of lower case; tables by themselves are in none. */
export function families(tables: readonly { source: TableName; createSql: string }[]): Set<string>[] {
  const found: Set<string>[] = [];
  for (const { source, createSql } of tables) {
    const linked = new Set([source, ...referencesOf(source, createSql)].map(keyOf));
    if (linked.size === 1) continue;
    for (let i = found.length - 1; i >= 0; i--) {
      if (![...linked].some((key) => found[i].has(key))) continue;
      for (const key of found[i]) linked.add(key);
      found.splice(i, 1);
    }
    found.push(linked);
  }
  return found;
}

/** Upper and lower case may be one to a server: a link too many only makes for reading again. */
function keyOf(name: TableName): string {
  return tableKey(name).toLowerCase();
}

/** Tables that have to be read again, or for the first time, together with others that have yet to be. */
function strays(state: CopyState, current: readonly SourceTable[], config: SubtaskConfig): TableName[] {
  if (!checksForeignKeys(config.to) || !state.chunks.some(({ loaded }) => loaded)) return [];
  const planned = [...state.tables.values()].filter((row) => row.state !== 'gone');
  const all = families([
    ...current,
    ...planned.map(({ source, definition }) => ({ source, createSql: definition })),
  ]);
  const pending = new Set([...pendingTables(state)].map((key) => key.toLowerCase()));
  const open = new Set(
    all.filter((family) => [...family].some((key) => pending.has(key))).flatMap((family) => [...family]),
  );
  const read = new Set(state.chunks.filter(({ loaded }) => loaded).map(({ source }) => tableKey(source)));
  // Where several tables are merged into one, it cannot be emptied for one of them.
  const merged = repeated(planned.map(({ target }) => tableKey(target)));
  const candidates = new Map(
    [...planned, ...current]
      .filter(({ target }) => !merged.has(tableKey(target)))
      .map(({ source }) => [tableKey(source), source]),
  );
  return [...candidates]
    .filter(([key, source]) => open.has(keyOf(source)) && (read.has(key) || !state.tables.has(key)))
    .map(([, source]) => source);
}

function repeated(keys: readonly string[]): Set<string> {
  const seen = new Set<string>();
  return new Set(keys.filter((key) => seen.size === seen.add(key).size));
}

/** Whether some table would be read at another place than those that it refers to. */
export function isTorn(state: CopyState, current: readonly SourceTable[], config: SubtaskConfig): boolean {
  return strays(state, current, config).length > 0;
}

/** `known` and what else to change in the plan so that each family is read at one place. */
export async function unite(
  session: Session,
  state: CopyState,
  current: readonly SourceTable[],
  config: SubtaskConfig,
  known: readonly Change[],
): Promise<Change[]> {
  const now = new Map(current.map((table) => [tableKey(table.source), table]));
  const changed = new Set(known.map(({ table }) => tableKey(table.source)));
  const changes = [...known];
  for (const name of strays(state, current, config)) {
    if (changed.has(tableKey(name))) continue;
    const planned = state.tables.get(tableKey(name));
    const table = now.get(tableKey(name));
    if (table !== undefined) {
      const chunks = newChunks(name, await rangesOf(session, table, config));
      const row = newTableRow(table);
      const added = planned === undefined;
      changes.push({ table: added ? row : { ...row, state: 'recopy' }, chunks, added });
    } else if (planned !== undefined) {
      const gone = { ...planned, state: 'gone', splitColumn: null, deferred: [] } as const;
      changes.push({ table: gone, chunks: newChunks(name, [WHOLE]), added: false });
    }
  }
  return changes;
}

/** Of the connections of a snapshot those that see the source at one place. */
export function atOnePlace(
  connections: readonly SnapshotConnection[],
  config: SubtaskConfig,
): readonly SnapshotConnection[] {
  if (!checksForeignKeys(config.to)) return connections;
  const [first] = connections;
  return connections.filter(
    ({ location }) => location.name === first.location.name && location.pos === first.location.pos,
  );
}
