/**
 * Parses the statement of a query event into its skeleton. Statements that it does not understand in
 * full are a DmError 11006 with the place; nothing is guessed. The time is linear in the length, and
 * of DML only the first word is looked at.
 */
import { Cursor, type CursorOptions } from './cursor.js';
import type { ParsedStatement, TableRef } from './ddl-types.js';
import type { SqlFlavor } from './dialect.js';
import { parseAlterTable } from './parse-alter.js';
import { parseCreateTable } from './parse-create-table.js';
import { parseIndexOptions, parseIndexParts, skipIndexType } from './parse-index.js';
import { parseDatabaseOptions } from './parse-options.js';
import { parseOtherObject, parseOtherVerb } from './parse-other.js';
import { plainText } from './plain.js';

export interface ParseOptions {
  readonly flavor: SqlFlavor;
  /** Of the server that ran the statement; decides about executable comments. Default: a recent one. */
  readonly serverVersion?: string;
  readonly ansiQuotes?: boolean;
  readonly noBackslashEscapes?: boolean;
  /** Schema of the session, for names without one. */
  readonly defaultSchema?: string;
}

const DML = new Set([
  'INSERT',
  'UPDATE',
  'DELETE',
  'REPLACE',
  'LOAD',
  'WITH',
  'SELECT',
  'CALL',
  'DO',
  'TABLE',
  'VALUES',
  'HANDLER',
  'IMPORT',
  'COPY',
  'MERGE',
]);

export function parseDdl(sql: string, options: ParseOptions): ParsedStatement {
  const full: CursorOptions = {
    flavor: options.flavor,
    serverVersion: options.serverVersion ?? '',
    ansiQuotes: options.ansiQuotes ?? false,
    noBackslashEscapes: options.noBackslashEscapes ?? false,
    defaultSchema: options.defaultSchema ?? '',
  };
  const cursor = new Cursor(sql, full);
  const parsed = readStatement(cursor);
  // Of the others not all is read, and nothing is changed.
  if (cursor.marks.length === 0 || !isMigrated(parsed)) return parsed;
  const plain = plainText(sql, cursor.marks);
  const comments = { origin: sql, contents: plain.contents, options: full };
  return { ...readStatement(new Cursor(plain.sql, full)), comments };
}

function readStatement(cursor: Cursor): ParsedStatement {
  skipSetStatement(cursor);
  return parseStatement(cursor);
}

function isMigrated({ kind }: ParsedStatement): boolean {
  switch (kind) {
    case 'other-ddl':
    case 'dml':
    case 'begin':
    case 'commit':
    case 'rollback':
    case 'xa':
    case 'empty':
      return false;
    default:
      return true;
  }
}

/** MariaDB: SET STATEMENT x=1, y=2 FOR statement. The prefix is left out when the statement is rewritten. */
function skipSetStatement(cursor: Cursor): void {
  if (!cursor.is('SET', 'STATEMENT') || cursor.isOp('=', 1)) return;
  const { start } = cursor.peek();
  while (!cursor.is('FOR')) {
    if (cursor.atEnd()) cursor.fail('expected FOR');
    if (cursor.isOp('(')) cursor.parenthesized();
    else cursor.next();
  }
  cursor.next();
  cursor.removals.push({ start, end: cursor.peek().start });
}

function parseStatement(cursor: Cursor): ParsedStatement {
  const common = cursor.common();
  const first = cursor.peek();
  if (cursor.atEnd()) return { ...common, kind: 'empty' };
  const query = first.kind === 'op' && first.text === '(';
  if (query || DML.has(first.upper)) return { ...common, kind: 'dml', what: first.upper || 'SELECT' };
  switch (first.upper) {
    case 'BEGIN':
      return { ...common, kind: 'begin' };
    case 'COMMIT':
      return { ...common, kind: 'commit' };
    case 'ROLLBACK':
      cursor.next();
      cursor.accept('WORK');
      return cursor.is('TO')
        ? { ...common, kind: 'other-ddl', what: 'ROLLBACK TO' }
        : { ...common, kind: 'rollback' };
    case 'START':
      if (cursor.is('START', 'TRANSACTION')) return { ...common, kind: 'begin' };
      break;
    case 'XA': {
      cursor.next();
      const what = cursor.next().upper;
      const { start } = cursor.peek();
      cursor.skipToEnd();
      return { ...common, kind: 'xa', what, xid: cursor.textFrom(start) };
    }
    case 'CREATE':
      cursor.next();
      return parseCreate(cursor);
    case 'ALTER':
      cursor.next();
      return parseAlter(cursor);
    case 'DROP':
      cursor.next();
      return parseDrop(cursor);
    case 'RENAME':
      cursor.next();
      return parseRename(cursor);
    case 'TRUNCATE': {
      cursor.next();
      cursor.accept('TABLE');
      const table = cursor.tableRef();
      cursor.skipWait();
      if (!cursor.accept('DROP', 'STORAGE')) cursor.accept('REUSE', 'STORAGE');
      cursor.expectEnd();
      return { ...common, kind: 'truncate-table', table };
    }
    default:
      break;
  }
  const what = parseOtherVerb(cursor);
  if (what !== undefined) return { ...common, kind: 'other-ddl', what };
  return cursor.fail('this statement is not understood');
}

