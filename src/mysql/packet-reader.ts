/**
 * Cuts the byte stream of a connection into packets. Payloads of 16 MB and more come in several parts
 * on the wire and are handed over as one. A handler that answers `false` stops the reader until
 * `resume()`: what has arrived by then is kept.
 */
const HEADER = 4;
const MAX_PART = 0xffffff;

/** `buf[start..end)` is the payload, valid only during the call. False = pause. */
export type OnPacket = (buf: Buffer, start: number, end: number, sequence: number) => boolean;

export class PacketReader {
  readonly #onPacket: OnPacket;
  /** Bytes of a packet that is not complete yet, or, while paused, all that came since. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #needed = HEADER;
  /** Earlier parts of a payload of 16 MB or more. */
  #parts: Buffer[] = [];
  #paused = false;

  constructor(onPacket: OnPacket) {
    this.#onPacket = onPacket;
  }

  get paused(): boolean {
    return this.#paused;
  }

  feed(chunk: Buffer): void {
    if (this.#pendingBytes === 0 && !this.#paused) {
      this.#read(chunk);
      return;
    }
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (!this.#paused && this.#pendingBytes >= this.#needed) this.#readPending();
  }

  resume(): void {
    this.#paused = false;
    if (this.#pendingBytes >= HEADER) this.#readPending();
  }

  #readPending(): void {
    const all =
      this.#pending.length === 1 ? this.#pending[0] : Buffer.concat(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#read(all);
  }

  #read(chunk: Buffer): void {
    const end = chunk.length;
    let at = 0;
    this.#needed = HEADER;
    while (!this.#paused && end - at >= HEADER) {
      const length = chunk[at] | (chunk[at + 1] << 8) | (chunk[at + 2] << 16);
      if (end - at < HEADER + length) {
        this.#needed = HEADER + length;
        break;
      }
      const sequence = chunk[at + 3];
      at += HEADER;
      let go = true;
      if (length === MAX_PART) {
        this.#parts.push(Buffer.from(chunk.subarray(at, at + length)));
      } else if (this.#parts.length > 0) {
        this.#parts.push(chunk.subarray(at, at + length));
        const whole = Buffer.concat(this.#parts);
        this.#parts = [];
        go = this.#onPacket(whole, 0, whole.length, sequence);
      } else {
        go = this.#onPacket(chunk, at, at + length, sequence);
      }
      at += length;
      if (!go) this.#paused = true;
    }
    if (at < end) {
      this.#pending.push(at === 0 ? chunk : chunk.subarray(at));
      this.#pendingBytes += end - at;
    }
  }
}
