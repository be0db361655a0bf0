import { expect, test } from 'vitest';
import { parseBinlogPos } from './binlog-pos.js';

test.each([
  ['mysql-bin.000003:3270', 'mysql-bin.000003', 3270],
  ['mysql-bin|000001.000003:3270', 'mysql-bin.000003', 3270],
  ['"a:b.1234567:4"', 'a:b.1234567', 4],
  ['(mysql-bin.000003, 3270)', 'mysql-bin.000003', 3270],
])('%s', (text, name, pos) => {
  expect(parseBinlogPos(text)).toEqual({ name, pos });
});

test.each(['mysql-bin:shemezhe', 'mysql-bin.000003', 'mysql-bin.000003:', '3270', 'mysql-bin:12', ''])(
  'refuses %s',
  (text) => {
    expect(() => parseBinlogPos(text)).toThrow(`invalid --binlog-pos ${text}`);
  },
);
