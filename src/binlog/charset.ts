/** Text of the servers' character sets to JavaScript strings and to escaped UTF-8. */
import iconv from 'iconv-lite';
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
export function singleByte(charset: string): string[] | undefined {
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
