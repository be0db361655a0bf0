/** Integers, DECIMAL, FLOAT, DOUBLE, BIT, YEAR: bytes to digits without strings in between. */
import type { ByteWriter } from '../mysql/byte-writer.js';
import { binlogError } from './binlog-error.js';
import { bitBinding, decimalBinding, floatBinding, integerBinding, yearBinding } from './binding.js';
import type { ColumnCodec, SqlValue } from './rows.js';

/** Writes a non-negative integer below 2^53. */
export function writeUnsigned(value: number, out: ByteWriter): void {
  out.ensure(20);
  const target = out.buffer;
  if (value <= 0x7fffffff) {
    const at = out.length + digitCount(value | 0);
    out.length = at;
    putDigitsBefore(target, at, value | 0);
    return;
  }
  // Integer division in 32 bits is several times as fast as in doubles: nine digits at a time.
  const high = Math.floor(value / 1e9);
  writeUnsigned(high, out);
  putDigits(target, out.length, (value - high * 1e9) | 0, 9);
  out.length += 9;
}

function digitCount(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  if (value < 100_000_000) return value < 1e6 ? (value < 100_000 ? 5 : 6) : value < 1e7 ? 7 : 8;
  return value < 1e9 ? 9 : 10;
}

function putDigitsBefore(target: Buffer, end: number, value: number): void {
  let at = end;
  for (let rest = value | 0; ;) {
    const next = (rest / 10) | 0;
    target[--at] = 48 + (rest - next * 10);
    if (next === 0) return;
    rest = next;
  }
}

/** Exactly `count` digits of a 32-bit integer, with leading zeros. Returns the place behind them. */
export function putDigits(target: Buffer, at: number, value: number, count: number): number {
  let rest = value | 0;
  for (let i = at + count - 1; i >= at; i--) {
    const next = (rest / 10) | 0;
    target[i] = 48 + (rest - next * 10);
    rest = next;
  }
  return at + count;
}

function writeInteger(value: number, out: ByteWriter): void {
  if (value < 0) {
    out.byte(0x2d);
    writeUnsigned(-value, out);
  } else writeUnsigned(value, out);
}

export function integerColumn(name: string, bytes: number, unsigned: boolean): ColumnCodec {
  const column = integerOf(name, bytes, unsigned);
  return { ...column, binding: integerBinding(bytes, unsigned, column.literal) };
}

function integerOf(name: string, bytes: number, unsigned: boolean): ColumnCodec {
  switch (bytes) {
    case 1:
      return unsigned ? integer(name, (b, i) => b[i]) : integer(name, (b, i) => (b[i] << 24) >> 24);
    case 2:
      return unsigned
        ? integer(name, (b, i) => b[i] | (b[i + 1] << 8))
        : integer(name, (b, i) => ((b[i] << 16) | (b[i + 1] << 24)) >> 16);
    case 3:
      return unsigned
        ? integer(name, (b, i) => b[i] | (b[i + 1] << 8) | (b[i + 2] << 16))
        : integer(name, (b, i) => ((b[i] << 8) | (b[i + 1] << 16) | (b[i + 2] << 24)) >> 8);
    case 4:
      return unsigned
        ? integer(name, (b, i) => (b[i] | (b[i + 1] << 8) | (b[i + 2] << 16) | (b[i + 3] << 24)) >>> 0)
        : {
            name,
            value: readInt32,
            // The most frequent type has its own closure, so that its call can be inlined.
            literal: (b, i, _length, out) => writeInteger(readInt32(b, i), out),
          };
    default:
      return bigintColumn(name, unsigned);
  }
}

function readInt32(b: Buffer, i: number): number {
  return b[i] | (b[i + 1] << 8) | (b[i + 2] << 16) | (b[i + 3] << 24);
}

