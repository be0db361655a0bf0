/** DATE, TIME, DATETIME, TIMESTAMP in their packed forms of now (column-old-times.ts has those of before). */
import type { ByteWriter } from '../mysql/byte-writer.js';
import { shortTextBinding } from './binding.js';
import { binlogError } from './binlog-error.js';
import { putDigits } from './column-numbers.js';
import type { ColumnCodec } from './rows.js';

type Write = (buf: Buffer, start: number, out: ByteWriter) => void;

/** Room for any of these literals with its quotes: '2024-01-02 03:04:05.678901'. */
const ROOM = 40;

/** `write` finds room for what it writes and for the quote behind. */
export function column(name: string, write: Write, scratch: ByteWriter): ColumnCodec {
  return {
    name,
    value(buf, start) {
      scratch.reset();
      scratch.ensure(ROOM);
      write(buf, start, scratch);
      return scratch.buffer.latin1Slice(0, scratch.length);
    },
    literal(buf, start, _length, out) {
      out.ensure(ROOM);
      out.buffer[out.length++] = 0x27;
      write(buf, start, out);
      out.buffer[out.length++] = 0x27;
    },
    binding: shortTextBinding((buf, start, _length, out) => {
      out.ensure(ROOM);
      write(buf, start, out);
    }),
  };
}

function put2(target: Buffer, at: number, value: number): void {
  const tens = (value / 10) | 0;
  target[at] = 48 + tens;
  target[at + 1] = 48 + (value - tens * 10);
}

/** The caller has made room. Month and day have two digits by the packing; a broken year shows here. */
export function putDate(out: ByteWriter, year: number, month: number, day: number): void {
  if (year < 0 || year > 9999) throw binlogError('a date of a row is out of range');
  const target = out.buffer;
  const at = out.length;
  const century = (year / 100) | 0;
  put2(target, at, century % 100);
  put2(target, at + 2, year - century * 100);
  target[at + 4] = 0x2d;
  put2(target, at + 5, month);
  target[at + 7] = 0x2d;
  put2(target, at + 8, day);
  out.length = at + 10;
}

export function putTime(out: ByteWriter, hour: number, minute: number, second: number): void {
  const target = out.buffer;
  let at = out.length;
  if (hour > 99) at = putDigits(target, at, hour, 3);
  else {
    put2(target, at, hour);
    at += 2;
  }
  target[at] = 0x3a;
  put2(target, at + 1, minute);
  target[at + 3] = 0x3a;
  put2(target, at + 4, second);
  out.length = at + 6;
}

/** `micros` with the column's number of digits; none for fsp 0. */
export function putFraction(out: ByteWriter, micros: number, fsp: number): void {
  if (fsp === 0) return;
  out.buffer[out.length++] = 0x2e;
  putDigits(out.buffer, out.length, micros, 6);
  out.length += fsp;
}

/** Fraction bytes of the packed types hold 2, 4 or 6 digits. */
export function fractionBytes(fsp: number): number {
  return (fsp + 1) >> 1;
}

/** Microseconds of the fraction at `at`, big-endian. */
function readMicros(buf: Buffer, at: number, fsp: number): number {
  switch (fractionBytes(fsp)) {
    case 0:
      return 0;
    case 1:
      return buf[at] * 10_000;
    case 2:
      return ((buf[at] << 8) | buf[at + 1]) * 100;
    default:
      return (buf[at] << 16) | (buf[at + 1] << 8) | buf[at + 2];
  }
}

export function dateColumn(name: string, scratch: ByteWriter): ColumnCodec {
  return column(
    name,
    (buf, start, out) => {
      const value = buf[start] | (buf[start + 1] << 8) | (buf[start + 2] << 16);
      putDate(out, value >> 9, (value >> 5) & 15, value & 31);
    },
    scratch,
  );
}

