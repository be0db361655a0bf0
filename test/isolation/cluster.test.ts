/** Isolation through the doors of an operator: the example of docs/isolation.md, and workers that are killed. */
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { splitWords } from '../../src/config/extra-args.js';
import { ErrorSetup, positionsOf } from '../handle-error/support.js';
import { address, type Answer } from '../lifecycle/support.js';
import { waitFor } from '../support/wait-for.js';

let setup: ErrorSetup;
beforeAll(async () => {
  setup = await ErrorSetup.start({ workers: 4 });
});
afterEach(() => setup.stopTasks());
afterAll(() => setup?.stop());

const ISOLATE = {
  extra: 'syncers:\n  global: {on-table-error: isolate}\n',
  instance: () => '    syncer-config-name: global\n',
};

async function aside(task: string): Promise<Answer[]> {
  const { json } = await setup.cluster.must(['isolation', 'list', task]);
  return json.sources[0].isolatedTables;
}

async function untilAside(task: string, count: number): Promise<Answer[]> {
  let seen: Answer[] = [];
  await waitFor(
    async () => {
      seen = await aside(task);
      return seen.length === count && seen.every(({ state }) => state === 'parked');
    },
    { what: `${count} tables of ${task} to be set aside`, details: () => JSON.stringify(seen) },
  );
  return seen;
}

/** Kills the worker of source `one`; another takes over. */
async function killWorker(): Promise<void> {
  const { one } = await setup.nats.placements();
  await setup.cluster.worker(one!).signal('SIGKILL');
  await waitFor(async () => ![one, ''].includes((await setup.nats.placements())['one']), {
    what: 'another worker to have the source',
  });
}

