/**
 * Comparing text as a collation does. Only collations whose rules are known exactly are here; the data of
 * collation-data.ts were read from the servers with WEIGHT_STRING().
 */
import { inflateSync } from 'node:zlib';
import { GENERAL_CI, LATIN1_SWEDISH_CI, RANGES, UCA_0900_AI_CI, UNICODE_CI } from './collation-data.js';
import { Refusal, rowError } from './problem.js';

export interface Collation {
  readonly name: string;
  /** Negative, 0, positive, as the servers sort. */
  compare(a: string, b: string): number;
  equal(a: string, b: string): boolean;
  /** Whether LIKE takes two characters for the same. */
  sameCharacter(a: number, b: number): boolean;
}

/** The weights of one character, in the order they count; most have one. */
type Weigh = (codePoint: number) => readonly number[];

/** Throws Refusal where the collation's rules are not known here. */
export function findCollation(name: string): Collation {
  const key = name.toLowerCase();
  const charset = key.slice(0, key.indexOf('_'));
  const rule = key.slice(key.indexOf('_') + 1);
  const unicode = charset === 'utf8mb4' || charset === 'utf8mb3' || charset === 'utf8';
  if (unicode || charset === 'ascii') {
    if (rule === 'bin') return byCodePoint(name, true);
    if (rule === 'general_ci') return byWeight(name, generalWeights(), true);
  }
  if (unicode) {
    switch (rule) {
      case '0900_bin':
      case 'nopad_bin':
        return byCodePoint(name, false);
      case 'unicode_ci':
        return byWeight(name, ucaWeights(UNICODE_CI), true);
      case '0900_ai_ci':
        return byWeight(name, ucaWeights(UCA_0900_AI_CI), false);
      default:
        break;
    }
  }
  if (key === 'latin1_swedish_ci') return byWeight(name, latin1Weights(), true);
  throw new Refusal(
    `texts of the collation ${name} cannot be compared exactly here: add COLLATE utf8mb4_bin, or another of ` +
      'utf8mb4_general_ci, utf8mb4_unicode_ci, utf8mb4_0900_ai_ci, utf8mb4_0900_bin',
  );
}

const SPACE = 32;

/** UTF-16 order is code point order but for what lies behind the surrogates. */
function byCodePoint(name: string, padSpace: boolean): Collation {
  const compare = (a: string, b: string): number => {
    const length = Math.min(a.length, b.length);
    for (let i = 0; i < length; i++) {
      if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
      // The second half of a pair: the pair decides.
      const at = i > 0 && (a.charCodeAt(i) & 0xfc00) === 0xdc00 ? i - 1 : i;
      return (a.codePointAt(at) ?? 0) - (b.codePointAt(at) ?? 0);
    }
    if (a.length === b.length) return 0;
    if (!padSpace) return a.length - b.length;
    return a.length > b.length ? tail(a, length) : -tail(b, length);
  };
  return {
    name,
    compare,
    equal: (a, b) => a === b || (padSpace && a.length !== b.length && compare(a, b) === 0),
    sameCharacter: (a, b) => a === b,
  };
}

/** The rest of a longer text against blanks. */
function tail(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (text.charCodeAt(i) !== SPACE) return text.charCodeAt(i) - SPACE;
  }
  return 0;
}

function byWeight(name: string, weigh: Weigh, padSpace: boolean): Collation {
  const blank = weigh(SPACE);
  const a = new Walk(weigh);
  const b = new Walk(weigh);
  const compare = (left: string, right: string): number => {
    if (left === right) return 0;
    a.start(left);
    b.start(right);
    for (;;) {
      const x = a.next();
      const y = b.next();
      if (x === y) {
        if (x < 0) return 0;
        continue;
      }
      if (x < 0) return padSpace ? -againstBlanks(y, b, blank) : -1;
      if (y < 0) return padSpace ? againstBlanks(x, a, blank) : 1;
      return x - y;
    }
  };
  return {
    name,
    compare,
    equal: (left, right) => left === right || compare(left, right) === 0,
    sameCharacter(left, right) {
      if (left === right) return true;
      const x = weigh(left);
      const y = weigh(right);
      return x.length === y.length && x.every((weight, i) => weight === y[i]);
    },
  };
}

function againstBlanks(first: number, walk: Walk, blank: readonly number[]): number {
  for (let weight = first, i = 0; weight >= 0; weight = walk.next(), i = (i + 1) % blank.length) {
    if (weight !== blank[i]) return weight - blank[i];
  }
  return 0;
}

