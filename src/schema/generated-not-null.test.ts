import { expect, it } from 'vitest';
import { withoutGeneratedNotNull } from './generated-not-null.js';

const dialect = {
  flavor: 'mysql',
  serverVersion: '8.0.36',
  ansiQuotes: false,
  noBackslashEscapes: false,
} as const;

it.each([
  [
    "CREATE TABLE t (a INT NOT NULL, b INT AS (IF(a IS NOT NULL, 1, (2))) STORED NOT NULL COMMENT 'x', c INT NOT NULL)",
    "CREATE TABLE t (a INT NOT NULL, b INT AS (IF(a IS NOT NULL, 1, (2))) STORED  COMMENT 'x', c INT NOT NULL)",
  ],
  [
    'ALTER TABLE t ADD COLUMN b INT GENERATED ALWAYS AS (a) VIRTUAL NOT NULL AFTER a, ADD c INT NOT NULL',
    'ALTER TABLE t ADD COLUMN b INT GENERATED ALWAYS AS (a) VIRTUAL  AFTER a, ADD c INT NOT NULL',
  ],
  [
    'CREATE TABLE t (b INT NOT NULL AS (1) COMMENT "NOT NULL")',
    'CREATE TABLE t (b INT NOT NULL AS (1) COMMENT "NOT NULL")',
  ],
])('%s', (sql, expected) => {
  expect(withoutGeneratedNotNull(sql, dialect)).toBe(expected);
});
