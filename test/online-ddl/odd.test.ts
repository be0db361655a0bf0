/** Online DDL beside other features, and by sessions and servers of other kinds. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import { startMariaDb } from '../servers/index.js';
import { collectingLog } from '../copy/support.js';
import { retry, start, stop, untilParked, untilSynced, untilWhole } from '../isolation/support.js';
import { waitFor } from '../support/wait-for.js';
import { expectEqualTables } from '../sync/support.js';
import { ghostBegin, ghostCopy, ghostEnd, Pair, SCHEMA } from './support.js';

const T = `CREATE TABLE ${SCHEMA}.t (id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(20), b INT)`;
const ROWS = `INSERT INTO ${SCHEMA}.t VALUES (1, 'x', 1), (2, 'y', 2), (3, NULL, NULL)`;

let source: DatabaseServer;
let target: DatabaseServer;
let pair: Pair;
beforeAll(async () => {
  [source, target] = await Promise.all([startMariaDb(), startMariaDb()]);
  pair = new Pair(source, target);
});
afterAll(async () => {
  await pair?.end();
  await Promise.all([source?.stop(), target?.stop()]);
});

it('keeps the change of a table that is set aside, in order', async () => {
  await pair.begin([T, ROWS, `CREATE TABLE ${SCHEMA}.good (id INT PRIMARY KEY)`]);
  await target.execute(`INSERT INTO ${SCHEMA}.t VALUES (100, 'x', 1)`);
  const { sync } = pair.config;
  const running = start({ ...pair.config, sync: { ...sync, onTableError: 'isolate' } }, 1);
  await pair.run([
    ...ghostBegin('t', 'ADD COLUMN c INT, ADD UNIQUE KEY (a)'),
    ...ghostCopy('t', 'id, a, b'),
    ...ghostEnd('t'),
    `INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`,
    `INSERT INTO ${SCHEMA}.good VALUES (1)`,
  ]);
  await untilParked(running, `${SCHEMA}.t`);
  await untilSynced(running, source);
  await expectEqualTables(source, target, [`${SCHEMA}.good`]);
  await target.execute(`DELETE FROM ${SCHEMA}.t WHERE id = 100`);
  retry(running, `${SCHEMA}.t`);
  await untilWhole(running, source);
  await expectEqualTables(source, target, [`${SCHEMA}.t`]);
  await stop(running);
});

it('runs each change once, whoever dies in its midst', async () => {
  await pair.begin([T, ROWS]);
  await pair.run([
    ...ghostBegin('t', 'ADD COLUMN c INT'),
    `ALTER TABLE ${SCHEMA}._t_gho ADD COLUMN d INT`,
    ...ghostCopy('t', 'id, a, b'),
    ...ghostEnd('t'),
    `INSERT INTO ${SCHEMA}.t (a, c, d) VALUES ('after', 9, 10)`,
  ]);
  // A reader of the table holds the first change up.
  const reader = await target.connect();
  await reader.query('BEGIN');
  await reader.query(`SELECT * FROM ${SCHEMA}.t LIMIT 1`);
  const waits = `SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata%' AND info LIKE '%ADD COLUMN c%'`;
  pair.start();
  await waitFor(async () => (await target.query(waits)).length > 0, { what: 'the change to wait' });
  await pair.destroy();
  pair.start();
  await reader.query('COMMIT');
  await reader.end();
  await waitFor(async () => (await pair.columns('t')).includes('c'), { what: 'the change', intervalMs: 1 });
  await pair.destroy();
  await pair.sync();
  await pair.expectEqual(`${SCHEMA}.t`);
  expect(await pair.columns('t')).toEqual(['id', 'a', 'b', 'c', 'd']);
  await pair.expectNoRecords();
});

it('runs a change under the sql_mode in which it was made', async () => {
  await pair.begin([T, ROWS]);
  await pair.run([
    "SET @mode=@@sql_mode, sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
    `CREATE TABLE "${SCHEMA}"."_t_new" LIKE "${SCHEMA}"."t"`,
    `ALTER TABLE "${SCHEMA}"."_t_new" ADD COLUMN "c" VARCHAR(20) NOT NULL DEFAULT 'a\\b' COMMENT 'it''s "c"'`,
    'SET sql_mode=@mode',
  ]);
  await pair.sync();
  await pair.run([
    `INSERT INTO ${SCHEMA}._t_new (id, a, b) SELECT * FROM ${SCHEMA}.t`,
    `RENAME TABLE ${SCHEMA}.t TO ${SCHEMA}._t_old, ${SCHEMA}._t_new TO ${SCHEMA}.t`,
    `INSERT INTO ${SCHEMA}.t (a) VALUES ('after')`,
  ]);
  await pair.sync();
  await pair.expectEqual(`${SCHEMA}.t`);
});

it('follows the ghost itself, whose columns may stand in another order', async () => {
  await pair.begin([T, ROWS]);
  await pair.run([
    // As made by hand: not like the real table.
    `CREATE TABLE ${SCHEMA}._t_new (b INT, id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(20))`,
    `ALTER TABLE ${SCHEMA}._t_new ADD COLUMN c INT DEFAULT 4`,
    `INSERT INTO ${SCHEMA}._t_new (id, a, b) SELECT * FROM ${SCHEMA}.t`,
    `RENAME TABLE ${SCHEMA}.t TO ${SCHEMA}._t_old, ${SCHEMA}._t_new TO ${SCHEMA}.t`,
    `INSERT INTO ${SCHEMA}.t (id, a, b, c) VALUES (9, 'after', 2, 3)`,
    `UPDATE ${SCHEMA}.t SET a='u' WHERE id=1`,
  ]);
  await pair.sync();
  const rows = `SELECT id, a, b, c FROM ${SCHEMA}.t ORDER BY id`;
  expect(await target.query(rows)).toEqual(await source.query(rows));
  expect(await pair.columns('t')).toEqual(['id', 'a', 'b', 'c']);
});

it('does not take a table of its own making for the result of a tool', async () => {
  await pair.begin([T, ROWS]);
  await pair.run([
    `CREATE TABLE ${SCHEMA}._t_new LIKE ${SCHEMA}.t`,
    `RENAME TABLE ${SCHEMA}.t TO ${SCHEMA}._t_old, ${SCHEMA}._t_new TO ${SCHEMA}.t`,
  ]);
  await expect(pair.sync()).rejects.toMatchObject({ code: 36046 });
});

it('forgets ghost tables with their schema', async () => {
  await pair.begin([T, ROWS]);
  await pair.run([
    ...ghostBegin('t', 'ADD COLUMN c INT'),
    `DROP DATABASE ${SCHEMA}`,
    `CREATE DATABASE ${SCHEMA}`,
    T,
    ROWS,
  ]);
  await pair.sync();
  await pair.expectEqual(`${SCHEMA}.t`);
  await pair.expectNoRecords();
});

it('warns of values that the tool computes row by row', async () => {
  await pair.begin([T, ROWS]);
  const log = collectingLog();
  await pair.run(
    ghostBegin('t', 'ADD COLUMN at DATETIME DEFAULT CURRENT_TIMESTAMP, ADD COLUMN c INT DEFAULT 1'),
  );
  await pair.sync(log);
  expect(log.lines.join('\n')).toMatch(/computes them row by row.*"columns":"at"/);
});

it('judges rows by an expression filter after the swap, too', async () => {
  await pair.begin([T, ROWS], {
    expressionFilters: [{ schema: SCHEMA, table: 't', insertValueExpr: 'b > 100' }],
  });
  await pair.run([
    ...ghostBegin('t', 'MODIFY COLUMN b BIGINT FIRST'),
    ...ghostCopy('t', 'id, a, b'),
    ...ghostEnd('t'),
    `INSERT INTO ${SCHEMA}.t (id, a, b) VALUES (7, 'kept', 7), (8, 'left out', 700)`,
  ]);
  await pair.sync();
  expect(await target.query(`SELECT id FROM ${SCHEMA}.t WHERE id > 3`)).toEqual([{ id: 7 }]);
});

it('keeps names as the server does', async () => {
  await source.restart({ extraArgs: ['--lower-case-table-names=1'] });
  await pair.begin([T, ROWS]);
  await pair.run([
    `ALTER TABLE ${SCHEMA.toUpperCase()}.T ADD COLUMN d INT`,
    `CREATE TABLE ${SCHEMA}._T_new LIKE ${SCHEMA}.T`,
    `ALTER TABLE ${SCHEMA.toUpperCase()}._t_new ADD COLUMN c INT`,
    `INSERT INTO ${SCHEMA}._t_new (id, a, b, d) SELECT * FROM ${SCHEMA}.t`,
  ]);
  await pair.sync();
  await pair.run([
    `RENAME TABLE ${SCHEMA}.T TO ${SCHEMA}._T_old, ${SCHEMA}._t_new TO ${SCHEMA}.t`,
    `INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`,
  ]);
  await pair.sync();
  await pair.expectEqual(`${SCHEMA}.t`);
  await pair.expectNoRecords();
});
