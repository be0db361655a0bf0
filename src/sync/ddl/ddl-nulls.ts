/**
 * Columns that become NOT NULL while rows hold NULL, as a lax sql_mode allows. What the server makes of NULL
 * differs, and no error tells:
 * - MySQL, and MariaDB where it copies the table: the zero value of the type; JSON `null` in MySQL, a refusal
 *   (4025) or the empty text in MariaDB.
 * - MariaDB where it changes the table in place: the default that the column had *before*, if it is a constant
 *   and the type is no BLOB or TEXT, else the zero value.
 * - TiDB refuses such rows.
 * So the target is told to copy, or its NULLs are filled first with what the source has made of them.
 * (Found by trying MariaDB 10.11, MySQL 5.6 and 9.7; TiDB as documented.)
 */
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import { quoteName, quoteTable } from '../../model/table-name.js';
import type { Session } from '../../mysql/session.js';
import type { AlterOperation, AlterTable } from '../../schema/ddl-types.js';
import { parseDdl } from '../../schema/ddl.js';
import type { Dialect } from '../../schema/dialect.js';
import { fetchTableSchema } from '../../schema/fetch.js';
import type { Column, TableSchema } from '../../schema/table.js';

const STRICT_BITS = (1n << 21n) | (1n << 22n);

export interface NullFillInput {
  /** Of the target. */
  readonly session: Session;
  /** As it will be sent to the target. */
  readonly sql: string;
  /** As the source ran it: it may name an algorithm, which `sql` does not. */
  readonly sourceSql: string;
  readonly sqlMode: bigint;
  /** How both texts are read; its flavour is the source's. */
  readonly dialect: Dialect;
  readonly defaultSchema: string;
}

export interface NullFill {
  /** Run first, each any number of times; they touch nothing where no NULL is. */
  readonly before: readonly string[];
  readonly sql: string;
}

/** Throws DmError 60406 where nobody can tell what the source has made of rows that the target holds. */
export async function nullFill(input: NullFillInput): Promise<NullFill> {
  const { session, sql, sqlMode, dialect, defaultSchema } = input;
  const asIs = { before: [], sql };
  // A strict source refuses the statement where a NULL is.
  if ((sqlMode & STRICT_BITS) !== 0n || !/\bnot\s+null\b|\bprimary\b/i.test(sql)) return asIs;
  const parsed = parseDdl(sql, { ...dialect, defaultSchema });
  if (parsed.kind !== 'alter-table') return asIs;
  const names = filledColumns(parsed);
  if (names.size === 0) return asIs;
  const table = await fetchTableSchema(session, parsed.table.name, { scope: 'downstream' });
  const columns = (table?.columns ?? []).filter(
    ({ name, nullable, generated }) => names.has(name.toLowerCase()) && nullable && !generated,
  );
  if (table === undefined || columns.length === 0) return asIs;

  const fromMariaDb = dialect.flavor === 'mariadb';
  if (session.isMariaDb) {
    const before = fromMariaDb ? [] : jsonFills(parsed, table, columns);
    const copies = !fromMariaDb || algorithm(input.sourceSql) === 'COPY';
    return { before, sql: copies ? byCopy(sql, parsed) : sql };
  }
  const isTiDb = session.serverVersion.includes('TiDB');
  const before: string[] = [];
  for (const column of columns) {
    const fill = fromMariaDb ? await mariaDbFill(input, parsed, table, column) : 'zero';
    if (fill === 'default') before.push(update(table, column, 'DEFAULT'));
    else if (isTiDb && sameType(parsed, column)) before.push(update(table, column, zeroOf(column)));
  }
  return { before, sql };
}

/** Lower-case names, before the statement, of columns that it makes NOT NULL. */
function filledColumns(parsed: AlterTable): Set<string> {
  const names = new Set<string>();
  for (const one of parsed.operations) {
    if (one.op === 'change-column' && (one.column.nullable === false || one.column.key === 'primary')) {
      names.add(one.name.toLowerCase());
    }
    if (one.op === 'add-index' && one.index.kind === 'primary') {
      for (const { column } of one.index.parts) names.add(oldName(parsed, column).toLowerCase());
    }
  }
  return names;
}

