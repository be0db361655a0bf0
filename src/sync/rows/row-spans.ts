/** Where the rows of one statement of a packet stand, so that rows can be taken out of it again. */

const SPACE = 0x20;
const COMMA = 0x2c;
const NOTHING = 'DO 0';

export class RowSpans {
  /** Number of the statement in the packet. */
  readonly statement: number;
  /** Of each row: its first byte, behind the comma, and what follows its last. */
  protected starts: number[] = [];
  #ends: number[] = [];
  readonly #gone = new Set<number>();

  constructor(statement: number) {
    this.statement = statement;
  }

  /** Returns the number of the row. */
  addSpan(start: number, end: number): number {
    this.#ends.push(end);
    return this.starts.push(start) - 1;
  }

  /** The statement has moved in the packet. */
  shift(by: number): void {
    this.starts = this.starts.map((at) => at + by);
    this.#ends = this.#ends.map((at) => at + by);
  }

  /** Rows that are left. */
  get rows(): number {
    return this.starts.length - this.#gone.size;
  }

  /** The row is to be taken out by the next `blank`. */
  remove(row: number): void {
    this.#gone.add(row);
  }

  isGone(row: number): boolean {
    return this.#gone.has(row);
  }

  get anyGone(): boolean {
    return this.#gone.size > 0;
  }

  /** Takes out what is removed; no byte moves. `from` and `end` are the bounds of the statement. */
  blank(buffer: Buffer, from: number, end: number): void {
    if (this.rows === 0) {
      buffer.fill(SPACE, from, end);
      buffer.write(NOTHING, from, 'latin1');
      return;
    }
    let kept = 0;
    for (let row = 0; row < this.starts.length; row++) {
      const start = this.starts[row];
      if (row > 0) buffer[start - 1] = SPACE;
      if (this.#gone.has(row)) buffer.fill(SPACE, start, this.#ends[row]);
      else if (kept++ > 0) buffer[start - 1] = COMMA;
    }
  }
}
