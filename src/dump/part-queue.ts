/**
 * The files of one chunk on their way from dump to load: the producer waits while `limit` files are not
 * taken, the consumer waits for the next.
 */
import type { BusyTimer } from '../metrics/phase-timer.js';

export interface Part {
  readonly path: string;
  readonly bytes: number;
  readonly rows: number;
  readonly emptyEnums: number;
  /** Of a .sql file: where each INSERT begins; each ends with `;\n`. */
  readonly statements: readonly number[];
  /** Of a .sql file: bytes of each INSERT before its first tuple. */
  readonly headBytes: number;
}

/** Told how long either side waits for the other. */
export interface PartWaits {
  readonly waitForLoad: BusyTimer;
  readonly waitForDump: BusyTimer;
}

export class PartQueue {
  readonly #limit: number;
  readonly #waits: PartWaits | undefined;
  readonly #parts: Part[] = [];
  #ended = false;
  #cancelled = false;
  #error: Error | null = null;
  #wake: (() => void)[] = [];

  constructor(limit: number, waits?: PartWaits) {
    this.#limit = limit;
    this.#waits = waits;
  }

  /** False when the consumer has given up: the part is not wanted any more. */
  async push(part: Part): Promise<boolean> {
    if (this.#cancelled) return false;
    this.#parts.push(part);
    this.#notify();
    while (this.#parts.length >= this.#limit && !this.#cancelled) {
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
        this.#notify();
        return part;
      }
      if (this.#ended) return null;
      await (this.#waits?.waitForDump.during(this.#change()) ?? this.#change());
    }
  }

  /** Takes what was not taken. */
  remaining(): Part[] {
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
