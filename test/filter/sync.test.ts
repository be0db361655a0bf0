/** Event and expression filters in a running sync: the examples of manual 1.3.1.3.3 and 1.4.3.2. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChecks } from '../../src/check/run-checks.js';
import type { EventFilterRule, SubtaskConfig } from '../../src/model/subtask-config.js';
import type { DatabaseServer } from '../servers/database.js';
import { startDatabase } from '../servers/index.js';
import { incremental, startSyncer, untilSynced } from '../sync/support.js';

let source: DatabaseServer;
let target: DatabaseServer;

beforeAll(async () => {
  source = await startDatabase('mariadb-10.11');
  target = await startDatabase('mariadb-10.11');
});
afterAll(async () => {
  await source?.stop();
  await target?.stop();
});

const T1 = 'CREATE TABLE test_1.t_1 (id INT PRIMARY KEY, c INT)';

/** Both sides begin with `setup`; then the statements run on the source while a syncer applies them. */
async function replicate(
  setup: readonly string[],
  extra: Partial<SubtaskConfig>,
  statements: readonly string[],
): Promise<void> {
  for (const server of [source, target]) {
    for (const schema of ['test_1', 'test_2', 'expr_filter', 'dm_meta']) {
      await server.execute(`DROP DATABASE IF EXISTS ${schema}`);
    }
    for (const sql of setup) await server.execute(sql);
  }
  const running = startSyncer(await incremental(source, target, extra), 1);
  try {
    for (const sql of statements) await source.execute(sql);
    await untilSynced(running);
  } finally {
    running.syncer.end();
    await running.done.catch(() => undefined);
  }
}

function filter(given: Partial<EventFilterRule>): EventFilterRule {
  return {
    schemaPattern: 'test_*',
    tablePattern: '',
    events: [],
    sqlPattern: [],
    action: 'Ignore',
    ...given,
  };
}

const rows = async (sql: string) => (await target.query(sql)).map((row) => Object.values(row));

describe('event filter', () => {
  it('leaves all deletions out', async () => {
    await replicate(
      [
        'CREATE DATABASE test_1',
        'CREATE DATABASE test_2',
        T1,
        'INSERT INTO test_1.t_1 VALUES (1, 1), (2, 2)',
      ],
      {
        filters: [
          filter({ tablePattern: 't_*', events: ['truncate table', 'drop table', 'delete'] }),
          filter({ events: ['drop database'] }),
        ],
      },
      [
        'DELETE FROM test_1.t_1 WHERE id = 1',
        'INSERT INTO test_1.t_1 VALUES (3, 3)',
        'UPDATE test_1.t_1 SET c = 20 WHERE id = 2',
        'TRUNCATE test_1.t_1',
        'DROP TABLE test_1.t_1',
        'DROP DATABASE test_2',
        'CREATE TABLE test_1.t_2 (id INT PRIMARY KEY)',
      ],
    );
    expect(await rows('SELECT id, c FROM test_1.t_1 ORDER BY id')).toEqual([
      [1, 1],
      [2, 20],
      [3, 3],
    ]);
    expect(await rows("SHOW DATABASES LIKE 'test\\_2'")).toHaveLength(1);
    expect(await rows('SELECT * FROM test_1.t_2')).toEqual([]);
  });

  it('migrates DML only, and follows the ignored DDL', async () => {
    await replicate(
      [],
      {
        filters: [
          filter({ tablePattern: 't_*', events: ['create table', 'all dml'], action: 'Do' }),
          filter({ events: ['create database'], action: 'Do' }),
        ],
      },
      [
        'CREATE DATABASE test_1',
        T1,
        'INSERT INTO test_1.t_1 VALUES (1, 1)',
        // Ignored: the rows behind it have one column less, and must still decode.
        'ALTER TABLE test_1.t_1 DROP COLUMN c',
        'INSERT INTO test_1.t_1 VALUES (2)',
        'CREATE INDEX x ON test_1.t_1 (id)',
        'DELETE FROM test_1.t_1 WHERE id = 1',
      ],
    );
    expect(await rows('SELECT id, c FROM test_1.t_1')).toEqual([[2, null]]);
  });

  it('leaves single operations of an ALTER out', async () => {
    await replicate(
      ['CREATE DATABASE test_1', T1],
      { filters: [filter({ tablePattern: 't_*', events: ['drop column'] })] },
      [
        'ALTER TABLE test_1.t_1 ADD COLUMN d INT, DROP COLUMN c, COMMENT = "x"',
        'INSERT INTO test_1.t_1 VALUES (1, 5)',
      ],
    );
    expect(await rows('SELECT id, c, d FROM test_1.t_1')).toEqual([[1, null, 5]]);
  });

  it('filters by the text of a statement', async () => {
    const parts =
      'PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))';
    await replicate(
      ['CREATE DATABASE test_1', `${T1} ${parts}`],
      {
        filters: [
          filter({
            schemaPattern: '*',
            sqlPattern: [
              'ALTER\\s+TABLE[\\s\\S]*ADD\\s+PARTITION',
              'ALTER\\s+TABLE[\\s\\S]*DROP\\s+PARTITION',
            ],
          }),
        ],
      },
      [
        'INSERT INTO test_1.t_1 VALUES (1, 1)',
        'ALTER TABLE test_1.t_1\n DROP PARTITION p0',
        'alter table test_1.t_1 add partition (partition p2 values less than (30))',
        'INSERT INTO test_1.t_1 VALUES (15, 1)',
      ],
    );
    expect(await rows('SELECT id FROM test_1.t_1 ORDER BY id')).toEqual([[1], [15]]);
    expect(await rows('SHOW CREATE TABLE test_1.t_1')).not.toContain('p2');
  });

  it('stops at what a rule with the action Error matches', async () => {
    const failing = replicate(
      ['CREATE DATABASE test_1', T1],
      { filters: [filter({ tablePattern: 't_*', events: ['value range decrease'], action: 'Error' })] },
      ['ALTER TABLE test_1.t_1 MODIFY c SMALLINT'],
    );
    await expect(failing).rejects.toMatchObject({ code: 60402 });
    await expect(failing).rejects.toThrow(/origin SQL: \[ALTER TABLE test_1.t_1 MODIFY c SMALLINT\]/);
  });
});

