/** Parses CREATE TABLE from behind the word TABLE. */
import type { Cursor } from './cursor.js';
import type {
  CheckDef,
  ColumnDef,
  CreateTable,
  ForeignKeyDef,
  IndexDef,
  TableOptions,
  TableRef,
} from './ddl-types.js';
import { parseColumnDef } from './parse-column.js';
import { parseConstraint } from './parse-index.js';
import { emptyOptions, parsePartitionBy, parseTableOption } from './parse-options.js';

interface Draft {
  columns: ColumnDef[];
  indexes: IndexDef[];
  foreignKeys: ForeignKeyDef[];
  checks: CheckDef[];
  options: TableOptions;
  like?: TableRef;
}

export function parseCreateTable(cursor: Cursor, orReplace: boolean): CreateTable {
  const ifNotExists = cursor.ifNotExists();
  const table = cursor.tableRef();
  const draft: Draft = { columns: [], indexes: [], foreignKeys: [], checks: [], options: emptyOptions() };
  if (cursor.accept('LIKE')) draft.like = cursor.tableRef();
  else if (cursor.isOp('(') && cursor.peek(1).upper === 'LIKE') {
    cursor.next();
    cursor.next();
    draft.like = cursor.tableRef();
    cursor.expectOp(')');
  } else if (cursor.isOp('(') && !isQuery(cursor, 1)) parseElements(cursor, draft, table.name.schema);
  let partitioning: string | undefined;
  while (!cursor.atEnd()) {
    if (cursor.is('PARTITION', 'BY')) partitioning = parsePartitionBy(cursor);
    else if (!parseTableOption(cursor, draft.options)) break;
    cursor.acceptOp(',');
  }
  const select = parseQuery(cursor);
  cursor.expectEnd();
  if (draft.columns.length === 0 && draft.like === undefined && !select) {
    cursor.fail('the table has no columns');
  }
  return {
    kind: 'create-table',
    ...cursor.common(),
    table,
    ifNotExists,
    orReplace,
    select,
    ...draft,
    ...(partitioning === undefined ? {} : { partitioning }),
  };
}

function isQuery(cursor: Cursor, distance: number): boolean {
  return ['SELECT', 'WITH'].includes(cursor.peek(distance).upper);
}

function parseElements(cursor: Cursor, draft: Draft, schema: string): void {
  cursor.expectOp('(');
  do {
    const constraint = parseConstraint(cursor, schema);
    if (constraint?.what === 'index') draft.indexes.push(constraint.index);
    else if (constraint?.what === 'foreign-key') draft.foreignKeys.push(constraint.foreignKey);
    else if (constraint?.what === 'check') draft.checks.push(constraint.check);
    else if (cursor.is('PERIOD', 'FOR')) {
      cursor.next();
      cursor.next();
      cursor.next();
      cursor.parenthesized();
      draft.options.others['PERIOD'] = '';
    } else draft.columns.push(parseColumnDef(cursor, schema));
  } while (cursor.acceptOp(','));
  cursor.expectOp(')');
}

/** The query of CREATE TABLE ... SELECT; its tables cannot be told apart from here and are not listed. */
function parseQuery(cursor: Cursor): boolean {
  if (cursor.atEnd()) return false;
  if (!cursor.accept('IGNORE')) cursor.accept('REPLACE');
  cursor.accept('AS');
  const query = isQuery(cursor, 0) || (cursor.isOp('(') && isQuery(cursor, 1));
  if (query || cursor.isOneOf('TABLE', 'VALUES')) {
    cursor.skipToEnd();
    return true;
  }
  return cursor.fail('this part of the statement is not understood');
}
