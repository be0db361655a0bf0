import { describe, expect, it } from 'vitest';
import { DmError } from '../../errors/dm-error.js';
import { createTableFromSql } from '../../schema/build-table.js';
import { checkExpression, compileExpression } from './expression.js';
import type { ColumnValue } from './node.js';

const DIALECT = {
  flavor: 'mysql',
  serverVersion: '8.0.36',
  ansiQuotes: false,
  noBackslashEscapes: false,
} as const;

const table = createTableFromSql(
  'CREATE TABLE tbl (id INT, c INT, ts TIMESTAMP(6) NULL, name VARCHAR(20), j JSON, p POINT, g VARCHAR(5) COLLATE gbk_chinese_ci)' +
    ' CHARSET utf8mb4',
  'expr_filter',
  DIALECT,
);

function says(text: string, row: Record<string, ColumnValue>): boolean | null {
  const run = compileExpression(text, { table, wall: () => Date.UTC(2021, 0, 1) });
  return run({ column: (ordinal) => row[table.columns[ordinal].name] ?? null });
}

function refusal(text: string): string {
  try {
    compileExpression(text, { table, wall: () => 0 });
  } catch (error) {
    expect(error).toBeInstanceOf(DmError);
    expect((error as DmError).code).toBe(60403);
    return (error as DmError).message;
  }
  throw new Error(`${text} was not refused`);
}

describe('filter expressions', () => {
  it('knows the examples of manual 1.4.3', () => {
    expect(says('c % 2 = 0', { c: 4 })).toBe(true);
    expect(says('c % 2 = 0', { c: 3 })).toBe(false);
    expect(says('c % 2 = 0', { c: null })).toBe(null);
    expect(says('id*id + c*c = 25', { id: 3, c: 4 })).toBe(true);
    expect(says('ts > NOW()', { ts: '2021-01-01 00:00:00.000001' })).toBe(true);
    expect(says('ts > NOW()', { ts: '2021-01-01 00:00:00.000000' })).toBe(false);
    // The row's TIMESTAMP is in UTC.
    const zoned = "ts = '2021-01-01 12:34:56.5678+08:00'";
    expect(says(zoned, { ts: '2021-01-01 04:34:56.567800' })).toBe(true);
    expect(says(zoned, { ts: '2021-01-01 12:34:56.567800' })).toBe(false);
  });

  it('reads JSON without losing digits', () => {
    const j = '{"a": {"b c": [1, "x\\"y"]}, "n": 12345678901234567890.10, "t": true, "z": null}';
    expect(says(`j->>'$.a."b c"[1]' = 'x"y'`, { j })).toBe(true);
    expect(says("j->>'$.n' = '12345678901234567890.10'", { j })).toBe(true);
    expect(says("j->>'$.t' = 'true'", { j })).toBe(true);
    expect(says("j->'$.missing' IS NULL", { j })).toBe(true);
    expect(says("JSON_UNQUOTE(JSON_EXTRACT(j, '$.z')) = 'null'", { j })).toBe(true);
    expect(says('j->>\'$.a."b c"[0]\' = 1', { j })).toBe(true);
  });

  it('refuses with the reason and the place', () => {
    expect(refusal('x = 1')).toContain('there is no column `x`');
    expect(refusal('c = ')).toContain('ends too early');
    expect(refusal('SLEEP(1)')).toContain(
      'the function SLEEP is not understood, near "SLEEP(1)" at character 1',
    );
    expect(refusal("name REGEXP 'a'")).toContain('REGEXP');
    expect(refusal('p = 1')).toContain('point');
    expect(refusal("g = 'x'")).toContain('gbk_chinese_ci');
    expect(refusal("ts = 'yesterday'")).toContain('no date or time');
    expect(refusal('ts > 20210101')).toContain('datetime and a int');
    expect(refusal('c IN (SELECT 1)')).toContain('queries');
    expect(refusal('(c, id) = (1, 2)')).toContain('row values');
    expect(refusal('c / 3 IN (1, 2)')).toContain('quotient');
    expect(() => checkExpression('c % = 2')).toThrow(DmError);
    expect(() => checkExpression('c % 2 = 0')).not.toThrow();
  });

  it('fails at a row where the server would', () => {
    try {
      says('c * 9223372036854775807 > 0', { c: 2 });
      throw new Error('it had a value');
    } catch (error) {
      expect((error as DmError).code).toBe(60404);
    }
  });
});
