/**
 * Text and bytes as SQL literals. Most bytes need no change, so they are looked at and copied four at a
 * time; a word with something in it to be escaped or converted goes byte by byte.
 */
import type { ByteWriter } from '../mysql/byte-writer.js';
import { decodeCharset, isUtf8, singleByte } from './charset.js';

const QUOTE = 0x27;
const BACKSLASH = 0x5c;
const QUOTES = 0x27272727;
const BACKSLASHES = 0x5c5c5c5c;
const ONES = 0x01010101;
const HIGHS = 0x80808080 | 0;

/** Writes buf[start..end) as `'...'` in UTF-8, escaped. */
export type TextWriter = (buf: Buffer, start: number, end: number, out: ByteWriter) => void;

/** Compiled once per column. */
export function textWriter(charset: string): TextWriter {
  if (isUtf8(charset)) return writeUtf8Text;
  const table = singleByte(charset);
  if (!table) {
    return (buf, start, end, out) => writeString(decodeCharset(charset, buf, start, end), out);
  }
  const packed = packCharacters(table);
  // swe7 reads some bytes below 0x80 as letters of its own.
  return charset === 'swe7'
    ? (buf, start, end, out) => writeSingleByte(buf, start, end, out, packed, false)
    : (buf, start, end, out) => writeSingleByte(buf, start, end, out, packed, true);
}

/** Per byte: its UTF-8 bytes, lowest first, with their number on top. */
export function packCharacters(table: readonly string[]): Uint32Array {
  return Uint32Array.from(table, (character) => {
    const bytes = Buffer.from(character, 'utf8');
    let value = bytes.length << 24;
    for (let i = 0; i < bytes.length; i++) value |= bytes[i] << (8 * i);
    return value >>> 0;
  });
}

function writeSingleByte(
  buf: Buffer,
  start: number,
  end: number,
  out: ByteWriter,
  packed: Uint32Array,
  ascii: boolean,
): void {
  out.ensure((end - start) * 3 + 2);
  const target = out.buffer;
  let at = out.length;
  target[at++] = QUOTE;
  for (let i = start; i < end;) {
    if (ascii) {
      const plain = copyAscii(out.wordsFrom(buf), i, end, out.words, at);
      i += plain;
      at += plain;
    }
    for (const stop = Math.min(i + 4, end); i < stop; i++) {
      const value = packed[buf[i]];
      const c = value & 0xff;
      if (value >= 0x02000000) {
        target[at++] = c;
        target[at++] = (value >> 8) & 0xff;
        if (value >= 0x03000000) target[at++] = (value >> 16) & 0xff;
      } else at = putEscaped(target, at, c);
    }
  }
  target[at++] = QUOTE;
  out.length = at;
}

/**
 * Bytes between quotes with quote, backslash and zero escaped. UTF-8's continuation bytes are all above
 * 0x7f, so bytes can be looked at one by one.
 */
export function writeUtf8Text(buf: Buffer, start: number, end: number, out: ByteWriter): void {
  out.ensure((end - start) * 2 + 2);
  const target = out.buffer;
  let at = out.length;
  target[at++] = QUOTE;
  for (let i = start; i < end;) {
    const plain = copyUnescaped(out.wordsFrom(buf), i, end, out.words, at);
    i += plain;
    at += plain;
    for (const stop = Math.min(i + 4, end); i < stop; i++) at = putEscaped(target, at, buf[i]);
  }
  target[at++] = QUOTE;
  out.length = at;
}

function putEscaped(target: Buffer, at: number, c: number): number {
  if (c === QUOTE || c === BACKSLASH) target[at++] = BACKSLASH;
  else if (c === 0) {
    target[at++] = BACKSLASH;
    target[at++] = 0x30;
    return at;
  }
  target[at++] = c;
  return at;
}

/**
 * Copies words from `from` up to the first that holds a byte >= 0x80 or one to be escaped; the result is the number
 * of bytes. For a byte x < 0x80, x - 1 has its high bit set only where x is zero; a borrow out of such a byte
 * only lets a word look less plain than it is.
 */
function copyAscii(source: DataView, from: number, end: number, target: DataView, to: number): number {
  let i = from;
  for (const shift = to - from; i <= end - 4; i += 4) {
    const w = source.getInt32(i, true);
    const found = w | ((w ^ QUOTES) - ONES) | ((w ^ BACKSLASHES) - ONES) | (w - ONES);
    if ((found & HIGHS) !== 0) break;
    target.setInt32(i + shift, w, true);
  }
  return i - from;
}

/** As copyAscii, and bytes >= 0x80 are plain too. */
function copyUnescaped(source: DataView, from: number, end: number, target: DataView, to: number): number {
  let i = from;
  for (const shift = to - from; i <= end - 4; i += 4) {
    const w = source.getInt32(i, true);
    const q = w ^ QUOTES;
    const b = w ^ BACKSLASHES;
    const found = ((q - ONES) & ~q) | ((b - ONES) & ~b) | ((w - ONES) & ~w);
    if ((found & HIGHS) !== 0) break;
    target.setInt32(i + shift, w, true);
  }
  return i - from;
}

const BINARY = Buffer.from('_binary');

/** `_binary'...'`: the bytes as they are, whatever the connection's character set. */
export function writeBinary(buf: Buffer, start: number, end: number, out: ByteWriter, padTo = 0): void {
  out.bytes(BINARY);
  writeUtf8Text(buf, start, end, out);
  const missing = padTo - (end - start);
  if (missing <= 0) return;
  out.length--;
  for (let i = 0; i < missing; i++) out.ascii('\\0');
  out.byte(QUOTE);
}

export function writeString(text: string, out: ByteWriter): void {
  out.byte(QUOTE);
  out.utf8(escapeText(text));
  out.byte(QUOTE);
}

function escapeText(text: string): string {
  return text.replace(/[\0'\\]/g, (c) => (c === '\0' ? '\\0' : `\\${c}`));
}

/** The literal of a text that is written often. */
export function textLiteral(text: string): Buffer {
  return Buffer.from(`'${escapeText(text)}'`, 'utf8');
}
