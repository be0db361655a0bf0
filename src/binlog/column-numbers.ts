/** Integers, DECIMAL, FLOAT, DOUBLE, BIT, YEAR: bytes to digits without strings in between. */
import type { ByteWriter } from '../mysql/byte-writer.js';
import type { ColumnCodec, SqlValue } from './rows.js';

/** Writes a non-negative integer below 2^53. */
export function writeUnsigned(value: number, out: ByteWriter): void {
  out.ensure(20);
  const target = out.buffer;
  let digits = 1;
  for (let limit = 10; value >= limit && digits < 17; limit *= 10) digits++;
  let at = out.length + digits;
  out.length = at;
  let rest = value;
  // Integer division in 32 bits is several times as fast as in doubles.
  while (rest > 0x7fffffff) {
    const next = Math.floor(rest / 10);
    target[--at] = 48 + (rest - next * 10);
    rest = next;
  }
  for (let i = rest | 0; ;) {
    const next = (i / 10) | 0;
    target[--at] = 48 + (i - next * 10);
    if (next === 0) return;
    i = next;
  }
}

function writeInteger(value: number, out: ByteWriter): void {
  if (value < 0) {
    out.byte(0x2d);
    writeUnsigned(-value, out);
  } else writeUnsigned(value, out);
}

export function integerColumn(name: string, bytes: number, unsigned: boolean): ColumnCodec {
  if (bytes === 8) return bigintColumn(name, unsigned);
  const read = reader(bytes, unsigned);
  return {
    name,
    value: (buf, start) => read(buf, start),
    literal: (buf, start, _length, out) => writeInteger(read(buf, start), out),
  };
}

function reader(bytes: number, unsigned: boolean): (buf: Buffer, at: number) => number {
  switch (bytes) {
    case 1:
      return unsigned ? (b, i) => b[i] : (b, i) => (b[i] << 24) >> 24;
    case 2:
      return unsigned ? (b, i) => b[i] | (b[i + 1] << 8) : (b, i) => ((b[i] << 16) | (b[i + 1] << 24)) >> 16;
    case 3:
      return unsigned
        ? (b, i) => b[i] | (b[i + 1] << 8) | (b[i + 2] << 16)
        : (b, i) => ((b[i] << 8) | (b[i + 1] << 16) | (b[i + 2] << 24)) >> 8;
    default:
      return unsigned
        ? (b, i) => (b[i] | (b[i + 1] << 8) | (b[i + 2] << 16) | (b[i + 3] << 24)) >>> 0
        : (b, i) => b[i] | (b[i + 1] << 8) | (b[i + 2] << 16) | (b[i + 3] << 24);
  }
}

function bigintColumn(name: string, unsigned: boolean): ColumnCodec {
  const big = unsigned
    ? (buf: Buffer, at: number) => buf.readBigUInt64LE(at)
    : (buf: Buffer, at: number) => buf.readBigInt64LE(at);
  return {
    name,
    value(buf, start) {
      const value = big(buf, start);
      return value > Number.MAX_SAFE_INTEGER || value < -Number.MAX_SAFE_INTEGER ? value : Number(value);
    },
    literal(buf, start, _length, out) {
      const high = unsigned ? buf.readUInt32LE(start + 4) : buf.readInt32LE(start + 4);
      if (high >= -0x200000 && high < 0x200000) {
        writeInteger(high * 0x100000000 + buf.readUInt32LE(start), out);
      } else out.ascii(big(buf, start).toString());
    },
  };
}

/**
 * The exact double text, also of a FLOAT: 0.1 as a FLOAT is 0.10000000149011612. Read back it gives the
 * same FLOAT, and it is what a FLOAT column compares equal to. The exponent makes the literal a DOUBLE.
 */
export function doubleText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0e0' : '0e0';
  const text = String(value);
  return text.includes('e') ? text.replace('e+', 'e') : `${text}e0`;
}

