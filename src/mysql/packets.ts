/**
 * The few packets of the MySQL client protocol that a session reads after the handshake: OK, ERR, EOF,
 * column definitions and text rows. Offsets are into the payload (header cut off).
 */
import { ConnectionError, SqlError, type ColumnMeta } from './session.js';

export const SERVER_MORE_RESULTS = 0x0008;
export const NULL_MARKER = 0xfb;
export const BINARY_COLLATION = 63;

/** Reads length-encoded integers and strings; `at` moves along. Values stay exact up to 2^53. */
export class PayloadCursor {
  constructor(
    readonly buf: Buffer,
    public at: number,
    readonly end: number,
  ) {}

  uint(bytes: number): number {
    const value = this.buf.readUIntLE(this.at, bytes);
    this.at += bytes;
    return value;
  }

  lengthEncoded(): number {
    const first = this.buf[this.at++];
    if (first < 0xfb) return first;
    if (first === 0xfc) return this.uint(2);
    if (first === 0xfd) return this.uint(3);
    const low = this.uint(4);
    return this.uint(4) * 0x1_0000_0000 + low;
  }

  lengthEncodedBig(): bigint {
    if (this.buf[this.at] !== 0xfe) return BigInt(this.lengthEncoded());
    const value = this.buf.readBigUInt64LE(this.at + 1);
    this.at += 9;
    return value;
  }

  skipString(): void {
    const length = this.lengthEncoded();
    this.at += length;
  }

  string(encoding: BufferEncoding = 'utf8'): string {
    const length = this.lengthEncoded();
    this.at += length;
    return this.buf.toString(encoding, this.at - length, this.at);
  }

  rest(): string {
    const text = this.buf.toString('utf8', this.at, this.end);
    this.at = this.end;
    return text;
  }
}

export interface OkPacket {
  readonly affectedRows: number;
  readonly insertId: bigint;
  readonly status: number;
  readonly warnings: number;
  readonly info: string;
}

/** An OK packet of a connection without CLIENT_SESSION_TRACK: the info text is the rest of it. */
export function parseOk(buf: Buffer, start: number, end: number): OkPacket {
  const cursor = new PayloadCursor(buf, start + 1, end);
  return {
    affectedRows: cursor.lengthEncoded(),
    insertId: cursor.lengthEncodedBig(),
    status: cursor.uint(2),
    warnings: cursor.uint(2),
    info: cursor.at < end ? cursor.rest() : '',
  };
}

export function isEof(buf: Buffer, start: number, end: number): boolean {
  return buf[start] === 0xfe && end - start < 9;
}

export function parseEof(buf: Buffer, start: number): { warnings: number; status: number } {
  return { warnings: buf.readUInt16LE(start + 1), status: buf.readUInt16LE(start + 3) };
}

/** Server errors after which the server has closed the connection or is about to. */
const FATAL_ERRORS = new Set([1053, 1080, 1152, 1153, 1156, 1158, 1159, 1160, 1161, 1184, 1927, 4031]);

export function parseError(
  buf: Buffer,
  start: number,
  end: number,
  statement: number,
): SqlError | ConnectionError {
  const errno = buf.readUInt16LE(start + 1);
  let at = start + 3;
  let sqlState = 'HY000';
  if (buf[at] === 0x23) {
    sqlState = buf.toString('latin1', at + 1, at + 6);
    at += 6;
  }
  const message = buf.toString('utf8', at, end);
  const text = `Error ${errno} (${sqlState}): ${message}`;
  if (FATAL_ERRORS.has(errno)) return new ConnectionError(text, errno);
  return new SqlError(text, errno, sqlState, statement);
}

export function parseColumn(buf: Buffer, start: number, end: number, extendedMetadata: boolean): ColumnMeta {
  const cursor = new PayloadCursor(buf, start, end);
  for (let i = 0; i < 4; i++) cursor.skipString();
  const name = cursor.string();
  cursor.skipString();
  if (extendedMetadata) cursor.skipString();
  cursor.at += 1;
  const characterSet = cursor.uint(2);
  cursor.at += 4;
  const type = cursor.uint(1);
  const flags = cursor.uint(2);
  return { name, type, characterSet, flags };
}

/** A text row as strings: binary columns as latin1, all others as UTF-8. */
export function parseTextRow(
  buf: Buffer,
  start: number,
  end: number,
  columns: readonly ColumnMeta[],
): (string | null)[] {
  const cursor = new PayloadCursor(buf, start, end);
  return columns.map((column) => {
    if (buf[cursor.at] === NULL_MARKER) {
      cursor.at++;
      return null;
    }
    return cursor.string(column.characterSet === BINARY_COLLATION ? 'latin1' : 'utf8');
  });
}