describe('expression filter', () => {
  const tbl = ['CREATE DATABASE expr_filter', 'CREATE TABLE expr_filter.tbl (id INT PRIMARY KEY, c INT)'];
  const rule = { schema: 'expr_filter', table: 'tbl' };

  it('leaves even values out, as the manual shows', async () => {
    await replicate(tbl, { expressionFilters: [{ ...rule, insertValueExpr: 'c % 2 = 0' }] }, [
      'INSERT INTO expr_filter.tbl(id, c) VALUES (1, 1), (2, 2), (3, 3), (4, 4)',
    ]);
    expect(await rows('SELECT * FROM expr_filter.tbl ORDER BY id')).toEqual([
      [1, 1],
      [3, 3],
    ]);
  });

  it('judges updates by old and new value, and deletes', async () => {
    await replicate(
      [...tbl, 'INSERT INTO expr_filter.tbl VALUES (1, 1), (2, 1), (3, 5), (4, 4)'],
      {
        expressionFilters: [
          { ...rule, updateOldValueExpr: 'c = 1', updateNewValueExpr: 'c > 100' },
          { ...rule, updateNewValueExpr: 'c = 55' },
          { ...rule, deleteValueExpr: 'c = 4' },
        ],
      },
      [
        'UPDATE expr_filter.tbl SET c = 101 WHERE id = 1',
        'UPDATE expr_filter.tbl SET c = 50 WHERE id = 2',
        'UPDATE expr_filter.tbl SET c = 55 WHERE id = 3',
        'DELETE FROM expr_filter.tbl WHERE id = 4',
        'INSERT INTO expr_filter.tbl VALUES (5, 4)',
      ],
    );
    expect(await rows('SELECT * FROM expr_filter.tbl ORDER BY id')).toEqual([
      [1, 1],
      [2, 50],
      [3, 5],
      [4, 4],
      [5, 4],
    ]);
  });

  it('is refused at the check when it is not exact', async () => {
    for (const sql of tbl) await source.execute(sql).catch(() => undefined);
    const config = await incremental(source, target, {
      expressionFilters: [
        { ...rule, insertValueExpr: "c REGEXP 'a'" },
        // Names are compared without regard to case, unless the task says case-sensitive.
        { ...rule, schema: rule.schema.toUpperCase(), deleteValueExpr: 'nope = 1' },
      ],
    });
    const result = (await runChecks(config)).find(({ name }) => name === 'expression filter check');
    expect(result?.state).toBe('fail');
    expect(result?.errorMsg).toContain('[code=60403]');
    expect(result?.errorMsg).toContain('REGEXP');
    expect(result?.errorMsg).toContain('there is no column `nope`');
  });
});
