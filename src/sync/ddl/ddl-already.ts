/**
 * Statements that the target refuses because it stands already where they lead: an object that is there with
 * the structure that the statement would give it, or that is gone. They are accepted; whatever differs stays
 * an error, since nobody can tell what somebody wanted there.
 */
import type { TableName } from '../../model/table-name.js';
import type { SqlError, Session } from '../../mysql/session.js';
import { SchemaTracker } from '../../schema/apply.js';
import type { AlterTable, ParsedStatement } from '../../schema/ddl-types.js';
import { parseDdl } from '../../schema/ddl.js';
import { dialectOf, fetchSchemaDefaults, fetchTableSchema, fetchTrackerOptions } from '../../schema/fetch.js';
import type { Index, TableSchema } from '../../schema/table.js';

const DATABASE_EXISTS = 1007;
const NO_SUCH_DATABASE = new Set([1008, 1049]);
const TABLE_EXISTS = 1050;
const NO_SUCH_TABLE = new Set([1051, 1146, 1049]);
const DUPLICATE_COLUMN = 1060;

export type Already =
  | { readonly done: true; readonly why: string }
  /** `differs`: what is there is not what the statement makes; '' where the error says it all. */
  | { readonly done: false; readonly differs: string };

const NO: Already = { done: false, differs: '' };

export interface AlreadyInput {
  /** Of the target. */
  readonly session: Session;
  readonly error: SqlError;
  /** What the target refused. */
  readonly sql: string;
  /** The source's statement forgives tables that are missing. */
  readonly ifExists: boolean;
}

/** Throws ConnectionError. */
export async function alreadyDone(input: AlreadyInput): Promise<Already> {
  try {
    return await judge(input);
  } catch (error) {
    // A structure that we cannot read or build is not known to be the same.
    if (input.session.closed) throw error;
    return NO;
  }
}

async function judge({ session, error, sql, ifExists }: AlreadyInput): Promise<Already> {
  const parsed = parseDdl(sql, dialectOf(session));
  const { errno } = error;
  switch (parsed.kind) {
    case 'create-database':
      return errno === DATABASE_EXISTS ? sameDatabase(session, parsed) : NO;
    case 'drop-database':
      return NO_SUCH_DATABASE.has(errno) ? done('the database does not exist') : NO;
    case 'drop-table':
      return NO_SUCH_TABLE.has(errno) ? done('the table does not exist') : NO;
    case 'rename-table':
      return ifExists && NO_SUCH_TABLE.has(errno)
        ? done('the table does not exist, which the statement allows')
        : NO;
    case 'create-table':
      return errno === TABLE_EXISTS ? sameTable(session, parsed) : NO;
    case 'alter-table':
      return errno === DUPLICATE_COLUMN ? sameColumns(session, parsed) : NO;
    default:
      return NO;
  }
}

function done(why: string): Already {
  return { done: true, why };
}

async function sameDatabase(
  session: Session,
  parsed: Extract<ParsedStatement, { kind: 'create-database' | 'alter-database' }>,
): Promise<Already> {
  const { schema } = parsed.database.name;
  const found = (await fetchSchemaDefaults(session, [schema])).get(schema);
  const { charset, collation } = parsed;
  if (
    (charset === undefined || fullCharset(charset) === fullCharset(found?.charset ?? '')) &&
    (collation === undefined || fullCharset(collation) === fullCharset(found?.collation ?? ''))
  ) {
    return done('the database exists');
  }
  return {
    done: false,
    differs: `it exists with CHARACTER SET ${found?.charset} COLLATE ${found?.collation}`,
  };
}

/** utf8 and utf8mb3 are one. */
function fullCharset(name: string): string {
  return name.toLowerCase().replace(/^utf8(?=_|$)/, 'utf8mb3');
}

/** What the statement makes where `present` is what it finds, as the target's own rules have it. */
async function outcome(
  session: Session,
  parsed: ParsedStatement,
  name: TableName,
  present: TableSchema | undefined,
): Promise<TableSchema | undefined> {
  const tracker = new SchemaTracker(await fetchTrackerOptions(session));
  for (const [schema, pair] of await fetchSchemaDefaults(session, [name.schema]))
    tracker.setSchema(schema, pair);
  if (present !== undefined) tracker.set(present);
  if (parsed.kind === 'create-table' && parsed.like !== undefined) {
    const like = await fetchTableSchema(session, parsed.like.name, { scope: 'downstream' });
    if (like !== undefined) tracker.set(like);
  }
  tracker.apply(parsed);
  return tracker.get(name);
}

async function sameTable(
  session: Session,
  parsed: Extract<ParsedStatement, { kind: 'create-table' }>,
): Promise<Already> {
  const { name } = parsed.table;
  const found = await fetchTableSchema(session, name, { scope: 'downstream' });
  const wanted = await outcome(session, parsed, name, undefined);
  if (found === undefined || wanted === undefined) return NO;
  const differs = difference(wanted, found);
  return differs === '' ? done('the table exists with the same structure') : { done: false, differs };
}

