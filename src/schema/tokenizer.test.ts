import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DmError } from '../errors/dm-error.js';
import type { Dialect } from './dialect.js';
import { splitStatements, tokenize } from './tokenizer.js';

const MYSQL: Dialect = {
  flavor: 'mysql',
  serverVersion: '8.0.36',
  ansiQuotes: false,
  noBackslashEscapes: false,
};
const MARIADB: Dialect = { ...MYSQL, flavor: 'mariadb', serverVersion: '10.11.6-MariaDB' };
const TIDB: Dialect = { ...MYSQL, flavor: 'tidb' };

const kinds = (sql: string, dialect = MYSQL): string[] =>
  tokenize(sql, dialect).map((token) => `${token.kind}:${token.text}`);

const words = (sql: string, dialect = MYSQL): string =>
  tokenize(sql, dialect)
    .map((token) => token.text)
    .join(' ');

describe('tokenizer', () => {
  it('reads names, numbers and literals', () => {
    expect(
      kinds("a `b``c` 'd''e\\n\\%' 12 1.5e-3 .5 0x1F x'1f' 0b01 b'1' @v @@g.x N'n' _utf8mb4'u'"),
    ).toEqual([
      'word:a',
      'quoted:b`c',
      "string:d'e\n\\%",
      'number:12',
      'number:1.5e-3',
      'number:.5',
      'hex:0x1F',
      "hex:x'1f'",
      'bit:0b01',
      "bit:b'1'",
      'variable:@v',
      'variable:@@g.x',
      'string:n',
      'word:_utf8mb4',
      'string:u',
    ]);
  });

  it('tells names that begin with digits from numbers', () => {
    expect(kinds('1a 2e 3.4 t.5 t.6e7 0xg 1e5 1e5x')).toEqual([
      'word:1a',
      'word:2e',
      'number:3.4',
      'word:t',
      'op:.',
      'word:5',
      'word:t',
      'op:.',
      'word:6e7',
      'word:0xg',
      'number:1e5',
      'word:1e5x',
    ]);
  });

  it('minds the sql_mode', () => {
    expect(kinds('"a"')).toEqual(['string:a']);
    expect(kinds('"a""b"', { ...MYSQL, ansiQuotes: true })).toEqual(['quoted:a"b']);
    expect(kinds("'a\\'", { ...MYSQL, noBackslashEscapes: true })).toEqual(['string:a\\']);
    expect(() => tokenize("'a\\'", MYSQL)).toThrow(DmError);
  });

  it('passes over comments', () => {
    expect(words('a /* x */ b -- c\n d # e\n f --1 /**/ g--')).toBe('a b d f - - 1 g');
  });

  it('runs executable comments by flavour and version', () => {
    const sql =
      'a /*! b */ /*!50110 c */ /*!80099 d */ /*!99999 e */ /*M! f */ /*M!100100 g */ /*M!110000 h */ /*T! i */ /*T![auto_rand] j */ k';
    expect(words(sql, MYSQL)).toBe('a b c k');
    expect(words(sql, MARIADB)).toBe('a b c f g k');
    expect(words(sql, TIDB)).toBe('a b c d e i j k');
    expect(words('a /*!80099 x /* y */ z */ b')).toBe('a b');
    expect(words('a /*!50000 x /* y */ z */ b')).toBe('a x z b');
    expect(words('a /*!50000x*/b')).toBe('a x b');
  });

  it('splits statements at semicolons outside of quotes and comments', () => {
    expect(splitStatements("a ';' /* ; */ b; ; c /*! d */;\n e", MYSQL)).toEqual([
      "a ';' /* ; */ b",
      'c /*! d */',
      'e',
    ]);
  });

  const pieces = fc.constantFrom(
    'a',
    '`',
    "'",
    '"',
    '\\',
    '/*',
    '*/',
    '/*!',
    '50110 ',
    '/*M!',
    '/*T![x]',
    '--',
    ' ',
    '\n',
    '#',
    '1',
    '.',
    'e',
    '0x',
    '@',
    'ü',
    '😀',
    ';',
    '(',
    ')',
    ',',
    'N',
    "x'",
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(pieces).map((list) => list.join('')),
  );

  it('gives tokens in order that lie within the text, and throws nothing but DmError', () => {
    fc.assert(
      fc.property(texts, fc.constantFrom(MYSQL, MARIADB, TIDB), fc.boolean(), (sql, dialect, ansiQuotes) => {
        let tokens;
        try {
          tokens = tokenize(sql, { ...dialect, ansiQuotes });
        } catch (error) {
          expect(error).toBeInstanceOf(DmError);
          return;
        }
        let at = 0;
        for (const token of tokens) {
          expect(token.start).toBeGreaterThanOrEqual(at);
          expect(token.end).toBeGreaterThan(token.start);
          // What lies between tokens is blank or comment, never a character of its own.
          expect(sql.slice(at, token.start)).toMatch(/^(\s|\/\*|\*\/|#|--|$)/);
          at = token.end;
        }
        expect(at).toBeLessThanOrEqual(sql.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes time linear in the length', () => {
    const sql = `SELECT ${"/*!99999 x */ 'a\\'b' ".repeat(50_000)}`;
    expect(tokenize(sql, MYSQL)).toHaveLength(50_001);
  });
});
