/**
 * Hashes of key values for lanes and conflicts.
 *
 * Invariant: two values that the target's unique index takes for equal have the same hash. The reverse
 * need not hold: a needless equality only makes a change wait, or share a lane. So wherever the target's
 * notion of equality is not known exactly, the fold gives everything the same hash (`constant`).
 */
import type { Column } from '../schema/table.js';
import type { SqlValue } from '../binlog/rows.js';

export type Fold =
  /** Integers: exact. */
  | 'integer'
  /** Text form as it is: dates, decimals, bits, floats. */
  | 'text'
  /** Binary collations of text: exact but for trailing spaces (PAD SPACE). */
  | 'padded'
  /** Any other collation: letters and digits without case, accent and width. */
  | 'loose'
  | 'bytes'
  | 'constant';

const INTEGERS = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint']);
const TEXTS = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext']);
const BLOBS = new Set(['varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']);

/** How the values of a source column are compared by an index on a target column. */
export function chooseFold(source: Column | undefined, target: Column | undefined): Fold {
  if (source === undefined || target === undefined) return 'constant';
  const from = source.type;
  const to = target.type;
  if (INTEGERS.has(from.base) && INTEGERS.has(to.base)) return 'integer';
  if (TEXTS.has(from.base) && TEXTS.has(to.base)) {
    if (to.charset === 'binary' || from.charset === 'binary') return 'constant';
    return to.collation?.endsWith('_bin') === true ? 'padded' : 'loose';
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

/** Letters that collations equal to ASCII letters though Unicode does not decompose them. */
const EXPANSIONS: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ł: 'l',
  þ: 'th',
  ŧ: 't',
  ı: 'i',
  ŋ: 'n',
  ς: 'σ',
  ɐ: 'a',
  ə: 'e',
};

/**
 * Kept: a-z, 0-9, Greek, Cyrillic, Hangul letters and Han in the BMP. Dropped: everything that some
 * collation ignores or equals to something else (punctuation, marks, kana, supplementary planes).
 */
function keeps(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x3b1 && code <= 0x3c9) ||
    (code >= 0x430 && code <= 0x44f) ||
    (code >= 0x1100 && code <= 0x1112) ||
    (code >= 0x4e00 && code <= 0x9fff)
  );
}

function hashLooseUnicode(seed: number, text: string): number {
  let hash = seed;
  // Upper case first: it unites what lower case keeps apart (ſ and s, ϐ and β).
  const folded = text.normalize('NFKD').toUpperCase().toLowerCase().normalize('NFKD');
  for (const char of folded) {
    const expanded = EXPANSIONS[char] ?? char;
    for (let i = 0; i < expanded.length; i++) {
      const code = expanded.charCodeAt(i);
      if (keeps(code)) hash = mix(hash, code);
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
    if ((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39)) hash = mix(hash, code);
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

/** Adds one key value to a hash. `prefix` is the index part's length, 0 for the whole column. */
export function hashValue(seed: number, fold: Fold, value: SqlValue, prefix: number): number {
  if (fold === 'constant' || value === null) return seed;
  if (fold === 'integer' && (typeof value === 'number' || typeof value === 'bigint')) {
    return hashInteger(seed, value);
  }
  if (typeof value === 'string') {
    const text = prefix > 0 ? prefixOf(value, prefix) : value;
    if (fold === 'loose') return hashLoose(seed, text);
    if (fold === 'padded') return hashPadded(seed, text);
    return hashText(seed, text);
  }
  if (typeof value === 'object') return hashBytes(seed, prefix > 0 ? value.subarray(0, prefix) : value);
  // -0 and 0 are equal; numbers of enum members without names come here too.
  return hashText(seed, String(value === 0 ? 0 : value));
}
