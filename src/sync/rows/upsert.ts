/**
 * A statement that updates many rows as `INSERT .. ON DUPLICATE KEY UPDATE`, inside a packet.
 *
 * The server counts 2 for a row it has changed, 1 for one it has inserted or found as it should be. So the
 * double of the rows proves that all were there. Anything else makes the lane roll back, ask which are
 * there, blank out the others and send the packet again: a change that finds no row changes nothing.
 */
import { quoteName, quoteTable } from '../../model/table-name.js';
import type { TablePlan } from '../lanes/plan.js';
import { RowSpans } from './row-spans.js';

export class Upsert extends RowSpans {
  readonly plan: TablePlan;
  #keyEnds: number[] = [];
  /** The rows that are left are known to be there. */
  verified = false;

  constructor(plan: TablePlan, statement: number) {
    super(statement);
    this.plan = plan;
  }

  /** The row's opening bracket, the end of its key, and what follows its closing bracket. */
  add(start: number, keyEnd: number, end: number): number {
    this.#keyEnds.push(keyEnd);
    return this.addSpan(start, end);
  }

  override shift(by: number): void {
    super.shift(by);
    this.#keyEnds = this.#keyEnds.map((at) => at + by);
  }

  /** Whether what the server has counted proves that every row was there. */
  provenBy(affectedRows: number): boolean {
    return this.verified || affectedRows === 2 * this.rows;
  }

  /** Numbers of the rows that are left, and their keys for people: `(1,'x'`, without the closing bracket. */
  keys(buffer: Buffer): { row: number; key: string }[] {
    return this.#left().map((row) => ({ row, key: this.#key(buffer, row).toString('utf8') }));
  }

  /** One SELECT for each row that is left, which finds the row where it is there. Keys may be no text: as bytes. */
  probes(buffer: Buffer): Buffer {
    const { where, columns, codec, target } = this.plan;
    const key = Array.from(columns.subarray(0, where.length), (column) =>
      quoteName(codec.columns[column].name),
    );
    const select = Buffer.from(`SELECT 1 FROM ${quoteTable(target)} WHERE (${key.join(',')})=`);
    const end = Buffer.from(') LIMIT 1');
    const next = Buffer.from(';');
    return Buffer.concat(
      this.#left().flatMap((row, i) => [...(i === 0 ? [] : [next]), select, this.#key(buffer, row), end]),
    );
  }

  #left(): number[] {
    return this.starts.flatMap((_, row) => (this.isGone(row) ? [] : [row]));
  }

  #key(buffer: Buffer, row: number): Buffer {
    return buffer.subarray(this.starts[row], this.#keyEnds[row]);
  }
}
