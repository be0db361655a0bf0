/** Parses a column definition: name, type, attributes. */
import type { Cursor } from './cursor.js';
import type { ColumnDef, ForeignKeyTarget } from './ddl-types.js';
import { parseType } from './parse-type.js';

/** `name type attributes`; ends before `,`, `)`, FIRST, AFTER or the end of the statement. */
export function parseColumnDef(cursor: Cursor, tableSchema: string): ColumnDef {
  const { start } = cursor.peek();
  const name = cursor.name('a column name');
  const type = parseType(cursor);
  const column: ColumnDef = { start, end: 0, name, type, autoIncrement: false, comment: '' };
  while (parseAttribute(cursor, column, tableSchema));
  return { ...column, end: cursor.lastEnd };
}

/** One attribute; false where none stands next. */
function parseAttribute(cursor: Cursor, column: ColumnDef, tableSchema: string): boolean {
  const token = cursor.peek();
  if (token.kind !== 'word') return false;
  switch (token.upper) {
    case 'NOT':
      cursor.next();
      if (cursor.accept('SECONDARY') || cursor.accept('ENFORCED')) return true;
      cursor.expect('NULL');
      column.nullable = false;
      return true;
    case 'NULL':
      cursor.next();
      column.nullable = true;
      return true;
    case 'DEFAULT':
      cursor.next();
      column.default = parseDefault(cursor);
      return true;
    case 'ON':
      cursor.next();
      cursor.expect('UPDATE');
      column.onUpdate = parseFunction(cursor);
      return true;
    case 'AUTO_INCREMENT':
      cursor.next();
      column.autoIncrement = true;
      return true;
    case 'SERIAL':
      cursor.next();
      cursor.expect('DEFAULT', 'VALUE');
      column.nullable = false;
      column.autoIncrement = true;
      column.key ??= 'unique';
      return true;
    case 'PRIMARY':
      cursor.next();
      cursor.accept('KEY');
      column.key = 'primary';
      skipTidbKeyWords(cursor);
      return true;
    case 'KEY':
      cursor.next();
      column.key = 'primary';
      return true;
    case 'UNIQUE':
      cursor.next();
      if (!cursor.accept('KEY')) cursor.accept('INDEX');
      column.key ??= 'unique';
      skipTidbKeyWords(cursor);
      return true;
    case 'COMMENT':
      cursor.next();
      column.comment = cursor.string();
      return true;
    case 'COLLATE':
      cursor.next();
      cursor.acceptOp('=');
      column.type.collation = cursor.charsetName();
      return true;
    case 'CHARACTER':
    case 'CHARSET':
      cursor.acceptCharset();
      column.type.charset = cursor.charsetName();
      return true;
    case 'GENERATED':
      cursor.next();
      cursor.expect('ALWAYS');
      parseGenerated(cursor, column);
      return true;
    case 'AS':
      parseGenerated(cursor, column);
      return true;
    case 'VISIBLE':
      cursor.next();
      column.invisible = false;
      return true;
    case 'INVISIBLE':
      cursor.next();
      column.invisible = true;
      return true;
    case 'SRID':
      cursor.next();
      column.type.srid = cursor.number();
      return true;
    case 'REF_SYSTEM_ID':
      cursor.next();
      cursor.expectOp('=');
      column.type.srid = cursor.number();
      return true;
    case 'CONSTRAINT':
      cursor.next();
      if (!cursor.is('CHECK')) cursor.name('a constraint name');
      if (!cursor.is('CHECK')) cursor.fail('expected CHECK');
      return true;
    case 'CHECK':
      cursor.next();
      column.check = cursor.parenthesized();
      skipEnforced(cursor);
      return true;
    case 'REFERENCES':
      column.references = parseReferences(cursor, tableSchema);
      return true;
    case 'COLUMN_FORMAT':
    case 'STORAGE':
      cursor.next();
      cursor.next();
      return true;
    case 'ENGINE_ATTRIBUTE':
    case 'SECONDARY_ENGINE_ATTRIBUTE':
      cursor.next();
      cursor.acceptOp('=');
      cursor.string();
      return true;
    case 'WITH':
    case 'WITHOUT':
      cursor.next();
      cursor.expect('SYSTEM', 'VERSIONING');
      return true;
    case 'AUTO_RANDOM':
      cursor.next();
      if (cursor.isOp('(')) cursor.parenthesized();
      return true;
    default:
      // MariaDB: attributes of the storage engine, name=value.
      if (!cursor.isOp('=', 1)) return false;
      cursor.next();
      cursor.next();
      cursor.next();
      return true;
  }
}

