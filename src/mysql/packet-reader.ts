/**
 * Cuts the byte stream of a connection into packets. Payloads of 16 MB and more come in several parts
 * on the wire and are handed over as one. A handler that answers `false` stops the reader until
 * `resume()`: what has arrived by then is kept.
 *
 * Packets are handed over where they stand. Only one that begins in one chunk and ends in another is copied, and
 * not even that where the second chunk stands right behind the first in memory (`ReadArena`).
 */
const HEADER = 4;
const MAX_PART = 0xffffff;

/** `buf[start..end)` is the payload, valid only during the call. False = pause. */
export type OnPacket = (buf: Buffer, start: number, end: number, sequence: number) => boolean;

export class PacketReader {
  readonly #onPacket: OnPacket;
  /** Bytes of a packet that is not complete yet, or, while paused, all that came since. */
  readonly #pending: Buffer[] = [];
  #pendingBytes = 0;
  #needed = HEADER;
  /** Earlier parts of a payload of 16 MB or more. */
  #parts: Buffer[] = [];
  #paused = false;
  #reading = false;

  constructor(onPacket: OnPacket) {
    this.#onPacket = onPacket;
  }

  get paused(): boolean {
    return this.#paused;
  }

  feed(chunk: Buffer): void {
    const { length } = this.#pending;
    const joined = length > 0 ? joinedInPlace(this.#pending[length - 1], chunk) : null;
    if (joined) this.#pending[length - 1] = joined;
    else this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (!this.#paused && this.#pendingBytes >= this.#needed) this.#readPending();
  }

  /** Called by the handler of a packet it only takes back the pause. */
  resume(): void {
    this.#paused = false;
    if (!this.#reading) this.#readPending();
  }

  #readPending(): void {
    this.#needed = HEADER;
    while (!this.#paused && this.#pendingBytes >= this.#needed) {
      // Where the first chunk does not hold the packet, it is made to: by copying that packet and no more.
      if (this.#needed > this.#pending[0].length) this.#pending.unshift(this.#take(this.#needed));
      const chunk = this.#pending[0];
      const used = this.#read(chunk);
      this.#pendingBytes -= used;
      if (used === chunk.length) this.#pending.shift();
      else if (used > 0) this.#pending[0] = chunk.subarray(used);
    }
  }

  /** The first bytes of what is pending, which are in more than one chunk, as a chunk of their own. */
  #take(count: number): Buffer {
    const taken = Buffer.allocUnsafeSlow(count);
    let at = 0;
    let whole = 0;
    while (at < count) {
      const chunk = this.#pending[whole];
      const end = Math.min(chunk.length, count - at);
      taken.set(end < chunk.length ? chunk.subarray(0, end) : chunk, at);
      at += end;
      if (end === chunk.length) whole++;
      else this.#pending[whole] = chunk.subarray(end);
    }
    this.#pending.splice(0, whole);
    return taken;
  }

  /** Reads the packets that are complete in the chunk; returns how many bytes, and says how many the next one needs. */
  #read(chunk: Buffer): number {
    const end = chunk.length;
    let at = 0;
    this.#needed = HEADER;
    this.#reading = true;
    try {
      while (!this.#paused && end - at >= HEADER) {
        const length = chunk[at] | (chunk[at + 1] << 8) | (chunk[at + 2] << 16);
        if (end - at < HEADER + length) {
          this.#needed = HEADER + length;
          break;
        }
        const sequence = chunk[at + 3];
        at += HEADER + length;
        if (!this.#part(chunk, at - length, at, sequence)) this.#paused = true;
      }
    } finally {
      this.#reading = false;
    }
    return at;
  }

  #part(chunk: Buffer, start: number, end: number, sequence: number): boolean {
    if (end - start === MAX_PART) {
      this.#parts.push(Buffer.from(chunk.subarray(start, end)));
      return true;
    }
    if (this.#parts.length === 0) return this.#onPacket(chunk, start, end, sequence);
    this.#parts.push(chunk.subarray(start, end));
    const whole = Buffer.concat(this.#parts);
    this.#parts = [];
    return this.#onPacket(whole, 0, whole.length, sequence);
  }
}

/** One view of both where `next` stands right behind `chunk` in memory. */
function joinedInPlace(chunk: Buffer, next: Buffer): Buffer | null {
  if (chunk.buffer !== next.buffer || chunk.byteOffset + chunk.length !== next.byteOffset) return null;
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length + next.length);
}