/** The weights of a text one after the other; characters without weight are passed over. */
class Walk {
  readonly #weigh: Weigh;
  #text = '';
  #at = 0;
  #weights: readonly number[] = [];
  #i = 0;

  constructor(weigh: Weigh) {
    this.#weigh = weigh;
  }

  start(text: string): void {
    this.#text = text;
    this.#at = 0;
    this.#weights = [];
    this.#i = 0;
  }

  /** -1 at the end. */
  next(): number {
    while (this.#i >= this.#weights.length) {
      const codePoint = this.#text.codePointAt(this.#at);
      if (codePoint === undefined) return -1;
      this.#at += codePoint > 0xffff ? 2 : 1;
      this.#weights = this.#weigh(codePoint);
      this.#i = 0;
    }
    return this.#weights[this.#i++];
  }
}

/** One weight for each character; everything beyond the basic plane has one and the same. */
function generalWeights(): Weigh {
  const table = unpack(GENERAL_CI);
  const cache: (readonly number[])[] = [];
  const beyond = [0xfffd];
  return (codePoint) => {
    if (codePoint > 0xffff) return beyond;
    return (cache[codePoint] ??= [(table[codePoint] + codePoint) & 0xffff]);
  };
}

/** What cp1252 has at 0x80 to 0x9f, which is what the servers call latin1. */
const CP1252 =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

function latin1Weights(): Weigh {
  const table = unpack(LATIN1_SWEDISH_CI);
  return (codePoint) => {
    const special = codePoint > 0x7f ? CP1252.indexOf(String.fromCodePoint(codePoint)) : -1;
    const byte = special >= 0 ? 0x80 + special : codePoint;
    if (byte > 0xff) throw rowError(`"${String.fromCodePoint(codePoint)}" is no character of latin1`);
    return [table[byte]];
  };
}

/**
 * The Unicode collation algorithm's first level. Ideographs have weights made from their numbers; for
 * characters that are in no range of the data nobody here knows them.
 */
function ucaWeights(packed: string): Weigh {
  const words = unpack(packed);
  const cache = new Map<number, readonly number[]>();
  let at = 0;
  for (const [from, to] of RANGES) {
    for (let codePoint = from; codePoint <= to; codePoint++) {
      const count = words[at++];
      cache.set(codePoint, [...words.subarray(at, at + count)]);
      at += count;
    }
  }
  return (codePoint) => {
    const known = cache.get(codePoint);
    if (known !== undefined) return known;
    let base = 0;
    if (codePoint >= 0x4e00 && codePoint <= 0x9fa5) base = 0xfb40;
    else if (codePoint >= 0x3400 && codePoint <= 0x4db5) base = 0xfb80;
    if (base === 0) {
      const hex = codePoint.toString(16).toUpperCase();
      throw rowError(`the weight of the character U+${hex} is not known; compare with COLLATE utf8mb4_bin`);
    }
    return [base + (codePoint >> 15), (codePoint & 0x7fff) | 0x8000];
  };
}

function unpack(packed: string): Uint16Array {
  const bytes = Uint8Array.from(inflateSync(Buffer.from(packed, 'base64')));
  return new Uint16Array(bytes.buffer);
}

/** LIKE: `%` any text, `_` one character, `escape` takes the special meaning away. */
export function compileLike(
  pattern: string,
  escape: string,
  collation: Collation,
): (text: string) => boolean {
  // -1 any one character, -2 any text.
  const parts: number[] = [];
  const chars = [...pattern];
  for (let i = 0; i < chars.length; i++) {
    if (chars[i] === escape && i + 1 < chars.length) parts.push(chars[++i].codePointAt(0)!);
    else if (chars[i] === '%') parts.push(-2);
    else if (chars[i] === '_') parts.push(-1);
    else parts.push(chars[i].codePointAt(0)!);
  }
  const width = (text: string, at: number): number => (text.codePointAt(at)! > 0xffff ? 2 : 1);
  return (text) => {
    let at = 0;
    let p = 0;
    let star = -1;
    let resume = 0;
    while (at < text.length) {
      const part = parts[p];
      if (part === -2) {
        star = p++;
        resume = at;
      } else if (
        part !== undefined &&
        (part === -1 || collation.sameCharacter(part, text.codePointAt(at)!))
      ) {
        at += width(text, at);
        p++;
      } else if (star >= 0) {
        resume += width(text, resume);
        at = resume;
        p = star + 1;
      } else return false;
    }
    while (parts[p] === -2) p++;
    return p === parts.length;
  };
}
