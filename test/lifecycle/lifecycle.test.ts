/**
 * What an operator does with tasks and what may happen to the processes meanwhile. One cluster for all:
 * each test has a task and a schema of its own and leaves both sources without tasks. Every schema has a
 * table with a key and one without, in which a row that is applied twice would be seen.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { waitFor } from '../support/wait-for.js';
import {
  address,
  BareClient,
  rowsOf,
  sourceYaml,
  taskYaml,
  untilEqual,
  type Answer,
  type TaskOptions,
} from './support.js';

/** Upstreams by source: `one` is read by file and position, `two` by GTID. */
const upstreams = new Map<string, DatabaseServer>();
let target: DatabaseServer;
let cluster: TestCluster;
let nats: BareClient;

beforeAll(async () => {
  const [one, two, to, started] = await Promise.all([
    startMariaDb(),
    startMariaDb(),
    startMariaDb({ binlog: 'off' }),
    startCluster({ workers: 1, keepaliveTtl: 3 }),
  ]);
  upstreams.set('one', one);
  upstreams.set('two', two);
  target = to;
  cluster = started;
  nats = await BareClient.connect(cluster);
});
afterEach(async () => {
  for (const task of await nats.taskNames()) await nats.ask('stop-task', { task });
});
afterAll(async () => {
  await nats?.[Symbol.asyncDispose]();
  await Promise.all([cluster?.stop(), target?.stop(), ...[...upstreams.values()].map((one) => one.stop())]);
});

function up(source: string): DatabaseServer {
  const server = upstreams.get(source);
  if (!server) throw new Error(`no upstream ${source}`);
  return server;
}

const yaml = (options: Omit<TaskOptions, 'target'>) => taskYaml({ target: address(target), ...options });
const details = () => cluster.describe();

/** A schema with a table with and one without a key, of some rows each. */
async function prepare(server: DatabaseServer, schema: string): Promise<void> {
  await server.execute(`
    CREATE DATABASE ${schema};
    CREATE TABLE ${schema}.keyed (id INT PRIMARY KEY, v VARCHAR(20));
    CREATE TABLE ${schema}.plain (id INT, v VARCHAR(20))`);
  await write(server, schema, 1);
}

/** Rows `from` to `from + 9` into both tables; those without a key come twice, some go and change. */
async function write(server: DatabaseServer, schema: string, from: number): Promise<void> {
  const ids = Array.from({ length: 10 }, (_, i) => from + i);
  const values = ids.map((id) => `(${id},'v${id}')`).join();
  await server.execute(`
    INSERT INTO ${schema}.keyed VALUES ${values};
    INSERT INTO ${schema}.plain VALUES ${values};
    INSERT INTO ${schema}.plain VALUES ${values};
    BEGIN;
    UPDATE ${schema}.keyed SET v = 'changed' WHERE id = ${from + 1};
    DELETE FROM ${schema}.plain WHERE id = ${from + 2} LIMIT 1;
    INSERT INTO ${schema}.plain VALUES (${from}, NULL);
    COMMIT;
    DELETE FROM ${schema}.keyed WHERE id = ${from + 3}`);
}

async function equal(source: string, schema: string): Promise<void> {
  for (const table of ['keyed', 'plain'])
    await untilEqual(up(source), target, `${schema}.${table}`, { details });
}

async function bound(source: string, worker?: string): Promise<string> {
  return waitFor(
    async () => {
      const now = (await nats.placements())[source];
      return now !== '' && now !== undefined && (worker === undefined || now === worker) && now;
    },
    { what: `${source} to be bound ${worker ?? ''}`, intervalMs: 100, details },
  );
}

/** The death of the master, and of the NATS that it runs. */
async function killMaster(): Promise<void> {
  const [master] = cluster.masters;
  await master!.signal('SIGKILL');
  await master!.restart();
  await waitFor(async () => (await nats.raw('query-status', '{}', 1_000)).result === true, {
    what: 'the master to lead again',
    details,
  });
}