it('works as docs/isolation.md says', async () => {
  const text = await readFile(new URL('../../docs/isolation.md', import.meta.url), 'utf8');
  const example = text.slice(text.indexOf('## Example'), text.indexOf('## Commands'));
  const blocks = (language: string) =>
    [...example.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map((match) => match[1]!);
  const [yaml] = blocks('yaml');
  const [byHand, changes, fix] = blocks('sql');
  const [shown] = blocks('json');
  const [command] = blocks('sh');
  await setup.sources.one.execute(
    'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, code CHAR(2), UNIQUE KEY code (code));' +
      ' CREATE TABLE shop.items (id INT PRIMARY KEY, order_id INT)',
  );
  const { host, port, user, password } = address(setup.target);
  const database = `{ host: ${host}, port: ${port}, user: ${user}, password: "${password}" }`;
  const task = yaml!.replace(/^target-database: .*$/m, `target-database: ${database}`);
  await setup.nats.must('start-task', { task });
  await setup.running('test');
  await setup.target.execute(byHand!);
  await setup.sources.one.execute(changes!);
  const expected = JSON.parse(shown!).isolatedTables[0];
  await untilAside('test', 1);
  await setup.equal('shop.items');
  const [table] = await aside('test');
  expect(table).toMatchObject({
    table: expected.table,
    target: expected.target,
    state: 'parked',
    // The row behind may have arrived before the failure, through another lane.
    changesKept: expect.toBeOneOf([1, 2]),
    error: {
      ErrCode: expected.error.ErrCode,
      RawCause: expect.stringContaining("Duplicate entry 'A7' for key"),
    },
  });
  expect(Object.keys(table)).toEqual(Object.keys(expected));
  const { json } = await setup.cluster.must(['query-status', 'test']);
  expect(json.sources[0].subTaskStatus[0]).toMatchObject({
    stage: 'Running',
    sync: { isolatedTables: [{ target: expected.target }] },
  });
  const list = await setup.cluster.must(['query-status']);
  expect(list.json.tasks.find((one: Answer) => one.taskName === 'test').taskStatus).toMatch(
    /^Running - 1 table is set aside after an error\. Please run `query-status test`/,
  );
  await setup.target.execute(fix!);
  await setup.cluster.must((splitWords(command!) ?? []).slice(1));
  await setup.equal('shop.orders');
  await waitFor(async () => (await aside('test')).length === 0, { what: 'the table to rejoin' });
});

it('bears killed workers while a table is set aside and while it catches up', async () => {
  await setup.replicating(
    'killed',
    {
      one: [
        'CREATE TABLE t (a INT PRIMARY KEY, b INT)',
        'CREATE TABLE n (a INT, s VARCHAR(50))',
        'CREATE TABLE o (a INT PRIMARY KEY)',
      ],
    },
    ISOLATE,
  );
  await setup.runOnTarget('killed', 'ALTER TABLE n ADD CHECK (a < 3)', 'INSERT INTO t VALUES (100, 7)');
  await setup.run(
    'one',
    'killed',
    'INSERT INTO n VALUES (1, "x"), (2, "y")',
    'INSERT INTO n VALUES (3, "z")',
  );
  await setup.run('one', 'killed', 'INSERT INTO t VALUES (1, 1)', 'ALTER TABLE t ADD UNIQUE u (b)');
  await setup.run('one', 'killed', 'INSERT INTO t VALUES (2, 7)', 'INSERT INTO o VALUES (1)');
  expect((await untilAside('killed', 2)).map(({ target }) => target).sort()).toEqual([
    '`killed`.`n`',
    '`killed`.`t`',
  ]);
  await killWorker();
  await setup.run('one', 'killed', 'INSERT INTO n SELECT seq, REPEAT("r", 40) FROM seq_1_to_10000');
  await setup.run('one', 'killed', 'DELETE FROM n WHERE a % 3001 = 0', 'INSERT INTO o VALUES (2)');
  await setup.equal('killed.o');
  await untilAside('killed', 2);
  await setup.runOnTarget(
    'killed',
    'ALTER TABLE n DROP CONSTRAINT CONSTRAINT_1',
    'DELETE FROM t WHERE a = 100',
  );
  await setup.cluster.must(['isolation', 'retry', 'killed']);
  await killWorker();
  await setup.run('one', 'killed', 'INSERT INTO n VALUES (-1, "end")', 'INSERT INTO t VALUES (3, 3)');
  await waitFor(async () => (await aside('killed')).length === 0, { what: 'the tables to rejoin' });
  for (const table of ['n', 't', 'o']) await setup.equal(`killed.${table}`);
});

it('drops what is kept, also while the task is paused, and says what it does not know', async () => {
  await setup.replicating('dropped', { one: ['CREATE TABLE t (a INT PRIMARY KEY)'] }, ISOLATE);
  await setup.runOnTarget('dropped', 'INSERT INTO t VALUES (1)');
  await setup.run('one', 'dropped', 'INSERT INTO t VALUES (1)', 'INSERT INTO t VALUES (2)');
  await untilAside('dropped', 1);
  const unknown = await setup.nats.ask('isolation', { op: 'retry', task: 'dropped', table: 'dropped.x' });
  expect(unknown.sources[0].msg).toMatch(
    /code=60703.*the table dropped\.x is not set aside; those that are: `dropped`\.`t`/,
  );
  const all = await setup.nats.ask('isolation', { op: 'drop', task: 'dropped' });
  expect(all).toMatchObject({ result: false, msg: expect.stringContaining('must name the table') });
  await setup.nats.must('pause-task', { task: 'dropped' });
  expect(await aside('dropped')).toMatchObject([{ target: '`dropped`.`t`' }]);
  const answer = await setup.nats.ask('isolation', { op: 'drop', task: 'dropped', table: 'dropped.t' });
  expect(answer.sources[0]).toMatchObject({
    result: true,
    msg: expect.stringContaining('once the task is resumed'),
  });
  await setup.nats.must('resume-task', { task: 'dropped' });
  await waitFor(async () => (await aside('dropped')).length === 0, { what: 'the table to rejoin' });
  await setup.run('one', 'dropped', 'INSERT INTO t VALUES (3)');
  await waitFor(async () => (await setup.target.query('SELECT a FROM dropped.t WHERE a = 3')).length === 1, {
    what: 'the new row',
  });
});

it('leaves out a kept DDL by binlog skip', async () => {
  await setup.replicating('skipped', { one: ['CREATE TABLE t (a INT PRIMARY KEY, b INT)'] }, ISOLATE);
  await setup.runOnTarget('skipped', 'ALTER TABLE t ADD KEY k (b)');
  await setup.run('one', 'skipped', 'ALTER TABLE t ADD KEY k (b)', 'INSERT INTO t VALUES (1, 1)');
  const [table] = await untilAside('skipped', 1);
  const [, file, pos] = /startLocation: \[position: \((\S+), (\d+)\)/.exec(table.error.Message) ?? [];
  await setup.cluster.must(['binlog', 'skip', 'skipped', '-b', `${file}:${pos}`]);
  await setup.cluster.must(['isolation', 'retry', 'skipped']);
  await setup.equal('skipped.t');
  await waitFor(async () => (await aside('skipped')).length === 0, { what: 'the table to rejoin' });
});

it('keeps what was decided about several kept DDLs until they have been tried', async () => {
  await setup.replicating('decided', { one: ['CREATE TABLE t (a INT PRIMARY KEY, b INT)'] }, ISOLATE);
  const [first, second] = ['ALTER TABLE t ADD KEY k1 (b)', 'ALTER TABLE t ADD KEY k2 (b)'] as const;
  await setup.runOnTarget('decided', first, second);
  await setup.run(
    'one',
    'decided',
    first,
    'INSERT INTO t VALUES (1, 1)',
    second,
    'INSERT INTO t VALUES (2, 2)',
  );
  const [table] = await untilAside('decided', 1);
  await waitFor(async () => (await aside('decided'))[0]?.changesKept === 4, { what: 'all to be kept' });
  const none = await setup.binlog('skip', 'decided');
  const [, file, pos] = /startLocation: \[position: \((\S+), (\d+)\)/.exec(table.error.Message) ?? [];
  expect(none.sources[0].msg).toContain("source 'one' has no error");
  expect(none.sources[0].msg).toContain(`\`binlog skip decided -b ${file}:${pos}\``);
  // What is saved now lies behind both statements.
  await setup.nats.must('pause-task', { task: 'decided' });
  const places = await positionsOf(setup.sources.one, /`decided`; ALTER TABLE t ADD KEY/);
  expect(places).toHaveLength(2);
  for (const binlogPos of places) await setup.decided('skip', 'decided', { binlogPos });
  expect(await setup.listed('decided')).toHaveLength(2);
  await setup.nats.must('resume-task', { task: 'decided' });
  await setup.equal('decided.t');
  await waitFor(async () => (await aside('decided')).length === 0, { what: 'the table to rejoin' });
  await waitFor(async () => (await setup.listed('decided')).length === 0, {
    what: 'the decisions to be forgotten',
  });
});
