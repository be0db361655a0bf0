/**
 * Whether the inserts of a table may go as arrays of bound values (MariaDB): where for each column the target
 * stores what it stores of the literal. So the type of the target's column must be of the same kind, and other
 * tables stay with text.
 */
import type { Binding, ColumnCodec } from '../../binlog/rows.js';
import { quoteName, quoteTable } from '../../model/table-name.js';
import { bulkHead } from '../../mysql/bulk.js';
import type { Column, TableSchema } from '../../schema/table.js';
import type { WrittenColumn } from './upsert-plan.js';

export interface BulkPlan {
  readonly sql: string;
  /** What stands in front of the rows in the command. */
  readonly head: Buffer;
  /** By place in `plan.columns`. */
  readonly bindings: readonly Binding[];
  /** The target has refused rows that a session without strictness may take: the table's rows are text from then on. */
  refused: boolean;
}

const KINDS: readonly (readonly string[])[] = [
  ['tinyint', 'smallint', 'mediumint', 'int', 'bigint'],
  ['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'json'],
  ['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'],
];
const ALIKE = new Set([
  ...['float', 'double', 'decimal', 'bit', 'year', 'date', 'time', 'datetime', 'timestamp'],
  ...['enum', 'set', 'uuid', 'inet4', 'inet6'],
]);

export interface BulkInput {
  readonly target: TableSchema;
  readonly targetIsMariaDb: boolean;
  readonly targetHasTriggers?: boolean;
  readonly columns: readonly ColumnCodec[];
  readonly source: ReadonlyMap<string, Column>;
}

/** To be called when the order of `written` is settled. */
export function planBulk(input: BulkInput, written: readonly WrittenColumn[]): BulkPlan | null {
  const { target, targetIsMariaDb, columns, source } = input;
  // Servers of some versions give a trigger the values of another row of the array.
  if (input.targetHasTriggers === true) return null;
  // Without transactions what a refused array has written would stay.
  const transactional = (target.options['ENGINE'] ?? 'InnoDB').toLowerCase() === 'innodb';
  if (!targetIsMariaDb || !transactional || written.length === 0) return null;
  const bindings: Binding[] = [];
  for (const { column, ordinal, target: to } of written) {
    const { binding } = columns[ordinal];
    if (binding === undefined || !isAlike(source.get(column.name.toLowerCase()), to)) return null;
    bindings.push(binding);
  }
  const names = written.map(({ column }) => quoteName(column.name));
  const marks = written.map(() => '?');
  const table = quoteTable({ schema: target.schema, table: target.table });
  return {
    sql: `INSERT INTO ${table} (${names.join(',')}) VALUES (${marks.join(',')})`,
    head: bulkHead(bindings.map(({ type }) => type)),
    bindings,
    refused: false,
  };
}

function isAlike(source: Column | undefined, target: Column | undefined): boolean {
  if (source === undefined || target === undefined) return false;
  const [from, to] = [source.type, target.type];
  // A text in the binary character set comes as bytes.
  if ((from.charset === 'binary') !== (to.charset === 'binary')) return false;
  if (ALIKE.has(from.base)) return from.base === to.base;
  return KINDS.some((kind) => kind.includes(from.base) && kind.includes(to.base));
}
