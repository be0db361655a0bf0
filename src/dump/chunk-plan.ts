/** Splits a table into chunks: ranges of the first column of its primary key. */
import type { DumpConfig } from '../model/subtask-config.js';
import { quoteName, quoteTable } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import type { SourceTable } from './source-tables.js';
import { isTextKey, textBounds } from './text-bounds.js';

/** Of an integer key its value, of another the literal that stands for it in SQL. */
export type KeyBound = bigint | string;

/** low <= key < high; null = open end. Ranges of a table cover all keys, also ones that do not exist yet. */
export interface KeyRange {
  readonly low: KeyBound | null;
  readonly high: KeyBound | null;
}

export const WHOLE: KeyRange = { low: null, high: null };

export function isWhole({ low, high }: KeyRange): boolean {
  return low === null && high === null;
}

/** So that the meta table stays small; more rows per chunk instead. */
const MAX_CHUNKS = 4096;

/**
 * A chunk for each `rows` rows or `chunkFilesize` bytes, whichever gives more, by the server's
 * estimates. Ranges are of equal width: where keys are unevenly spread chunks differ in size, and a
 * large one simply becomes several files.
 */
export async function planChunks(
  session: Session,
  table: SourceTable,
  config: Pick<DumpConfig, 'rows' | 'chunkFilesize'>,
): Promise<KeyRange[]> {
  if (table.splitColumn === null || config.rows === 0 || !table.transactional) return [WHOLE];
  const bySize = config.chunkFilesize > 0 ? table.bytes / config.chunkFilesize : 0;
  const wanted = Math.min(MAX_CHUNKS, Math.ceil(Math.max(table.rows / config.rows, bySize)));
  if (wanted <= 1) return [WHOLE];
  const column = [...table.columns, ...table.generated].find(({ name }) => name === table.splitColumn);
  if (column !== undefined && isTextKey(column.type)) {
    const at = { table: table.source, column: column.name, type: column.type };
    return between(await textBounds(session, at, wanted));
  }
  const key = quoteName(table.splitColumn);
  const [{ lo, hi }] = await session.query(
    `SELECT MIN(${key}) AS lo, MAX(${key}) AS hi FROM ${quoteTable(table.source)}`,
  );
  if (lo === null || hi === null) return [WHOLE];
  return splitRange(BigInt(lo), BigInt(hi), wanted);
}

/** About `count` ranges of equal width over [min, max], the first and the last open. */
export function splitRange(min: bigint, max: bigint, count: number): KeyRange[] {
  const span = max - min + 1n;
  const parts = span < BigInt(count) ? span : BigInt(count);
  const ranges: KeyRange[] = [];
  let low: bigint | null = null;
  for (let i = 1n; i < parts; i++) {
    const high: bigint = min + (span * i) / parts;
    ranges.push({ low, high });
    low = high;
  }
  ranges.push({ low, high: null });
  return ranges;
}

function between(bounds: readonly KeyBound[]): KeyRange[] {
  return [null, ...bounds].map((low, i) => ({ low, high: bounds[i] ?? null }));
}

/** The SELECT that reads a chunk. */
export function chunkSelect(table: SourceTable, range: KeyRange, where: string | undefined): string {
  const columns = table.columns.map(({ name, transfer, errorText }) => {
    const column = quoteName(name);
    if (errorText !== undefined) return `IF(${column} + 0 = 0, '${errorText}', ${column})`;
    return transfer === 'float' ? `${column} * 1e0` : column;
  });
  const conditions: string[] = [];
  let hint = '';
  if (table.splitColumn !== null && (range.low !== null || range.high !== null)) {
    const key = quoteName(table.splitColumn);
    hint = ' FORCE INDEX (PRIMARY)';
    if (range.low !== null) conditions.push(`${key} >= ${range.low}`);
    if (range.high !== null) conditions.push(`${key} < ${range.high}`);
  }
  if (where !== undefined && where !== '') conditions.push(`(${where})`);
  const filter = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `SELECT ${columns.join(', ')} FROM ${quoteTable(table.source)}${hint}${filter}`;
}
