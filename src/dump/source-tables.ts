/**
 * The tables that a subtask copies: what the source has, cut by the block-allow list, routed to the
 * target, each with what is needed to read it exactly.
 */
import { Router } from '../filter/router.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteName, quoteTable, type TableName } from '../model/table-name.js';
import type { WrittenTypes } from '../mysql/evaluation-warnings.js';
import type { Session } from '../mysql/session.js';
import { isTextKey } from './text-bounds.js';
import { withExactDefaults } from './binary-defaults.js';
import { quoteString } from '../mysql/text.js';
import { MigratedTables } from '../online-ddl/migrated-tables.js';
import type { NameFilter } from '../schema/fetch.js';

/**
 * How a column's value travels: `number` as the digits that the server prints, `float` the same after
 * a conversion to double (FLOAT prints 6 digits only), `text` as UTF-8, `enum` as text of which the
 * empty one may stand for the error value 0, `binary` as bytes that are no text.
 */
export type Transfer = 'number' | 'float' | 'text' | 'enum' | 'binary';

export interface SourceColumn {
  readonly name: string;
  /** Lower-case data type of information_schema. */
  readonly type: string;
  readonly transfer: Transfer;
  /**
   * Of an ENUM with the empty text among its members: the text that stands for the error value 0, which
   * reads as the empty text too. Servers take digits that are no member for the member's number.
   */
  readonly errorText?: string;
}

export interface SourceTable {
  readonly source: TableName;
  readonly target: TableName;
  /** Of a storage engine with consistent snapshots. */
  readonly transactional: boolean;
  /** SHOW CREATE TABLE. */
  readonly createSql: string;
  /** Without generated columns. */
  readonly columns: readonly SourceColumn[];
  /** The generated ones: they are copied where the target's column is a plain one. */
  readonly generated: readonly SourceColumn[];
  /** First column of the primary key where that is an integer, text or binary: chunks are ranges of it. */
  readonly splitColumn: string | null;
  /** The server's estimates. */
  readonly rows: number;
  readonly bytes: number;
  /** Known once the target's table is: its columns take bytes of UTF-8 as they are, without looking at each character. */
  readonly takesBytes?: boolean;
  /** The types that `columns` have in the target, likewise. */
  readonly written?: WrittenTypes;
}

const BINARY_TYPES = new Set([
  'binary',
  'varbinary',
  'tinyblob',
  'blob',
  'mediumblob',
  'longblob',
  'bit',
  'vector',
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geometrycollection',
  'geomcollection',
]);
const INTEGER_TYPES = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint']);
const SNAPSHOT_ENGINES = new Set(['innodb', 'rocksdb', 'myrocks', 'tokudb']);

export function transferOf(dataType: string): Transfer {
  if (BINARY_TYPES.has(dataType)) return 'binary';
  if (INTEGER_TYPES.has(dataType) || dataType === 'decimal' || dataType === 'year') return 'number';
  if (dataType === 'float' || dataType === 'double') return 'float';
  return dataType === 'enum' ? 'enum' : 'text';
}

/** `columnType` as information_schema has it: `enum('a','it''s','')`. */
function errorTextOf(columnType: string): string | undefined {
  const members = new Set([...columnType.matchAll(/'((?:[^']|'')*)'/g)].map(([, member]) => member));
  if (!members.has('')) return undefined;
  let zero = '0';
  while (members.has(zero)) zero += '0';
  return zero;
}

/** The tables to copy, by schema and name. Throws SqlError, ConnectionError, DmError 40080. */
export async function readSourceTables(session: Session, config: SubtaskConfig): Promise<SourceTable[]> {
  const allowed = new MigratedTables(config);
  const router = new Router(config.routes, config);
  const tables: SourceTable[] = [];
  const schemas = await session.query('SELECT schema_name AS s FROM information_schema.schemata ORDER BY 1');
  for (const { s } of schemas) {
    if (s !== null && allowed.allowsSchema(s))
      tables.push(...(await readSchema(session, s, allowed, router)));
  }
  return tables;
}

/** As readSourceTables, one table; null where there is no such table (any more). */
export async function readSourceTable(
  session: Session,
  config: SubtaskConfig,
  source: TableName,
): Promise<SourceTable | null> {
  const only: NameFilter = {
    allows: ({ table }) => table === source.table,
    allowsSchema: (schema) => schema === source.schema,
  };
  const [found] = await readSchema(session, source.schema, only, new Router(config.routes, config));
  return found ?? null;
}