export function floatColumn(name: string, bytes: 4 | 8): ColumnCodec {
  const read =
    bytes === 4
      ? (buf: Buffer, at: number) => buf.readFloatLE(at)
      : (buf: Buffer, at: number) => buf.readDoubleLE(at);
  return {
    name,
    value: (buf, start) => read(buf, start),
    literal: (buf, start, _length, out) => out.ascii(doubleText(read(buf, start))),
  };
}

export function bitColumn(name: string): ColumnCodec {
  const value = (buf: Buffer, start: number, length: number): bigint => {
    let bits = 0n;
    for (let i = 0; i < length; i++) bits = (bits << 8n) | BigInt(buf[start + i]);
    return bits;
  };
  return {
    name,
    value,
    literal: (buf, start, length, out) => out.ascii(value(buf, start, length).toString()),
  };
}

export function yearColumn(name: string): ColumnCodec {
  const value = (buf: Buffer, start: number): number => (buf[start] === 0 ? 0 : 1900 + buf[start]);
  return {
    name,
    value,
    // Numbers 0-99 mean 2000-2069 and 1970-1999; only the text '0000' is year zero.
    literal: (buf, start, _length, out) =>
      buf[start] === 0 ? out.ascii("'0000'") : writeUnsigned(value(buf, start), out),
  };
}

/** Bytes that hold 0 to 9 digits. */
const GROUP_BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

export function decimalSize(precision: number, scale: number): number {
  const whole = precision - scale;
  return (
    Math.floor(whole / 9) * 4 + GROUP_BYTES[whole % 9] + Math.floor(scale / 9) * 4 + GROUP_BYTES[scale % 9]
  );
}

/**
 * Writes a packed DECIMAL: groups of nine digits in four bytes, big-endian, odd groups shorter; the first
 * bit is inverted, and all bits of a negative number.
 */
export function writeDecimal(
  buf: Buffer,
  start: number,
  precision: number,
  scale: number,
  out: ByteWriter,
): void {
  out.ensure(precision + 4);
  const target = out.buffer;
  let to = out.length;
  const negative = (buf[start] & 0x80) === 0;
  const mask = negative ? 0xff : 0;
  if (negative) target[to++] = 0x2d;
  let at = start;
  let first = true;
  const group = (bytes: number): number => {
    let value = 0;
    for (let i = 0; i < bytes; i++) {
      let byte = buf[at++] ^ mask;
      if (first) byte ^= 0x80;
      first = false;
      value = value * 256 + byte;
    }
    return value;
  };
  const digits = (value: number, count: number): void => {
    let rest = value;
    for (let i = count - 1; i >= 0; i--) {
      const next = (rest / 10) | 0;
      target[to + i] = 48 + (rest - next * 10);
      rest = next;
    }
    to += count;
  };
  const whole = precision - scale;
  const wholeStart = to;
  if (whole % 9 > 0) digits(group(GROUP_BYTES[whole % 9]), whole % 9);
  for (let i = Math.floor(whole / 9); i > 0; i--) digits(group(4), 9);
  // Leading zeros go, one digit stays.
  let skip = 0;
  while (skip < to - wholeStart - 1 && target[wholeStart + skip] === 48) skip++;
  if (skip > 0) {
    target.copyWithin(wholeStart, wholeStart + skip, to);
    to -= skip;
  }
  if (whole === 0) target[to++] = 48;
  if (scale > 0) {
    target[to++] = 0x2e;
    for (let i = Math.floor(scale / 9); i > 0; i--) digits(group(4), 9);
    if (scale % 9 > 0) digits(group(GROUP_BYTES[scale % 9]), scale % 9);
  }
  out.length = to;
}

/** The text of a column whose literal is plain ASCII without quotes. */
export function literalText(write: (out: ByteWriter) => void, scratch: ByteWriter): string {
  scratch.reset();
  write(scratch);
  return scratch.buffer.latin1Slice(0, scratch.length);
}

export function decimalColumn(
  name: string,
  precision: number,
  scale: number,
  scratch: ByteWriter,
): ColumnCodec {
  return {
    name,
    value: (buf, start): SqlValue =>
      literalText((out) => writeDecimal(buf, start, precision, scale, out), scratch),
    literal: (buf, start, _length, out) => writeDecimal(buf, start, precision, scale, out),
  };
}
