/** The statements of a packet whose rows are bound, in their order; nothing of them stands in its text. */
import type { ByteWriter } from '../../mysql/byte-writer.js';
import type { TablePlan } from '../lanes/plan.js';
import type { BulkPlan } from './bulk-plan.js';
import { BulkRows } from './bulk-rows.js';

/** A command costs the target as much as about ten rows as text. */
const MIN_ROWS = 50;
/** Fewer than a connection keeps prepared. */
const MAX_STATEMENTS = 16;

export class BoundStatements {
  readonly #used: BulkRows[] = [];
  /** Emptied ones. */
  readonly #spare: BulkRows[] = [];

  get all(): readonly BulkRows[] {
    return this.#used;
  }

  get any(): boolean {
    return this.#used.length > 0;
  }

  get full(): boolean {
    return this.#used.length >= MAX_STATEMENTS;
  }

  get bytes(): number {
    let bytes = 0;
    for (const { bytes: own } of this.#used) bytes += own;
    return bytes;
  }

  /** What it holds on to in memory. */
  get capacity(): number {
    let bytes = 0;
    for (const { capacity } of this.#used) bytes += capacity;
    for (const { capacity } of this.#spare) bytes += capacity;
    return bytes;
  }

  /** @param statement Its number in the packet. */
  begin(plan: TablePlan, bulk: BulkPlan, statement: number): void {
    const rows = this.#spare.pop() ?? new BulkRows();
    rows.begin(plan, bulk, statement);
    this.#used.push(rows);
  }

  get last(): BulkRows {
    return this.#used[this.#used.length - 1];
  }

  /** No row comes to the last statement any more: a few are written as text, at the end of `out`. */
  endLast(out: ByteWriter): void {
    if (this.last.rows >= MIN_ROWS) return;
    this.last.writeText(out);
    this.#spare.push(...this.#used.splice(-1));
  }

  reset(): void {
    this.#spare.push(...this.#used.splice(0));
  }

  /**
   * What to send, in this order: texts, which are parts of `text`, and bound rows.
   * @param starts Where each statement starts, `skipped` bytes before the place in `text`.
   */
  parts(text: Buffer, starts: readonly number[], skipped: number): (Buffer | BulkRows)[] {
    const parts: (Buffer | BulkRows)[] = [];
    let from = 0;
    for (const rows of this.#used) {
      const at = starts[rows.statement] - skipped;
      // A semicolon stands in front of it and one behind it.
      if (at - 1 > from) parts.push(text.subarray(from, at - 1));
      parts.push(rows);
      from = at + 1;
    }
    parts.push(text.subarray(from));
    return parts;
  }
}