function integer(name: string, read: (buf: Buffer, at: number) => number): ColumnCodec {
  return {
    name,
    value: (buf, start) => read(buf, start),
    literal: (buf, start, _length, out) => writeInteger(read(buf, start), out),
  };
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

/** What doubleText says, without strings beyond the number's own. */
function writeDouble(value: number, out: ByteWriter): void {
  const whole = value | 0;
  if (whole === value && whole > 0) writeUnsigned(whole, out);
  else if (value === 0 || !Number.isFinite(value)) {
    out.ascii(doubleText(value));
    return;
  } else {
    const text = String(value);
    out.ensure(text.length + 2);
    const target = out.buffer;
    let at = out.length;
    let exponent = false;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === 0x2b) continue;
      if (c === 0x65) exponent = true;
      target[at++] = c;
    }
    out.length = at;
    if (exponent) return;
  }
  out.ensure(2);
  out.buffer[out.length++] = 0x65;
  out.buffer[out.length++] = 0x30;
}

export function floatColumn(name: string, bytes: 4 | 8): ColumnCodec {
  const read =
    bytes === 4
      ? (buf: Buffer, at: number) => buf.readFloatLE(at)
      : (buf: Buffer, at: number) => buf.readDoubleLE(at);
  const literal: ColumnCodec['literal'] = (buf, start, _length, out) => writeDouble(read(buf, start), out);
  return {
    name,
    value: (buf, start) => read(buf, start),
    literal,
    binding: floatBinding(bytes, literal),
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
    binding: bitBinding(),
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
    binding: yearBinding(value),
  };
}

/** Digits of a DECIMAL on any server. */
export const MAX_PRECISION = 65;

/** Bytes that hold 0 to 9 digits. */
const GROUP_BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

export function decimalSize(precision: number, scale: number): number {
  const whole = precision - scale;
  return (
    Math.floor(whole / 9) * 4 + GROUP_BYTES[whole % 9] + Math.floor(scale / 9) * 4 + GROUP_BYTES[scale % 9]
  );
}

/**
 * One group of digits: up to four bytes, big-endian. `mask` turns the bytes of a negative number, `flip`
 * the first bit of the whole value.
 */
function readGroup(buf: Buffer, at: number, count: number, mask: number, flip: number): number {
  const bytes = GROUP_BYTES[count];
  let value = buf[at] ^ mask ^ flip;
  for (let i = 1; i < bytes; i++) value = (value << 8) | (buf[at + i] ^ mask);
  if (value >>> 0 >= POWERS[count]) throw binlogError('broken DECIMAL value');
  return value;
}

/**
 * Writes a packed DECIMAL: groups of nine digits in four bytes, big-endian, odd groups shorter (before the
 * point the first one, behind it the last); the first bit is inverted, and all bits of a negative number.
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
  let flip = 0x80;
  let leading = true;
  for (let left = precision - scale; left > 0;) {
    const count = left % 9 || 9;
    const value = readGroup(buf, at, count, mask, flip);
    at += GROUP_BYTES[count];
    flip = 0;
    left -= count;
    if (!leading) to = putDigits(target, to, value, count);
    else if (value !== 0) {
      leading = false;
      to += digitCount(value);
      putDigitsBefore(target, to, value);
    }
  }
  if (leading) target[to++] = 48;
  if (scale > 0) target[to++] = 0x2e;
  for (let left = scale; left > 0;) {
    const count = left < 9 ? left : 9;
    to = putDigits(target, to, readGroup(buf, at, count, mask, flip), count);
    at += GROUP_BYTES[count];
    flip = 0;
    left -= count;
  }
  out.length = to;
}

export function decimalColumn(
  name: string,
  precision: number,
  scale: number,
  scratch: ByteWriter,
): ColumnCodec {
  const literal: ColumnCodec['literal'] = (buf, start, _length, out) =>
    writeDecimal(buf, start, precision, scale, out);
  return {
    name,
    binding: decimalBinding(literal),
    value(buf, start): SqlValue {
      scratch.reset();
      writeDecimal(buf, start, precision, scale, scratch);
      return scratch.buffer.latin1Slice(0, scratch.length);
    },
    literal,
  };
}