const stage = (name: string) => (status: Answer) => status.stage === name;

describe('the life of a task', () => {
  it('waits for a worker, is started on one source of two, paused and stopped on one of two', async () => {
    const config = [sourceYaml('one', up('one')), sourceYaml('two', up('two'), { gtid: true })];
    const created = await nats.must('operate-source', { op: 'create', config });
    expect(created.sources.map((one: Answer) => [one.worker, one.msg])).toEqual([
      ['worker1', ''],
      ['', 'source is added but there is no free worker to bound'],
    ]);
    for (const source of ['one', 'two']) await prepare(up(source), `both_${source}`);
    const task = yaml({ name: 'both', sources: ['one', 'two'], schemas: ['both_one', 'both_two'] });

    const first = await nats.must('start-task', { task, sources: ['one'] });
    expect(first.sources).toEqual([{ result: true, msg: '', source: 'one', worker: 'worker1' }]);
    await equal('one', 'both_one');
    expect(await nats.subtask('both', 'two')).toBeUndefined();
    const { tasks } = await nats.must('query-status');
    expect(tasks).toEqual([{ taskName: 'both', taskStatus: 'Running', sources: ['one'] }]);

    const second = await nats.must('start-task', { task, sources: ['two'] });
    expect(second.sources).toMatchObject([{ result: true, source: 'two', worker: '' }]);
    // Without a worker a command is noted, or done where it needs none.
    const only = { task: 'both', sources: ['two'] };
    await nats.must('stop-task', only);
    expect((await nats.must('query-status')).tasks).toMatchObject([{ sources: ['one'] }]);
    await nats.must('start-task', { task, sources: ['two'] });
    await nats.must('pause-task', only);
    const unasked = await nats.ask('query-status', only);
    expect(unasked.sources).toMatchObject([{ result: false, sourceStatus: { worker: '' } }]);
    expect(unasked.sources[0].msg).toContain('code=46009');
    await cluster.addWorker('worker2');
    expect(await bound('two')).toBe('worker2');
    const paused = await nats.untilSubtask('both', 'to be paused', stage('Paused'), { source: 'two' });
    expect(paused.result).toEqual({ isCanceled: true, errors: [], detail: null });
    await nats.must('resume-task', only);
    await equal('two', 'both_two');
    await nats.untilSync('both', 'two');

    await nats.must('pause-task', { task: 'both', sources: ['two'] });
    expect(await nats.subtask('both', 'two')).toMatchObject({ stage: 'Paused' });
    expect(await nats.subtask('both', 'one')).toMatchObject({ stage: 'Running' });
    for (const source of ['one', 'two']) await write(up(source), `both_${source}`, 101);
    await equal('one', 'both_one');
    expect(await rowsOf(target, 'both_two.keyed')).toHaveLength(9);
    await nats.must('resume-task', { task: 'both', sources: ['two'] });
    await equal('two', 'both_two');
    await nats.must('stop-task', { task: 'both', sources: ['one'] });
    expect(await nats.subtask('both', 'one')).toBeUndefined();
    await write(up('two'), 'both_two', 201);
    await equal('two', 'both_two');
  });

  it('stays paused over kill -9 of its worker, a move, and a restart of the master', async () => {
    await cluster.addWorker('worker3');
    await prepare(up('one'), 'paused');
    await nats.must('start-task', { task: yaml({ name: 'paused', sources: ['one'] }) });
    await nats.untilSync('paused');
    await equal('one', 'paused');
    await nats.must('pause-task', { task: 'paused' });
    const before = await rowsOf(target, 'paused.plain');
    await write(up('one'), 'paused', 101);

    const holder = cluster.worker(await bound('one'));
    await holder.signal('SIGKILL');
    expect(await bound('one', 'worker3')).toBe('worker3');
    const pausedByUser = { stage: 'Paused', unit: 'Sync', result: { isCanceled: true, errors: [] } };
    expect(await nats.untilSubtask('paused', 'to be paused', stage('Paused'))).toMatchObject(pausedByUser);
    await killMaster();
    await holder.restart();
    await cluster.ready();
    expect(await nats.untilSubtask('paused', 'to be paused', stage('Paused'))).toMatchObject(pausedByUser);
    await cluster.worker('worker3').signal('SIGKILL');
    await bound('one', holder.name);
    await cluster.worker('worker3').restart();
    expect(await nats.untilSubtask('paused', 'to be paused', stage('Paused'))).toMatchObject(pausedByUser);
    expect(await rowsOf(target, 'paused.plain')).toEqual(before);

    await nats.must('resume-task', { task: 'paused' });
    await equal('one', 'paused');
    await cluster.ready();
  });

  it('goes on from the checkpoint after stop and start; --remove-meta copies anew', async () => {
    for (const [source, schema] of [
      ['one', 'again_one'],
      ['two', 'again_two'],
    ] as const)
      await prepare(up(source), schema);
    const options = { name: 'again', sources: ['one', 'two'], schemas: ['again_one', 'again_two'] };
    const task = yaml(options);
    // Two starts at the same time, of different sources: none is lost.
    await Promise.all(options.sources.map((source) => nats.must('start-task', { task, sources: [source] })));
    await equal('one', 'again_one');
    await equal('two', 'again_two');
    for (let round = 1; round <= 2; round++) {
      await write(up('one'), 'again_one', round * 100 + 1);
      await nats.must('stop-task', { task: 'again' });
      expect(await nats.taskNames()).toEqual([]);
      await write(up('one'), 'again_one', round * 100 + 51);
      await write(up('two'), 'again_two', round * 100 + 1);
      await nats.must('start-task', { task });
      await equal('one', 'again_one');
      await equal('two', 'again_two');
    }

    await nats.must('stop-task', { task: 'again' });
    await target.execute('TRUNCATE again_one.keyed; TRUNCATE again_one.plain; DROP DATABASE again_two');
    await nats.must('start-task', { task, removeMeta: true });
    await equal('one', 'again_one');
    await equal('two', 'again_two');
    await write(up('one'), 'again_one', 401);
    await write(up('two'), 'again_two', 401);
    await equal('one', 'again_one');
    await equal('two', 'again_two');
  });

  it('is Finished in mode full and stays so over restarts', async () => {
    await prepare(up('one'), 'whole');
    await nats.must('start-task', { task: yaml({ name: 'whole', mode: 'full', sources: ['one'] }) });
    await nats.untilSubtask('whole', 'to finish', stage('Finished'));
    await equal('one', 'whole');
    const before = await rowsOf(target, 'whole.plain');
    await write(up('one'), 'whole', 101);

    const holder = cluster.worker(await bound('one'));
    await holder.signal('SIGKILL');
    await waitFor(async () => (await bound('one')) !== holder.name, {
      what: 'the source to move',
      intervalMs: 100,
      details,
    });
    const finished = { stage: 'Finished', unit: 'Load', result: { isCanceled: false, errors: [] } };
    expect(await nats.untilSubtask('whole', 'to be told of', () => true)).toMatchObject(finished);
    await killMaster();
    await holder.restart();
    await cluster.ready();
    expect(await nats.untilSubtask('whole', 'to be told of', () => true)).toMatchObject(finished);
    expect((await nats.must('query-status')).tasks).toEqual([
      { taskName: 'whole', taskStatus: 'Finished', sources: ['one'] },
    ]);
    for (const command of ['pause-task', 'resume-task']) {
      const refused = await nats.ask(command, { task: 'whole' });
      expect(refused).toMatchObject({ result: false, msg: expect.stringContaining('Finished') as string });
    }
    expect(await rowsOf(target, 'whole.plain')).toEqual(before);
    await nats.must('stop-task', { task: 'whole' });
  });

  it.each([
    ['one', 'file and position'],
    ['two', 'GTID'],
  ])('replicates only, on source %s from %s', async (source, from) => {
    const schema = `inc_${from.replaceAll(' ', '_').toLowerCase()}`;
    const server = up(source);
    await prepare(server, schema);
    const [place] = await server.query<Record<string, string>>('SHOW MASTER STATUS');
    const [gtid] = await server.query<{ p: string }>('SELECT @@gtid_binlog_pos AS p');
    const copied = await server.query(`SELECT * FROM ${schema}.keyed`);
    await write(server, schema, 101);
    // The tables as they were at the place where it begins.
    await target.execute(`
      CREATE DATABASE ${schema};
      CREATE TABLE ${schema}.keyed (id INT PRIMARY KEY, v VARCHAR(20));
      CREATE TABLE ${schema}.plain (id INT, v VARCHAR(20))`);
    for (const { id, v } of copied) await target.query(`INSERT INTO ${schema}.keyed VALUES (?, ?)`, [id, v]);
    const meta: Record<string, string> = {
      'file and position': `    meta:\n      binlog-name: ${place!['File']}\n      binlog-pos: ${place!['Position']}\n`,
      GTID: `    meta:\n      binlog-gtid: "${gtid!.p}"\n`,
    };
    const name = 'replicate';
    const task = yaml({
      name,
      mode: 'incremental',
      schemas: [schema],
      sources: [source],
      instance: () => meta[from]!,
    });
    await nats.must('start-task', { task, removeMeta: true });
    await nats.untilSync(name);
    await write(server, schema, 201);
    await untilEqual(server, target, `${schema}.keyed`, { details });
    // The rows from before are not copied: of the table without a key only the later ones are there.
    const later = `(SELECT * FROM ${schema}.plain WHERE id > 100) AS later`;
    await untilEqual(server, target, later, { targetTable: `${schema}.plain`, details });
    await nats.must('stop-task', { task: name });

    // Where there is a checkpoint, it decides and not the meta.
    await write(server, schema, 301);
    await nats.must('start-task', { task });
    await untilEqual(server, target, `${schema}.keyed`, { details });
    await untilEqual(server, target, later, { targetTable: `${schema}.plain`, details });
  });

  it('is paused, resumed and stopped at any moment of the copy', async () => {
    await up('one').execute(`
      CREATE DATABASE big;
      USE big;
      CREATE TABLE big.keyed (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(200));
      CREATE TABLE big.plain (id INT, v VARCHAR(200));
      INSERT INTO big.keyed (v) SELECT REPEAT('x', 100 + seq % 100) FROM seq_1_to_60000;
      INSERT INTO big.plain SELECT seq % 100, 'y' FROM seq_1_to_20000`);
    const task = yaml({
      name: 'big',
      sources: ['one'],
      instance: () => '    mydumper: { rows: 5000 }\n',
    });
    await nats.must('start-task', { task });
    await nats.must('pause-task', { task: 'big' });
    await write(up('one'), 'big', 100_001);
    await nats.must('resume-task', { task: 'big' });
    await nats.untilSubtask('big', 'to load', (s: Answer) => s.unit !== 'Check' && s.unit !== 'InvalidUnit');
    await nats.must('stop-task', { task: 'big' });
    await write(up('one'), 'big', 100_101);
    await nats.must('start-task', { task });
    await nats.must('stop-task', { task: 'big' });
    await nats.must('start-task', { task });
    await write(up('one'), 'big', 100_201);
    await nats.untilSync('big');
    await equal('one', 'big');
  });

  it('is handed over at once when its worker is told to end', async () => {
    await prepare(up('one'), 'handed');
    await nats.must('start-task', { task: yaml({ name: 'handed', sources: ['one'] }) });
    await nats.untilSync('handed');
    const holder = cluster.worker(await bound('one'));
    await write(up('one'), 'handed', 101);
    await holder.stop();
    // Not by the loss of its lease: another has it by the time that the process is gone.
    const other = (await nats.placements())['one'];
    expect(other).not.toBe('');
    expect(other).not.toBe(holder.name);
    await write(up('one'), 'handed', 201);
    await equal('one', 'handed');
    await holder.restart();
    await cluster.ready();
  });
});
