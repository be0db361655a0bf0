/** Reads the definitions of tables from a server, as SHOW CREATE TABLE prints them. */
import { CODES } from '../errors/codes.js';
import { DmError, type ErrorScope } from '../errors/dm-error.js';
import type { TableName } from '../model/table-name.js';
import { quoteName, quoteTable } from '../model/table-name.js';
import { type Session, SqlError } from '../mysql/session.js';
import { createTableFromSql, type CreateTableSqlOptions } from './build-table.js';
import { type CharsetPair, resolveCharset, serverDefault } from './charsets.js';
import { parseDdl } from './ddl.js';
import type { SqlFlavor } from './dialect.js';
import type { TrackerOptions } from './apply.js';
import type { TableSchema } from './table.js';

/** Statements sent in one packet. */
const BATCH = 100;

const NO_SUCH_TABLE = 1146;
const UNKNOWN_DATABASE = 1049;

/** What a block-allow list is to this file. */
export interface NameFilter {
  allows(name: TableName): boolean;
  allowsSchema(schema: string): boolean;
}

export interface FetchOptions {
  /** Which side the server is on, for errors; default upstream. */
  readonly scope?: ErrorScope;
}

export function flavorOf(session: Session): SqlFlavor {
  if (session.serverVersion.includes('TiDB')) return 'tidb';
  return session.isMariaDb ? 'mariadb' : 'mysql';
}

/** How this server's output of SHOW CREATE is read. */
export function dialectOf(session: Session): CreateTableSqlOptions {
  return {
    flavor: flavorOf(session),
    serverVersion: session.serverVersion,
    ansiQuotes: false,
    noBackslashEscapes: false,
  };
}

/**
 * Definitions of the tables, in the order of `names`. Throws DmError 44007 for the first that cannot be
 * had, ConnectionError as it comes.
 */
export async function fetchTableSchemas(
  session: Session,
  names: readonly TableName[],
  options: FetchOptions = {},
): Promise<TableSchema[]> {
  return withShowMode(session, async () => {
    const tables: TableSchema[] = [];
    for (let i = 0; i < names.length; i += BATCH) {
      const batch = names.slice(i, i + BATCH);
      const texts = await showCreate(session, batch, options);
      texts.forEach((text, j) => tables.push(read(session, batch[j], text, options)));
    }
    return tables;
  });
}

/** The table's definition, or undefined where there is no such table. */
export async function fetchTableSchema(
  session: Session,
  name: TableName,
  options: FetchOptions = {},
): Promise<TableSchema | undefined> {
  try {
    return (await fetchTableSchemas(session, [name], options))[0];
  } catch (error) {
    if (error instanceof DmError && error.cause instanceof SqlError) {
      const { errno } = error.cause;
      if (errno === NO_SUCH_TABLE || errno === UNKNOWN_DATABASE) return undefined;
    }
    throw error;
  }
}

/** Whether the table has triggers that this user may see. */
export async function hasTriggers(session: Session, { schema, table }: TableName): Promise<boolean> {
  const text = (name: string) => `'${name.replace(/[\\']/g, (c) => '\\' + c)}'`;
  const [found] = await session.execute(
    'SELECT 1 FROM information_schema.TRIGGERS' +
      ` WHERE EVENT_OBJECT_SCHEMA=${text(schema)} AND EVENT_OBJECT_TABLE=${text(table)} LIMIT 1`,
  );
  return found.rows.length > 0;
}

async function showCreate(
  session: Session,
  names: readonly TableName[],
  options: FetchOptions,
): Promise<string[]> {
  const sql = names.map((name) => `SHOW CREATE TABLE ${quoteTable(name)}`).join(';');
  try {
    const results = await session.execute(sql);
    return results.map((result) => result.rows[0]?.[1] ?? '');
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw fetchError(names[error.statement] ?? names[0], error, options);
  }
}

function fetchError(name: TableName, cause: unknown, options: FetchOptions): DmError {
  return new DmError(
    CODES.schemaTrackerCannotFetchTable,
    `cannot fetch the schema of table ${quoteTable(name)}`,
    { cause, scope: options.scope ?? 'upstream' },
  );
}