/** DATETIME(fsp): 17 bits year*13+month, 5 day, 5 hour, 6 minute, 6 second, then the fraction. */
export function datetime2Column(name: string, fsp: number, scratch: ByteWriter): ColumnCodec {
  return column(
    name,
    (buf, start, out) => {
      const high = ((buf[start] << 16) | (buf[start + 1] << 8) | buf[start + 2]) - 0x800000;
      // The 40 bits as 22 (year*13+month and day) and 17 (time), split at byte borders that do not match.
      const low = (buf[start + 3] << 8) | buf[start + 4];
      const yearMonth = high >> 6;
      const year = (yearMonth / 13) | 0;
      putDate(out, yearMonth < 0 ? -1 : year, yearMonth - year * 13, (high >> 1) & 31);
      out.buffer[out.length++] = 0x20;
      const time = ((high & 1) << 16) | low;
      putTime(out, time >> 12, (time >> 6) & 63, time & 63);
      putFraction(out, readMicros(buf, start + 5, fsp), fsp);
    },
    scratch,
  );
}

/** Days since 1970 to a civil date (proleptic Gregorian), and the time of the day. All fits 32 bits. */
function putEpoch(out: ByteWriter, seconds: number): void {
  const days = (seconds / 86_400) | 0;
  const rest = (seconds - days * 86_400) | 0;
  const shifted = (days + 719_468) | 0;
  const era = (shifted / 146_097) | 0;
  const dayOfEra = (shifted - era * 146_097) | 0;
  const leapDays = ((dayOfEra / 1460) | 0) - ((dayOfEra / 36_524) | 0) + ((dayOfEra / 146_096) | 0);
  const yearOfEra = ((dayOfEra - leapDays) / 365) | 0;
  const dayOfYear = dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
  const shiftedMonth = ((5 * dayOfYear + 2) / 153) | 0;
  const day = dayOfYear - (((153 * shiftedMonth + 2) / 5) | 0) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  putDate(out, yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day);
  out.buffer[out.length++] = 0x20;
  const minutes = (rest / 60) | 0;
  const hours = (minutes / 60) | 0;
  putTime(out, hours, minutes - hours * 60, rest - minutes * 60);
}

export function putTimestamp(out: ByteWriter, seconds: number, micros: number, fsp: number): void {
  if (seconds === 0 && micros === 0) out.ascii('0000-00-00 00:00:00');
  else putEpoch(out, seconds);
  putFraction(out, micros, fsp);
}

export function readUInt32(buf: Buffer, at: number): number {
  return ((buf[at] << 24) | (buf[at + 1] << 16) | (buf[at + 2] << 8) | buf[at + 3]) >>> 0;
}

export function timestamp2Column(name: string, fsp: number, scratch: ByteWriter): ColumnCodec {
  return column(
    name,
    (buf, start, out) => putTimestamp(out, readUInt32(buf, start), readMicros(buf, start + 4, fsp), fsp),
    scratch,
  );
}

/**
 * TIME(fsp): one integer over all bytes with an offset of half its range, so that a negative time, whole
 * and fraction together, is the negated number.
 */
export function time2Column(name: string, fsp: number, scratch: ByteWriter): ColumnCodec {
  const bytes = 3 + fractionBytes(fsp);
  const scale = 256 ** fractionBytes(fsp);
  const offset = 0x800000 * scale;
  // 3 bytes of fraction are microseconds, 2 are 100 of them, 1 is 10000.
  const unit = [1, 10_000, 100, 1][fractionBytes(fsp)];
  return column(
    name,
    (buf, start, out) => {
      let value = -offset;
      let factor = 1;
      for (let i = bytes - 1; i >= 0; i--, factor *= 256) value += buf[start + i] * factor;
      if (value < 0) {
        out.buffer[out.length++] = 0x2d;
        value = -value;
      }
      const whole = Math.floor(value / scale);
      putTime(out, whole >> 12, (whole >> 6) & 63, whole & 63);
      putFraction(out, (value - whole * scale) * unit, fsp);
    },
    scratch,
  );
}
