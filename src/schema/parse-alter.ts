/** Parses ALTER TABLE from behind the word TABLE into a list of operations. */
import type { Cursor } from './cursor.js';
import type { AlterOperation, AlterTable, Position, Range } from './ddl-types.js';
import { parseColumnDef, parseDefault, skipEnforced } from './parse-column.js';
import { parseConstraint } from './parse-index.js';
import { emptyOptions, parsePartitionBy, parseTableOption } from './parse-options.js';

/** An operation without its place in the text. */
type Bare = AlterOperation extends infer T
  ? T extends Range
    ? Omit<T, 'start' | 'end' | 'text'>
    : never
  : never;

export function parseAlterTable(cursor: Cursor): AlterTable {
  const ifExists = cursor.ifExists();
  const table = cursor.tableRef();
  cursor.skipWait();
  const operations: AlterOperation[] = [];
  const { schema } = table.name;
  while (!cursor.atEnd()) {
    parseOperation(cursor, schema, operations);
    // Partition clauses follow the others without a comma.
    if (!cursor.acceptOp(',') && !cursor.isOneOf('PARTITION', 'REMOVE')) break;
  }
  cursor.expectEnd();
  return {
    kind: 'alter-table',
    ...cursor.common(),
    table,
    ifExists,
    operations,
  };
}

function parseOperation(cursor: Cursor, schema: string, into: AlterOperation[]): void {
  const { start, kind, upper } = cursor.peek();
  const push = (bare: Bare): void => {
    into.push({ ...bare, start, end: cursor.lastEnd, text: cursor.textFrom(start) } as AlterOperation);
  };
  if (kind !== 'word') cursor.fail('expected an ALTER TABLE operation');
  switch (upper) {
    case 'ADD':
      cursor.next();
      return parseAdd(cursor, schema, start, into);
    case 'DROP':
      cursor.next();
      return push(parseDrop(cursor));
    case 'MODIFY':
    case 'CHANGE': {
      cursor.next();
      cursor.accept('COLUMN');
      const ifExists = cursor.ifExists();
      const old = upper === 'CHANGE' ? cursor.name('a column name') : undefined;
      const column = parseColumnDef(cursor, schema);
      return push({
        op: 'change-column',
        name: old ?? column.name,
        column,
        ifExists,
        ...parsePosition(cursor),
      });
    }
    case 'RENAME':
      cursor.next();
      return push(parseRename(cursor));
    case 'ALTER':
      cursor.next();
      return push(parseAlterPart(cursor));
    case 'CONVERT':
      cursor.next();
      if (cursor.isOneOf('PARTITION', 'TABLE')) return push(parsePartitions(cursor, 'CONVERT'));
      return push(parseConvert(cursor));
    case 'ORDER': {
      cursor.next();
      cursor.expect('BY');
      // Column list; a comma may also begin the next operation, but the servers take ORDER BY last.
      cursor.skipToEnd();
      return push({ op: 'order-by' });
    }
    case 'PARTITION':
      return push({ op: 'partition-by', partitioning: parsePartitionBy(cursor) });
    case 'REMOVE':
      cursor.next();
      cursor.expect('PARTITIONING');
      return push({ op: 'partition-by', partitioning: undefined });
    case 'TRUNCATE':
    case 'COALESCE':
    case 'REORGANIZE':
    case 'EXCHANGE':
    case 'ANALYZE':
    case 'CHECK':
    case 'OPTIMIZE':
    case 'REBUILD':
    case 'REPAIR':
    case 'FIRST':
    case 'MERGE':
    case 'SPLIT':
      cursor.next();
      return push(parsePartitions(cursor, upper));
    case 'DISCARD':
    case 'IMPORT':
      cursor.next();
      if (cursor.is('PARTITION')) return push(parsePartitions(cursor, upper));
      cursor.expect('TABLESPACE');
      return push({ op: 'modifier', what: `${upper} TABLESPACE` });
    case 'ENABLE':
    case 'DISABLE':
      cursor.next();
      cursor.expect('KEYS');
      return push({ op: 'modifier', what: `${upper} KEYS` });
    case 'FORCE':
      cursor.next();
      return push({ op: 'modifier', what: 'FORCE' });
    case 'NOWAIT':
    case 'WAIT':
      cursor.skipWait();
      return push({ op: 'modifier', what: 'WAIT' });
    case 'WITH':
    case 'WITHOUT':
      if (cursor.peek(1).upper !== 'VALIDATION') break;
      cursor.next();
      cursor.next();
      return push({ op: 'modifier', what: 'VALIDATION' });
    case 'ALGORITHM':
    case 'LOCK':
      cursor.skipAlgorithmOrLock();
      return push({ op: 'modifier', what: upper });
    case 'SECONDARY_LOAD':
    case 'SECONDARY_UNLOAD':
      cursor.next();
      return push({ op: 'modifier', what: upper });
    default:
      break;
  }
  const options = emptyOptions();
  let any = false;
  while (!cursor.atEnd() && !cursor.isOp(',') && parseTableOption(cursor, options)) any = true;
  if (!any) cursor.fail('this ALTER TABLE operation is not understood');
  push({ op: 'table-options', options });
}

