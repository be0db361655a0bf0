/** `start-task --start-time` and `--remove-meta` as a user types them. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { splitWords } from '../../src/config/extra-args.js';
import { expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import { projectRoot, type TestCluster } from '../support/cluster.js';
import { waitFor } from '../support/wait-for.js';
import type { BareClient } from '../lifecycle/support.js';
import { address, expectRefusal, taskYaml, type Answer } from '../lifecycle/support.js';
import { useOneCluster } from '../lifecycle/one-cluster.js';

let upstream: DatabaseServer;
let target: DatabaseServer;
let cluster: TestCluster;
let nats: BareClient;

useOneCluster(
  { workers: 2, keepaliveTtl: 3, source: 'one' },
  (all) => ({ upstream, target, cluster, nats } = all),
);

const now = async () => String((await upstream.query('SELECT CAST(NOW() AS CHAR) AS n'))[0]?.['n']);
async function nextSecond(): Promise<string> {
  const last = await now();
  return waitFor(async () => ((await now()) > last ? now() : false), { what: 'the next second' });
}
const ids = async (schema: string) =>
  (await target.query(`SELECT id FROM ${schema}.t ORDER BY id`)).map((row) => row['id']);
async function untilIds(schema: string, expected: readonly number[]): Promise<void> {
  let seen: unknown[] = [];
  await waitFor(
    async () => {
      seen = await ids(schema);
      return JSON.stringify(seen) === JSON.stringify(expected);
    },
    { what: `rows ${expected.join()}`, details: () => `${JSON.stringify(seen)}\n${cluster.describe()}` },
  );
}
async function prepare(schema: string, instance?: string): Promise<string> {
  for (const server of [upstream, target]) {
    await server.execute(`CREATE DATABASE ${schema}; CREATE TABLE ${schema}.t (id INT PRIMARY KEY)`);
  }
  const text = taskYaml({
    name: schema,
    target: address(target),
    sources: ['one'],
    mode: 'incremental',
    ...(instance === undefined ? {} : { instance: () => instance }),
  });
  return cluster.file(`${schema}.yaml`, text);
}

it('starts at a time without a meta, goes on over pauses and workers, and starts at the time anew', async () => {
  const file = await prepare('timed');
  await upstream.execute('INSERT INTO timed.t VALUES (1)');
  const time = await nextSecond();
  await upstream.execute('INSERT INTO timed.t VALUES (2)');
  expectRefusal((await cluster.dmctl(['start-task', file])).json, 20022, /must set meta/);
  await cluster.must(['start-task', file, '--start-time', time]);
  await untilIds('timed', [2]);
  await nats.must('pause-task', { task: 'timed' });
  await target.execute('DELETE FROM timed.t');
  await upstream.execute('INSERT INTO timed.t VALUES (3)');
  await nats.must('resume-task', { task: 'timed' });
  await untilIds('timed', [3]);
  // Another worker takes the source: the time is used up there as well.
  const { one: worker } = await nats.placements();
  await cluster.worker(String(worker)).signal('SIGKILL');
  await upstream.execute('INSERT INTO timed.t VALUES (4)');
  await untilIds('timed', [3, 4]);
  await cluster.worker(String(worker)).restart();
  await nats.must('stop-task', { task: 'timed' });
  await cluster.must(['start-task', file, `--start-time=${time.replace(' ', 'T')}`]);
  await untilIds('timed', [2, 3, 4]);
  await nats.must('stop-task', { task: 'timed' });
});

it('says that a time has not come yet, and starts when it comes or another is given', async () => {
  const file = await prepare('later');
  await cluster.must(['start-task', file, '--start-time', '2037-12-31 00:00:00']);
  const { result } = (await nats.untilSubtask(
    'later',
    'to be paused',
    (s: Answer) => s.stage === 'Paused',
  )) as Answer;
  expect(result.errors[0]).toMatchObject({
    ErrCode: 20057,
    Message: 'start-time 2037-12-31 00:00:00 is too late, no binlog location matches it',
  });
  await nats.must('stop-task', { task: 'later' });
  await upstream.execute('INSERT INTO later.t VALUES (1)');
  await cluster.must(['start-task', file, '--start-time', '2001-01-01 00:00:00']);
  await nats.untilSubtask('later', 'to say something', (s: Answer) => s.stage !== 'New');
  await nats.must('stop-task', { task: 'later' });
});

it('takes the times of the page', async () => {
  const file = await prepare('page');
  const page = await readFile(path.join(projectRoot(), 'docs/commands.md'), 'utf8');
  const lines = page.split('\n').filter((line) => line.startsWith('dmctl start-task --start-time'));
  expect(lines).toHaveLength(2);
  for (const line of lines) {
    const words = splitWords(line.replace('task.yaml', file)) ?? [];
    await cluster.must(words.slice(1));
    await nats.must('stop-task', { task: 'page' });
  }
});

it('refuses what is no time, and tasks that copy', async () => {
  const file = await prepare('wrong');
  for (const time of ['yesterday', '2021-10-21', '2021-13-21 00:01:00', '2021-10-21 25:01:00']) {
    expectRefusal((await cluster.dmctl(['start-task', file, '--start-time', time])).json, 38004, time);
  }
  const all = taskYaml({ name: 'wrong', target: address(target), sources: ['one'] });
  expectRefusal(
    await nats.ask('start-task', { task: all, startTime: '2021-10-21 00:01:00' }),
    38004,
    'only for tasks with task-mode incremental',
  );
});

it('begins at the meta again with --remove-meta; a position gets its GTID set', async () => {
  const [status] = await upstream.query('SHOW MASTER STATUS');
  const meta = `    meta:\n      binlog-name: ${String(status?.['File'])}\n      binlog-pos: ${String(status?.['Position'])}\n`;
  const file = await prepare('again', meta);
  await target.execute('DROP DATABASE again');
  await upstream.execute('INSERT INTO again.t VALUES (1)');
  await cluster.must(['start-task', file]);
  await untilIdsOf('again', [1]);
  await nats.must('stop-task', { task: 'again' });
  await target.execute('DROP DATABASE again');
  await upstream.execute('INSERT INTO again.t VALUES (2)');
  await cluster.must(['start-task', file, '--remove-meta']);
  await untilIdsOf('again', [1, 2]);
  await nats.must('stop-task', { task: 'again' });
});

/** As `untilIds`, for a table that replication itself creates. */
async function untilIdsOf(schema: string, expected: readonly number[]): Promise<void> {
  const exists = async () => (await target.query(`SHOW DATABASES LIKE '${schema}'`)).length > 0;
  await waitFor(exists, { what: `${schema} in the target`, details: () => cluster.describe() });
  const table = async () => (await target.query(`SHOW TABLES IN ${schema}`)).length > 0;
  await waitFor(table, { what: `the table in ${schema}`, details: () => cluster.describe() });
  await untilIds(schema, expected);
}
