/** An UPDATE of many rows by CASE (case-plan.ts) while it grows: what it sets, column by column. */
import type { RowIndex, SqlValue } from '../../binlog/rows.js';
import { ByteWriter } from '../../mysql/byte-writer.js';
import type { CasePlan } from './case-plan.js';
import type { TablePlan } from '../lanes/plan.js';
import { writeLiteral } from './row-sql.js';

/** The target searches the keys from the first on, row by row. */
const MAX_ROWS = 128;
const COMMA = 0x2c;
const CLOSE = 0x29;
const EQUALS = 0x3d;
const WHEN = ' WHEN ';
const THEN = ' THEN ';

export class CaseUpdate {
  /** Literals of keys and values, as they came. */
  readonly #literals = new ByteWriter(4096);
  readonly #rows = new Map<SqlValue, number>();
  /** Of each row: where its key begins, then where each value begins and ends. */
  #spans = new Int32Array(256);
  #columns = 0;

  /** Begins anew, with so many columns to set. */
  begin(columns: number): void {
    this.#columns = columns;
    this.#literals.reset();
    this.#rows.clear();
    const need = MAX_ROWS * this.#step;
    if (this.#spans.length < need) this.#spans = new Int32Array(need);
  }

  get #step(): number {
    return 2 + 2 * this.#columns;
  }

  /** Bytes that it will take, about. */
  get bytes(): number {
    return this.#literals.length;
  }

  /** Rows so far: a later change of one takes the place of the one before. */
  get rows(): number {
    return this.#rows.size;
  }

  /** False where the row needs a statement of its own: this one is full. */
  add(plan: TablePlan, cases: CasePlan, changed: readonly number[], index: RowIndex, image: number): boolean {
    const at = image * index.columnCount + cases.key;
    const key = plan.codec.columns[cases.key].value(index.buf, index.starts[at], index.lengths[at]);
    const out = this.#literals;
    const spans = this.#spans;
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = this.#rows.size;
      if (row >= MAX_ROWS) return false;
      this.#rows.set(key, row);
      spans[row * this.#step] = out.length;
      writeLiteral(out, plan, index, image, cases.key);
      spans[row * this.#step + 1] = out.length;
    }
    let span = row * this.#step + 2;
    for (let i = 0; i < changed.length; i++) {
      spans[span++] = out.length;
      writeLiteral(out, plan, index, image, plan.columns[changed[i]]);
      spans[span++] = out.length;
    }
    return true;
  }

  /** One row makes a plain UPDATE. */
  write(out: ByteWriter, plan: TablePlan, changed: readonly number[]): void {
    const single = this.#rows.size === 1;
    const { name } = plan.where[0];
    const end = this.#rows.size * this.#step;
    out.bytes(plan.updateHead);
    for (let i = 0; i < changed.length; i++) {
      if (i > 0) out.byte(COMMA);
      out.utf8(plan.assignments[changed[i]]);
      const value = 2 + 2 * i;
      if (single) {
        this.#copy(value, out);
        continue;
      }
      out.ascii('CASE ');
      out.utf8(name);
      for (let row = 0; row < end; row += this.#step) {
        out.ascii(WHEN);
        this.#copy(row, out);
        out.ascii(THEN);
        this.#copy(row + value, out);
      }
      out.ascii(' END');
    }
    out.ascii(' WHERE ');
    out.utf8(name);
    if (single) {
      out.byte(EQUALS);
      this.#copy(0, out);
      return;
    }
    out.ascii(' IN (');
    for (let row = 0; row < end; row += this.#step) {
      if (row > 0) out.byte(COMMA);
      this.#copy(row, out);
    }
    out.byte(CLOSE);
  }

  #copy(span: number, out: ByteWriter): void {
    out.bytes(this.#literals.buffer, this.#spans[span], this.#spans[span + 1]);
  }
}
