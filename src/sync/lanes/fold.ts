/**
 * Hashes of key values for lanes and conflicts.
 *
 * Invariant: two values that the target's unique index takes for equal have the same hash. The reverse
 * need not hold: a needless equality only makes a change wait, or share a lane. So wherever the target's
 * notion of equality is not known exactly, the fold gives everything the same hash (`constant`).
 */
import type { Column } from '../../schema/table.js';
import type { SqlValue } from '../../binlog/rows.js';
import { LOOKALIKES, RADICALS } from './fold-table.js';

export type Fold =
  /** Integers: exact. */
  | 'integer'
  /** Text form as it is: dates, decimals, bits, floats. */
  | 'text'
  /** Binary collations of text: exact but for trailing spaces (PAD SPACE). */
  | 'padded'
  /** Other collations: digits and some letters without case, accent and width. */
  | 'loose'
  /** As `loose`, where all characters beyond the BMP are equal: old collations know no more. */
  | 'loose-bmp'
  | 'bytes'
  | 'constant';

const INTEGERS = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint']);
const TEXTS = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext']);
const BLOBS = new Set(['varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']);

/** How the values of a source column are compared by an index on a target column. */
export function chooseFold(source: Column | undefined, target: Column | undefined): Fold {
  if (source === undefined || target === undefined) return 'constant';
  // What the target computes by itself is not what the source has in it.
  if (target.generated !== undefined && source.generated === undefined) return 'constant';
  const from = source.type;
  const to = target.type;
  if (INTEGERS.has(from.base) && INTEGERS.has(to.base)) return 'integer';
  if (TEXTS.has(from.base) && TEXTS.has(to.base)) {
    if (to.charset === 'binary' || from.charset === 'binary') return 'constant';
    return foldOfCollation(to.collation ?? '');
  }
  if (BLOBS.has(from.base) && BLOBS.has(to.base)) return 'bytes';
  if (from.base !== to.base) return 'constant';
  switch (from.base) {
    case 'decimal':
    case 'time':
    case 'datetime':
    case 'timestamp':
      // A narrower target rounds, and rounding makes different values equal.
      return (to.decimals ?? 0) >= (from.decimals ?? 0) ? 'text' : 'constant';
    case 'float':
    case 'double':
      return to.decimals === from.decimals ? 'text' : 'constant';
    case 'date':
    case 'year':
    case 'bit':
      return 'text';
    case 'enum':
    case 'set':
    case 'uuid':
    case 'inet4':
    case 'inet6':
      return 'loose';
    case 'binary':
      return (to.length ?? 1) === (from.length ?? 1) ? 'bytes' : 'constant';
    default:
      return 'constant';
  }
}

/** Collations with equalities of their own, where no letter is safe. */
const PECULIAR =
  /^(big5_|macce_|tis620_|cp1251_bulgarian|cp1257_lithuanian|latin2_|cp1250_czech)|thai_520|myanmar/;
/** Collations that tell characters beyond the BMP apart. */
const ALL_PLANES = /_520_|_0900_|uca1400|_(ai|as)_c[is]$|gb18030/;

export function foldOfCollation(collation: string): Fold {
  if (collation.endsWith('_bin')) return 'padded';
  if (collation === '' || PECULIAR.test(collation)) return 'constant';
  return ALL_PLANES.test(collation) ? 'loose' : 'loose-bmp';
}

const PRIME = 0x01000193;

/** One more 32-bit unit into an FNV-1a style hash. */
export function mix(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, PRIME);
}

/** Spreads the bits, so that `% lanes` and `& mask` see all of them. Result is unsigned. */
export function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export function hashText(seed: number, text: string): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
  return mix(hash, text.length);
}

/**
 * Kept of ASCII: digits and the consonants that no collation equals to another letter or to nothing. (Y and
 * ü are one letter in Swedish, ä and ae in German, ß and s or ss, c and ch, i and y in Lithuanian, i and
 * j, u and v in Roman, v and w in Swedish.)
 */
function keepsAscii(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x62 && code <= 0x7a && KEPT_LETTERS[code - 0x61] === 1);
}

const KEPT_LETTERS = Uint8Array.from({ length: 26 }, (_, i) =>
  'bdfgklmnpqrtxz'.includes(String.fromCharCode(0x61 + i)) ? 1 : 0,
);