/** All that the ALTER does is to add columns, and they are there as it would add them. */
async function sameColumns(session: Session, parsed: AlterTable): Promise<Already> {
  const added = new Set<string>();
  for (const one of parsed.operations) {
    if (one.op === 'modifier') continue;
    if (one.op !== 'add-column') return NO;
    added.add(one.column.name.toLowerCase());
  }
  const { name } = parsed.table;
  const found = await fetchTableSchema(session, name, { scope: 'downstream' });
  if (found === undefined) return NO;
  const columns = found.columns.filter((column) => !added.has(column.name.toLowerCase()));
  if (columns.length !== found.columns.length - added.size) return NO;
  const own = (index: Index) =>
    !index.parts.every((part) => part.column !== '' && added.has(part.column.toLowerCase()));
  const before = { ...found, columns, indexes: found.indexes.filter(own) };
  // Where the columns stand does not matter: rows are written by name.
  const anywhere = {
    ...parsed,
    operations: parsed.operations.map((one) =>
      one.op === 'add-column' ? { ...one, position: undefined } : one,
    ),
  };
  const wanted = await outcome(session, anywhere, name, before);
  if (wanted === undefined) return NO;
  const differs = difference(wanted, found);
  return differs === '' ? done('the columns are there') : { done: false, differs };
}

/** The first difference between two structures that matters to rows; '' where there is none. */
function difference(wanted: TableSchema, found: TableSchema): string {
  const there = new Map(found.columns.map((column) => [column.name.toLowerCase(), column]));
  for (const column of wanted.columns) {
    const other = there.get(column.name.toLowerCase());
    if (other === undefined) return `it has no column ${column.name}`;
    there.delete(column.name.toLowerCase());
    const a = columnText(column);
    const b = columnText(other);
    if (a !== b) return `its column ${column.name} is ${b}, not ${a}`;
  }
  for (const { name } of there.values()) return `it has the further column ${name}`;
  const indexes = new Set(found.indexes.map(indexText));
  for (const index of wanted.indexes) {
    if (!indexes.delete(indexText(index))) return `it has no ${indexText(index)}`;
  }
  for (const text of indexes) return `it has the further ${text}`;
  return '';
}

function columnText(column: TableSchema['columns'][number]): string {
  const { type, nullable, autoIncrement, generated } = column;
  const integer = type.base.endsWith('int');
  const length =
    type.length === undefined || integer ? '' : `(${type.length}${type.decimals ? `,${type.decimals}` : ''})`;
  const parts = [
    type.base + length,
    type.unsigned ? 'unsigned' : '',
    type.members === undefined ? '' : `(${type.members.map((m) => `'${m}'`).join(',')})`,
    type.charset === undefined
      ? ''
      : `charset ${fullCharset(type.charset)} collate ${fullCharset(type.collation ?? '')}`,
    type.decimals !== undefined && length === '' ? `fraction ${type.decimals}` : '',
    nullable ? '' : 'not null',
    autoIncrement ? 'auto_increment' : '',
    generated === undefined ? '' : generated.stored ? 'stored' : 'virtual',
    defaultText(column.default),
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function defaultText(text: string | null): string {
  if (text === null || text.toUpperCase() === 'NULL') return '';
  return `default ${text
    .replace(/^'(-?\d+(?:\.\d+)?)'$/, '$1')
    .replace(/\(\)$/, '')
    .toLowerCase()}`;
}

function indexText(index: Index): string {
  const parts = index.parts.map(
    (part) => (part.expression ?? part.column) + (part.length ? `(${part.length})` : ''),
  );
  return `${index.kind} key (${parts.join(', ').toLowerCase()})`;
}

/** The way out of a DDL that the target refuses. */
export function refusalWorkaround(error: SqlError, differs: string): string {
  const fix = differs === '' ? '' : `What is there differs from what the statement makes: ${differs}. `;
  switch (error.errno) {
    case TABLE_EXISTS:
    case DATABASE_EXISTS:
    case DUPLICATE_COLUMN:
    case 1061:
      return `${fix}Please bring the target's object in line with the statement and use \`binlog skip\`, drop or rename it and resume the task, or use \`binlog replace\` with a statement that fits.`;
    case 1054:
    case 1091:
    case 1146:
    case 1176:
      return 'Please make on the target what the statement expects to find and resume the task, or use `binlog skip` where the target is right without it, or `binlog replace` with a statement that fits.';
    case 1062:
      return 'Please remove the duplicate rows on the target and resume the task, or use `binlog replace` with a statement that fits (a key that is not unique), or `binlog skip`.';
    default:
      return 'Please correct the target so that it accepts the statement and resume the task, or use `binlog replace` with a statement that it accepts, or `binlog skip` where it is not needed.';
  }
}
