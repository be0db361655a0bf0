import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DmError } from '../errors/dm-error.js';
import { parseDdl } from './ddl.js';
import type { Dialect } from './dialect.js';
import { plainText } from './plain.js';
import { readTokens, Tokenizer } from './tokenizer.js';

const MYSQL: Dialect = {
  flavor: 'mysql',
  serverVersion: '8.0.36',
  ansiQuotes: false,
  noBackslashEscapes: false,
};
const MARIADB: Dialect = { ...MYSQL, flavor: 'mariadb', serverVersion: '10.11.6-MariaDB' };
const TIDB: Dialect = { ...MYSQL, flavor: 'tidb' };

function plain(sql: string, dialect: Dialect): string {
  const tokenizer = new Tokenizer(sql, dialect);
  while (tokenizer.next().kind !== 'end');
  return plainText(sql, tokenizer.marks).sql;
}

const texts = (sql: string, dialect: Dialect) =>
  readTokens(sql, dialect).map(({ kind, text }) => `${kind}:${text}`);

describe('plainText', () => {
  it.each([
    [
      'ALTER TABLE a /*!80000 ADD INDEX i (x) */, RENAME COLUMN y TO z',
      'ALTER TABLE a  ADD INDEX i (x) , RENAME COLUMN y TO z',
      'ALTER TABLE a , RENAME COLUMN y TO z',
    ],
    ['a /*M!100100 , b */ /*!100000 , c */ d', 'a   d', 'a  , b   , c  d'],
    ['a/*!50003b*/c/*!99999 x*/d', 'a b c d', 'a b c d'],
    ['a /*!50003 b /* ; */ c */ d /* e */', 'a  b /* ; */ c  d /* e */', 'a  b /* ; */ c  d /* e */'],
    ['a /*T![x] b */ /*T! c */', 'a  ', 'a  '],
    [
      "'/*! a */' `/*M! b */` /*!50003 '*/'*/ -- /*!50003 c */",
      "'/*! a */' `/*M! b */`  '*/' -- /*!50003 c */",
      "'/*! a */' `/*M! b */`  '*/' -- /*!50003 c */",
    ],
  ])('%s', (sql, mysql, mariadb) => {
    expect(plain(sql, MYSQL)).toBe(mysql);
    expect(plain(sql, MARIADB)).toBe(mariadb);
  });

  const pieces = fc.constantFrom(
    ...[
      'a',
      '`',
      "'",
      '"',
      '\\',
      '/*',
      '*/',
      '*/',
      '/*!',
      '/*!50110 ',
      '/*!80001',
      '/*!100100 ',
      '/*!999999 ',
    ],
    ...[
      '/*M!',
      '/*M!100100',
      '/*T![x]',
      '/*T!',
      '--',
      ' ',
      '\n',
      '#',
      '1',
      '.',
      '0x',
      '/',
      '*',
      '-',
      '!',
      ',',
      'N',
    ],
  );
  const statement = fc.array(pieces, { maxLength: 20 }).map((list) => list.join(''));
  const dialects = fc.constantFrom(MYSQL, MARIADB, TIDB);

  it('reads the same to all servers as what it was made of to its own', () => {
    fc.assert(
      fc.property(statement, dialects, dialects, (sql, source, target) => {
        let before;
        try {
          before = texts(sql, source);
        } catch (error) {
          expect(error).toBeInstanceOf(DmError);
          return;
        }
        const made = plain(sql, source);
        expect(texts(made, target)).toEqual(before);
        expect(plain(made, target)).toBe(made);
      }),
      { numRuns: 5000 },
    );
  });

  it('says where the contents are', () => {
    const parsed = parseDdl('ALTER TABLE t /*!80000 ADD a INT/*!80001,ADD b INT*/,ADD c INT', MYSQL);
    expect(parsed.sql).toBe('ALTER TABLE t  ADD a INT ,ADD b INT ,ADD c INT');
    const { origin, contents } = parsed.comments!;
    expect(origin).toContain('/*!80001');
    expect(contents.map(({ start, end, head }) => [head, parsed.sql.slice(start, end)])).toEqual([
      ['/*!80000', ' ADD a INT'],
      ['/*!80001', ',ADD b INT'],
    ]);
  });
});
