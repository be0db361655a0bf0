/**
 * How much may be kept (`isolate-max-bytes`). While a table catches up the stream waits for room; where
 * nothing makes room the task pauses.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { quoteTable } from '../model/table-name.js';
import type { ParkedTable } from './parked-table.js';

export interface RoomOptions {
  readonly maxBytes: number;
  readonly tables: () => Iterable<ParkedTable>;
  /** Something is being applied, so what is kept grows less. */
  readonly shrinks: () => boolean;
  /** Makes a table apply more that waits for the end of the transaction; false where none has more. */
  readonly goOn: () => boolean;
}

export class Room {
  readonly #options: RoomOptions;
  #wake: (() => void) | null = null;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  get isWaitedFor(): boolean {
    return this.#wake !== null;
  }

  /** To be called when less is kept, or when nothing is being applied any more. */
  changed(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /** undefined where there is room. Throws DmError 60702, at once or later, where there will be none. */
  wait(): Promise<void> | undefined {
    if (this.#bytes() <= this.#options.maxBytes) return undefined;
    this.#requireHope();
    return this.#wait();
  }

  async #wait(): Promise<void> {
    while (this.#bytes() > this.#options.maxBytes) {
      this.#requireHope();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #requireHope(): void {
    const { shrinks, goOn } = this.#options;
    if (!shrinks() && !goOn()) throw this.#full();
  }

  #bytes(): number {
    let bytes = 0;
    for (const table of this.#options.tables()) bytes += table.bytes;
    return bytes;
  }

  #full(): DmError {
    const names = [...this.#options.tables()].map(({ target }) => quoteTable(target)).join(', ');
    return new DmError(
      CODES.isolationFull,
      `the changes that are kept for ${names} take ${this.#bytes()} bytes, more than \`isolate-max-bytes\` allows: ${this.#options.maxBytes}`,
    );
  }
}