function read(session: Session, name: TableName, text: string, options: FetchOptions): TableSchema {
  try {
    return createTableFromSql(text, name.schema, dialectOf(session));
  } catch (error) {
    if (error instanceof DmError) throw fetchError(name, error, options);
    throw error;
  }
}

/** Runs `work` under the settings that make SHOW CREATE print quoted names and plain literals. */
async function withShowMode<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const [row] = await session.query('SELECT @@sql_mode AS mode, @@sql_quote_show_create AS quote');
  await session.execute(`SET SESSION sql_mode = '', SESSION sql_quote_show_create = 1`);
  try {
    return await work();
  } finally {
    if (!session.closed) {
      const mode = (row?.mode ?? '').replace(/[^A-Za-z0-9_,]/g, '');
      const quote = row?.quote === '0' ? 0 : 1;
      await session.execute(`SET SESSION sql_mode = '${mode}', SESSION sql_quote_show_create = ${quote}`);
    }
  }
}

/** All schemas that pass the filter. */
export async function listSchemas(session: Session, filter: NameFilter): Promise<string[]> {
  const [result] = await session.execute('SHOW DATABASES');
  return result.rows.map((row) => row[0] ?? '').filter((schema) => filter.allowsSchema(schema));
}

/** All base tables that pass the filter, schema by schema; views and sequences are left out. */
export async function listTables(session: Session, filter: NameFilter): Promise<TableName[]> {
  const schemas = await listSchemas(session, filter);
  const tables: TableName[] = [];
  for (let i = 0; i < schemas.length; i += BATCH) {
    const batch = schemas.slice(i, i + BATCH);
    const sql = batch.map((schema) => `SHOW FULL TABLES FROM ${quoteName(schema)}`).join(';');
    const results = await session.execute(sql);
    results.forEach((result, j) => {
      for (const [table, type] of result.rows) {
        const name = { schema: batch[j], table: table ?? '' };
        if ((type === 'BASE TABLE' || type === 'SYSTEM VERSIONED') && filter.allows(name)) tables.push(name);
      }
    });
  }
  return tables;
}

/** Default character sets of schemas; those that do not exist are left out. */
export async function fetchSchemaDefaults(
  session: Session,
  schemas: readonly string[],
): Promise<Map<string, CharsetPair>> {
  const defaults = new Map<string, CharsetPair>();
  const options = dialectOf(session);
  for (const schema of schemas) {
    let text: string;
    try {
      const [result] = await session.execute(`SHOW CREATE DATABASE ${quoteName(schema)}`);
      text = result.rows[0]?.[1] ?? '';
    } catch (error) {
      if (error instanceof SqlError && error.errno === UNKNOWN_DATABASE) continue;
      throw error;
    }
    const pair = schemaDefaultOf(text, options);
    if (pair !== undefined) defaults.set(schema, pair);
  }
  return defaults;
}

/** By the text of SHOW CREATE DATABASE. */
export function schemaDefaultOf(text: string, dialect: CreateTableSqlOptions): CharsetPair | undefined {
  const statement = parseDdl(text, dialect);
  if (statement.kind !== 'create-database') return undefined;
  return resolveCharset(statement, serverDefault(dialect), dialect);
}

/** What a tracker of this server's DDL needs to know of it. */
export async function fetchTrackerOptions(session: Session): Promise<TrackerOptions> {
  const [row] = await session.query(
    'SELECT @@character_set_server AS cs, @@collation_server AS co, @@lower_case_table_names AS lower, ' +
      '@@explicit_defaults_for_timestamp AS explicit',
  );
  const { flavor, serverVersion } = dialectOf(session);
  const base = { flavor, serverVersion };
  const given = { charset: row?.cs ?? undefined, collation: row?.co ?? undefined };
  return {
    ...base,
    serverDefault: resolveCharset(given, serverDefault(base), base),
    lowerCaseNames: (row?.lower ?? '0') !== '0',
    explicitDefaultsForTimestamp: (row?.explicit ?? '1') !== '0',
  };
}
