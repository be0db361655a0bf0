import { expect, it } from 'vitest';
import { fillNewJson } from './ddl-new-json.js';

const dialect = {
  flavor: 'mysql',
  serverVersion: '8.0.36',
  ansiQuotes: false,
  noBackslashEscapes: false,
} as const;

it.each([
  ['ALTER TABLE d.t ADD j JSON', []],
  ['ALTER TABLE d.t ADD j JSON NOT NULL DEFAULT (JSON_ARRAY())', []],
  ['CREATE TABLE d.t (j JSON NOT NULL)', []],
  ["ALTER TABLE d.t ADD c VARCHAR(9) NOT NULL COMMENT 'json'", []],
  [
    'ALTER TABLE d.t ADD j JSON NOT NULL',
    [
      "ALTER TABLE d.t ADD j JSON NOT NULL DEFAULT 'null'",
      'ALTER TABLE `d`.`t` ALTER COLUMN `j` DROP DEFAULT',
    ],
  ],
  [
    "ALTER TABLE d.t ADD COLUMN (`a``b` JSON NOT NULL COMMENT 'x', i INT), DROP x, ADD k json not null AFTER y, RENAME TO e.u",
    [
      "ALTER TABLE d.t ADD COLUMN (`a``b` JSON NOT NULL COMMENT 'x' DEFAULT 'null', i INT), DROP x, ADD k json not null DEFAULT 'null' AFTER y, RENAME TO e.u",
      'ALTER TABLE `e`.`u` ALTER COLUMN `a``b` DROP DEFAULT, ALTER COLUMN `k` DROP DEFAULT',
    ],
  ],
])('%s', (sql, expected) => {
  expect(fillNewJson(sql, dialect)).toEqual(expected.length === 0 ? [sql] : expected);
});
