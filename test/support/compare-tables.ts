/**
 * Are two tables equal, row for row? By a checksum that both sides compute the same way, whatever their
 * flavour: each row becomes one text of explicitly converted columns, its SHA-256 (MySQL 9.6 has no MD5 any more) gives four numbers, and
 * the sums over all rows are compared. Sums do not depend on order and count duplicates, so tables without
 * any key work. On a mismatch the differing rows are told.
 */
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import type { DatabaseAddress } from '../servers/database.js';

export interface TablePair {
  /** `schema.table` on the first server. */
  readonly a: string;
  /** `schema.table` on the second server; the same name when left out. */
  readonly b?: string;
}

export interface TableComparison {
  readonly table: string;
  readonly rowsA: number;
  readonly rowsB: number;
  readonly equal: boolean;
  /** Rows on one side only, some of them. */
  readonly differences: readonly string[];
}

interface Column {
  readonly name: string;
  readonly type: string;
}

const SHOWN_ROWS = 8;

async function open(server: DatabaseAddress): Promise<Connection> {
  const connection = await createConnection({
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    charset: 'utf8mb4',
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
  });
  await connection.query("SET time_zone = '+00:00', group_concat_max_len = 4294967295, sql_mode = ''");
  return connection;
}

function quote(table: string): string {
  const dot = table.indexOf('.');
  const part = (name: string): string => '`' + name.replaceAll('`', '``') + '`';
  return `${part(table.slice(0, dot))}.${part(table.slice(dot + 1))}`;
}

async function columnsOf(connection: Connection, table: string): Promise<Column[]> {
  const dot = table.indexOf('.');
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT column_name AS name, data_type AS type FROM information_schema.columns
     WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`,
    [table.slice(0, dot), table.slice(dot + 1)],
  );
  return rows.map((row) => ({ name: String(row['name']), type: String(row['type']).toLowerCase() }));
}

/** The text of one column, the same on every flavour. JSON is text on MariaDB: see `canonicalJson`. */
function converted(column: Column): string {
  const name = '`' + column.name.replaceAll('`', '``') + '`';
  switch (column.type) {
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
    case 'set':
      return `HEX(CONVERT(${name} USING utf8mb4))`;
    case 'enum':
      // The error value 0 reads as the member '' does.
      return `CONCAT(${name} + 0, ':', HEX(CONVERT(${name} USING utf8mb4)))`;
    case 'json':
      return `HEX(CAST(${name} AS CHAR))`;
    case 'bit':
      return `CAST(${name} + 0 AS CHAR)`;
    case 'float':
    case 'double':
      return `CAST(${name} AS CHAR)`;
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
    case 'vector':
      return `HEX(${name})`;
    case 'geometry':
    case 'point':
    case 'linestring':
    case 'polygon':
    case 'multipoint':
    case 'multilinestring':
    case 'multipolygon':
    case 'geometrycollection':
    case 'geomcollection':
      return `CONCAT(ST_SRID(${name}), ':', HEX(ST_AsBinary(${name})))`;
    default:
      return `CAST(${name} AS CHAR)`;
  }
}

function rowText(columns: readonly Column[]): string {
  const parts = columns.map((column) => `COALESCE(${converted(column)}, '~')`);
  return `CONCAT_WS(',', ${parts.join(', ')})`;
}

async function checksum(
  connection: Connection,
  table: string,
  columns: readonly Column[],
): Promise<string[]> {
  const hash = `SHA2(${rowText(columns)}, 256)`;
  const sums = [1, 9, 17, 25].map(
    (at) => `COALESCE(SUM(CAST(CONV(SUBSTRING(h, ${at}, 8), 16, 10) AS UNSIGNED)), 0)`,
  );
  const [rows] = await connection.query<RowDataPacket[][]>({
    sql: `SELECT COUNT(*), ${sums.join(', ')} FROM (SELECT ${hash} AS h FROM ${quote(table)}) AS hashed`,
    rowsAsArray: true,
  });
  return (rows[0] ?? []).map(String);
}

function canonicalJson(hex: string): string {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .sort(([x], [y]) => (x < y ? -1 : 1))
        .map(([key, inner]) => [key, sorted(inner)]),
    );
  };
  return JSON.stringify(sorted(JSON.parse(Buffer.from(hex, 'hex').toString('utf8'))));
}

