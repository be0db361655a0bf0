/**
 * Name patterns of block-allow lists, routes and event filters (manual 1.3.1): a wildcard, or with a
 * leading `~` a regular expression in RE2 syntax. Matching is linear in the name's length.
 *
 * Wildcards know `*` (any text; only once and only at the end, as in DM), `?` (one character),
 * `[abc]`, `[a-c]` and `[!a-c]`. A regular expression matches anywhere in the name unless anchored.
 */
import { RE2JS } from 're2js';

export interface NamePattern {
  readonly source: string;
  matches(name: string): boolean;
}

/** What is wrong with a pattern; `message` is a clause that fits behind the pattern's text. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
  constructor(
    readonly pattern: string,
    message: string,
  ) {
    super(message);
  }
}

/** Throws PatternError. An empty pattern matches only the empty name. */
export function compilePattern(source: string, caseSensitive: boolean): NamePattern {
  return source.startsWith('~')
    ? compileRegex(source, caseSensitive)
    : compileWildcard(source, caseSensitive);
}

/** The error's text, or undefined for a good pattern. */
export function checkPattern(source: string): string | undefined {
  try {
    compilePattern(source, true);
    return undefined;
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

function compileRegex(source: string, caseSensitive: boolean): NamePattern {
  const text = source.slice(1);
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(text, caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE);
  } catch (error) {
    throw new PatternError(
      source,
      `is not a regular expression of RE2 syntax: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return { source, matches: (name) => regex.matcher(name).find() };
}

/** One place of a wildcard: tells whether it takes the code point. */
type Place = (codePoint: number) => boolean;

function compileWildcard(source: string, caseSensitive: boolean): NamePattern {
  const text = caseSensitive ? source : source.toLowerCase();
  if (!/[*?[]/.test(text)) {
    return {
      source,
      matches: caseSensitive ? (name) => name === text : (name) => name.toLowerCase() === text,
    };
  }
  const chars = [...text];
  const places: Place[] = [];
  let open = false;
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i];
    if (char === '*') {
      if (i !== chars.length - 1) {
        throw new PatternError(
          source,
          'has a `*` that is not at the end; use a `~` regular expression instead',
        );
      }
      open = true;
    } else if (char === '?') {
      places.push(() => true);
    } else if (char === '[') {
      const close = chars.indexOf(']', i + 1);
      if (close < 0) throw new PatternError(source, 'has a `[` without `]`');
      places.push(characterClass(source, chars.slice(i + 1, close)));
      i = close;
    } else {
      const wanted = char.codePointAt(0);
      places.push((codePoint) => codePoint === wanted);
    }
  }
  const matches = (given: string): boolean => {
    const name = caseSensitive ? given : given.toLowerCase();
    let at = 0;
    for (const place of places) {
      const codePoint = name.codePointAt(at);
      if (codePoint === undefined || !place(codePoint)) return false;
      at += codePoint > 0xffff ? 2 : 1;
    }
    return open || at === name.length;
  };
  return { source, matches };
}

function characterClass(source: string, chars: readonly string[]): Place {
  const negated = chars[0] === '!';
  const body = negated ? chars.slice(1) : chars;
  if (body.length === 0) throw new PatternError(source, 'has an empty `[]`');
  const ranges: [number, number][] = [];
  for (let i = 0; i < body.length; i++) {
    const low = body[i].codePointAt(0)!;
    if (body[i + 1] === '-' && i + 2 < body.length) {
      const high = body[i + 2].codePointAt(0)!;
      if (high < low) throw new PatternError(source, `has the reversed range \`${body[i]}-${body[i + 2]}\``);
      ranges.push([low, high]);
      i += 2;
    } else {
      ranges.push([low, low]);
    }
  }
  return (codePoint) => ranges.some(([low, high]) => codePoint >= low && codePoint <= high) !== negated;
}