function skipTidbKeyWords(cursor: Cursor): void {
  if (!cursor.accept('CLUSTERED')) cursor.accept('NONCLUSTERED');
  cursor.accept('GLOBAL');
}

export function skipEnforced(cursor: Cursor): void {
  if (!cursor.accept('NOT', 'ENFORCED')) cursor.accept('ENFORCED');
}

function parseGenerated(cursor: Cursor, column: ColumnDef): void {
  cursor.expect('AS');
  if (cursor.accept('ROW')) {
    column.rowPeriod = cursor.accept('START') ? 'start' : 'end';
    if (column.rowPeriod === 'end') cursor.expect('END');
    return;
  }
  const expression = cursor.parenthesized();
  const stored = cursor.accept('STORED') || cursor.accept('PERSISTENT');
  if (!stored) cursor.accept('VIRTUAL');
  column.generated = { expression, stored };
}

/**
 * The value behind DEFAULT as SQL text, null for NULL. A literal, a parenthesized expression, or a
 * function; MariaDB also takes a function without parentheses around it.
 */
export function parseDefault(cursor: Cursor): string | null {
  const token = cursor.peek();
  if (cursor.accept('NULL')) return null;
  if (cursor.isOp('(')) {
    cursor.parenthesized();
    return cursor.textFrom(token.start);
  }
  if (cursor.accept('NEXT', 'VALUE', 'FOR')) {
    cursor.name();
    if (cursor.acceptOp('.')) cursor.name();
    return cursor.textFrom(token.start);
  }
  if (token.kind === 'word' && !/^_\w/.test(token.text) && !isTypedLiteral(cursor)) {
    return parseFunction(cursor);
  }
  if (!cursor.acceptOp('-')) cursor.acceptOp('+');
  if (cursor.peek().kind === 'word') cursor.next();
  const { kind } = cursor.peek();
  if (kind === 'string' || (kind === 'hex' && /^_\w/.test(token.text))) cursor.string();
  else if (kind === 'number' || kind === 'hex' || kind === 'bit') cursor.next();
  else cursor.fail('expected a default value');
  return cursor.textFrom(token.start);
}

/** DATE '2020-01-01' and its like. */
function isTypedLiteral(cursor: Cursor): boolean {
  return cursor.isOneOf('DATE', 'TIME', 'TIMESTAMP') && cursor.peek(1).kind === 'string';
}

/** NAME, NAME(...), schema.name(...): text as written. */
function parseFunction(cursor: Cursor): string {
  const { start } = cursor.peek();
  cursor.name('a function');
  if (cursor.acceptOp('.')) cursor.name('a function');
  if (cursor.isOp('(')) cursor.parenthesized();
  return cursor.textFrom(start);
}

/** `(a, b)`. */
export function parseColumnList(cursor: Cursor): string[] {
  const columns: string[] = [];
  cursor.expectOp('(');
  do columns.push(cursor.name('a column name'));
  while (cursor.acceptOp(','));
  cursor.expectOp(')');
  return columns;
}

/** REFERENCES t [(columns)] [MATCH x] [ON DELETE x] [ON UPDATE x]. */
export function parseReferences(cursor: Cursor, tableSchema: string): ForeignKeyTarget {
  cursor.expect('REFERENCES');
  // A table without a schema is in the schema of the referencing table, not in the session's.
  const target: ForeignKeyTarget = { table: cursor.tableRef(tableSchema), columns: [] };
  if (cursor.isOp('(')) target.columns = parseColumnList(cursor);
  if (cursor.accept('MATCH')) cursor.next();
  while (cursor.is('ON', 'DELETE') || cursor.is('ON', 'UPDATE')) {
    cursor.next();
    const onDelete = cursor.next().upper === 'DELETE';
    let action = cursor.next().upper;
    if (action === 'SET' || action === 'NO') action += ` ${cursor.next().upper}`;
    if (onDelete) target.onDelete = action;
    else target.onUpdate = action;
  }
  return target;
}
