/** What a packet asks of a row image before it writes it. */
import type { RowIndex } from '../../binlog/rows.js';
import { sameBytes, type TablePlan } from '../lanes/plan.js';

/** True when an ENUM holds 0, which the source has stored in a lax mode for a value that is no member. */
export function needsLaxMode(plan: TablePlan, index: RowIndex, image: number): boolean {
  for (const column of plan.enums) {
    if (isNoMember(index, image * index.columnCount + column)) return true;
  }
  return false;
}

/** True when the ENUM at this place of the index holds 0. */
export function isNoMember(index: RowIndex, at: number): boolean {
  const start = index.starts[at];
  return start >= 0 && index.buf[start] === 0 && (index.lengths[at] === 1 || index.buf[start + 1] === 0);
}

export function rowBytes(index: RowIndex, image: number): number {
  const { columnCount, lengths, starts } = index;
  let bytes = 0;
  for (let at = image * columnCount, end = at + columnCount; at < end; at++) {
    if (starts[at] >= 0) bytes += lengths[at];
  }
  return bytes;
}

export function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Fills `into` by place in `plan.columns`; where nothing differs with the first one, for a statement that touches nothing. */
export function changedColumns(
  into: number[],
  plan: TablePlan,
  index: RowIndex,
  before: number,
  after: number,
  also: readonly number[] | null,
): number[] {
  const { columns, always } = plan;
  into.length = 0;
  for (let i = 0; i < columns.length; i++) {
    if (always[i] === 1 || !sameBytes(index, before, after, columns[i])) into.push(i);
    else if (also?.includes(i) === true) into.push(i);
  }
  if (into.length === 0) into.push(0);
  return into;
}
