import { beforeEach, describe, expect, test } from 'vitest';
import type { CheckResult } from '../check/types.js';
import { createSecrets } from '../config/secret.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { SubtaskOperation } from '../model/operation.js';
import type { ExpectedStage } from '../model/stage.js';
import type { SubTaskStatus } from '../model/status.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import type { Log } from '../runtime/ports.js';
import type { Cluster, SourceRecord, SourceResult, SubtaskView, TaskRecord } from './cluster.js';
import { createHandlers } from './handlers.js';
import type { JsonObject } from './request.js';

/** A cluster in memory that does at once what it is told. */
function operationText(operation: SubtaskOperation): string {
  switch (operation.kind) {
    case 'binlog':
      return `${operation.binlogPos} [${operation.sqls.join()}]`;
    case 'schema':
      return `${operation.database}.${operation.table} ${operation.from}[${operation.schema}]`;
    case 'isolation':
      return operation.table;
  }
}

class MemoryCluster implements Cluster {
  sources: SourceRecord[] = [];
  tasks: TaskRecord[] = [];
  statuses: SubTaskStatus[] = [];
  failCreate = '';
  readonly calls: string[] = [];

  listSources = () => Promise.resolve(this.sources);
  listTasks = () => Promise.resolve(this.tasks);

  createSource(sourceId: string, yaml: string): Promise<SourceResult> {
    this.calls.push(`create ${sourceId}`);
    if (sourceId === this.failCreate) return Promise.reject(new DmError(CODES.notSet, 'no room'));
    const worker = this.sources.length === 0 ? 'worker1' : '';
    this.sources.push({ sourceId, yaml, worker });
    return Promise.resolve({ result: true, msg: '', source: sourceId, worker });
  }

  updateSource(sourceId: string, yaml: string): Promise<SourceResult> {
    this.sources = this.sources.map((one) => (one.sourceId === sourceId ? { ...one, yaml } : one));
    return Promise.resolve({ result: true, msg: '', source: sourceId, worker: 'worker1' });
  }

  stopSource(sourceId: string): Promise<SourceResult> {
    this.calls.push(`stop ${sourceId}`);
    this.sources = this.sources.filter((one) => one.sourceId !== sourceId);
    return Promise.resolve({ result: true, msg: '', source: sourceId, worker: 'worker1' });
  }