/** All rows as texts with their number of occurrences. */
async function rowCounts(
  connection: Connection,
  table: string,
  columns: readonly Column[],
  json: ReadonlySet<string>,
): Promise<Map<string, number>> {
  const list = columns.map((column) => converted(column)).join(', ');
  const [rows] = await connection.query<RowDataPacket[][]>({
    sql: `SELECT ${list} FROM ${quote(table)}`,
    rowsAsArray: true,
  });
  const counts = new Map<string, number>();
  for (const row of rows) {
    const values = (row as unknown as (string | null)[]).map((value, i) => {
      const column = columns[i]!;
      if (value === null) return null;
      if (json.has(column.name)) return canonicalJson(value);
      return column.type === 'float' || column.type === 'double' ? canonicalNumber(value) : value;
    });
    const text = JSON.stringify(values);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/** Flavours print the same number in different ways; -0 equals 0. */
function canonicalNumber(text: string): string {
  const value = Number(text);
  return String(value === 0 ? 0 : value);
}

function readable(text: string, columns: readonly Column[]): string {
  const values = JSON.parse(text) as (string | null)[];
  return values
    .map((value, i) => {
      if (value === null) return 'NULL';
      const isHex = converted(columns[i]!).startsWith('HEX(') && /^[0-9A-F]*$/.test(value);
      const plain = isHex ? Buffer.from(value, 'hex').toString('utf8') : value;
      const shown = /^[^\p{Cc}]*$/u.test(plain) ? plain : value;
      return shown.length > 40 ? `${shown.slice(0, 37)}...` : shown;
    })
    .join(' | ');
}

function differences(a: Map<string, number>, b: Map<string, number>, columns: readonly Column[]): string[] {
  const found: string[] = [];
  for (const text of new Set([...a.keys(), ...b.keys()])) {
    const [inA, inB] = [a.get(text) ?? 0, b.get(text) ?? 0];
    if (inA !== inB) found.push(`${inA}x in A, ${inB}x in B: ${readable(text, columns)}`);
  }
  return found;
}

async function compareOne(a: Connection, b: Connection, pair: TablePair): Promise<TableComparison> {
  const nameB = pair.b ?? pair.a;
  const table = nameB === pair.a ? pair.a : `${pair.a} -> ${nameB}`;
  const [columnsA, columnsB] = await Promise.all([columnsOf(a, pair.a), columnsOf(b, nameB)]);
  const names = (columns: readonly Column[]): string => columns.map((column) => column.name).join(', ');
  if (columnsA.length === 0 || columnsB.length === 0 || names(columnsA) !== names(columnsB)) {
    const text = `columns differ: A (${names(columnsA)}), B (${names(columnsB)})`;
    return { table, rowsA: -1, rowsB: -1, equal: false, differences: [text] };
  }
  // Conversions follow the first side's types, but JSON where either side says so.
  const json = new Set([...columnsA, ...columnsB].filter((c) => c.type === 'json').map((c) => c.name));
  const columns = columnsA.map((column) => (json.has(column.name) ? { ...column, type: 'json' } : column));
  if (json.size === 0) {
    const [sumA, sumB] = await Promise.all([checksum(a, pair.a, columns), checksum(b, nameB, columns)]);
    const [rowsA, rowsB] = [Number(sumA[0]), Number(sumB[0])];
    if (sumA.join() === sumB.join()) return { table, rowsA, rowsB, equal: true, differences: [] };
  }
  const [countsA, countsB] = await Promise.all([
    rowCounts(a, pair.a, columns, json),
    rowCounts(b, nameB, columns, json),
  ]);
  const total = (counts: Map<string, number>): number => [...counts.values()].reduce((x, y) => x + y, 0);
  const found = differences(countsA, countsB, columns);
  const shown = found.slice(0, SHOWN_ROWS);
  if (found.length > SHOWN_ROWS) shown.push(`... and ${found.length - SHOWN_ROWS} more`);
  return {
    table,
    rowsA: total(countsA),
    rowsB: total(countsB),
    equal: found.length === 0,
    differences: shown,
  };
}

/** Compares the tables of two servers that nobody writes to meanwhile. */
export async function compareTables(
  a: DatabaseAddress,
  b: DatabaseAddress,
  pairs: readonly (TablePair | string)[],
): Promise<TableComparison[]> {
  const [connectionA, connectionB] = await Promise.all([open(a), open(b)]);
  try {
    const results: TableComparison[] = [];
    for (const pair of pairs) {
      results.push(await compareOne(connectionA, connectionB, typeof pair === 'string' ? { a: pair } : pair));
    }
    return results;
  } finally {
    connectionA.destroy();
    connectionB.destroy();
  }
}

/** Throws, with the differing rows, unless all tables are equal. */
export async function assertTablesEqual(
  a: DatabaseAddress,
  b: DatabaseAddress,
  pairs: readonly (TablePair | string)[],
): Promise<void> {
  const unequal = (await compareTables(a, b, pairs)).filter((result) => !result.equal);
  if (unequal.length === 0) return;
  const text = unequal.map(
    (result) =>
      `${result.table}: ${result.rowsA} rows in A, ${result.rowsB} in B\n  ${result.differences.join('\n  ')}`,
  );
  throw new Error(`tables differ:\n${text.join('\n')}`);
}