function parseCreate(cursor: Cursor): ParsedStatement {
  const common = cursor.common();
  const other = parseOtherObject(cursor);
  if (other !== undefined) return { ...common, kind: 'other-ddl', what: `CREATE ${other}` };
  const orReplace = cursor.accept('OR', 'REPLACE');
  if (cursor.accept('DATABASE') || cursor.accept('SCHEMA')) {
    const ifNotExists = cursor.ifNotExists();
    const database = cursor.schemaRef();
    const charset = parseDatabaseOptions(cursor);
    return { ...common, kind: 'create-database', database, ifNotExists, orReplace, ...charset };
  }
  if (cursor.accept('TEMPORARY') || cursor.accept('GLOBAL', 'TEMPORARY')) {
    cursor.expect('TABLE');
    return { ...common, kind: 'other-ddl', what: 'CREATE TEMPORARY TABLE' };
  }
  if (cursor.accept('TABLE')) return parseCreateTable(cursor, orReplace);
  return parseCreateIndex(cursor, orReplace);
}

function parseCreateIndex(cursor: Cursor, orReplace: boolean): ParsedStatement {
  const { start } = cursor.peek();
  if (!cursor.accept('ONLINE')) cursor.accept('OFFLINE');
  let kind: 'index' | 'unique' | 'fulltext' | 'spatial' | 'vector' = 'index';
  if (cursor.accept('UNIQUE')) kind = 'unique';
  else if (cursor.accept('FULLTEXT')) kind = 'fulltext';
  else if (cursor.accept('SPATIAL')) kind = 'spatial';
  else if (cursor.accept('VECTOR')) kind = 'vector';
  cursor.expect('INDEX');
  const ifNotExists = cursor.ifNotExists();
  const name = cursor.name('an index name');
  skipIndexType(cursor);
  cursor.expect('ON');
  const table = cursor.tableRef();
  cursor.skipWait();
  const parts = parseIndexParts(cursor);
  const options = parseIndexOptions(cursor);
  skipAlgorithmAndLock(cursor);
  cursor.expectEnd();
  return {
    kind: 'create-index',
    ...cursor.common(),
    table,
    orReplace,
    index: { start, end: cursor.lastEnd, kind, name, parts, ifNotExists, ...options },
  };
}

function skipAlgorithmAndLock(cursor: Cursor): void {
  while (cursor.isOneOf('ALGORITHM', 'LOCK')) cursor.skipAlgorithmOrLock();
}

function parseAlter(cursor: Cursor): ParsedStatement {
  const common = cursor.common();
  if (cursor.accept('DATABASE') || cursor.accept('SCHEMA')) {
    let database: TableRef;
    const unnamed = cursor.isOneOf(
      'DEFAULT',
      'CHARACTER',
      'CHARSET',
      'CHAR',
      'COLLATE',
      'ENCRYPTION',
      'READ',
    );
    if (unnamed) {
      const { start } = cursor.peek();
      const name = { schema: cursor.options.defaultSchema, table: '' };
      database = { name, implicit: true, start, end: start };
      cursor.tables.push(database);
    } else database = cursor.schemaRef();
    const charset = parseDatabaseOptions(cursor);
    return {
      ...common,
      kind: 'alter-database',
      database,
      ifNotExists: false,
      orReplace: false,
      ...charset,
    };
  }
  if (!cursor.accept('ONLINE')) cursor.accept('OFFLINE');
  cursor.accept('IGNORE');
  if (cursor.accept('TABLE')) return parseAlterTable(cursor);
  const other = parseOtherObject(cursor);
  if (other !== undefined) return { ...common, kind: 'other-ddl', what: `ALTER ${other}` };
  return cursor.fail('this ALTER statement is not understood');
}

function parseDrop(cursor: Cursor): ParsedStatement {
  const common = cursor.common();
  if (cursor.accept('DATABASE') || cursor.accept('SCHEMA')) {
    const ifExists = cursor.ifExists();
    const database = cursor.schemaRef();
    cursor.expectEnd();
    return { ...common, kind: 'drop-database', database, ifExists };
  }
  if (cursor.is('TEMPORARY')) return { ...common, kind: 'other-ddl', what: 'DROP TEMPORARY TABLE' };
  if (cursor.accept('TABLE') || cursor.accept('TABLES')) {
    const ifExists = cursor.ifExists();
    do cursor.tableRef();
    while (cursor.acceptOp(','));
    cursor.skipWait();
    if (!cursor.accept('RESTRICT')) cursor.accept('CASCADE');
    cursor.expectEnd();
    return { ...common, kind: 'drop-table', ifExists };
  }
  const other = parseOtherObject(cursor);
  if (other !== undefined) return { ...common, kind: 'other-ddl', what: `DROP ${other}` };
  if (!cursor.accept('ONLINE')) cursor.accept('OFFLINE');
  cursor.expect('INDEX');
  const ifExists = cursor.ifExists();
  const name = cursor.name('an index');
  cursor.expect('ON');
  const table = cursor.tableRef();
  cursor.skipWait();
  skipAlgorithmAndLock(cursor);
  cursor.expectEnd();
  return { ...common, kind: 'drop-index', table, name, ifExists };
}

function parseRename(cursor: Cursor): ParsedStatement {
  const common = cursor.common();
  if (cursor.is('USER')) return { ...common, kind: 'other-ddl', what: 'RENAME USER' };
  if (!cursor.accept('TABLES')) cursor.expect('TABLE');
  const ifExists = cursor.ifExists();
  const pairs: { from: TableRef; to: TableRef }[] = [];
  do {
    const from = cursor.tableRef();
    cursor.skipWait();
    cursor.expect('TO');
    pairs.push({ from, to: cursor.tableRef() });
  } while (cursor.acceptOp(','));
  cursor.expectEnd();
  return { ...common, kind: 'rename-table', ifExists, pairs };
}
