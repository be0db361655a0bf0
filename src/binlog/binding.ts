/**
 * Values as parameters of MariaDB's array binding (COM_STMT_BULK_EXECUTE), in place of literals: numbers keep
 * the bytes that they have in the binlog, all else is bytes with their length in front.
 *
 * Invariant: what the target stores of a bound value is what it stores of the literal of the same column. And
 * the literal can be made of the bound value, byte for byte.
 */
import type { ByteWriter } from '../mysql/byte-writer.js';
import { decodeCharset, isUtf8, singleByte } from './charset.js';
import { packCharacters, writeBinary, writeUtf8Text } from './escape.js';
import type { Binding, ColumnCodec } from './rows.js';

/** Type codes of parameters. */
const TINY = 1;
const SHORT = 2;
const LONG = 3;
const FLOAT = 4;
const DOUBLE = 5;
const LONGLONG = 8;
const NEWDECIMAL = 246;
const BLOB = 252;
const VAR_STRING = 253;
const UNSIGNED = 0x8000;

const QUOTE = 0x27;
const HIGHS = 0x80808080 | 0;
/** Up to here words are copied one by one: a call costs more. */
const COPIED_BY_WORDS = 256;

type Literal = ColumnCodec['literal'];

const INTEGERS: Readonly<Record<number, number>> = { 1: TINY, 2: SHORT, 3: LONG, 4: LONG, 8: LONGLONG };

export function integerBinding(bytes: number, unsigned: boolean, literal: Literal): Binding {
  const type = INTEGERS[bytes] | (unsigned ? UNSIGNED : 0);
  const size = bytes === 3 ? 4 : bytes;
  return {
    type,
    bind(buf, start, _length, out) {
      out.ensure(size);
      const target = out.buffer;
      let at = out.length;
      for (let i = 0; i < bytes; i++) target[at++] = buf[start + i];
      if (bytes === 3) target[at++] = !unsigned && buf[start + 2] >= 0x80 ? 0xff : 0;
      out.length = at;
    },
    unbind(from, at, out) {
      literal(from, at, bytes, out);
      return at + size;
    },
  };
}

export function floatBinding(bytes: 4 | 8, literal: Literal): Binding {
  return {
    type: bytes === 4 ? FLOAT : DOUBLE,
    bind: (buf, start, _length, out) => out.bytes(buf, start, start + bytes),
    unbind(from, at, out) {
      literal(from, at, bytes, out);
      return at + bytes;
    },
  };
}

/** Big-endian bytes as an unsigned integer: as a text they would be stored as they are. */
export function bitBinding(): Binding {
  return {
    type: LONGLONG | UNSIGNED,
    bind(buf, start, length, out) {
      out.ensure(8);
      for (let i = 0; i < 8; i++) out.buffer[out.length++] = i < length ? buf[start + length - 1 - i] : 0;
    },
    unbind(from, at, out) {
      out.ascii(from.readBigUInt64LE(at).toString());
      return at + 8;
    },
  };
}

/** ASCII without quotes and backslashes, shorter than 251 bytes; `write` appends it without quotes. */
function shortBinding(type: number, quotes: (first: number) => boolean, write: Literal): Binding {
  return {
    type,
    bind(buf, start, length, out) {
      out.byte(0);
      const from = out.length;
      write(buf, start, length, out);
      out.buffer[from - 1] = out.length - from;
    },
    unbind(from, at, out) {
      const end = at + 1 + from[at];
      const quoted = quotes(from[at + 1]);
      if (quoted) out.byte(QUOTE);
      out.bytes(from, at + 1, end);
      if (quoted) out.byte(QUOTE);
      return end;
    },
  };
}

export function decimalBinding(literal: Literal): Binding {
  return shortBinding(NEWDECIMAL, () => false, literal);
}

/** Dates, times and what else has a short text of its own. */
export function shortTextBinding(write: Literal): Binding {
  return shortBinding(VAR_STRING, () => true, write);
}

/** As its four digits; of the literals only year zero has quotes. */
export function yearBinding(read: (buf: Buffer, start: number) => number): Binding {
  return shortBinding(
    VAR_STRING,
    (first) => first === 0x30,
    (buf, start, _length, out) => out.ascii(String(read(buf, start)).padStart(4, '0')),
  );
}

/** Bytes in front of a text of `most` bytes or less. */
function prefixOf(most: number): number {
  return most < 0xfb ? 1 : most < 0x10000 ? 3 : most < 0x1000000 ? 4 : 9;
}

