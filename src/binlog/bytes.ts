/** Reading helpers for integers wider than JavaScript's own views, and a cursor for events' bodies. */
import { binlogError } from './binlog-error.js';

/** Little-endian, up to 2^53: positions and lengths. */
export function readUInt48(buf: Uint8Array, at: number): number {
  return (
    (buf[at] | (buf[at + 1] << 8) | (buf[at + 2] << 16)) +
    buf[at + 3] * 0x1000000 +
    buf[at + 4] * 0x100000000 +
    buf[at + 5] * 0x10000000000
  );
}

/** An 8-byte length or position as a number; refuses what a double cannot hold. */
export function readUInt64Number(buf: Buffer, at: number): number {
  const value = buf.readUInt32LE(at) + buf.readUInt32LE(at + 4) * 0x100000000;
  if (value > Number.MAX_SAFE_INTEGER) throw binlogError(`number ${value} in an event is out of range`);
  return value;
}

/**
 * Walks through the body of one event. Every read is checked against the event's end, so a broken
 * event is a DmError 36069 and never a read of the neighbour's bytes.
 */
export class Cursor {
  constructor(
    readonly buf: Buffer,
    public at: number,
    readonly end: number,
  ) {}

  #take(count: number): number {
    const from = this.at;
    if (count < 0 || from + count > this.end) {
      throw binlogError(`event ends too early: ${count} bytes wanted, ${this.end - from} left`);
    }
    this.at = from + count;
    return from;
  }

  get left(): number {
    return this.end - this.at;
  }

  skip(count: number): void {
    this.#take(count);
  }

  u8(): number {
    return this.buf[this.#take(1)];
  }

  u16(): number {
    return this.buf.readUInt16LE(this.#take(2));
  }

  u24(): number {
    return this.buf.readUIntLE(this.#take(3), 3);
  }

  u32(): number {
    return this.buf.readUInt32LE(this.#take(4));
  }

  u48(): number {
    return readUInt48(this.buf, this.#take(6));
  }

  u64(): bigint {
    return this.buf.readBigUInt64LE(this.#take(8));
  }

  u64Number(): number {
    return readUInt64Number(this.buf, this.#take(8));
  }

  /** A view, not a copy. */
  bytes(count: number): Buffer {
    const from = this.#take(count);
    return this.buf.subarray(from, from + count);
  }

  rest(): Buffer {
    return this.bytes(this.end - this.at);
  }

  utf8(count: number): string {
    const from = this.#take(count);
    return this.buf.utf8Slice(from, from + count);
  }

  /** MySQL's length-encoded integer. */
  lenenc(): number {
    const first = this.u8();
    if (first < 251) return first;
    if (first === 252) return this.u16();
    if (first === 253) return this.u24();
    if (first === 254) return this.u64Number();
    throw binlogError(`bad length byte ${first}`);
  }
}
