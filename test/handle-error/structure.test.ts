/**
 * What becomes of the rows behind a handled statement: the source's structure follows the source's own
 * statement, the target's what the target was given, and columns are matched by name.
 */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { IsolatedTable } from '../../src/model/status.js';
import { ErrorSetup, startOf } from './support.js';

let setup: ErrorSetup;
beforeAll(async () => {
  setup = await ErrorSetup.start();
});
afterEach(() => setup.stopTasks());
afterAll(() => setup?.stop());

const TABLE = 'CREATE TABLE t (a INT PRIMARY KEY, b INT)';

it('a skipped ADD COLUMN: rows wait for the column, and go on once the target has it', async () => {
  await setup.replicating('skip_add', { one: [TABLE, 'INSERT INTO t VALUES (1,1)'] });
  await setup.runOnTarget('skip_add', 'ALTER TABLE t ADD KEY uq (b)');
  await setup.run(
    'one',
    'skip_add',
    'ALTER TABLE t ADD COLUMN c VARCHAR(20) FIRST, ADD UNIQUE KEY uq (c)',
    "INSERT INTO t VALUES ('two',2,2)",
    "UPDATE t SET c='one' WHERE a=1",
  );
  await setup.pausedBy('skip_add', /Duplicate key name/);
  await setup.decided('skip', 'skip_add');
  const error = await setup.pausedBy('skip_add', /has no column .*c/);
  expect(error.Workaround).toContain('ADD COLUMN');
  const refused = await setup.binlog('skip', 'skip_add');
  expect(refused.sources[0].msg).toContain('only support to handle ddl error currently');
  await setup.runOnTarget('skip_add', 'ALTER TABLE t ADD COLUMN c VARCHAR(20) FIRST');
  await setup.nats.ask('resume-task', { task: 'skip_add' });
  await setup.equal('skip_add.t');
});

it('a skipped DROP COLUMN: the target keeps the column, rows go on without it', async () => {
  await setup.replicating('skip_drop', { one: [TABLE, 'INSERT INTO t VALUES (1,1)'] });
  await setup.runOnTarget('skip_drop', 'ALTER TABLE t ADD COLUMN g INT AS (b + 1) STORED');
  await setup.run(
    'one',
    'skip_drop',
    'ALTER TABLE t DROP COLUMN b',
    'INSERT INTO t VALUES (2)',
    'ALTER TABLE t ADD COLUMN d VARCHAR(5)',
    "INSERT INTO t VALUES (3,'x')",
    'DELETE FROM t WHERE a=1',
  );
  await setup.pausedBy('skip_drop', /Error 1054|Unknown column|generated/i);
  await setup.decided('skip', 'skip_drop');
  await setup.running('skip_drop');
  await setup.target.execute('ALTER TABLE skip_drop.t DROP COLUMN g, DROP COLUMN b');
  await setup.equal('skip_drop.t');
});

it('a replacement gives the target another form, over a restart as well', async () => {
  await setup.replicating('other_form', { one: [TABLE, 'INSERT INTO t VALUES (1,1)'] });
  await setup.runOnTarget('other_form', 'ALTER TABLE t ADD KEY uq (b)');
  await setup.run(
    'one',
    'other_form',
    'ALTER TABLE t MODIFY b SMALLINT UNSIGNED, ADD COLUMN c TINYINT UNSIGNED FIRST, ADD KEY uq (c)',
    'INSERT INTO t VALUES (200,2,65000)',
  );
  await setup.pausedBy('other_form', /Duplicate key name/);
  const sqls = 'ALTER TABLE t ADD COLUMN c BIGINT; ALTER TABLE t MODIFY b BIGINT';
  await setup.decided('replace', 'other_form', { sqls });
  await setup.running('other_form');
  await setup.nats.must('pause-task', { task: 'other_form' });
  await setup.run('one', 'other_form', 'INSERT INTO t VALUES (255,3,3)', 'UPDATE t SET c=1 WHERE a=1');
  await setup.nats.must('resume-task', { task: 'other_form' });
  await setup.nats.untilSubtask('other_form', 'to have caught up', (s) => s.sync?.synced === true);
  const rows = await setup.target.query('SELECT a, b, c FROM other_form.t ORDER BY a');
  expect(rows).toEqual([
    { a: 1, b: 1, c: 1 },
    { a: 2, b: 65000, c: 200 },
    { a: 3, b: 3, c: 255 },
  ]);
});

it('a statement that nobody can read: the replacement is believed, after a skip the source is asked', async () => {
  await setup.replicating('unread', {
    one: [TABLE, 'CREATE TABLE u (a INT PRIMARY KEY, b INT)', 'INSERT INTO t VALUES (1,1)'],
  });
  const oracle = await setup.sources.one.connect({ database: 'unread' });
  await oracle.query('SET sql_mode=ORACLE');
  await oracle.query('ALTER TABLE t ADD COLUMN v VARCHAR2(10)');
  await oracle.query("INSERT INTO t VALUES (2,2,'two')");
  await oracle.query('ALTER TABLE u ADD COLUMN v VARCHAR2(10)');
  await oracle.query("INSERT INTO u VALUES (3,3,'three')");
  await oracle.end();
  await setup.pausedBy('unread', /parse statement.*TABLE t/);
  await setup.decided('replace', 'unread', { sqls: 'ALTER TABLE unread.t ADD COLUMN v VARCHAR(10)' });
  await setup.pausedBy('unread', /parse statement.*TABLE u/);
  await setup.equal('unread.t');
  await setup.runOnTarget('unread', 'ALTER TABLE u ADD COLUMN v VARCHAR(10)');
  await setup.decided('skip', 'unread');
  await setup.equal('unread.u');
});

