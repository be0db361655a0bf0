/** Text of the servers' character sets to JavaScript strings and to escaped UTF-8. */
import iconv from 'iconv-lite';
import type { ByteWriter } from '../mysql/byte-writer.js';
import { binlogError } from './binlog-error.js';
import { SINGLE_BYTE_HIGH, SWE7_LOW } from './charset-tables.js';

/** Sets whose bytes are UTF-8 as they stand. */
const AS_IS = new Set(['utf8mb4', 'utf8mb3', 'utf8', 'ascii']);

/** Names at iconv-lite of the sets of more than one byte. */
const ICONV: Readonly<Record<string, string>> = {
  gbk: 'gbk',
  gb18030: 'gb18030',
  gb2312: 'gbk',
  big5: 'big5',
  sjis: 'shift_jis',
  cp932: 'cp932',
  euckr: 'euckr',
  ujis: 'eucjp',
  eucjpms: 'eucjp',
  ucs2: 'utf-16be',
  utf16: 'utf-16be',
  utf16le: 'utf-16le',
  utf32: 'utf-32be',
};

/** Two-byte codes that the servers read differently from iconv-lite. */
const DIFFERENT: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  gb2312: { 0xa1a4: '\u30fb', 0xa1aa: '\u2015' },
  sjis: {
    0x8160: '\u301c',
    0x8161: '\u2016',
    0x8191: '\u00a2',
    0x8192: '\u00a3',
    0x815f: '\\',
    0x817c: '\u2212',
    0x81ca: '\u00ac',
  },
  ujis: {
    0xa1c0: '\\',
    0xa1c1: '\u301c',
    0xa1c2: '\u2016',
    0xa1dd: '\u2212',
    0xa1f1: '\u00a2',
    0xa1f2: '\u00a3',
    0xa2cc: '\u00ac',
  },
};

export function isUtf8(charset: string): boolean {
  return AS_IS.has(charset);
}

/** Characters of the 256 bytes of a single-byte set; undefined for other sets. */
function singleByte(charset: string): string[] | undefined {
  const high = SINGLE_BYTE_HIGH[charset];
  if (high === undefined) return undefined;
  const table: string[] = [];
  for (let i = 0; i < 128; i++)
    table.push((charset === 'swe7' ? SWE7_LOW[i] : undefined) ?? String.fromCharCode(i));
  for (let i = 0; i < 128; i++) table.push(high[i]);
  return table;
}

/** Decodes buf[start..end). Throws a DmError 36069 for a set that is not known. */
export function decodeCharset(charset: string, buf: Buffer, start: number, end: number): string {
  if (AS_IS.has(charset)) return buf.utf8Slice(start, end);
  if (charset === 'binary') return buf.utf8Slice(start, end);
  const table = singleByte(charset);
  if (table) {
    let text = '';
    for (let i = start; i < end; i++) text += table[buf[i]];
    return text;
  }
  return decodeMultiByte(charset, buf, start, end);
}

function decodeMultiByte(charset: string, buf: Buffer, start: number, end: number): string {
  const encoding = ICONV[charset];
  if (encoding === undefined) throw binlogError(`unknown character set ${charset}`);
  const different = DIFFERENT[charset];
  if (!different) return iconv.decode(buf.subarray(start, end), encoding, { stripBOM: false });
  // Character by character, since a code's bytes may also stand across two characters.
  let text = '';
  let plain = start;
  for (let i = start; i < end;) {
    const length = charLength(charset, buf[i]);
    const replacement = length === 2 ? different[(buf[i] << 8) | buf[i + 1]] : undefined;
    if (replacement !== undefined) {
      text += iconv.decode(buf.subarray(plain, i), encoding) + replacement;
      plain = i + 2;
    }
    i += length;
  }
  return text + iconv.decode(buf.subarray(plain, end), encoding);
}

function charLength(charset: string, lead: number): number {
  if (lead < 0x80) return 1;
  if (charset === 'sjis') return lead >= 0xa1 && lead <= 0xdf ? 1 : 2;
  return charset === 'ujis' && lead === 0x8f ? 3 : 2;
}

/** Writes buf[start..end) as `'...'` in UTF-8, escaped. */
export type TextWriter = (buf: Buffer, start: number, end: number, out: ByteWriter) => void;

/** Compiled once per column. */
export function textWriter(charset: string): TextWriter {
  if (AS_IS.has(charset)) return writeUtf8Text;
  const table = singleByte(charset);
  if (!table) {
    return (buf, start, end, out) => writeString(decodeCharset(charset, buf, start, end), out);
  }
  // Per byte: the UTF-8 bytes, lowest first, with their number on top.
  const packed = new Uint32Array(256);
  table.forEach((character, byte) => {
    const bytes = Buffer.from(character, 'utf8');
    let value = bytes.length << 24;
    for (let i = 0; i < bytes.length; i++) value |= bytes[i] << (8 * i);
    packed[byte] = value >>> 0;
  });
  const ascii = charset !== 'swe7';
  return (buf, start, end, out) => {
    out.ensure((end - start) * 3 + 2);
    const target = out.buffer;
    let at = out.length;
    target[at++] = 0x27;
    for (let i = start; i < end; i++) {
      const byte = buf[i];
      // Nearly all text: above the quote, below 0x80, no backslash. swe7 reads some of these otherwise.
      if (ascii && byte > 0x27 && byte < 0x80 && byte !== 0x5c) {
        target[at++] = byte;
        continue;
      }
      const value = packed[byte];
      if (value < 0x02000000) {
        const c = value & 0xff;
        if (c === 0x27 || c === 0x5c) target[at++] = 0x5c;
        else if (c === 0) {
          target[at++] = 0x5c;
          target[at++] = 0x30;
          continue;
        }
        target[at++] = c;
      } else {
        target[at++] = value & 0xff;
        target[at++] = (value >> 8) & 0xff;
        if (value >= 0x03000000) target[at++] = (value >> 16) & 0xff;
      }
    }
    target[at++] = 0x27;
    out.length = at;
  };
}

/**
 * Bytes between quotes with quote, backslash and zero escaped. UTF-8's continuation bytes are all above
 * 0x7f, so bytes can be looked at one by one.
 */
export function writeUtf8Text(buf: Buffer, start: number, end: number, out: ByteWriter): void {
  out.ensure((end - start) * 2 + 2);
  const target = out.buffer;
  let at = out.length;
  target[at++] = 0x27;
  for (let i = start; i < end; i++) {
    const c = buf[i];
    if (c > 0x27 && c !== 0x5c) {
      target[at++] = c;
      continue;
    }
    if (c === 0x27 || c === 0x5c) target[at++] = 0x5c;
    else if (c === 0) {
      target[at++] = 0x5c;
      target[at++] = 0x30;
      continue;
    }
    target[at++] = c;
  }
  target[at++] = 0x27;
  out.length = at;
}

/** `_binary'...'`: the bytes as they are, whatever the connection's character set. */
export function writeBinary(buf: Buffer, start: number, end: number, out: ByteWriter, padTo = 0): void {
  out.ascii('_binary');
  writeUtf8Text(buf, start, end, out);
  const missing = padTo - (end - start);
  if (missing <= 0) return;
  out.length--;
  out.ensure(missing * 2 + 1);
  for (let i = 0; i < missing; i++) out.ascii('\\0');
  out.byte(0x27);
}

export function writeString(text: string, out: ByteWriter): void {
  out.byte(0x27);
  out.utf8(text.replace(/[\0'\\]/g, (c) => (c === '\0' ? '\\0' : `\\${c}`)));
  out.byte(0x27);
}
