/** What the target has already, what it refuses, and what nobody can read. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DdlEvent } from '../../src/model/event-names.js';
import { startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { DdlTask, schemaText, unequalTables } from './support.js';

describe('a target that stands already where the statement leads', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  let task: DdlTask;
  beforeAll(async () => {
    [source, target] = await Promise.all([startMariaDb(), startMariaDb()]);
    task = new DdlTask(source, target);
  });
  afterAll(async () => {
    await task?.stop();
    await Promise.all([source?.stop(), target?.stop()]);
  });

  /** `here` is run on the target after `first`, before `sql`. */
  async function run(first: readonly string[], here: readonly string[], sql: readonly string[]) {
    await task.run({ sql: first });
    const db = task.lastDatabase;
    for (const one of here) await target.query(one.replaceAll('$db', db));
    await task.more(sql);
    return db;
  }

  async function expectEqual(db: string) {
    const wanted = await schemaText(source, db);
    expect(await schemaText(target, db)).toEqual(wanted);
    expect(await unequalTables(source, target, db, Object.keys(wanted.tables))).toEqual([]);
  }

  const CREATE =
    "CREATE TABLE $db.t (id INT PRIMARY KEY, v VARCHAR(20) DEFAULT 'x', e ENUM('a','b'), KEY k (v))";

  it.each([
    ['CREATE TABLE', [], [CREATE], [CREATE, 'INSERT INTO $db.t (id) VALUES (1)']],
    [
      'CREATE DATABASE',
      [],
      ['CREATE DATABASE $db_c'],
      ['CREATE DATABASE $db_c', 'CREATE TABLE $db_c.t (id INT)'],
    ],
    ['DROP TABLE', [CREATE], ['DROP TABLE $db.t'], ['DROP TABLE $db.t', 'CREATE TABLE $db.t (id INT)']],
    ['DROP DATABASE', ['CREATE DATABASE $db_c'], ['DROP DATABASE $db_c'], ['DROP DATABASE $db_c']],
    [
      'CREATE TABLE LIKE',
      [CREATE],
      ['CREATE TABLE $db.l LIKE $db.t'],
      ['CREATE TABLE $db.l LIKE $db.t', 'INSERT INTO $db.l (id) VALUES (1)'],
    ],
    [
      'ADD COLUMN',
      [CREATE],
      ['ALTER TABLE $db.t ADD COLUMN w INT NOT NULL DEFAULT 5, ADD COLUMN y VARCHAR(9) UNIQUE'],
      [
        'ALTER TABLE $db.t ADD COLUMN w INT NOT NULL DEFAULT 5, ADD COLUMN y VARCHAR(9) UNIQUE',
        'INSERT INTO $db.t (id) VALUES (1)',
      ],
    ],
  ])('%s of what is there is accepted', async (_name, first, here, sql) => {
    await expectEqual(await run(first, here, sql));
  });

  it.each([
    [
      'a table with other columns',
      [],
      ['CREATE TABLE $db.t (id INT PRIMARY KEY, v VARCHAR(10))'],
      ['CREATE TABLE $db.t (id INT PRIMARY KEY, v VARCHAR(20))'],
      /its column v is varchar\(10\).*not varchar\(20\)/,
    ],
    [
      'a table with another key',
      [],
      ['CREATE TABLE $db.t (id INT PRIMARY KEY, v INT)'],
      ['CREATE TABLE $db.t (id INT PRIMARY KEY, v INT, UNIQUE KEY (v))'],
      /it has no unique key \(v\)/,
    ],
    [
      'a table with more columns',
      [],
      ['CREATE TABLE $db.t (id INT PRIMARY KEY, v INT)'],
      ['CREATE TABLE $db.t (id INT PRIMARY KEY)'],
      /it has the further column v/,
    ],
    [
      'a database of another character set',
      [],
      ['CREATE DATABASE $db_c CHARACTER SET latin1'],
      ['CREATE DATABASE $db_c CHARACTER SET utf8mb4'],
      /it exists with CHARACTER SET latin1/,
    ],
    [
      'a column of another type',
      [CREATE],
      ['ALTER TABLE $db.t ADD COLUMN w BIGINT'],
      ['ALTER TABLE $db.t ADD COLUMN w INT'],
      /its column w is bigint, not int/,
    ],
    [
      'a key of that name',
      [CREATE],
      ['CREATE INDEX i ON $db.t (e)'],
      ['CREATE INDEX i ON $db.t (v)'],
      /Duplicate key name 'i'.*binlog skip.*binlog replace/s,
    ],
    [
      'no such column',
      [CREATE],
      ['ALTER TABLE $db.t DROP COLUMN e'],
      ['ALTER TABLE $db.t DROP COLUMN e'],
      /1091.*binlog skip.*binlog replace/s,
    ],
    [
      'duplicates under a new unique key',
      [CREATE],
      ["INSERT INTO $db.t VALUES (1, 'a', NULL), (2, 'a', NULL)"],
      ['CREATE UNIQUE INDEX u ON $db.t (v)'],
      /1062.*duplicate rows/s,
    ],
  ])('%s stops the task with a way out', async (_name, first, here, sql, message) => {
    const error = await run(first, here, sql).then(
      () => new Error('accepted'),
      (thrown: unknown) => thrown,
    );
    expect(String(error)).toMatch(message);
    expect(String(error)).toMatch(
      /code=10006.*startLocation: \[position: .*origin SQL: \[.*Workaround: .*binlog (skip|replace)/s,
    );
  });

  it('stops where a table that is not migrated takes the name of one that is', async () => {
    const first = ['CREATE TABLE t (id INT PRIMARY KEY)', 'CREATE TABLE $out.next LIKE t'];
    const rotate = ['RENAME TABLE t TO $out.old, $out.next TO t'];
    for (const sql of [rotate, ['DROP TABLE t', 'ALTER TABLE $out.next RENAME TO t']]) {
      await expect(run(first, [], sql)).rejects.toThrow(/next`, which is not migrated, becomes `d\d+`.`t`/);
    }
  });

  it('says where a statement is that it cannot read, in the words of DM', async () => {
    const failing = new DdlTask(source, target, {}, 500);
    // What a newer server may write into its binlog: played by a statement that this parser does not know.
    const error = await failing
      .run({
        sql: ['CREATE TABLE t (id INT PRIMARY KEY) WITH SYSTEM VERSIONING', 'INSERT INTO t VALUES (1)'],
      })
      .then(
        () => new Error('accepted'),
        (thrown: unknown) => thrown,
      );
    await failing.stop();
    expect(String(error)).toMatch(/origin SQL: \[CREATE TABLE t .*system-versioned table/s);
  });
});

describe('statements that an event filter keeps from the target', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  beforeAll(async () => {
    [source, target] = await Promise.all([startMariaDb(), startMariaDb()]);
  });
  afterAll(() => Promise.all([source?.stop(), target?.stop()]));
  let n = 0;

  it.each<[DdlEvent, string[], string]>([
    ['drop column', ['ALTER TABLE t DROP COLUMN a'], "INSERT INTO t VALUES (2, 'two', 22)"],
    [
      'modify column',
      ['ALTER TABLE t MODIFY v VARCHAR(30) FIRST', 'ALTER TABLE t MODIFY b BIGINT AFTER id'],
      "INSERT INTO t VALUES ('two', 2, 22, 5)",
    ],
    [
      'drop index',
      ['ALTER TABLE t DROP INDEX k', 'DROP INDEX k2 ON t'],
      "INSERT INTO t VALUES (2, 'two', 1, 22)",
    ],
    [
      'rename column',
      ['ALTER TABLE t RENAME COLUMN a TO a9', 'ALTER TABLE t RENAME COLUMN a9 TO a'],
      "INSERT INTO t VALUES (2, 'two', 1, 22)",
    ],
  ])('%s: rows after them still decode', async (event, ddl, insert) => {
    const rule = {
      schemaPattern: 'd*',
      tablePattern: 't',
      events: [event],
      sqlPattern: [],
      action: 'Ignore' as const,
    };
    const task = new DdlTask(source, target, { filters: [rule] }, 1000 + ++n * 10);
    try {
      await task.run({
        sql: [
          'CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), a INT DEFAULT 1, b INT, KEY k (v), KEY k2 (b))',
          "INSERT INTO t VALUES (1, 'one', 1, 11)",
          ...ddl,
          insert,
          'UPDATE t SET b=33 WHERE id=1',
        ],
      });
      const rows = await target.query(`SELECT id, v, b FROM ${task.lastDatabase}.t ORDER BY id`);
      expect(rows).toEqual([
        { id: 1, v: 'one', b: 33 },
        { id: 2, v: 'two', b: 22 },
      ]);
    } finally {
      await task.stop();
    }
  });
});