  startTask(name: string, yaml: string, options: { sources: readonly string[]; removeMeta: boolean }) {
    this.calls.push(`start ${name} [${options.sources.join()}] ${options.removeMeta}`);
    this.tasks.push({ name, yaml, sources: ['mysql-replica-01'] });
    return Promise.resolve([this.#result('mysql-replica-01')]);
  }

  explain() {
    return Promise.resolve([]);
  }

  operateSubtasks(name: string, operation: SubtaskOperation) {
    const { op } = operation;
    this.calls.push(`${op} ${name} ${operationText(operation)}`);
    return Promise.resolve([this.#result('mysql-replica-01')]);
  }

  operateTask(name: string, stage: ExpectedStage) {
    this.calls.push(`${stage} ${name}`);
    return Promise.resolve([this.#result('mysql-replica-01')]);
  }

  queryStatus(): Promise<SubtaskView[]> {
    const source = { source: 'mysql-replica-01', worker: 'worker1', result: null, relayStatus: null };
    return Promise.resolve([{ source, subtasks: this.statuses, msg: '' }]);
  }

  leader = () => Promise.resolve({ name: 'master1', addr: '127.0.0.1:8261' });
  masters = () =>
    Promise.resolve([
      {
        name: 'master1',
        alive: true,
        peerURLs: ['http://127.0.0.1:8291'],
        clientURLs: ['http://127.0.0.1:8261'],
      },
    ]);
  workers = () =>
    Promise.resolve([{ name: 'worker1', addr: '127.0.0.1:8262', stage: 'free' as const, source: '' }]);
  offlineMember = () => Promise.resolve();
  memberConfig = (kind: string, name: string) =>
    Promise.resolve(name === 'worker1' ? `name = "${kind}"\n` : null);

  #result(source: string): SourceResult {
    return { result: true, msg: '', source, worker: 'worker1' };
  }
}

const silent: Log = {
  child: () => silent,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const SOURCE = `source-id: "mysql-replica-01"
from:
  host: "127.0.0.1"
  port: 8407
  user: "root"
  password: "fCxfQ9XKCezSzuCD0Wf5dUD+LsKegSg="
`;

const TASK = `name: test # kept
task-mode: all
target-database:
  host: "127.0.0.1"
  port: 4000
  user: "root"
  password: "secret"
mysql-instances:
  - source-id: "mysql-replica-01"
`;

let cluster: MemoryCluster;
let checks: CheckResult[];
let probed: string[];
let checked: SubtaskConfig[];

beforeEach(() => {
  cluster = new MemoryCluster();
  checks = [];
  probed = [];
  checked = [];
});

function run(command: string, request: JsonObject = {}): Promise<JsonObject> {
  const handlers = createHandlers({
    cluster,
    log: silent,
    secrets: createSecrets(),
    check: (subtask) => {
      checked.push(subtask);
      return Promise.resolve(checks);
    },
    probeSource: (from) => {
      probed.push(`${from.host}:${from.port} ${from.password}`);
      if (from.host === 'away')
        return Promise.reject(new DmError(CODES.databaseDriver, 'database driver error'));
      return Promise.resolve({ flavor: 'mariadb' as const, gtidMode: from.host !== 'old' });
    },
  });
  const handler = handlers[command];
  if (!handler) throw new Error(`no handler for ${command}`);
  return handler(request);
}

const GOOD_SOURCES = [{ result: true, msg: '', source: 'mysql-replica-01', worker: 'worker1' }];

/** The answer as text: names, order and forms are the contract. */
const json = (answer: JsonObject) => JSON.stringify(answer);

describe('operate-source', () => {
  test('create answers as the manual shows (2.1.3.2.3) and keeps the flavor that was found', async () => {
    const answer = await run('operate-source', { op: 'create', config: [SOURCE] });
    expect(json(answer)).toBe(json({ result: true, msg: '', sources: GOOD_SOURCES }));
    expect(probed).toEqual(['127.0.0.1:8407 123456']);
    expect(cluster.sources[0]?.yaml).toContain('flavor: mariadb');
  });

  test('show tells who has no worker', async () => {
    const other = SOURCE.replace('01', '02');
    await run('operate-source', { op: 'create', config: [SOURCE, other] });
    const { sources } = await run('operate-source', { op: 'show' });
    expect(sources).toEqual([
      ...GOOD_SOURCES,
      {
        result: true,
        msg: 'source is added but there is no free worker to bound',
        source: 'mysql-replica-02',
        worker: '',
      },
    ]);
  });

  test('one that fails takes the others back', async () => {
    cluster.failCreate = 'mysql-replica-02';
    const answer = await run('operate-source', {
      op: 'create',
      config: [SOURCE, SOURCE.replace('01', '02')],
    });
    expect(answer).toMatchObject({ result: false, sources: [] });
    expect(cluster.calls).toEqual([
      'create mysql-replica-01',
      'create mysql-replica-02',
      'stop mysql-replica-01',
    ]);
    expect(cluster.sources).toEqual([]);
  });

  test.each([
    ['broken YAML', { op: 'create', config: ['source-id: ['] }, 20003],
    ['no source-id', { op: 'create', config: ['from: {host: h}'] }, 20005],
    ['twice the same', { op: 'create', config: [SOURCE, SOURCE] }, 20032],
    ['unreachable', { op: 'create', config: [SOURCE.replace('127.0.0.1', 'away')] }, 10001],
    ['wrong flavor', { op: 'create', config: [`${SOURCE}flavor: mysql\n`] }, 20003],
    [
      'GTIDs of a server without',
      { op: 'create', config: [`${SOURCE.replace('127.0.0.1', 'old')}enable-gtid: true\n`] },
      20003,
    ],
    ['unknown source', { op: 'stop', sourceID: ['nobody'] }, 46008],
    ['nothing to create', { op: 'create' }, 38004],
    ['unknown operation', { op: 'destroy' }, 38004],
  ])('%s is refused and nothing is left', async (_name, request, code) => {
    const answer = await run('operate-source', request);
    expect(answer['result']).toBe(false);
    expect(answer['msg']).toMatch(new RegExp(`^\\[code=${code}:.*Message: .*, Workaround: `, 's'));
    expect(cluster.calls).toEqual([]);
  });

  test('a second create is 46007, a stop with tasks 46010', async () => {
    await run('operate-source', { op: 'create', config: [SOURCE] });
    const again = await run('operate-source', { op: 'create', config: [SOURCE] });
    expect(again['msg']).toContain('[code=46007');
    await run('start-task', { task: TASK });
    const stop = await run('operate-source', { op: 'stop', sourceID: 'mysql-replica-01' });
    expect(stop['msg']).toContain(
      'source with name mysql-replica-01 need to operate has existing tasks [test]',
    );
    expect(cluster.sources).toHaveLength(1);
  });
});

describe('tasks', () => {
  beforeEach(async () => {
    await run('operate-source', { op: 'create', config: [SOURCE] });
  });

  test('start answers as the manual shows (4.4.3.3)', async () => {
    const answer = await run('start-task', { task: TASK, removeMeta: true });
    expect(json(answer)).toBe(json({ result: true, msg: '', sources: GOOD_SOURCES }));
    expect(cluster.calls).toContain('start test [] true');
    expect(checked[0]).toMatchObject({ flavor: 'mariadb', from: { password: '123456' } });
  });

  test('a failed precheck starts nothing', async () => {
    const failed: CheckResult = {
      id: 0,
      name: 'mysql_binlog_enable',
      desc: 'check whether mysql binlog is enabled',
      state: 'fail',
      errorMsg: 'log_bin is OFF, and should be ON',
      instruction: '',
      extra: '',
    };
    checks = [failed];
    const answer = await run('start-task', { task: TASK });
    expect(answer['msg']).toContain('[code=26005');
    expect(answer['msg']).toContain('log_bin is OFF');
    expect(cluster.tasks).toEqual([]);
    expect(await run('check-task', { task: TASK })).toMatchObject({ result: false });
    checks = [];
    expect(await run('check-task', { task: TASK })).toEqual({ result: true, msg: 'check pass!!!' });
  });

  test.each([
    ['unknown source', { task: TASK.replace('-01', '-09') }, 20031],
    ['source not of the task', { task: TASK, sources: ['other'] }, 46017],
    ['broken YAML', { task: 'name: [\n' }, 20003],
    ['start-time with a copy', { task: TASK, startTime: '2026-01-01 00:00:00' }, 38004],
    ['start-time that is none', { task: TASK, startTime: '2026-02-30 00:00:00' }, 38004],
    ['safe-mode-time-duration that is none', { task: TASK, safeModeTimeDuration: 'soon' }, 38004],
    ['no task', {}, 38004],
  ])('start: %s is refused', async (_name, request, code) => {
    const answer = await run('start-task', request);
    expect(answer).toMatchObject({ result: false, sources: [] });
    expect(answer['msg']).toContain(`[code=${code}:`);
    expect(cluster.tasks).toEqual([]);
  });

  test('starting twice is 46014', async () => {
    await run('start-task', { task: TASK });
    const again = await run('start-task', { task: TASK });
    expect(again['msg']).toContain('[code=46014');
    expect(again['msg']).toContain('subtasks with name test for sources [mysql-replica-01] already exist');
  });

  test.each([
    ['pause-task', 'Pause', 'Paused'],
    ['resume-task', 'Resume', 'Running'],
    ['stop-task', 'Stop', 'Stopped'],
  ])('%s answers with its op, by name or by file', async (command, op, stage) => {
    await run('start-task', { task: TASK });
    for (const task of ['test', TASK]) {
      const answer = await run(command, { task });
      expect(json(answer)).toBe(json({ op, result: true, msg: '', sources: GOOD_SOURCES }));
    }
    expect(cluster.calls).toContain(`${stage} test`);
    const unknown = await run(command, { task: 'nobody' });
    expect(unknown).toMatchObject({ op, result: false, sources: [] });
    expect(unknown['msg']).toContain('[code=46018');
  });
});

function status(stage: SubTaskStatus['stage'], error?: DmError): SubTaskStatus {
  const result =
    stage === 'Paused'
      ? { isCanceled: error === undefined, errors: error ? [error.toProcessError()] : [], detail: null }
      : null;
  return { name: 'test', stage, unit: 'Sync', result, unresolvedDDLLockID: '' };
}

describe('query-status', () => {
  beforeEach(() => {
    cluster.tasks = [{ name: 'test', yaml: TASK, sources: ['mysql-replica-01'] }];
  });

  test.each([
    ['Running', [status('Running'), status('Finished')]],
    ['Running', []],
    ['Paused', [status('Running'), status('Paused')]],
    ['New', [status('New')]],
    ['Finished', [status('Finished'), status('Finished')]],
    ['Stopped', [status('Stopped')]],
    [
      'Error - Some error occurred in subtask. Please run `query-status test` to get more details.',
      [status('Paused', new DmError(CODES.notSet, 'broken')), status('Paused')],
    ],
  ])('taskStatus is %s', async (expected, statuses) => {
    cluster.statuses = statuses;
    const answer = await run('query-status');
    expect(json(answer)).toBe(
      json({
        result: true,
        msg: '',
        tasks: [{ taskName: 'test', taskStatus: expected, sources: ['mysql-replica-01'] }],
      }),
    );
  });

  test('details of a task (4.4.4.3)', async () => {
    cluster.statuses = [status('Running')];
    const expected = {
      result: true,
      msg: '',
      sources: [
        {
          result: true,
          msg: '',
          sourceStatus: { source: 'mysql-replica-01', worker: 'worker1', result: null, relayStatus: null },
          subTaskStatus: [
            { name: 'test', stage: 'Running', unit: 'Sync', result: null, unresolvedDDLLockID: '' },
          ],
        },
      ],
    };
    expect(json(await run('query-status', { task: 'test' }))).toBe(json(expected));
    expect(json(await run('query-status', { more: true }))).toBe(json(expected));
  });

  test('an unknown task is 46018', async () => {
    expect((await run('query-status', { task: 'nobody' }))['msg']).toContain('[code=46018');
    const unknown = await run('query-status', { sources: ['nowhere'] });
    expect(unknown['result']).toBe(true);
    expect((unknown['sources'] as unknown[]).at(-1)).toMatchObject({
      result: false,
      sourceStatus: { source: 'nowhere', worker: '' },
      subTaskStatus: [],
    });
    expect(json(unknown)).toContain('source nowhere relevant worker-client not found');
  });
});

describe('list-member and get-config', () => {
  test('all members (2.1.2.4)', async () => {
    expect(json(await run('list-member'))).toBe(
      json({
        result: true,
        msg: '',
        members: [
          { leader: { msg: '', name: 'master1', addr: '127.0.0.1:8261' } },
          {
            master: {
              msg: '',
              masters: [
                {
                  name: 'master1',
                  memberID: '6748882454631226278',
                  alive: true,
                  peerURLs: ['http://127.0.0.1:8291'],
                  clientURLs: ['http://127.0.0.1:8261'],
                },
              ],
            },
          },
          {
            worker: {
              msg: '',
              workers: [{ name: 'worker1', addr: '127.0.0.1:8262', stage: 'free', source: '' }],
            },
          },
        ],
      }),
    );
  });

  test('only the asked kind and names', async () => {
    const { members } = await run('list-member', { worker: true, names: ['worker9'] });
    expect(members).toEqual([{ worker: { msg: '', workers: [] } }]);
  });

  test('a source as the manual shows it (4.3.2.3)', async () => {
    await run('operate-source', { op: 'create', config: [SOURCE] });
    const { cfg } = await run('get-config', { type: 'source', name: 'mysql-replica-01' });
    expect(cfg).toBe(`enable-gtid: false
flavor: mariadb
source-id: mysql-replica-01
from:
  host: 127.0.0.1
  port: 8407
  user: root
  password: '*****'
`);
  });

  test('a task as it was written, without its password', async () => {
    cluster.tasks = [{ name: 'test', yaml: TASK, sources: [] }];
    const { cfg } = await run('get-config', { type: 'task', name: 'test' });
    expect(cfg).toContain('name: test # kept');
    expect(cfg).toContain('"*****"');
    expect(cfg).not.toContain('secret');
    expect(await run('get-config', { type: 'worker', name: 'worker1' })).toEqual({
      result: true,
      msg: '',
      cfg: 'name = "worker"\n',
    });
    expect((await run('get-config', { type: 'master', name: 'nobody' }))['result']).toBe(false);
  });
});

test('a command of DM that is not there yet says so', async () => {
  const answer = await run('transfer-source', { task: 'test' });
  expect(answer).toMatchObject({ result: false });
  expect(answer['msg']).toContain('[code=60001');
});