/** Of a column that the statement may rename. */
function oldName(parsed: AlterTable, name: string): string {
  const lower = name.toLowerCase();
  for (const one of parsed.operations) {
    if (one.op === 'change-column' && one.column.name.toLowerCase() === lower) return one.name;
    if (one.op === 'rename-column' && one.newName.toLowerCase() === lower) return one.name;
  }
  return name;
}

/** Of several the last counts. */
function algorithm(sourceSql: string): string {
  return [...sourceSql.matchAll(/\bALGORITHM\s*=?\s*(\w+)/gi)].at(-1)?.[1].toUpperCase() ?? 'DEFAULT';
}

/** The statement with ALGORITHM=COPY behind its last operation that may stand before others. */
function byCopy(sql: string, parsed: AlterTable): string {
  const at = parsed.operations.findLast(
    ({ op }) => op !== 'partition-by' && op !== 'partitions' && op !== 'order-by',
  );
  if (at === undefined) return sql;
  // Of ADD COLUMN (a INT, b INT) each column is an operation.
  const bracket = /^(?:\s|\/\*.*?\*\/|(?:--\s|#)[^\n]*\n)*\)/s.exec(sql.slice(at.end));
  const end = at.end + (bracket?.[0].length ?? 0);
  return `${sql.slice(0, end)}, ALGORITHM=COPY${sql.slice(end)}`;
}

function changeOf(
  parsed: AlterTable,
  { name }: Column,
): (AlterOperation & { op: 'change-column' }) | undefined {
  for (const one of parsed.operations) {
    if (one.op === 'change-column' && one.name.toLowerCase() === name.toLowerCase()) return one;
  }
  return undefined;
}

/** MySQL's JSON value `null` for the columns that become JSON, where their type of now can hold it. */
function jsonFills(parsed: AlterTable, table: TableSchema, columns: readonly Column[]): string[] {
  return columns
    .filter((column) => changeOf(parsed, column)?.column.type.base === 'json')
    .filter(({ type: { base } }) => base === 'json' || base.endsWith('text') || base.endsWith('char'))
    .map((column) => update(table, column, "'null'"));
}

/** Columns that a server would set to the time of a change keep their values. */
function update(table: TableSchema, column: Column, value: string): string {
  const kept = table.columns.filter(({ onUpdate, name }) => onUpdate !== undefined && name !== column.name);
  const name = quoteName(column.name);
  const sets = [`${name}=${value}`, ...kept.map((one) => `${quoteName(one.name)}=${quoteName(one.name)}`)];
  return `UPDATE ${quoteTable(table)} SET ${sets.join(', ')} WHERE ${name} IS NULL`;
}

/** What a MariaDB source has made of NULL: the zero value, or the default of before. */
async function mariaDbFill(
  { session, sourceSql }: NullFillInput,
  parsed: AlterTable,
  table: TableSchema,
  column: Column,
): Promise<'zero' | 'default'> {
  if (column.default === null || /^NULL$/i.test(column.default)) return 'zero';
  if (/(?:text|blob|json|point|geometry|polygon|linestring)$/.test(column.type.base)) return 'zero';
  // The clock's time is no constant. A function may be one: nobody can tell.
  if (/^\(?\s*(?:CURRENT_TIMESTAMP|NOW|LOCALTIME|LOCALTIMESTAMP)\b/i.test(column.default)) return 'zero';
  const copies =
    algorithm(sourceSql) === 'COPY' || parsed.operations.some((one) => copied(one, parsed, table));
  if (copies) return 'zero';
  const known =
    !/[a-z_]\s*\(/i.test(column.default.replace(/'(?:[^']|'')*'/g, '')) &&
    sameType(parsed, column) &&
    parsed.operations.every((one) => inPlace(one, table)) &&
    table.columns.every(({ generated }) => generated === undefined);
  if (known) return 'default';
  const [row] = await session.query(
    `SELECT EXISTS(SELECT 1 FROM ${quoteTable(table)} WHERE ${quoteName(column.name)} IS NULL) AS n`,
  );
  if (row?.n === '1') throw unknownFill(table, column);
  return 'zero';
}

/** MariaDB certainly copies the table. */
function copied(one: AlterOperation, parsed: AlterTable, table: TableSchema): boolean {
  switch (one.op) {
    case 'add-check':
    case 'order-by':
    case 'versioning':
      return true;
    case 'add-column':
      return one.column.generated !== undefined;
    case 'drop-primary':
      return !parsed.operations.some((other) => other.op === 'add-index' && other.index.kind === 'primary');
    case 'modifier':
      return / KEYS$/.test(one.what);
    case 'change-column': {
      const before = columnOf(table, one.name);
      const { type, nullable } = one.column;
      // A TIMESTAMP gets the time of the statement, which it does not do in place.
      const timed = type.base === 'timestamp' && nullable === false && before?.nullable === true;
      return timed || (before !== undefined && differs(before.type, type));
    }
    default:
      return false;
  }
}

function differs(before: Column['type'], after: Written): boolean {
  return before.base !== after.base || before.unsigned !== after.unsigned;
}

function columnOf(table: TableSchema, name: string): Column | undefined {
  return table.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
}

/** MariaDB certainly changes the table in place, as far as this operation matters. */
function inPlace(one: AlterOperation, table: TableSchema): boolean {
  switch (one.op) {
    case 'change-column': {
      const before = columnOf(table, one.name);
      return before !== undefined && typeStays(before, one.column.type);
    }
    case 'add-column':
      return (
        one.column.default == null ||
        /^(?:[-+]?[\d.]+|'(?:[^']|'')*'|CURRENT_TIMESTAMP.*)$/is.test(one.column.default)
      );
    case 'table-options':
      return !('ENGINE' in one.options.others) || /^innodb$/i.test(one.options.others.ENGINE);
    case 'add-index':
    case 'drop-index':
    case 'drop-primary':
    case 'rename-index':
    case 'rename-column':
    case 'rename-table':
    case 'drop-column':
    case 'drop-constraint':
    case 'alter-column':
    case 'modifier':
      return true;
    default:
      return false;
  }
}

type Written = (AlterOperation & { op: 'change-column' })['column']['type'];

function typeStays({ type }: Column, written: Written): boolean {
  const sized = !/int$|^(?:float|double|year|tinytext|text|mediumtext|longtext|.*blob)$/.test(type.base);
  return (
    type.base === written.base &&
    type.unsigned === written.unsigned &&
    (!sized || (type.length ?? 0) === (written.length ?? type.length ?? 0)) &&
    (type.decimals ?? 0) === (written.decimals ?? 0) &&
    (written.charset ?? type.charset) === type.charset &&
    (type.members ?? []).join('\n') === (written.members ?? []).join('\n')
  );
}

function sameType(parsed: AlterTable, column: Column): boolean {
  const change = changeOf(parsed, column);
  return change === undefined || typeStays(column, change.column.type);
}

/** What a lax server stores for NULL in a column that may not hold it. */
function zeroOf({ type: { base, decimals } }: Column): string {
  if (base === 'timestamp') return `CURRENT_TIMESTAMP${decimals ? `(${decimals})` : ''}`;
  if (base === 'date') return "'0000-00-00'";
  if (base === 'datetime') return "'0000-00-00 00:00:00'";
  if (base === 'time') return "'00:00:00'";
  if (base === 'json') return "'null'";
  return /int$|^(?:decimal|float|double|bit|year|enum|set)$/.test(base) ? '0' : "''";
}

function unknownFill(table: TableSchema, column: Column): DmError {
  const [where, name] = [quoteTable(table), quoteName(column.name)];
  return new DmError(
    CODES.syncNullFill,
    `the column ${name} of ${where} becomes NOT NULL and rows hold NULL in it: MariaDB has put there the default of before, ${column.default}, or the zero value, by how it rebuilt the table, which the binlog does not tell`,
    {
      workaround: `Please look on the source which value these rows have now, put it into the target (UPDATE ${where} SET ${name}=... WHERE ${name} IS NULL) and resume the task.`,
    },
  );
}