function putPrefix(target: Buffer, at: number, prefix: number, length: number): void {
  if (prefix === 1) target[at] = length;
  else if (prefix === 9) {
    target[at] = 0xfe;
    target.writeUInt32LE(length, at + 1);
    target.writeUInt32LE(0, at + 5);
  } else {
    target[at] = prefix === 3 ? 0xfc : 0xfd;
    target.writeUIntLE(length, at + 1, prefix - 1);
  }
}

/** Writes bytes without a length; never more than `factor` times as many as there are. */
type Copy = (buf: Buffer, start: number, end: number, out: ByteWriter) => void;

function longBinding(type: number, factor: number, copy: Copy, literal: Copy): Binding {
  return {
    type,
    bind(buf, start, length, out) {
      const most = length * factor;
      const prefix = prefixOf(most);
      out.ensure(prefix + most);
      const at = out.length;
      out.length = at + prefix;
      copy(buf, start, start + length, out);
      putPrefix(out.buffer, at, prefix, out.length - at - prefix);
    },
    unbind(from, at, out) {
      const first = from[at];
      const prefix = first < 0xfb ? 1 : first === 0xfc ? 3 : first === 0xfd ? 4 : 9;
      const length = prefix === 1 ? first : from.readUIntLE(at + 1, prefix === 9 ? 6 : prefix - 1);
      const start = at + prefix;
      literal(from, start, start + length, out);
      return start + length;
    },
  };
}

function copyBytes(buf: Buffer, start: number, end: number, out: ByteWriter): void {
  if (end - start > COPIED_BY_WORDS) {
    out.bytes(buf, start, end);
    return;
  }
  const source = out.wordsFrom(buf);
  const target = out.words;
  const shift = out.length - start;
  let i = start;
  for (; i <= end - 4; i += 4) target.setInt32(i + shift, source.getInt32(i, true), true);
  for (; i < end; i++) out.buffer[i + shift] = buf[i];
  out.length = end + shift;
}

export function binaryBinding(padTo: number): Binding {
  const copy: Copy = (buf, start, end, out) => {
    copyBytes(buf, start, end, out);
    const missing = padTo - (end - start);
    if (missing <= 0) return;
    out.ensure(missing);
    out.buffer.fill(0, out.length, out.length + missing);
    out.length += missing;
  };
  const plain = longBinding(BLOB, 1, padTo > 0 ? copy : copyBytes, writeBinary);
  if (padTo === 0) return plain;
  // BINARY has 255 bytes at most.
  return {
    ...plain,
    bind(buf, start, length, out) {
      const prefix = prefixOf(padTo);
      out.ensure(prefix + padTo);
      const at = out.length;
      out.length = at + prefix;
      copy(buf, start, start + length, out);
      putPrefix(out.buffer, at, prefix, out.length - at - prefix);
    },
  };
}

export function textBinding(charset: string): Binding {
  if (isUtf8(charset)) return longBinding(VAR_STRING, 1, copyBytes, writeUtf8Text);
  const table = charset === 'swe7' ? undefined : singleByte(charset);
  if (table === undefined) {
    return stringBinding((buf, start, length) => decodeCharset(charset, buf, start, start + length));
  }
  const packed = packCharacters(table);
  return longBinding(
    VAR_STRING,
    3,
    (buf, start, end, out) => copySingleByte(buf, start, end, out, packed),
    writeUtf8Text,
  );
}

/** A text that is made as a string. */
export function stringBinding(read: (buf: Buffer, start: number, length: number) => string): Binding {
  const plain = longBinding(VAR_STRING, 1, copyBytes, writeUtf8Text);
  return {
    ...plain,
    bind(buf, start, length, out) {
      const text = read(buf, start, length);
      const most = text.length * 3;
      const prefix = prefixOf(most);
      out.ensure(prefix + most);
      const at = out.length;
      out.length = at + prefix;
      out.utf8(text);
      putPrefix(out.buffer, at, prefix, out.length - at - prefix);
    },
  };
}

/** Sets whose bytes below 0x80 are ASCII; the caller has made room for three times as many bytes. */
function copySingleByte(buf: Buffer, start: number, end: number, out: ByteWriter, packed: Uint32Array): void {
  const source = out.wordsFrom(buf);
  const words = out.words;
  const target = out.buffer;
  let at = out.length;
  for (let i = start; i < end;) {
    for (; i <= end - 4; i += 4, at += 4) {
      const w = source.getInt32(i, true);
      if ((w & HIGHS) !== 0) break;
      words.setInt32(at, w, true);
    }
    for (const stop = Math.min(i + 4, end); i < stop; i++) {
      const value = packed[buf[i]];
      target[at++] = value & 0xff;
      if (value < 0x02000000) continue;
      target[at++] = (value >> 8) & 0xff;
      if (value >= 0x03000000) target[at++] = (value >> 16) & 0xff;
    }
  }
  out.length = at;
}
