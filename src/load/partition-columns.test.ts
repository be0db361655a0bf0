import { expect, it } from 'vitest';
import { byColumns } from './partition-columns.js';

it.each([
  [
    "CREATE TABLE t (g INT COMMENT 'PARTITION BY RANGE (x)') /*!50100 PARTITION BY RANGE (`g`)\n(PARTITION p VALUES LESS THAN (5)) */",
    "CREATE TABLE t (g INT COMMENT 'PARTITION BY RANGE (x)') /*!50100 PARTITION BY RANGE COLUMNS (`g`)\n(PARTITION p VALUES LESS THAN (5)) */",
  ],
  [
    'alter table t partition  by list(g) (PARTITION p VALUES IN (1))',
    'alter table t partition  by list COLUMNS(g) (PARTITION p VALUES IN (1))',
  ],
  ...['RANGE (YEAR(d))', 'RANGE (a + 1)', 'HASH (g)', 'RANGE COLUMNS (g)'].map((by) => [
    `ALTER TABLE t PARTITION BY ${by}`,
    `ALTER TABLE t PARTITION BY ${by}`,
  ]),
])('%s', (sql, expected) => {
  expect(byColumns(sql)).toBe(expected);
});
