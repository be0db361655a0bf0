/**
 * Memory for what goes from dump to load without a file between. All readers of a session share it. Where it is
 * full because the target is slow, or far away and in need of more chunks at a time than there are readers, parts
 * go by way of the disk.
 */
import { ByteWriter } from '../mysql/byte-writer.js';
import type { Clock } from '../runtime/ports.js';

const LARGEST_PART = 2 * 1024 * 1024;
const SMALLEST_PART = 256 * 1024;
const MOST_BYTES = 32 * 1024 * 1024;
/** The row that fills a part does not have to make it grow. */
const SLACK = 128 * 1024;
/** A near target makes room within it, and disk and processor are spared. */
const PATIENCE_MS = 250;

export class PartMemory {
  /** A part is complete from here on. */
  readonly partBytes: number;
  readonly #clock: Clock;
  readonly #free: ByteWriter[] = [];
  #held = 0;
  /** Nobody waits for room any more until there is some. */
  #givenUp = false;
  #wake: (() => void)[] = [];

  constructor(clock: Clock, readers: number) {
    this.#clock = clock;
    const share = MOST_BYTES / 2 / Math.max(1, readers);
    this.partBytes = Math.min(LARGEST_PART, Math.max(SMALLEST_PART, Math.floor(share)));
  }

  writer(): ByteWriter {
    return this.#free.pop() ?? new ByteWriter(this.partBytes + SLACK);
  }

  /** Whether a part of so many bytes may stay in memory; it is to be released then. */
  async hold(bytes: number): Promise<boolean> {
    if (!this.#fits(bytes) && !this.#givenUp) await this.#roomFor(bytes);
    this.#givenUp = !this.#fits(bytes);
    if (this.#givenUp) return false;
    this.#held += bytes;
    return true;
  }

  /** `reuse`: nobody reads the writer's bytes any more. */
  release(writer: ByteWriter, reuse: boolean): void {
    this.#held -= writer.length;
    if (reuse) this.giveBack(writer);
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  /** One that holds nothing of use. */
  giveBack(writer: ByteWriter): void {
    writer.reset();
    if (writer.buffer.length === this.partBytes + SLACK) this.#free.push(writer);
  }

  #fits(bytes: number): boolean {
    return this.#held + bytes <= MOST_BYTES;
  }

  async #roomFor(bytes: number): Promise<void> {
    const over = new AbortController();
    let late = false;
    const limit = this.#clock.sleep(PATIENCE_MS, over.signal).then(
      () => (late = true),
      () => undefined,
    );
    while (!late && !this.#fits(bytes)) {
      await Promise.race([limit, new Promise<void>((resolve) => this.#wake.push(resolve))]);
    }
    over.abort(new Error('there is room'));
    await limit;
  }
}
