/**
 * TIME, DATETIME, TIMESTAMP of tables from before MySQL 5.6, or of a MariaDB with
 * mysql56_temporal_format=OFF. MariaDB's of that kind may have a fraction, of which the table map says
 * nothing: only the schema model knows its digits.
 */
import type { ByteWriter } from '../mysql/byte-writer.js';
import { column, putDate, putFraction, putTime, putTimestamp } from './column-times.js';
import { binlogError } from './binlog-error.js';
import { TYPE } from './event-types.js';
import type { ColumnCodec } from './rows.js';

/** Bytes by the number of fraction digits (sql/field.cc and sql_type.cc of MariaDB). */
const SIZES: Readonly<Record<number, readonly number[]>> = {
  [TYPE.TIME]: [3, 4, 4, 5, 5, 5, 6],
  [TYPE.TIMESTAMP]: [4, 5, 5, 6, 6, 7, 7],
  [TYPE.DATETIME]: [8, 6, 6, 7, 7, 7, 8],
};

/** 838:59:59 and a second: what is added to a TIME with a fraction so that it is never negative. */
const TIME_ZERO_SECONDS = 838 * 3600 + 59 * 60 + 60;

export function oldTimeSize(type: number, fsp: number): number {
  return SIZES[type][fsp];
}

/** `fsp` 0 is the form without a fraction, which is another one and not only shorter. */
export function oldTimeColumn(type: number, name: string, fsp: number, scratch: ByteWriter): ColumnCodec {
  switch (type) {
    case TYPE.TIME:
      return fsp === 0 ? plainTime(name, scratch) : fractionTime(name, fsp, scratch);
    case TYPE.TIMESTAMP:
      return fsp === 0 ? plainTimestamp(name, scratch) : fractionTimestamp(name, fsp, scratch);
    default:
      return fsp === 0 ? plainDatetime(name, scratch) : fractionDatetime(name, fsp, scratch);
  }
}

function putSign(out: ByteWriter): void {
  out.buffer[out.length++] = 0x2d;
}

/** HHMMSS as a signed 24-bit integer. */
function plainTime(name: string, scratch: ByteWriter): ColumnCodec {
  return column(
    name,
    (buf, start, out) => {
      const value = ((buf[start] << 8) | (buf[start + 1] << 16) | (buf[start + 2] << 24)) >> 8;
      if (value < 0) putSign(out);
      const digits = Math.abs(value);
      putTime(out, Math.floor(digits / 10_000), Math.floor(digits / 100) % 100, digits % 100);
    },
    scratch,
  );
}

/** YYYYMMDDHHMMSS as a 64-bit integer. */
function plainDatetime(name: string, scratch: ByteWriter): ColumnCodec {
  return column(
    name,
    (buf, start, out) => {
      const value = buf.readUInt32LE(start) + buf.readUInt32LE(start + 4) * 0x100000000;
      const date = Math.floor(value / 1_000_000);
      const time = value % 1_000_000;
      putDate(out, Math.floor(date / 10_000), Math.floor(date / 100) % 100, date % 100);
      out.byte(0x20);
      putTime(out, Math.floor(time / 10_000), Math.floor(time / 100) % 100, time % 100);
    },
    scratch,
  );
}

function plainTimestamp(name: string, scratch: ByteWriter): ColumnCodec {
  return column(name, (buf, start, out) => putTimestamp(out, buf.readUInt32LE(start), 0, 0), scratch);
}

/** Up to six bytes. */
function bigEndian(buf: Buffer, at: number, bytes: number): number {
  let value = 0;
  for (let i = 0; i < bytes; i++) value = value * 256 + buf[at + i];
  return value;
}

/** Seconds since 1970, then the fraction in 1, 2 or 3 bytes as a number of its last digit. */
function fractionTimestamp(name: string, fsp: number, scratch: ByteWriter): ColumnCodec {
  const unit = 10 ** (6 - fsp);
  const bytes = oldTimeSize(TYPE.TIMESTAMP, fsp) - 4;
  return column(
    name,
    (buf, start, out) => {
      const fraction = bigEndian(buf, start + 4, bytes) * unit;
      putTimestamp(out, bigEndian(buf, start, 4), fraction, fsp);
    },
    scratch,
  );
}

/**
 * The number of the last digit's unit since the year 0, months of 32 days and years of 13 months: up to
 * 59 bits.
 */
function fractionDatetime(name: string, fsp: number, scratch: ByteWriter): ColumnCodec {
  const perSecond = 10n ** BigInt(fsp);
  const unit = 10 ** (6 - fsp);
  const bytes = oldTimeSize(TYPE.DATETIME, fsp);
  return column(
    name,
    (buf, start, out) => {
      const low = bigEndian(buf, start + bytes - 4, 4);
      const value = (BigInt(bigEndian(buf, start, bytes - 4)) << 32n) | BigInt(low);
      const whole = Number(value / perSecond);
      const days = Math.floor(whole / 86_400);
      const second = whole - days * 86_400;
      const yearMonth = Math.floor(days / 32);
      putDate(out, Math.floor(yearMonth / 13), yearMonth % 13, days % 32);
      out.byte(0x20);
      putTime(out, Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60);
      putFraction(out, Number(value % perSecond) * unit, fsp);
    },
    scratch,
  );
}

/** The number of the last digit's unit, with zero moved to the middle. */
function fractionTime(name: string, fsp: number, scratch: ByteWriter): ColumnCodec {
  const perSecond = 10 ** fsp;
  const bytes = oldTimeSize(TYPE.TIME, fsp);
  return column(
    name,
    (buf, start, out) => {
      const value = bigEndian(buf, start, bytes) - TIME_ZERO_SECONDS * perSecond;
      if (value < 0) putSign(out);
      const units = Math.abs(value);
      const whole = Math.floor(units / perSecond);
      if (whole >= TIME_ZERO_SECONDS) throw binlogError('a time of a row is out of range');
      putTime(out, Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60);
      putFraction(out, (units - whole * perSecond) * 10 ** (6 - fsp), fsp);
    },
    scratch,
  );
}