it('names are those of the source, and event filters do not judge what an operator asks for', async () => {
  const instance = () => "    route-rules: ['r']\n    filter-rules: ['f']\n";
  const extra = `routes:
  r: {schema-pattern: routed, table-pattern: t, target-schema: elsewhere, target-table: u}
filters:
  f: {schema-pattern: routed, table-pattern: t, events: ['add column'], action: Error}
`;
  await setup.replicating('routed', { one: [TABLE, 'INSERT INTO t VALUES (1,1)'] }, { instance, extra });
  await setup.run('one', 'routed', 'ALTER TABLE t ADD COLUMN c INT', 'INSERT INTO t VALUES (2,2,2)');
  await setup.pausedBy('routed', /code.*60402|"ErrCode":60402/);
  await setup.decided('replace', 'routed', { sqls: 'ALTER TABLE routed.t ADD COLUMN c INT' });
  await setup.running('routed');
  await setup.nats.untilSubtask('routed', 'to have caught up', (one) => one.sync?.synced === true);
  const rows = await setup.target.query('SELECT a, c FROM elsewhere.u ORDER BY a');
  expect(rows).toEqual([
    { a: 1, c: null },
    { a: 2, c: 2 },
  ]);
});

it('a statement of a table that is set aside (on-table-error: isolate) is replaced, and the table catches up', async () => {
  const extra = 'syncers:\n  s: {on-table-error: isolate}\n';
  await setup.replicating(
    'aside',
    { one: ['CREATE TABLE t (a INT PRIMARY KEY, b INT)', 'CREATE TABLE o (a INT PRIMARY KEY)'] },
    { extra, instance: () => '    syncer-config-name: s\n' },
  );
  await setup.runOnTarget('aside', 'ALTER TABLE t ADD KEY uq (b)');
  await setup.run(
    'one',
    'aside',
    'INSERT INTO t VALUES (1,1)',
    'ALTER TABLE t ADD COLUMN c INT, ADD UNIQUE KEY uq (c)',
    'INSERT INTO t VALUES (2,2,2)',
    'INSERT INTO o VALUES (1)',
  );
  await setup.equal('aside.o');
  const parked = (status: { sync?: { isolatedTables?: IsolatedTable[] } }) =>
    status.sync?.isolatedTables ?? [];
  const status = await setup.nats.untilSubtask('aside', 'to set t aside', (one) =>
    /Duplicate key name 'uq'/.test(JSON.stringify(parked(one))),
  );
  await setup.decided('replace', 'aside', {
    binlogPos: startOf(parked(status)[0]!.error),
    sqls: 'ALTER TABLE t ADD COLUMN c INT; ALTER TABLE t ADD UNIQUE KEY u2 (c)',
  });
  await setup.nats.must('isolation', { op: 'retry', task: 'aside' });
  await setup.nats.untilSubtask('aside', 'to have no table aside', (one) => parked(one).length === 0);
  await setup.equal('aside.t');
  expect(await setup.target.query("SHOW INDEX FROM aside.t WHERE Key_name='u2'")).toHaveLength(1);
});

it('a statement that failed half way goes on behind what was injected, without its first half', async () => {
  const tables = ['a', 'b'].map((name) => `CREATE TABLE ${name} (id INT PRIMARY KEY)`);
  await setup.replicating('halfway', {
    one: [...tables, 'INSERT INTO a VALUES (1)', 'INSERT INTO b VALUES (2)'],
  });
  await setup.runOnTarget('halfway', 'CREATE TABLE b2 (x INT)');
  await setup.run(
    'one',
    'halfway',
    'RENAME TABLE a TO a2, b TO b2',
    'INSERT INTO a2 VALUES (3)',
    'INSERT INTO b2 VALUES (4)',
  );
  await setup.pausedBy('halfway', /already exists/);
  await setup.decided('inject', 'halfway', { sqls: 'DROP TABLE b2' });
  await setup.equal('halfway.a2');
  await setup.equal('halfway.b2');
});

it('a statement that failed half way is resumed behind its first half once somebody has mended the target', async () => {
  const tables = ['a', 'b'].map((name) => `CREATE TABLE ${name} (id INT PRIMARY KEY)`);
  await setup.replicating('mended', {
    one: [...tables, 'INSERT INTO a VALUES (1)', 'INSERT INTO b VALUES (2)'],
  });
  await setup.runOnTarget('mended', 'CREATE TABLE b2 (x INT)');
  await setup.run('one', 'mended', 'RENAME TABLE a TO a2, b TO b2', 'INSERT INTO b2 VALUES (4)');
  await setup.pausedBy('mended', /already exists/);
  await setup.runOnTarget('mended', 'DROP TABLE b2');
  await setup.nats.ask('resume-task', { task: 'mended' });
  await setup.equal('mended.a2');
  await setup.equal('mended.b2');
});