const DIGIT = /^\p{Nd}$/u;

/** Decimal digits of any script stand in tens. */
function digitValue(code: number): number {
  let first = code;
  while (DIGIT.test(String.fromCodePoint(first - 1))) first--;
  return (code - first) % 10;
}

function hashLooseUnicode(seed: number, text: string): number {
  let hash = seed;
  for (const char of text.normalize('NFKD').toLowerCase()) {
    const code = char.codePointAt(0) ?? 0;
    if (code <= 127) {
      if (keepsAscii(code)) hash = mix(hash, code);
    } else if (code >= 0x4e00 && code <= 0x9fff) {
      // Han is all that is kept beyond ASCII: other letters have too many forms.
      if (!RADICALS.has(char)) hash = mix(hash, code);
    } else if (DIGIT.test(char)) {
      hash = mix(hash, 0x30 + digitValue(code));
    } else {
      const letters = LOOKALIKES.get(char) ?? '';
      for (let i = 0; i < letters.length; i++) hash = mix(hash, letters.charCodeAt(i));
    }
  }
  return hash;
}

function hashLoose(seed: number, text: string): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code > 127) return hashLooseUnicode(seed, text);
    if (code >= 0x41 && code <= 0x5a) code += 0x20;
    if (keepsAscii(code)) hash = mix(hash, code);
  }
  return hash;
}

function hashPadded(seed: number, text: string): number {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0x20) end--;
  let hash = seed;
  for (let i = 0; i < end; i++) hash = mix(hash, text.charCodeAt(i));
  return hash;
}

function hashBytes(seed: number, bytes: Uint8Array): number {
  let hash = seed;
  for (let i = 0; i < bytes.length; i++) hash = mix(hash, bytes[i]);
  return mix(hash, bytes.length);
}

function hashInteger(seed: number, value: number | bigint): number {
  if (typeof value === 'number') {
    return mix(mix(seed, value | 0), Math.floor(value / 4294967296) | 0);
  }
  return mix(mix(seed, Number(BigInt.asIntN(32, value))), Number(BigInt.asIntN(32, value >> 32n)));
}

/** First `length` characters (code points), as a prefix index takes them. */
function prefixOf(text: string, length: number): string {
  if (text.length <= length) return text;
  let units = 0;
  for (let taken = 0; taken < length && units < text.length; taken++) {
    const code = text.charCodeAt(units);
    units += code >= 0xd800 && code <= 0xdbff ? 2 : 1;
  }
  return text.slice(0, units);
}

/** From this key on a block has 256 keys; below fewer, so that a small table has as many blocks as keys. */
const LARGE_KEY = 65_536;

/**
 * Neighbours among integer keys: they are written together, so a lane that has all of a block touches fewer pages
 * of the target, and no two lanes the same one. A block is at most a 256th of the keys up to it.
 */
export function blockOf(value: number | bigint): number | bigint {
  if (typeof value === 'bigint') return value >> 8n;
  if (value < 512) return value;
  if (value >= LARGE_KEY) return Math.floor(value / 256);
  return value >>> (23 - Math.clz32(value));
}

/** Adds one key value to a hash. `prefix` is the index part's length, 0 for the whole column. */
export function hashValue(seed: number, fold: Fold, value: SqlValue, prefix: number): number {
  if (fold === 'constant' || value === null) return seed;
  if (fold === 'integer' && (typeof value === 'number' || typeof value === 'bigint')) {
    return hashInteger(seed, value);
  }
  if (typeof value === 'string') {
    const text = prefix > 0 ? prefixOf(value, prefix) : value;
    if (fold === 'loose') return hashLoose(seed, text);
    if (fold === 'loose-bmp') return hashLoose(seed, text.replace(/[\u{10000}-\u{10ffff}]/gu, ''));
    if (fold === 'padded') return hashPadded(seed, text);
    return hashText(seed, text);
  }
  if (typeof value === 'object') return hashBytes(seed, prefix > 0 ? value.subarray(0, prefix) : value);
  // -0 and 0 are equal; numbers of enum members without names come here too.
  return hashText(seed, String(value === 0 ? 0 : value));
}
