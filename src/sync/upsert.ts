/**
 * A statement that updates many rows as `INSERT .. ON DUPLICATE KEY UPDATE`, inside a packet.
 *
 * The server counts 2 for a row it has changed, 1 for one it has inserted or found as it should be. So the
 * double of the rows proves that all were there. Anything else makes the lane roll back, ask which are
 * there, blank out the others and send the packet again: a change that finds no row changes nothing.
 */
import { quoteName, quoteTable } from '../model/table-name.js';
import type { TablePlan } from './plan.js';

const SPACE = 0x20;
const COMMA = 0x2c;
const NOTHING = 'DO 0';

export class Upsert {
  readonly plan: TablePlan;
  /** Number of the statement in the packet. */
  readonly statement: number;
  /** Of each row: its opening bracket, the end of its key, and what follows its closing bracket. */
  readonly #starts: number[] = [];
  readonly #keyEnds: number[] = [];
  readonly #ends: number[] = [];
  /** The rows that are left are known to be there. */
  verified = false;

  constructor(plan: TablePlan, statement: number) {
    this.plan = plan;
    this.statement = statement;
  }

  add(start: number, keyEnd: number, end: number): void {
    this.#starts.push(start);
    this.#keyEnds.push(keyEnd);
    this.#ends.push(end);
  }

  get rows(): number {
    return this.#starts.length;
  }

  /** Whether what the server has counted proves that every row was there. */
  provenBy(affectedRows: number): boolean {
    return this.verified || affectedRows === 2 * this.rows;
  }

  /** `(1,'x'` of each row, without the closing bracket. */
  keys(buffer: Buffer): string[] {
    return this.#starts.map((start, i) => buffer.toString('utf8', start, this.#keyEnds[i]));
  }

  /** One SELECT a row, which finds the row where it is there. */
  probes(buffer: Buffer): string {
    const { where, columns, codec, target } = this.plan;
    const key = Array.from(columns.subarray(0, where.length), (column) =>
      quoteName(codec.columns[column].name),
    );
    const select = `SELECT 1 FROM ${quoteTable(target)} WHERE (${key.join(',')})=`;
    return this.keys(buffer)
      .map((values) => `${select}${values}) LIMIT 1`)
      .join(';');
  }

  /** Takes rows out of the statement: no byte moves. `end` is the end of the statement. */
  blank(buffer: Buffer, isMissing: (row: number) => boolean, from: number, end: number): void {
    this.verified = true;
    let kept = 0;
    for (let row = 0; row < this.rows; row++) {
      const start = this.#starts[row];
      if (row > 0) buffer[start - 1] = SPACE;
      if (isMissing(row)) buffer.fill(SPACE, start, this.#ends[row]);
      else if (kept++ > 0) buffer[start - 1] = COMMA;
    }
    if (kept > 0) return;
    buffer.fill(SPACE, from, end);
    buffer.write(NOTHING, from, 'latin1');
  }
}