function parsePosition(cursor: Cursor): { position?: Position } {
  if (cursor.accept('FIRST')) return { position: { first: true } };
  if (cursor.accept('AFTER')) return { position: { after: cursor.name('a column name') } };
  return {};
}

function parseAdd(cursor: Cursor, schema: string, start: number, into: AlterOperation[]): void {
  const push = (bare: Bare, from = start, prefix = ''): void => {
    const end = cursor.lastEnd;
    into.push({ ...bare, start: from, end, text: prefix + cursor.textFrom(from) } as AlterOperation);
  };
  if (cursor.is('PARTITION')) return push(parsePartitions(cursor, 'ADD'));
  if (cursor.accept('SYSTEM', 'VERSIONING')) return push({ op: 'versioning', what: 'ADD SYSTEM VERSIONING' });
  if (cursor.accept('PERIOD', 'FOR')) {
    cursor.name('a period');
    cursor.parenthesized();
    return push({ op: 'versioning', what: 'ADD PERIOD' });
  }
  const asColumn = cursor.accept('COLUMN');
  if (!asColumn) {
    const constraint = parseConstraint(cursor, schema);
    if (constraint) return push(constraintOperation(constraint));
  }
  const ifNotExists = cursor.ifNotExists();
  if (!cursor.isOp('(')) {
    const column = parseColumnDef(cursor, schema);
    return push({ op: 'add-column', column, ifNotExists, ...parsePosition(cursor) });
  }
  cursor.next();
  do {
    const from = cursor.peek().start;
    const constraint = parseConstraint(cursor, schema);
    if (constraint) push(constraintOperation(constraint), from, 'ADD ');
    else {
      const column = parseColumnDef(cursor, schema);
      push(
        { op: 'add-column', column, ifNotExists },
        from,
        `ADD COLUMN ${ifNotExists ? 'IF NOT EXISTS ' : ''}`,
      );
    }
  } while (cursor.acceptOp(','));
  cursor.expectOp(')');
}

function constraintOperation(constraint: NonNullable<ReturnType<typeof parseConstraint>>): Bare {
  switch (constraint.what) {
    case 'index':
      return { op: 'add-index', index: constraint.index };
    case 'foreign-key':
      return { op: 'add-foreign-key', foreignKey: constraint.foreignKey };
    case 'check':
      return { op: 'add-check', check: constraint.check };
  }
}

