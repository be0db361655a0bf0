/** Parts of a row image as SQL text: literals, `(..)` tuples and what a WHERE asks for. */
import type { RowIndex } from '../../binlog/rows.js';
import type { ByteWriter } from '../../mysql/byte-writer.js';
import type { TablePlan, WhereColumn } from '../lanes/plan.js';
import { isNoMember } from './row-image.js';

const COMMA = 0x2c;
const OPEN = 0x28;
const CLOSE = 0x29;
const EQUALS = 0x3d;

/** The value of one column, by ordinal. */
export function writeLiteral(
  out: ByteWriter,
  plan: TablePlan,
  index: RowIndex,
  image: number,
  column: number,
): void {
  const at = image * index.columnCount + column;
  const start = index.starts[at];
  if (start < 0) out.ascii('NULL');
  else plan.codec.columns[column].literal(index.buf, start, index.lengths[at], out);
}

/** The value of a key column, as what it can be compared with. */
export function writeComparable(
  out: ByteWriter,
  plan: TablePlan,
  where: WhereColumn,
  index: RowIndex,
  image: number,
): void {
  if (where.comparison !== 'float') {
    writeLiteral(out, plan, index, image, where.column);
    return;
  }
  const at = image * index.columnCount + where.column;
  const codec = plan.codec.columns[where.column];
  // An exponent makes the literal a double: a decimal would be compared by its digits.
  const value = Number(codec.value(index.buf, index.starts[at], index.lengths[at]));
  out.ascii(Math.fround(value).toExponential());
}

/** `(..)` of all written columns; returns where its key (the first `keyColumns`) ends, counted from its begin. */
export function writeTuple(
  out: ByteWriter,
  plan: TablePlan,
  keyColumns: number,
  index: RowIndex,
  image: number,
): number {
  const from = out.length;
  let keyEnd = 0;
  out.byte(OPEN);
  const { columns, codec } = plan;
  const { buf, starts, lengths } = index;
  const base = image * index.columnCount;
  for (let i = 0; i < columns.length; i++) {
    if (i === keyColumns) keyEnd = out.length;
    if (i > 0) out.byte(COMMA);
    const column = columns[i];
    const start = starts[base + column];
    if (start < 0) out.ascii('NULL');
    else codec.columns[column].literal(buf, start, lengths[base + column], out);
  }
  if (keyEnd === 0) keyEnd = out.length;
  out.byte(CLOSE);
  return keyEnd - from;
}

/** The condition that finds the row: its key, or without one its whole content. */
export function writeWhere(out: ByteWriter, plan: TablePlan, index: RowIndex, image: number): void {
  const { where } = plan;
  for (let i = 0; i < where.length; i++) {
    if (i > 0) out.ascii(' AND ');
    const column = where[i];
    const start = index.starts[image * index.columnCount + column.column];
    out.utf8(column.name);
    if (start < 0) {
      out.ascii(' IS NULL');
      continue;
    }
    switch (column.comparison) {
      case 'plain':
      case 'float':
        out.byte(EQUALS);
        writeComparable(out, plan, column, index, image);
        break;
      case 'enum':
        out.byte(EQUALS);
        writeLiteral(out, plan, index, image, column.column);
        if (isNoMember(index, image * index.columnCount + column.column)) break;
        out.ascii(' AND ');
        out.utf8(column.name);
        out.ascii('<>0');
        break;
      case 'json':
        out.ascii('=CAST(');
        writeLiteral(out, plan, index, image, column.column);
        out.ascii(' AS JSON)');
        break;
      case 'exact-text':
        // The first half can use an index, the second tells apart what the collation does not.
        out.byte(EQUALS);
        writeLiteral(out, plan, index, image, column.column);
        out.ascii(' AND CAST(CONVERT(');
        out.utf8(column.name);
        out.ascii(' USING utf8mb4) AS BINARY)=CAST(');
        writeLiteral(out, plan, index, image, column.column);
        out.ascii(' AS BINARY)');
        break;
    }
  }
}
