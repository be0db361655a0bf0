import { expect, test } from 'vitest';
import { statementTable } from './statement-table.js';

const dialect = {
  flavor: 'mariadb',
  serverVersion: '',
  ansiQuotes: false,
  noBackslashEscapes: false,
} as const;

test.each([
  ['ALTER TABLE t ADD x VARCHAR2(3)', { schema: 'd', table: 't' }],
  ['/* x */ ALTER ONLINE IGNORE TABLE IF EXISTS `a`.`b.c` FROBNICATE', { schema: 'a', table: 'b.c' }],
  ['CREATE OR REPLACE TABLE IF NOT EXISTS a.t (x FOO)', { schema: 'a', table: 't' }],
  ['CREATE UNIQUE INDEX i USING FOO ON a.t (x)', { schema: 'a', table: 't' }],
  ['SIGNAL x', null],
  ["ALTER TABLE 'x", null],
])('%s', (sql, name) => {
  expect(statementTable(sql, dialect, 'd')).toEqual(name);
});