function parseDrop(cursor: Cursor): Bare {
  if (cursor.is('PARTITION')) return parsePartitions(cursor, 'DROP');
  if (cursor.accept('SYSTEM', 'VERSIONING')) return { op: 'versioning', what: 'DROP SYSTEM VERSIONING' };
  if (cursor.accept('PERIOD', 'FOR')) {
    cursor.name('a period');
    return { op: 'versioning', what: 'DROP PERIOD' };
  }
  if (cursor.accept('PRIMARY', 'KEY')) return { op: 'drop-primary' };
  if (cursor.accept('FOREIGN', 'KEY')) {
    const ifExists = cursor.ifExists();
    return { op: 'drop-foreign-key', ifExists, name: cursor.name('a foreign key') };
  }
  if (cursor.isOneOf('INDEX', 'KEY')) {
    cursor.next();
    const ifExists = cursor.ifExists();
    return { op: 'drop-index', ifExists, name: cursor.name('an index') };
  }
  if (cursor.isOneOf('CONSTRAINT', 'CHECK')) {
    cursor.next();
    const ifExists = cursor.ifExists();
    return { op: 'drop-constraint', ifExists, name: cursor.name('a constraint') };
  }
  cursor.accept('COLUMN');
  const ifExists = cursor.ifExists();
  const name = cursor.name('a column');
  if (!cursor.accept('RESTRICT')) cursor.accept('CASCADE');
  return { op: 'drop-column', ifExists, name };
}

function parseRename(cursor: Cursor): Bare {
  if (cursor.accept('COLUMN')) {
    const ifExists = cursor.ifExists();
    const name = cursor.name('a column');
    cursor.expect('TO');
    return { op: 'rename-column', name, newName: cursor.name('a column'), ifExists };
  }
  if (cursor.isOneOf('INDEX', 'KEY')) {
    cursor.next();
    cursor.ifExists();
    const name = cursor.name('an index');
    cursor.expect('TO');
    return { op: 'rename-index', name, newName: cursor.name('an index') };
  }
  if (!cursor.accept('TO') && !cursor.accept('AS')) cursor.acceptOp('=');
  return { op: 'rename-table', to: cursor.tableRef() };
}

function parseAlterPart(cursor: Cursor): Bare {
  if (cursor.isOneOf('INDEX', 'KEY')) {
    cursor.next();
    cursor.ifExists();
    const name = cursor.name('an index');
    const invisible = cursor.accept('INVISIBLE') || cursor.accept('IGNORED');
    if (!invisible && !cursor.accept('VISIBLE')) cursor.expect('NOT', 'IGNORED');
    return { op: 'alter-index', name, invisible };
  }
  if (cursor.isOneOf('CHECK', 'CONSTRAINT')) {
    cursor.next();
    cursor.name('a constraint');
    skipEnforced(cursor);
    return { op: 'modifier', what: 'ALTER CHECK' };
  }
  cursor.accept('COLUMN');
  const ifExists = cursor.ifExists();
  const name = cursor.name('a column');
  if (cursor.accept('SET', 'DEFAULT'))
    return { op: 'alter-column', name, ifExists, default: parseDefault(cursor) };
  if (cursor.accept('DROP', 'DEFAULT')) return { op: 'alter-column', name, ifExists, default: null };
  cursor.expect('SET');
  const invisible = cursor.accept('INVISIBLE');
  if (!invisible) cursor.expect('VISIBLE');
  return { op: 'alter-column', name, ifExists, invisible };
}

function parseConvert(cursor: Cursor): Bare {
  cursor.expect('TO');
  if (!cursor.acceptCharset()) cursor.fail('expected CHARACTER SET');
  const charset = cursor.accept('DEFAULT') ? undefined : cursor.charsetName();
  if (!cursor.accept('COLLATE')) return { op: 'convert-charset', charset };
  cursor.acceptOp('=');
  return { op: 'convert-charset', charset, collation: cursor.charsetName() };
}

/** Operations on single partitions reach to the end of the statement; the tables they name are noted. */
function parsePartitions(cursor: Cursor, verb: string): Bare {
  while (!cursor.atEnd()) {
    if (cursor.isOp('(')) cursor.parenthesized();
    else if (cursor.accept('WITH', 'TABLE') || cursor.accept('TO', 'TABLE') || cursor.accept('TABLE')) {
      cursor.tableRef();
    } else cursor.next();
  }
  return { op: 'partitions', verb };
}
