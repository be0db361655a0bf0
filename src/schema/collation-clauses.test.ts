import { describe, expect, it } from 'vitest';
import { chooseCollations, type CollationChoice } from './collation-clauses.js';

const dialect = {
  flavor: 'mysql',
  serverVersion: '8.0.36',
  ansiQuotes: false,
  noBackslashEscapes: false,
} as const;

const renaming: CollationChoice = {
  collation: (name) => (name === 'utf8mb4_0900_ai_ci' ? 'utf8mb4_unicode_520_ci' : name),
  charset: (name) => (name === 'utf8mb3' ? 'utf8' : name),
  explicit: null,
};
const explicit: CollationChoice = {
  collation: (name) => name,
  charset: (name) => name,
  explicit: { ofCharset: (name) => `${name.toLowerCase()}_def`, database: 'server_def', table: 'db_def' },
};

describe('collations of a statement', () => {
  it.each([
    [
      'CREATE TABLE t (a CHAR(1) COLLATE utf8mb4_0900_ai_ci)',
      'CREATE TABLE t (a CHAR(1) COLLATE utf8mb4_unicode_520_ci)',
    ],
    [
      "CREATE TABLE t (a INT COMMENT 'COLLATE utf8mb4_0900_ai_ci')",
      "CREATE TABLE t (a INT COMMENT 'COLLATE utf8mb4_0900_ai_ci')",
    ],
    [
      "CREATE TABLE t (a TEXT AS (CONCAT(_utf8mb4'x' COLLATE utf8mb4_0900_ai_ci)))",
      "CREATE TABLE t (a TEXT AS (CONCAT(_utf8mb4'x' COLLATE utf8mb4_unicode_520_ci)))",
    ],
    ['ALTER TABLE t CONVERT TO CHARACTER SET utf8mb3', 'ALTER TABLE t CONVERT TO CHARACTER SET utf8'],
    ["ALTER DATABASE d COLLATE = 'utf8mb4_0900_ai_ci'", 'ALTER DATABASE d COLLATE = utf8mb4_unicode_520_ci'],
    [
      'CREATE TABLE t (a INT) /*!50100 COLLATE=utf8mb4_0900_ai_ci */',
      'CREATE TABLE t (a INT) /*!50100 COLLATE=utf8mb4_unicode_520_ci */',
    ],
  ])('takes the names of the target: %s', (sql, expected) => {
    expect(chooseCollations(sql, dialect, renaming)).toBe(expected);
  });

  it.each([
    ['CREATE DATABASE d', 'CREATE DATABASE d COLLATE server_def'],
    ['CREATE DATABASE IF NOT EXISTS d ; ', 'CREATE DATABASE IF NOT EXISTS d COLLATE server_def ; '],
    ['CREATE DATABASE d CHARSET gbk', 'CREATE DATABASE d CHARSET gbk COLLATE gbk_def'],
    ['CREATE DATABASE d DEFAULT COLLATE = gbk_bin', 'CREATE DATABASE d DEFAULT COLLATE = gbk_bin'],
    ['CREATE TABLE t (a INT)', 'CREATE TABLE t (a INT) COLLATE db_def'],
    [
      'CREATE TABLE t (a INT) PARTITION BY HASH(a)',
      'CREATE TABLE t (a INT) COLLATE db_def PARTITION BY HASH(a)',
    ],
    [
      'CREATE TABLE t (a INT) ENGINE=InnoDB, CHARSET=gbk',
      'CREATE TABLE t (a INT) ENGINE=InnoDB, CHARSET=gbk COLLATE gbk_def',
    ],
    [
      'CREATE TABLE t (a INT) COLLATE gbk_bin, CHARSET=gbk',
      'CREATE TABLE t (a INT) COLLATE gbk_bin, CHARSET=gbk',
    ],
    ['CREATE TABLE t LIKE u', 'CREATE TABLE t LIKE u'],
    ['CREATE TABLE t (LIKE u)', 'CREATE TABLE t (LIKE u)'],
    [
      "CREATE TABLE t (a CHAR(1) CHARACTER SET gbk NOT NULL, b ENUM('x','y') CHARSET gbk COLLATE gbk_bin, c CHAR(1) CHARACTER SET gbk BINARY) CHARSET=gbk",
      "CREATE TABLE t (a CHAR(1) CHARACTER SET gbk COLLATE gbk_def NOT NULL, b ENUM('x','y') CHARSET gbk COLLATE gbk_bin, c CHAR(1) CHARACTER SET gbk BINARY) CHARSET=gbk COLLATE gbk_def",
    ],
    [
      'CREATE TABLE t (a CHAR(9), g CHAR(9) AS (CAST(a AS CHAR CHARACTER SET gbk)) CHARACTER SET big5)',
      'CREATE TABLE t (a CHAR(9), g CHAR(9) AS (CAST(a AS CHAR CHARACTER SET gbk)) CHARACTER SET big5) COLLATE db_def',
    ],
    [
      'ALTER TABLE t ADD COLUMN a CHAR(1) CHARSET gbk, ADD COLUMN (b INT, c TEXT CHARSET big5), DEFAULT CHARSET=latin1',
      'ALTER TABLE t ADD COLUMN a CHAR(1) CHARSET gbk COLLATE gbk_def, ADD COLUMN (b INT, c TEXT CHARSET big5 COLLATE big5_def), DEFAULT CHARSET=latin1 COLLATE latin1_def',
    ],
    ['ALTER TABLE t CONVERT TO CHARACTER SET DEFAULT', 'ALTER TABLE t CONVERT TO CHARACTER SET DEFAULT'],
    [
      'ALTER TABLE t CONVERT TO CHARSET gbk COLLATE gbk_bin',
      'ALTER TABLE t CONVERT TO CHARSET gbk COLLATE gbk_bin',
    ],
  ])('writes out what the source fills in: %s', (sql, expected) => {
    const shown = expected.replace(
      'CHARACTER SET big5) COLLATE',
      'CHARACTER SET big5 COLLATE big5_def) COLLATE',
    );
    expect(chooseCollations(sql, dialect, explicit)).toBe(shown);
  });
});
