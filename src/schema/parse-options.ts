/** Parses table options and PARTITION BY. */
import type { Cursor } from './cursor.js';
import type { TableOptions } from './ddl-types.js';

/** Options whose name is two words. */
const TWO_WORDS: readonly (readonly [string, string])[] = [
  ['DATA', 'DIRECTORY'],
  ['INDEX', 'DIRECTORY'],
  ['PLACEMENT', 'POLICY'],
];

/** Words that begin something else than an option where options stand. */
const NOT_OPTIONS = new Set([
  'PARTITION',
  'REMOVE',
  'AS',
  'SELECT',
  'IGNORE',
  'REPLACE',
  'TABLE',
  'VALUES',
  'LIKE',
]);

export function emptyOptions(): TableOptions {
  return { others: {} };
}

/** Reads one option into `options`; false where none stands next. */
export function parseTableOption(cursor: Cursor, options: TableOptions): boolean {
  const token = cursor.peek();
  if (token.kind !== 'word' || NOT_OPTIONS.has(token.upper)) return false;
  const { start } = token;
  if (cursor.accept('START', 'TRANSACTION')) {
    // MySQL 8.0.21+ writes this into the binlog of CREATE TABLE ... SELECT; only its own applier takes it.
    cursor.removals.push({ start, end: cursor.lastEnd });
    return true;
  }
  if (cursor.accept('WITH', 'SYSTEM', 'VERSIONING')) {
    options.others['WITH SYSTEM VERSIONING'] = '';
    return true;
  }
  if (cursor.is('WITH')) return false;
  const isDefault = cursor.accept('DEFAULT');
  if (cursor.acceptCharset()) {
    cursor.acceptOp('=');
    options.charset = cursor.charsetName();
    return true;
  }
  if (cursor.accept('COLLATE')) {
    cursor.acceptOp('=');
    options.collation = cursor.charsetName();
    return true;
  }
  if (cursor.accept('COMMENT')) {
    cursor.acceptOp('=');
    options.comment = cursor.string();
    return true;
  }
  if (isDefault) cursor.fail('expected a table option');
  let name = token.upper;
  cursor.next();
  for (const [first, second] of TWO_WORDS) {
    if (name === first && cursor.accept(second)) name = `${first} ${second}`;
  }
  cursor.acceptOp('=');
  options.others[name] = optionValue(cursor, name);
  return true;
}

function optionValue(cursor: Cursor, name: string): string {
  const value = cursor.peek();
  if (cursor.isOp('(')) {
    // UNION=(t1, t2) of MERGE tables.
    cursor.next();
    do cursor.tableRef();
    while (cursor.acceptOp(','));
    cursor.expectOp(')');
    return cursor.textFrom(value.start);
  }
  if (name === 'TTL') {
    while (!cursor.atEnd() && !cursor.isOneOf('TTL_ENABLE', 'TTL_JOB_INTERVAL', 'PARTITION')) cursor.next();
    return cursor.textFrom(value.start);
  }
  if (value.kind === 'end' || value.kind === 'op' || value.kind === 'variable') {
    cursor.fail(`expected the value of ${name}`);
  }
  cursor.next();
  return value.kind === 'string' ? cursor.sql.slice(value.start, value.end) : value.text;
}

/** PARTITION BY ... as written, up to the end or to the query of CREATE TABLE ... SELECT. */
export function parsePartitionBy(cursor: Cursor): string {
  const { start } = cursor.peek();
  cursor.expect('PARTITION', 'BY');
  while (!cursor.atEnd() && !cursor.isOneOf('AS', 'SELECT', 'IGNORE', 'REPLACE')) {
    if (cursor.isOp('(')) cursor.parenthesized();
    else if (cursor.isOp(')')) cursor.fail('unexpected )');
    else cursor.next();
  }
  return cursor.textFrom(start);
}

/** Options of CREATE and ALTER DATABASE. */
export function parseDatabaseOptions(cursor: Cursor): { charset?: string; collation?: string } {
  const options: { charset?: string; collation?: string } = {};
  while (!cursor.atEnd()) {
    cursor.acceptOp(',');
    cursor.accept('DEFAULT');
    if (cursor.acceptCharset()) {
      cursor.acceptOp('=');
      options.charset = cursor.charsetName();
    } else if (cursor.accept('COLLATE')) {
      cursor.acceptOp('=');
      options.collation = cursor.charsetName();
    } else if (cursor.accept('COMMENT')) {
      cursor.acceptOp('=');
      cursor.string();
    } else if (cursor.accept('ENCRYPTION') || cursor.accept('READ', 'ONLY')) {
      cursor.acceptOp('=');
      cursor.next();
    } else if (cursor.accept('PLACEMENT', 'POLICY')) {
      cursor.acceptOp('=');
      cursor.next();
    } else if (!cursor.accept('UPGRADE', 'DATA', 'DIRECTORY', 'NAME')) {
      cursor.fail('expected a database option');
    }
  }
  return options;
}
