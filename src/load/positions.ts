/** What sync asks of a full copy that is finished: where each row was read, and the tables as they were. */
import type { SqlValue } from '../binlog/rows.js';
import { comparePositions, NO_LOCATION, type BinlogLocation } from '../model/location.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { tableKey, type TableName } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import type { ChunkPositions, CopySpan } from './chunk-positions.js';
import { CopyMeta, type ChunkRow, type DatabaseRow } from './copy-meta.js';

type CopyConfig = Pick<SubtaskConfig, 'task' | 'sourceId' | 'metaSchema'>;

/** Whether there is a full copy in the target's meta tables, and whether all of it is loaded. */
export async function readCopyState(
  session: Session,
  config: CopyConfig,
): Promise<'none' | 'unfinished' | 'finished'> {
  const state = await new CopyMeta(config).read(session);
  return state === null ? 'none' : state.finished ? 'finished' : 'unfinished';
}

/** Null while there is no finished full copy. */
export async function readChunkPositions(
  session: Session,
  config: CopyConfig,
): Promise<ChunkPositions | null> {
  const state = await new CopyMeta(config).read(session);
  return state?.finished ? new CopiedChunks(state.chunks, state.databases) : null;
}

export interface DumpedTable {
  readonly source: TableName;
  readonly target: TableName;
  /** SHOW CREATE TABLE of the source as of the copy. */
  readonly createSql: string;
}

/** The source's tables as they were copied: where the schema model starts. Empty without a copy. */
export async function dumpedSchemas(session: Session, config: CopyConfig): Promise<DumpedTable[]> {
  const state = await new CopyMeta(config).read(session);
  return [...(state?.tables.values() ?? [])]
    .filter((table) => table.state !== 'gone')
    .map(({ source, target, definition }) => ({ source, target, createSql: definition }));
}

/** The source's databases as they were where sync begins. Empty without a copy. */
export async function copiedDatabases(session: Session, config: CopyConfig): Promise<readonly DatabaseRow[]> {
  const state = await new CopyMeta(config).read(session);
  return [...(state?.databases.values() ?? [])];
}

/** Forgets the copy of this source (start-task --remove-meta). */
export async function removeCopyMeta(session: Session, config: CopyConfig): Promise<void> {
  await new CopyMeta(config).remove(session);
}

interface TableChunks {
  /** Lower bounds of all chunks but the first, ascending; exact as numbers where they are safe. None of text. */
  readonly bounds: (number | bigint)[];
  readonly locations: BinlogLocation[];
  readonly last: BinlogLocation;
  readonly span: CopySpan | null;
}

export class CopiedChunks implements ChunkPositions {
  readonly min: BinlogLocation;
  readonly max: BinlogLocation;
  readonly safeModeUntil: BinlogLocation | null;
  readonly #tables = new Map<string, Map<string, TableChunks>>();
  readonly #databases: ReadonlyMap<string, DatabaseRow>;

  constructor(chunks: readonly ChunkRow[], databases: ReadonlyMap<string, DatabaseRow> = new Map()) {
    this.#databases = databases;
    const located = chunks.filter((chunk) => chunk.location.name !== '');
    const all = located.map((chunk) => chunk.location).sort(comparePositions);
    this.min = all[0] ?? NO_LOCATION;
    this.max = all.at(-1) ?? NO_LOCATION;
    const exits = located.flatMap((chunk) => chunk.exitSafe ?? []).sort(comparePositions);
    this.safeModeUntil = exits.at(-1) ?? null;
    const byTable = new Map<string, ChunkRow[]>();
    for (const chunk of located) {
      const key = tableKey(chunk.source);
      byTable.set(key, [...(byTable.get(key) ?? []), chunk]);
    }
    for (const rows of byTable.values()) {
      rows.sort((a, b) => a.chunk - b.chunk);
      const { schema, table } = rows[0].source;
      const locations = rows.map((row) => row.location);
      const sorted = [...locations].sort(comparePositions);
      const [first] = sorted;
      const last = sorted.at(-1) ?? first;
      const span = comparePositions(first, last) === 0 ? null : { first, last };
      const lows = rows.slice(1).map((row) => row.range.low ?? 0n);
      const bounds = lows.flatMap((low) => (typeof low === 'bigint' ? compact(low) : []));
      const tables = this.#tables.get(schema) ?? new Map<string, TableChunks>();
      tables.set(table, { bounds, locations, last, span });
      this.#tables.set(schema, tables);
    }
  }

  lastOf(schema: string): BinlogLocation {
    let last = this.min;
    for (const table of this.#tables.get(schema)?.values() ?? []) last = later(last, table.last);
    return last;
  }

  madeDatabase(schema: string): boolean {
    return this.#databases.get(schema)?.made === true;
  }

  spanOf(source: TableName): CopySpan | null {
    return this.#tables.get(source.schema)?.get(source.table)?.span ?? null;
  }

  hidesChunks(source: TableName): boolean {
    const table = this.#tables.get(source.schema)?.get(source.table);
    return table !== undefined && table.bounds.length < table.locations.length - 1;
  }

  positionFor(source: TableName, firstKeyValue: SqlValue): BinlogLocation {
    const table = this.#tables.get(source.schema)?.get(source.table);
    if (table === undefined) return this.min;
    if (table.locations.length === 1) return table.last;
    if (typeof firstKeyValue !== 'number' && typeof firstKeyValue !== 'bigint') return table.last;
    let low = 0;
    let high = table.bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (table.bounds[middle] <= firstKeyValue) low = middle + 1;
      else high = middle;
    }
    return table.locations[low];
  }
}

function later(a: BinlogLocation, b: BinlogLocation): BinlogLocation {
  return comparePositions(a, b) < 0 ? b : a;
}

function compact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
