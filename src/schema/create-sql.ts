/** Prints a table of the model as CREATE TABLE that MySQL, MariaDB and TiDB take. */
import { quoteName, quoteTable } from '../model/table-name.js';
import type { Column, ColumnType, ForeignKey, Index, IndexPart, TableSchema } from './table.js';

/** Options worth keeping on another server. */
const PORTABLE_OPTIONS = new Set(['ROW_FORMAT', 'SHARD_ROW_ID_BITS', 'PRE_SPLIT_REGIONS', 'AUTO_ID_CACHE']);

export function renderCreateTable(table: TableSchema): string {
  const lines = [
    ...table.columns.map((column) => renderColumn(column, table)),
    ...table.indexes.map(renderIndex),
    ...table.foreignKeys.map((key) => renderForeignKey(key, table)),
  ];
  const options = [
    `DEFAULT CHARSET=${portableCharset(table.charset)}`,
    `COLLATE=${portableCollation(table.collation)}`,
    ...Object.entries(table.options)
      .filter(([name]) => PORTABLE_OPTIONS.has(name))
      .map(([name, value]) => `${name}=${value}`),
  ];
  if (table.comment !== '') options.push(`COMMENT=${quoteText(table.comment)}`);
  const partitioning = table.partitioning === undefined ? '' : `\n${table.partitioning}`;
  return `CREATE TABLE ${quoteTable(table)} (\n  ${lines.join(',\n  ')}\n) ${options.join(' ')}${partitioning}`;
}

/** All servers know `utf8`; only newer ones `utf8mb3`. */
export function portableCharset(charset: string): string {
  return charset === 'utf8mb3' ? 'utf8' : charset;
}

export function portableCollation(collation: string): string {
  return collation.startsWith('utf8mb3_') ? `utf8_${collation.slice(8)}` : collation;
}

/** A text literal that is right with and without NO_BACKSLASH_ESCAPES as long as there is no backslash. */
export function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n').replaceAll('\0', '\\0')}'`;
}

/** The type as SQL, e.g. `int(10) unsigned zerofill`, without its character set. */
export function renderType(type: ColumnType): string {
  let text = type.base;
  if (type.members !== undefined) text += `(${type.members.map(quoteText).join(',')})`;
  else if (type.length !== undefined) {
    text += type.decimals === undefined ? `(${type.length})` : `(${type.length},${type.decimals})`;
  } else if (type.decimals !== undefined) text += `(${type.decimals})`;
  if (type.unsigned) text += ' unsigned';
  if (type.zerofill) text += ' zerofill';
  return text;
}

/** The column as it stands in a CREATE TABLE. */
export function renderColumn(column: Column, table: TableSchema): string {
  const { type } = column;
  let text = `${quoteName(column.name)} ${renderType(type)}`;
  if (type.charset !== undefined && type.collation !== undefined) {
    if (type.charset !== table.charset) text += ` CHARACTER SET ${portableCharset(type.charset)}`;
    if (type.charset !== table.charset || type.collation !== table.collation) {
      text += ` COLLATE ${portableCollation(type.collation)}`;
    }
  }
  if (column.generated !== undefined) {
    text += ` GENERATED ALWAYS AS (${column.generated.expression})`;
    text += column.generated.stored ? ' STORED' : ' VIRTUAL';
  }
  if (!column.nullable) text += ' NOT NULL';
  // A TIMESTAMP without NULL is NOT NULL on servers without explicit_defaults_for_timestamp.
  else if (type.base === 'timestamp') text += ' NULL';
  if (column.default !== null) text += ` DEFAULT ${column.default}`;
  else if (column.nullable && column.generated === undefined && !cannotDefault(type)) text += ' DEFAULT NULL';
  if (column.onUpdate !== undefined) text += ` ON UPDATE ${column.onUpdate}`;
  if (column.autoIncrement) text += ' AUTO_INCREMENT';
  if (column.comment !== '') text += ` COMMENT ${quoteText(column.comment)}`;
  if (column.check !== undefined) text += ` CHECK (${column.check})`;
  if (type.srid !== undefined) text += ` /*!80003 SRID ${type.srid} */`;
  if (column.invisible === true) text += ' /*!80023 INVISIBLE */';
  return text;
}

/** Older servers take no default at all, not even NULL, for these. */
function cannotDefault(type: ColumnType): boolean {
  return type.base.endsWith('text') || type.base.endsWith('blob') || type.base === 'json';
}

function renderPart(part: IndexPart): string {
  let text = part.column === '' ? `(${part.expression ?? ''})` : quoteName(part.column);
  if (part.length !== undefined) text += `(${part.length})`;
  return part.descending ? `${text} DESC` : text;
}

const KIND_WORDS: Readonly<Record<Index['kind'], string>> = {
  primary: 'PRIMARY KEY',
  unique: 'UNIQUE KEY',
  index: 'KEY',
  fulltext: 'FULLTEXT KEY',
  spatial: 'SPATIAL KEY',
  vector: 'VECTOR KEY',
};

function renderIndex(index: Index): string {
  const name = index.kind === 'primary' ? '' : ` ${quoteName(index.name)}`;
  let text = `${KIND_WORDS[index.kind]}${name} (${index.parts.map(renderPart).join(',')})`;
  if (index.comment !== undefined) text += ` COMMENT ${quoteText(index.comment)}`;
  if (index.invisible === true) text += ' /*!80000 INVISIBLE */';
  return text;
}

function renderForeignKey(key: ForeignKey, table: TableSchema): string {
  const list = (columns: readonly string[]): string => `(${columns.map(quoteName).join(',')})`;
  const schema = key.referencedSchema === table.schema ? '' : `${quoteName(key.referencedSchema)}.`;
  let text = `CONSTRAINT ${quoteName(key.name)} FOREIGN KEY ${list(key.columns)}`;
  text += ` REFERENCES ${schema}${quoteName(key.referencedTable)} ${list(key.referencedColumns)}`;
  if (key.onDelete !== undefined) text += ` ON DELETE ${key.onDelete}`;
  if (key.onUpdate !== undefined) text += ` ON UPDATE ${key.onUpdate}`;
  return text;
}
