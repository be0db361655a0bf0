/**
 * Memory into which a socket reads, one read behind the other: so a packet that comes in two reads stands in
 * one piece, and reading costs neither a buffer of its own each time nor a copy. What has been read is never overwritten;
 * it is freed when nobody holds a view of it.
 */

/** What idle connections hold. */
const FIRST = 16 * 1024;
const LARGEST = 256 * 1024;
/** Less room than this part of the whole is not worth a read of its own. */
const REST = 8;

export class ReadArena {
  #memory = Buffer.allocUnsafeSlow(FIRST);
  #used = 0;

  /** Room for the next read. */
  room(): Buffer {
    const size = this.#memory.length;
    if (size - this.#used < size / REST) {
      this.#memory = Buffer.allocUnsafeSlow(Math.min(size * 2, LARGEST));
      this.#used = 0;
    }
    return this.#memory.subarray(this.#used);
  }

  /** So many bytes have come into the room: a view of them. */
  filled(count: number): Buffer {
    const from = this.#used;
    this.#used += count;
    return this.#memory.subarray(from, this.#used);
  }
}
