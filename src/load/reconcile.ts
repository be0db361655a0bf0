/**
 * Brings the plan of a copy in line with the source as it is now: definitions that have changed, tables
 * that are gone, and, while nothing is loaded yet, tables that are new. (Later ones reach the target
 * through the binlog, which is read from the first chunk's P on.)
 */
import { tableKey } from '../model/table-name.js';
import { must } from '../model/assert.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import type { Session } from '../mysql/session.js';
import { planChunks, WHOLE, type KeyRange } from '../dump/chunk-plan.js';
import { sameDefinition, type SourceTable } from '../dump/source-tables.js';
import { NO_LOCATION } from '../model/location.js';
import type { ChunkRow, CopyState, TableRow } from './copy-meta.js';
import { orSourceChanged } from './definition-errors.js';

export function newTableRow(table: SourceTable): TableRow {
  return {
    source: table.source,
    target: table.target,
    definition: table.createSql,
    state: 'planned',
    splitColumn: table.splitColumn,
    deferred: [],
    rows: table.rows,
    bytes: table.bytes,
  };
}

export function newChunks(source: TableRow['source'], ranges: KeyRange[]): ChunkRow[] {
  return ranges.map((range, chunk) => ({
    source,
    chunk,
    range,
    loaded: false,
    location: NO_LOCATION,
    exitSafe: null,
    readUntil: NO_LOCATION,
    rows: 0,
    bytes: 0,
  }));
}

export interface Change {
  readonly table: TableRow;
  readonly chunks: ChunkRow[];
  /** The table was not in the plan. */
  readonly added: boolean;
}

export async function rangesOf(
  session: Session,
  table: SourceTable,
  config: SubtaskConfig,
): Promise<KeyRange[]> {
  try {
    return await planChunks(session, table, config.dump);
  } catch (error) {
    throw await orSourceChanged({ error, tables: [table], config, withSource: (work) => work(session) });
  }
}

export async function planAll(session: Session, tables: readonly SourceTable[], config: SubtaskConfig) {
  const chunks: ChunkRow[] = [];
  for (const table of tables) chunks.push(...newChunks(table.source, await rangesOf(session, table, config)));
  return { tables: tables.map(newTableRow), chunks };
}

/**
 * The column that its chunks are ranges of is read apart from the definition: the key may have gone in between, and
 * every range of a table without a key is the whole table.
 */
export function isAsPlanned(planned: TableRow, table: SourceTable | undefined): boolean {
  if (table === undefined || planned.state === 'gone') return table === undefined && planned.state === 'gone';
  return sameDefinition(planned.definition, table.createSql) && planned.splitColumn === table.splitColumn;
}

/** What to change in the plan; empty when it is right. Only tables with chunks to load are looked at. */
export async function reconcile(
  session: Session,
  state: CopyState,
  current: readonly SourceTable[],
  config: SubtaskConfig,
): Promise<Change[]> {
  const changes: Change[] = [];
  const now = new Map(current.map((table) => [tableKey(table.source), table]));
  for (const key of pendingTables(state)) {
    const planned = must(state.tables.get(key), 'table of a chunk');
    const table = now.get(key);
    if (table === undefined) {
      if (planned.state === 'gone') continue;
      const gone: TableRow = { ...planned, state: 'gone', splitColumn: null, deferred: [] };
      changes.push({ table: gone, chunks: newChunks(planned.source, [WHOLE]), added: false });
    } else if (!isAsPlanned(planned, table)) {
      const chunks = newChunks(planned.source, await rangesOf(session, table, config));
      changes.push({ table: { ...newTableRow(table), state: 'recopy' }, chunks, added: false });
    }
  }
  if (!state.chunks.some((chunk) => chunk.loaded)) {
    for (const table of current) {
      if (state.tables.has(tableKey(table.source))) continue;
      const chunks = newChunks(table.source, await rangesOf(session, table, config));
      changes.push({ table: newTableRow(table), chunks, added: true });
    }
  }
  return changes;
}

/** Keys of the tables that have chunks to load. */
export function pendingTables(state: CopyState): Set<string> {
  return new Set(state.chunks.filter((chunk) => !chunk.loaded).map((chunk) => tableKey(chunk.source)));
}
