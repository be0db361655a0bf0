/** DATE, TIME, DATETIME, TIMESTAMP in their packed forms of now and of before MySQL 5.6 / MariaDB 10.1. */
import type { ByteWriter } from '../mysql/byte-writer.js';
import { literalText } from './column-numbers.js';
import type { ColumnCodec } from './rows.js';

type Write = (buf: Buffer, start: number, out: ByteWriter) => void;

function column(name: string, write: Write, scratch: ByteWriter): ColumnCodec {
  return {
    name,
    value: (buf, start) => literalText((out) => write(buf, start, out), scratch),
    literal(buf, start, _length, out) {
      out.byte(0x27);
      write(buf, start, out);
      out.byte(0x27);
    },
  };
}

function put(target: Buffer, at: number, value: number, digits: number): number {
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    const next = (rest / 10) | 0;
    target[i] = 48 + (rest - next * 10);
    rest = next;
  }
  return at + digits;
}

function putDate(out: ByteWriter, year: number, month: number, day: number): void {
  out.ensure(32);
  const target = out.buffer;
  let at = put(target, out.length, year, 4);
  target[at++] = 0x2d;
  at = put(target, at, month, 2);
  target[at++] = 0x2d;
  out.length = put(target, at, day, 2);
}

function putTime(out: ByteWriter, hour: number, minute: number, second: number): void {
  out.ensure(32);
  const target = out.buffer;
  let at = put(target, out.length, hour, hour > 99 ? 3 : 2);
  target[at++] = 0x3a;
  at = put(target, at, minute, 2);
  target[at++] = 0x3a;
  out.length = put(target, at, second, 2);
}

/** `micros` with the column's number of digits; none for fsp 0. */
function putFraction(out: ByteWriter, micros: number, fsp: number): void {
  if (fsp === 0) return;
  out.ensure(8);
  out.buffer[out.length++] = 0x2e;
  put(out.buffer, out.length, micros, 6);
  out.length += fsp;
}

function bigEndian(buf: Buffer, at: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value = value * 256 + buf[at + i];
  return value;
}

/** Fraction bytes of the packed types hold 2, 4 or 6 digits. */
export function fractionBytes(fsp: number): number {
  return (fsp + 1) >> 1;
}

function fractionMicros(raw: number, fsp: number): number {
  const bytes = fractionBytes(fsp);
  return bytes === 1 ? raw * 10_000 : bytes === 2 ? raw * 100 : raw;
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
      const high = bigEndian(buf, start, 3) - 0x800000;
      // The 40 bits as 22 (year*13+month and day) and 17 (time), split at byte borders that do not match.
      const low = (buf[start + 3] << 8) | buf[start + 4];
      const yearMonth = high >> 6;
      putDate(out, Math.floor(yearMonth / 13), yearMonth % 13, (high >> 1) & 31);
      out.byte(0x20);
      const time = ((high & 1) << 16) | low;
      putTime(out, time >> 12, (time >> 6) & 63, time & 63);
      putFraction(out, fractionMicros(bigEndian(buf, start + 5, fractionBytes(fsp)), fsp), fsp);
    },
    scratch,
  );
}

/** Days since 1970 to a civil date (proleptic Gregorian). */
function putEpoch(out: ByteWriter, seconds: number): void {
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  putDate(out, yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day);
  out.byte(0x20);
  putTime(out, Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60);
}

function putTimestamp(out: ByteWriter, seconds: number, micros: number, fsp: number): void {
  if (seconds === 0 && micros === 0) out.ascii('0000-00-00 00:00:00');
  else putEpoch(out, seconds);
  putFraction(out, micros, fsp);
}

export function timestamp2Column(name: string, fsp: number, scratch: ByteWriter): ColumnCodec {
  return column(
    name,
    (buf, start, out) =>
      putTimestamp(
        out,
        bigEndian(buf, start, 4),
        fractionMicros(bigEndian(buf, start + 4, fractionBytes(fsp)), fsp),
        fsp,
      ),
    scratch,
  );
}

/**
 * TIME(fsp): one integer over all bytes with an offset of half its range, so that a negative time, whole
 * and fraction together, is the negated number.
 */
export function time2Column(name: string, fsp: number, scratch: ByteWriter): ColumnCodec {
  const bytes = 3 + fractionBytes(fsp);
  const offset = 0x800000 * 256 ** fractionBytes(fsp);
  const scale = 256 ** fractionBytes(fsp);
  return column(
    name,
    (buf, start, out) => {
      let value = bigEndian(buf, start, bytes) - offset;
      if (value < 0) {
        out.byte(0x2d);
        value = -value;
      }
      const whole = Math.floor(value / scale);
      putTime(out, whole >> 12, (whole >> 6) & 63, whole & 63);
      putFraction(out, fractionMicros(value % scale, fsp), fsp);
    },
    scratch,
  );
}

/** TIME of old tables: HHMMSS as a signed 24-bit integer. */
export function oldTimeColumn(name: string, scratch: ByteWriter): ColumnCodec {
  return column(
    name,
    (buf, start, out) => {
      let value = ((buf[start] << 8) | (buf[start + 1] << 16) | (buf[start + 2] << 24)) >> 8;
      if (value < 0) {
        out.byte(0x2d);
        value = -value;
      }
      putTime(out, Math.floor(value / 10_000), Math.floor(value / 100) % 100, value % 100);
    },
    scratch,
  );
}

/** DATETIME of old tables: YYYYMMDDHHMMSS as a 64-bit integer. */
export function oldDatetimeColumn(name: string, scratch: ByteWriter): ColumnCodec {
  return column(
    name,
    (buf, start, out) => {
      const value = buf.readUInt32LE(start) + buf.readUInt32LE(start + 4) * 0x100000000;
      putPacked(out, value, 0, 0);
    },
    scratch,
  );
}

function putPacked(out: ByteWriter, value: number, micros: number, fsp: number): void {
  const date = Math.floor(value / 1_000_000);
  const time = value % 1_000_000;
  putDate(out, Math.floor(date / 10_000), Math.floor(date / 100) % 100, date % 100);
  out.byte(0x20);
  putTime(out, Math.floor(time / 10_000), Math.floor(time / 100) % 100, time % 100);
  putFraction(out, micros, fsp);
}

export function oldTimestampColumn(name: string, scratch: ByteWriter): ColumnCodec {
  return column(name, (buf, start, out) => putTimestamp(out, buf.readUInt32LE(start), 0, 0), scratch);
}
