/** 1.4.3 Filter certain row changes using SQL expressions: the example, and each stated rule. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ManualSetup } from './support.js';

let setup: ManualSetup;
beforeAll(async () => {
  setup = await ManualSetup.start();
});
afterEach(() => setup.wipe());
afterAll(() => setup?.stop());

const EXAMPLE = readFileSync(
  new URL('../config/manual/1.4.3-expression-filter.yaml', import.meta.url),
  'utf8',
);

it('1.4.3.2: of the printed rows those with an odd c arrive', async () => {
  await setup.source.execute(
    'CREATE DATABASE expr_filter; CREATE TABLE expr_filter.tbl (id INT PRIMARY KEY, c INT); INSERT INTO expr_filter.tbl VALUES (10, 10)',
  );
  await setup.replicating(EXAMPLE);
  await setup.follow('USE expr_filter; INSERT INTO tbl(id, c) VALUES (1, 1), (2, 2), (3, 3), (4, 4)');
  // The row 10 came with the full copy, where the filter does not count.
  expect(await setup.values("SELECT CONCAT(id, ' ', c) FROM expr_filter.tbl ORDER BY id")).toEqual([
    '1 1',
    '3 3',
    '10 10',
  ]);
  await setup.follow(
    'UPDATE expr_filter.tbl SET c = c + 1 WHERE id = 1; DELETE FROM expr_filter.tbl WHERE id = 3',
  );
  expect(await setup.values("SELECT CONCAT(id, ' ', c) FROM expr_filter.tbl ORDER BY id")).toEqual([
    '1 2',
    '10 10',
  ]);
});

describe('1.4.3.3 rule descriptions', () => {
  /** Rules about e.t, all referred to. */
  const rules = (...lines: readonly string[]): string =>
    `expression-filter:\n${lines.map((line, i) => `  rule-${i}: { schema: "e", table: "t", ${line} }\n`).join('')}`;

  async function left(
    name: string,
    columns: string,
    filter: string,
    ...statements: readonly string[]
  ): Promise<unknown[]> {
    await setup.source.execute(`CREATE DATABASE e; CREATE TABLE e.t (id INT PRIMARY KEY, ${columns})`);
    await setup.replicating(filter, { name });
    await setup.follow(...statements);
    return setup.values('SELECT id FROM e.t ORDER BY id');
  }

  it.each([
    ['a*a + b*b = c*c', 'a INT, b INT, c INT', '(1, 3, 4, 5), (2, 3, 4, 6), (3, NULL, 4, 5)', [2, 3]],
    [
      'ts > NOW()',
      'ts TIMESTAMP NULL',
      "(1, '2037-01-01 00:00:00'), (2, '2001-01-01 00:00:00'), (3, NULL)",
      [2, 3],
    ],
    [
      "c_timestamp = '2021-01-01 12:34:56.5678+08:00'",
      'c_timestamp TIMESTAMP(4) NULL',
      "(1, '2021-01-01 04:34:56.5678'), (2, '2021-01-01 12:34:56.5678'), (3, NULL)",
      [2, 3],
    ],
    [
      // In UTC where no zone is named.
      "c_timestamp = '2021-01-01 12:34:56'",
      'c_timestamp TIMESTAMP NULL',
      "(1, '2021-01-01 12:34:56'), (2, '2021-01-01 04:34:56')",
      [2],
    ],
  ])('insert-value-expr: %s', async (expression, columns, rows, expected) => {
    const insert = `SET time_zone = '+00:00'; INSERT INTO e.t VALUES ${rows}`;
    expect(
      await left('expressions', columns, rules(`insert-value-expr: ${JSON.stringify(expression)}`), insert),
    ).toEqual(expected);
  });

  const ROWS = 'INSERT INTO e.t VALUES (1, 1), (2, 2), (3, 3)';

  it('delete-value-expr', async () => {
    expect(
      await left('deletes', 'c INT', rules('delete-value-expr: "c = 2"'), ROWS, 'DELETE FROM e.t'),
    ).toEqual([2]);
  });

  it.each([
    ['update-old-value-expr', 'update-old-value-expr: "c = 1"', '1:1 2:12 3:13'],
    ['update-new-value-expr', 'update-new-value-expr: "c = 12"', '1:11 2:2 3:13'],
    ['both', 'update-old-value-expr: "c <= 2", update-new-value-expr: "c >= 12"', '1:11 2:2 3:13'],
  ])('updates: %s', async (_, rule, expected) => {
    await left('updates', 'c INT', rules(rule), ROWS, 'UPDATE e.t SET c = c + 10');
    const rows = await setup.values("SELECT CONCAT(id, ':', c) FROM e.t ORDER BY id");
    expect(rows.join(' ')).toBe(expected);
  });

  it('an update that changes the key is left out as a whole', async () => {
    const rule = rules('update-new-value-expr: "id = 20"');
    expect(await left('whole', 'c INT', rule, ROWS, 'UPDATE e.t SET id = id * 10')).toEqual([2, 10, 30]);
  });

  it('several rules: any of them leaves out', async () => {
    const both = rules('insert-value-expr: "c = 1"', 'insert-value-expr: "c = 3"');
    expect(await left('several', 'c INT', both, ROWS)).toEqual([2]);
  });

  it('names are no patterns', async () => {
    const pattern = rules('insert-value-expr: "1"').replace('table: "t"', 'table: "t*"');
    expect(await left('names', 'c INT', pattern, ROWS)).toEqual([1, 2, 3]);
  });

  it.each([
    'insert-value-expr: "c = 1", delete-value-expr: "c = 1"',
    'insert-value-expr: "c = 1", update-old-value-expr: "c = 1"',
    'update-new-value-expr: "c = 1", delete-value-expr: "c = 1"',
  ])('not in one rule: %s', (rule) => {
    expect(() => setup.begin(rules(rule), { name: 'mixed' })).toThrow(/expression-filter|expr/);
  });
});
