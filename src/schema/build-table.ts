/** Builds the model of a table from CREATE TABLE, and from what SHOW CREATE TABLE prints. */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { type CharsetPair, resolveCharset, serverDefault } from './charsets.js';
import { resolveColumn, type SchemaServer } from './column-type.js';
import { type ParseOptions, parseDdl } from './ddl.js';
import type { ColumnDef, CreateTable, ForeignKeyDef, TableOptions } from './ddl-types.js';
import { indexForForeignKey, indexFromDef, primaryNotNull, settleIndexes } from './indexes.js';
import { versionNumber } from './dialect.js';
import type { ForeignKey, Index, TableSchema } from './table.js';

/** Options that say nothing about structure, or change with every row. */
const VOLATILE = new Set(['AUTO_INCREMENT', 'DATA DIRECTORY', 'INDEX DIRECTORY', 'UNION']);

export function trackError(detail: string, cause?: unknown): DmError {
  return new DmError(CODES.schemaTrackerCannotExecDdl, `cannot track DDL: ${detail}`, { cause });
}

export function buildTable(
  statement: CreateTable,
  schemaDefault: CharsetPair,
  server: SchemaServer,
): TableSchema {
  const { schema, table } = statement.table.name;
  if (statement.select) throw trackError(`CREATE TABLE ${table} ... SELECT: its columns are not known`);
  if (
    statement.options.others['WITH SYSTEM VERSIONING'] !== undefined ||
    statement.columns.some((column) => column.rowPeriod !== undefined)
  ) {
    // Its binlog holds the history as rows of their own, with columns that no statement shows.
    throw trackError(`system-versioned table ${table}: leave it out by the block-allow-list`);
  }
  const pair = resolveCharset(statement.options, schemaDefault, server);
  const columns = statement.columns.map((def) => resolveColumn(def, pair, server));
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name.toLowerCase())) throw trackError(`duplicate column ${name} in table ${table}`);
    seen.add(name.toLowerCase());
  }
  const indexes = collectIndexes(statement, server);
  for (const index of indexes) {
    for (const part of index.parts) {
      if (part.column !== '' && !seen.has(part.column.toLowerCase())) {
        throw trackError(`key column ${part.column} does not exist in table ${table}`);
      }
    }
  }
  const keyed = primaryNotNull(columns, indexes);
  const foreignKeys: ForeignKey[] = [];
  for (const def of allForeignKeys(statement, server)) {
    foreignKeys.push(foreignKeyFromDef(def, table, foreignKeys, server));
  }
  const built: TableSchema = {
    schema,
    table,
    columns: keyed,
    indexes: settleIndexes(indexes, keyed),
    foreignKeys,
    charset: pair.charset,
    collation: pair.collation,
    comment: statement.options.comment ?? '',
    options: keptOptions(statement.options),
  };
  if (statement.partitioning !== undefined) built.partitioning = statement.partitioning;
  return built;
}

/** In the order in which the servers' parsers meet them: by their place in the text. */
function collectIndexes(statement: CreateTable, server: SchemaServer): Index[] {
  const placed: { at: number; index: Index }[] = [];
  for (const def of statement.columns) {
    for (const index of inlineIndexes(def)) placed.push({ at: def.start, index });
  }
  for (const def of statement.indexes) placed.push({ at: def.start, index: indexFromDef(def) });
  for (const def of allForeignKeys(statement, server)) {
    placed.push({ at: def.start, index: indexForForeignKey(def) });
  }
  return placed.sort((a, b) => a.at - b.at).map(({ index }) => index);
}

/** In the order of the text, those of column definitions among them. */
function allForeignKeys(statement: CreateTable, server: SchemaServer): ForeignKeyDef[] {
  return [
    ...statement.foreignKeys,
    ...statement.columns.flatMap((def) => inlineForeignKeys(def, server)),
  ].sort((a, b) => a.start - b.start);
}

/** REFERENCES in a column definition: read and forgotten before MySQL 9.0 and MariaDB 10.5. */
export function inlineForeignKeys(def: ColumnDef, server: SchemaServer): ForeignKeyDef[] {
  const version = versionNumber(server.serverVersion ?? '');
  if (def.references === undefined || server.flavor === 'tidb') return [];
  if (version < (server.flavor === 'mysql' ? 90000 : 100500)) return [];
  const { start, end, references: target } = def;
  return [{ start, end, name: '', indexName: '', columns: [def.name], target, ifNotExists: false }];
}

/** Indexes that a column definition implies. */
export function inlineIndexes(def: ColumnDef): Index[] {
  if (def.key === 'primary') return [{ name: 'PRIMARY', kind: 'primary', parts: [{ column: def.name }] }];
  if (def.key === 'unique' || def.type.synonym === 'serial') {
    return [{ name: '', kind: 'unique', parts: [{ column: def.name }] }];
  }
  return [];
}

export function keptOptions(options: TableOptions): Record<string, string> {
  return Object.fromEntries(Object.entries(options.others).filter(([name]) => !VOLATILE.has(name)));
}

export function foreignKeyFromDef(
  def: ForeignKeyDef,
  table: string,
  existing: readonly ForeignKey[],
  server: SchemaServer,
): ForeignKey {
  const { target } = def;
  // MariaDB takes the index's name for a constraint that has none.
  const given = def.name || (server.flavor === 'mariadb' ? def.indexName : '');
  const key: ForeignKey = {
    name: given || nextForeignKeyName(table, existing),
    columns: def.columns,
    referencedSchema: target.table.name.schema,
    referencedTable: target.table.name.table,
    referencedColumns: target.columns,
  };
  if (target.onDelete !== undefined) key.onDelete = target.onDelete;
  if (target.onUpdate !== undefined) key.onUpdate = target.onUpdate;
  return key;
}

/** table_ibfk_N, one above the highest in use. */
function nextForeignKeyName(table: string, existing: readonly ForeignKey[]): string {
  const prefix = `${table}_ibfk_`;
  let highest = 0;
  for (const { name } of existing) {
    if (name.toLowerCase().startsWith(prefix.toLowerCase())) {
      highest = Math.max(highest, Number(name.slice(prefix.length)) || 0);
    }
  }
  return `${prefix}${highest + 1}`;
}

export interface CreateTableSqlOptions extends SchemaServer, Omit<ParseOptions, 'defaultSchema'> {
  /** The schema's own default; only counts where the text names no character set. */
  readonly schemaDefault?: CharsetPair;
}

/**
 * The model of the table that `sql` creates. For the output of SHOW CREATE TABLE, which quotes names
 * with backticks and escapes with backslashes, give `ansiQuotes: false, noBackslashEscapes: false`.
 * Throws DmError 11006 for text that is not understood, 44006 for what is no table's definition.
 */
export function createTableFromSql(
  sql: string,
  schemaName: string,
  options: CreateTableSqlOptions,
): TableSchema {
  const statement = parseDdl(sql, { ...options, defaultSchema: schemaName });
  if (statement.kind !== 'create-table' || statement.like !== undefined) {
    throw trackError(`not the definition of a table: ${sql.slice(0, 200)}`);
  }
  return buildTable(statement, options.schemaDefault ?? serverDefault(options), options);
}
