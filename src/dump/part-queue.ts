/**
 * The parts of one chunk on their way from dump to load: the producer waits while so many bytes are not taken,
 * the consumer waits for the next.
 */
import type { BusyTimer } from '../metrics/phase-timer.js';

export interface Part {
  /** The bytes themselves, or the path of the file that they are in. */
  readonly content: Buffer | string;
  readonly bytes: number;
  readonly rows: number;
  readonly emptyEnums: number;
  /** Of sql: where each INSERT begins; each ends with `;\n`. */
  readonly statements: readonly number[];
  /** Of sql: bytes of each INSERT before its first tuple. */
  readonly headBytes: number;
  /** To be called once it is not needed any more: loaded, or not wanted. */
  drop(why: 'loaded' | 'unwanted'): Promise<void>;
}

/** Told how long either side waits for the other. */
export interface PartWaits {
  readonly waitForLoad: BusyTimer;
  readonly waitForDump: BusyTimer;
}

export class PartQueue {
  readonly #limit: number;
  #bytes = 0;
  readonly #waits: PartWaits | undefined;
  readonly #parts: Part[] = [];
  #ended = false;
  #cancelled = false;
  #error: Error | null = null;
  #wake: (() => void)[] = [];

  constructor(limitBytes: number, waits?: PartWaits) {
    this.#limit = limitBytes;
    this.#waits = waits;
  }

  /** False when the consumer has given up: the part is not wanted any more. */
  async push(part: Part): Promise<boolean> {
    if (this.#cancelled) return false;
    this.#parts.push(part);
    this.#bytes += part.bytes;
    this.#notify();
    while (this.#bytes >= this.#limit && !this.#cancelled) {
      await (this.#waits?.waitForLoad.during(this.#change()) ?? this.#change());
    }
    return !this.#cancelled;
  }

  /** The consumer has given up: the producer goes on to its end without waiting, for its snapshot's sake. */
  cancel(): void {
    this.#cancelled = true;
    this.#notify();
  }

  /** No more parts will come. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** The producer has failed. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#notify();
  }

  /** The next part, null after the last. Rejects when the producer has failed. */
  async next(): Promise<Part | null> {
    for (;;) {
      if (this.#error) throw this.#error;
      const part = this.#parts.shift();
      if (part) {
        this.#bytes -= part.bytes;
        this.#notify();
        return part;
      }
      if (this.#ended) return null;
      await (this.#waits?.waitForDump.during(this.#change()) ?? this.#change());
    }
  }

  /** Takes what was not taken. */
  remaining(): Part[] {
    this.#bytes = 0;
    return this.#parts.splice(0);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #notify(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
