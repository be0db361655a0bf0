import { expect, it } from 'vitest';
import { renameCheck } from './check-names.js';

it.each([
  [
    'CREATE TABLE t (a INT, CONSTRAINT `ck` CHECK (a>0))',
    true,
    'CREATE TABLE t (a INT, CONSTRAINT `x` CHECK (a>0))',
  ],
  [
    'CREATE TABLE t (a INT, constraint CK check (a>0))',
    true,
    'CREATE TABLE t (a INT, constraint `x` check (a>0))',
  ],
  ['ALTER TABLE t ADD CONSTRAINT "ck" CHECK (a>0)', true, 'ALTER TABLE t ADD CONSTRAINT `x` CHECK (a>0)'],
  [
    "ALTER TABLE t COMMENT 'CONSTRAINT ck CHECK', ADD CONSTRAINT ck UNIQUE (a), ADD CONSTRAINT `ck` CHECK (b)",
    true,
    "ALTER TABLE t COMMENT 'CONSTRAINT ck CHECK', ADD CONSTRAINT ck UNIQUE (a), ADD CONSTRAINT `x` CHECK (b)",
  ],
  [
    'ALTER TABLE t DROP CONSTRAINT ck, DROP COLUMN ck',
    false,
    'ALTER TABLE t DROP CONSTRAINT `x`, DROP COLUMN ck',
  ],
  ['ALTER TABLE t DROP CHECK `ck`', false, 'ALTER TABLE t DROP CHECK `x`'],
  ['ALTER TABLE t DROP CONSTRAINT other', false, 'ALTER TABLE t DROP CONSTRAINT other'],
])('%s', (sql, made, expected) => {
  expect(renameCheck(sql, 'ck', 'x', made)).toBe(expected);
});
