/** Parses indexes, foreign keys and checks, as they stand in CREATE TABLE, ALTER TABLE and CREATE INDEX. */
import type { Cursor } from './cursor.js';
import type { CheckDef, ForeignKeyDef, IndexDef } from './ddl-types.js';
import { parseColumnList, parseReferences, skipEnforced } from './parse-column.js';
import type { IndexPart } from './table.js';

export type Constraint =
  | { readonly what: 'index'; readonly index: IndexDef }
  | { readonly what: 'foreign-key'; readonly foreignKey: ForeignKeyDef }
  | { readonly what: 'check'; readonly check: CheckDef };

/** The index, key or constraint that begins here, or undefined where something else does. */
export function parseConstraint(cursor: Cursor, tableSchema: string): Constraint | undefined {
  const { start, kind, upper } = cursor.peek();
  if (kind !== 'word') return undefined;
  let symbol = '';
  if (upper === 'CONSTRAINT') {
    cursor.next();
    if (!cursor.isOneOf('PRIMARY', 'UNIQUE', 'FOREIGN', 'CHECK') || cursor.peek().kind === 'quoted') {
      cursor.ifNotExists();
      symbol = cursor.name('a constraint name');
    }
  }
  switch (cursor.peek().upper) {
    case 'PRIMARY':
      cursor.next();
      cursor.expect('KEY');
      return indexConstraint(cursor, 'primary', start, '');
    case 'UNIQUE':
      cursor.next();
      if (!cursor.accept('INDEX')) cursor.accept('KEY');
      return indexConstraint(cursor, 'unique', start, symbol);
    case 'FULLTEXT':
    case 'SPATIAL': {
      const index = cursor.next().upper === 'FULLTEXT' ? 'fulltext' : 'spatial';
      if (!cursor.accept('INDEX')) cursor.accept('KEY');
      return indexConstraint(cursor, index, start, '');
    }
    case 'VECTOR':
      if (cursor.peek(1).upper !== 'INDEX' && cursor.peek(1).upper !== 'KEY') return undefined;
      cursor.next();
      cursor.next();
      return indexConstraint(cursor, 'vector', start, '');
    case 'INDEX':
    case 'KEY':
      cursor.next();
      return indexConstraint(cursor, 'index', start, '');
    case 'FOREIGN':
      return parseForeignKey(cursor, start, symbol, tableSchema);
    case 'CHECK': {
      cursor.next();
      cursor.ifNotExists();
      const expression = cursor.parenthesized();
      skipEnforced(cursor);
      return { what: 'check', check: { start, end: cursor.lastEnd, name: symbol, expression } };
    }
    default:
      if (symbol !== '' || upper === 'CONSTRAINT') cursor.fail('expected a constraint');
      return undefined;
  }
}

function indexConstraint(cursor: Cursor, kind: IndexDef['kind'], start: number, symbol: string): Constraint {
  const ifNotExists = cursor.ifNotExists();
  let name = symbol;
  if (!cursor.isOp('(') && !isIndexType(cursor)) name = cursor.name('an index name');
  const rest = parseIndexRest(cursor);
  // The server calls it PRIMARY whatever the statement says.
  if (kind === 'primary') name = 'PRIMARY';
  return { what: 'index', index: { start, end: cursor.lastEnd, kind, name, ifNotExists, ...rest } };
}

function isIndexType(cursor: Cursor): boolean {
  return (
    cursor.is('USING') || (cursor.is('TYPE') && ['BTREE', 'HASH', 'RTREE'].includes(cursor.peek(1).upper))
  );
}

/** `[USING x] (parts) [options]`. */
function parseIndexRest(cursor: Cursor): Pick<IndexDef, 'parts' | 'invisible' | 'comment'> {
  skipIndexType(cursor);
  const parts = parseIndexParts(cursor);
  return { parts, ...parseIndexOptions(cursor) };
}

export function skipIndexType(cursor: Cursor): void {
  if (!isIndexType(cursor)) return;
  cursor.next();
  cursor.next();
}

export function parseIndexParts(cursor: Cursor): IndexPart[] {
  const parts: IndexPart[] = [];
  cursor.expectOp('(');
  do {
    const part: IndexPart = { column: '' };
    if (cursor.isOp('(')) part.expression = cursor.parenthesized();
    else {
      part.column = cursor.name('a column name');
      if (cursor.acceptOp('(')) {
        part.length = cursor.number();
        cursor.expectOp(')');
      }
      cursor.accept('WITHOUT', 'OVERLAPS');
    }
    if (cursor.accept('DESC')) part.descending = true;
    else cursor.accept('ASC');
    parts.push(part);
  } while (cursor.acceptOp(','));
  cursor.expectOp(')');
  return parts;
}

export function parseIndexOptions(cursor: Cursor): Pick<IndexDef, 'invisible' | 'comment'> {
  const options: Pick<IndexDef, 'invisible' | 'comment'> = {};
  for (;;) {
    if (isIndexType(cursor)) skipIndexType(cursor);
    else if (cursor.accept('WITH', 'PARSER')) cursor.name();
    else if (cursor.accept('COMMENT')) {
      cursor.acceptOp('=');
      options.comment = cursor.string();
    } else if (cursor.accept('INVISIBLE')) options.invisible = true;
    else if (cursor.accept('NOT', 'IGNORED') || cursor.accept('VISIBLE')) options.invisible = false;
    else if (cursor.accept('IGNORED')) options.invisible = true;
    else if (cursor.accept('CLUSTERED') || cursor.accept('NONCLUSTERED')) continue;
    else if (cursor.accept('GLOBAL') || cursor.accept('LOCAL')) continue;
    else if (cursor.isOneOf('KEY_BLOCK_SIZE', 'ENGINE_ATTRIBUTE', 'SECONDARY_ENGINE_ATTRIBUTE')) {
      cursor.next();
      cursor.acceptOp('=');
      cursor.next();
    } else if (cursor.isName() && cursor.isOp('=', 1) && !cursor.isOneOf('ALGORITHM', 'LOCK')) {
      cursor.next();
      cursor.next();
      cursor.next();
    } else return options;
  }
}

function parseForeignKey(cursor: Cursor, start: number, symbol: string, tableSchema: string): Constraint {
  cursor.expect('FOREIGN', 'KEY');
  const ifNotExists = cursor.ifNotExists();
  const indexName = cursor.isOp('(') ? '' : cursor.name('an index name');
  const columns = parseColumnList(cursor);
  const target = parseReferences(cursor, tableSchema);
  return {
    what: 'foreign-key',
    foreignKey: { start, end: cursor.lastEnd, name: symbol, indexName, columns, target, ifNotExists },
  };
}