async function readSchema(
  session: Session,
  schema: string,
  allowed: NameFilter,
  router: Router,
): Promise<SourceTable[]> {
  const where = `table_schema = ${quoteString(schema)}`;
  const names = await session.query(
    `SELECT table_name AS t, engine AS e, table_rows AS r, data_length AS b FROM information_schema.tables
     WHERE ${where} AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY table_name`,
  );
  const wanted = names.filter(({ t }) => allowed.allows({ schema, table: t ?? '' }));
  if (wanted.length === 0) return [];
  const columns = new Map<string, SourceColumn[]>();
  const generated = new Map<string, SourceColumn[]>();
  const types = new Map<string, string>();
  for (const { t, c, d, y, x } of await session.query(
    `SELECT table_name AS t, column_name AS c, data_type AS d, column_type AS y, extra AS x FROM information_schema.columns
     WHERE ${where} ORDER BY table_name, ordinal_position`,
  )) {
    const type = (d ?? '').toLowerCase();
    types.set(`${t}\u0000${c}`, type);
    const kind = isGenerated(x) ? generated : columns;
    const list = kind.get(t ?? '') ?? [];
    const errorText = type === 'enum' ? errorTextOf(y ?? '') : undefined;
    const column = { name: c ?? '', type, transfer: transferOf(type) };
    list.push(errorText === undefined ? column : { ...column, errorText });
    kind.set(t ?? '', list);
  }
  const firstKey = new Map<string, string>();
  for (const { t, c } of await session.query(
    `SELECT table_name AS t, column_name AS c FROM information_schema.statistics
     WHERE ${where} AND index_name = 'PRIMARY' AND seq_in_index = 1 AND sub_part IS NULL`,
  )) {
    const type = types.get(`${t}\u0000${c}`) ?? '';
    if (INTEGER_TYPES.has(type) || isTextKey(type)) firstKey.set(t ?? '', c ?? '');
  }
  const tables: SourceTable[] = [];
  const definitions = await readDefinitions(
    session,
    wanted.map(({ t }) => ({ schema, table: t ?? '' })),
  );
  for (const [i, row] of wanted.entries()) {
    const source = { schema, table: row.t ?? '' };
    const createSql = definitions[i];
    if (createSql === null) continue;
    tables.push({
      source,
      target: router.route(source),
      transactional: SNAPSHOT_ENGINES.has((row.e ?? '').toLowerCase()),
      createSql,
      columns: columns.get(source.table) ?? [],
      generated: generated.get(source.table) ?? [],
      splitColumn: firstKey.get(source.table) ?? null,
      rows: Number(row.r ?? 0),
      bytes: Number(row.b ?? 0),
    });
  }
  return tables;
}

/** By `extra` of information_schema.columns. */
export function isGenerated(extra: string | null): boolean {
  // MySQL says DEFAULT_GENERATED of a default that is an expression.
  return /\b(VIRTUAL|STORED|PERSISTENT)\b/i.test(extra ?? '');
}

/** SHOW CREATE TABLE, or null when there is no such table (any more). */
export async function readDefinition(session: Session, name: TableName): Promise<string | null> {
  try {
    const [{ rows }] = await session.execute(`SHOW CREATE TABLE ${quoteTable(name)}`);
    const text = rows[0][1];
    return text === null ? null : await withExactDefaults(session, name, text);
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** Statements in one packet: a round trip for each of thousands of tables would be felt over a distance. */
const DEFINITIONS_AT_ONCE = 100;

/** As readDefinition, for each of the tables. */
async function readDefinitions(session: Session, names: readonly TableName[]): Promise<(string | null)[]> {
  const found: (string | null)[] = [];
  for (let i = 0; i < names.length; i += DEFINITIONS_AT_ONCE) {
    const some = names.slice(i, i + DEFINITIONS_AT_ONCE);
    const sql = some.map((name) => `SHOW CREATE TABLE ${quoteTable(name)}`).join(';');
    try {
      for (const [at, { rows }] of (await session.execute(sql)).entries()) {
        const text = rows[0][1];
        found.push(text === null ? null : await withExactDefaults(session, some[at], text));
      }
    } catch (error) {
      if (!isGone(error)) throw error;
      // One of them is gone: which, only the single answers tell.
      found.length = i;
      for (const name of some) found.push(await readDefinition(session, name));
    }
  }
  return found;
}

export async function readDatabaseDefinition(session: Session, schema: string): Promise<string> {
  const [{ rows }] = await session.execute(`SHOW CREATE DATABASE ${quoteName(schema)}`);
  return rows[0][1] ?? '';
}

/** Unknown table or database. */
export function isGone(error: unknown): boolean {
  const errno = (error as { errno?: number }).errno;
  return errno === 1146 || errno === 1049 || errno === 1051;
}

/** Two texts of SHOW CREATE TABLE say the same but for the AUTO_INCREMENT counter, which moves with rows. */
export function sameDefinition(a: string, b: string): boolean {
  return withoutCounter(a) === withoutCounter(b);
}

function withoutCounter(sql: string): string {
  const close = sql.lastIndexOf('\n)');
  return sql.slice(0, close) + sql.slice(close).replace(/ AUTO_INCREMENT=\d+/, '');
}
