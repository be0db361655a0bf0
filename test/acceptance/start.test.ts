/** Where incremental tasks begin, and places that no source has. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDatabase, startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { address, BareClient, sourceYaml, taskYaml, untilEqual, type Answer } from '../lifecycle/support.js';

let one: DatabaseServer;
let two: DatabaseServer;
let target: DatabaseServer;
let cluster: TestCluster;
let nats: BareClient;

beforeAll(async () => {
  [one, two, target, cluster] = await Promise.all([
    startMariaDb(),
    startDatabase('mysql-9.7'),
    startMariaDb({ binlog: 'off' }),
    startCluster({ workers: 2 }),
  ]);
  nats = await BareClient.connect(cluster);
  await nats.must('operate-source', {
    op: 'create',
    config: [sourceYaml('one', one), sourceYaml('two', two, { gtid: true })],
  });
  for (const server of [one, two, target])
    await server.execute('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY)');
  for (const server of [one, two]) await server.execute('INSERT INTO d.t VALUES (1)');
});
afterAll(async () => {
  await nats?.[Symbol.asyncDispose]();
  await Promise.all([cluster?.stop(), one?.stop(), two?.stop(), target?.stop()]);
});

function task(source: string, meta: string, extra = ''): string {
  const instance = () => `    meta:\n      ${meta}\n`;
  return taskYaml({
    name: 'start',
    target: address(target),
    sources: [source],
    schemas: ['d'],
    mode: 'incremental',
    instance,
    extra,
  });
}

it.each([
  [
    'one',
    'binlog-name: nonsense',
    /the source has no binlog nonsense; it has mysql-bin\.000001 to mysql-bin/,
  ],
  ['one', 'binlog-name: mysql-bin.000099', /the source has no binlog mysql-bin\.000099/],
  [
    'one',
    '{binlog-name: mysql-bin.000001, binlog-pos: 99999999}',
    /mysql-bin\.000001 ends at \d+, before 99999999/,
  ],
  ['two', 'binlog-gtid: garbage', /binlog-gtid 'garbage' of meta: invalid GTID set at character 1/],
  ['two', 'binlog-gtid: 0-1-1', /binlog-gtid '0-1-1' of meta: invalid GTID set/],
  [
    'two',
    "binlog-gtid: '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5'",
    /the source has no transactions 3e11fa47/,
  ],
  ['two', '{binlog-name: mysql-bin.000099, binlog-pos: 4}', /the source has no binlog mysql-bin\.000099/],
])('%s has not %s: check-task and start-task say so', async (source, meta, message) => {
  for (const command of ['check-task', 'start-task']) {
    const answer: Answer = await nats.ask(command, { task: task(source, meta) });
    expect(answer.result, JSON.stringify(answer)).toBe(false);
    expect(JSON.stringify(answer)).toMatch(/meta position check/);
    expect(answer.msg).toMatch(message);
  }
  expect(await nats.taskNames()).toEqual([]);
});

it('with the checks left out the task pauses with the reason, and is never called synced', async () => {
  const ignore = 'ignore-checking-items: [all]\n';
  await nats.must('start-task', { task: task('one', 'binlog-name: mysql-bin.000099', ignore) });
  const seen: boolean[] = [];
  const paused: Answer = await nats.untilSubtask('start', 'to be paused', (status: Answer) => {
    seen.push(status.sync?.synced === true);
    return status.stage === 'Paused';
  });
  expect(seen).not.toContain(true);
  expect(paused.result.errors[0]).toMatchObject({ ErrCode: 60405 });
  await nats.must('stop-task', { task: 'start' });

  await nats.must('start-task', { task: task('two', 'binlog-gtid: garbage', ignore) });
  const wrong: Answer = await nats.untilSubtask('start', 'to be paused', (s: Answer) => s.stage === 'Paused');
  expect(wrong.result.errors[0]).toMatchObject({ ErrCode: 20011 });
  await nats.must('stop-task', { task: 'start' });
});

it('a task that has a checkpoint goes on from it, whatever its meta says', async () => {
  await nats.must('start-task', {
    task: task('one', '{binlog-name: mysql-bin.000001, binlog-pos: 4}'),
    removeMeta: true,
  });
  await untilEqual(one, target, 'd.t', { details: () => cluster.describe() });
  await nats.must('stop-task', { task: 'start' });
  const wrong = task('one', 'binlog-name: mysql-bin.000099');
  const anew: Answer = await nats.ask('start-task', { task: wrong, removeMeta: true });
  expect(anew).toMatchObject({ result: false, msg: expect.stringMatching(/no binlog mysql-bin\.000099/) });
  await nats.must('start-task', { task: wrong });
  await one.execute('INSERT INTO d.t VALUES (2)');
  await untilEqual(one, target, 'd.t', { details: () => cluster.describe() });
  await nats.must('stop-task', { task: 'start' });
});
