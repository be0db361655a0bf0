/**
 * Wrong input, over dmctl and over a bare NATS request: each is answered with `result: false`, a code, a
 * message and a workaround, and nothing of it is left in the cluster or on the target.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import type { TestCluster } from '../support/cluster.js';
import type { BareClient } from './support.js';
import { address, expectRefusal, sourceYaml, taskYaml, type Answer } from './support.js';
import { useOneCluster } from './one-cluster.js';

let upstream: DatabaseServer;
/** Writes no binlog, so that it is the source without one, too. */
let target: DatabaseServer;
let cluster: TestCluster;
let nats: BareClient;
/** Nobody listens there, and no other test gets it. */
const nowhere = 1;
let files = 0;

const SCHEMAS = 'SELECT schema_name AS s FROM information_schema.schemata ORDER BY schema_name';

useOneCluster({ workers: 1 }, (all) => ({ upstream, target, cluster, nats } = all));
beforeAll(async () => {
  await upstream.execute(`
    CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY); INSERT INTO shop.t VALUES (1);
    CREATE USER norepl IDENTIFIED BY 'pw'; GRANT SELECT, RELOAD ON *.* TO norepl;
    CREATE USER noselect IDENTIFIED BY 'pw';
    GRANT REPLICATION SLAVE, REPLICATION CLIENT, RELOAD ON *.* TO noselect;
    CREATE USER noreload IDENTIFIED BY 'pw';
    GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO noreload`);
  const good = [
    sourceYaml('one', upstream),
    sourceYaml('off', target),
    sourceYaml('gtid', upstream, { gtid: true }),
    ...['norepl', 'noselect', 'noreload'].map((user) => sourceYaml(user, upstream, { user, password: 'pw' })),
  ];
  await nats.must('operate-source', { op: 'create', config: good });
});

/** The same words as a command line and as a request; both must be refused alike. */
async function refused(
  args: readonly string[],
  command: string,
  request: object,
  code: number,
  message: RegExp | string,
): Promise<void> {
  const [typed, asked] = await Promise.all([cluster.dmctl(args), nats.ask(command, request)]);
  expectRefusal(typed.json, code, message);
  expect(typed.code).toBe(1);
  expectRefusal(asked, code, message);
  expect(Object.keys(asked as object)).toEqual(Object.keys(typed.json as object));
}

async function refusedSource(yaml: string, code: number, message: RegExp | string): Promise<void> {
  const file = await cluster.file(`source${++files}.yaml`, yaml);
  const request = { op: 'create', config: [yaml], files: [file] };
  await refused(['operate-source', 'create', file], 'operate-source', request, code, message);
}

async function refusedTask(yaml: string, code: number, message: RegExp | string): Promise<void> {
  const file = await cluster.file(`task${++files}.yaml`, yaml);
  await refused(['start-task', file], 'start-task', { task: yaml, file }, code, message);
}

async function state(): Promise<Answer> {
  return {
    placements: await nats.placements(),
    tasks: await nats.taskNames(),
    schemas: await target.query(SCHEMAS),
  };
}

/** Whatever the step does wrong, everything is as before. */
async function leavingNothing(step: () => Promise<void>): Promise<void> {
  const before = await state();
  await step();
  expect(await state()).toEqual(before);
}

function task(options: Partial<Parameters<typeof taskYaml>[0]> = {}): string {
  return taskYaml({ name: 'shop', target: address(target), sources: ['one'], ...options });
}

describe('sources', () => {
  it.each<[string, () => string, number, RegExp | string]>([
    ['wrong password', () => sourceYaml('new', upstream, { password: 'no' }), 10001, /Access denied/],
    ['unknown user', () => sourceYaml('new', upstream, { user: 'nobody' }), 10001, /Access denied/],
    ['nobody listens', () => sourceYaml('new', upstream, { port: nowhere }), 10001, /ECONNREFUSED/],
    [
      'no such host',
      () => sourceYaml('new', upstream, { host: 'no.such.host.invalid' }),
      10001,
      /no\.such\.host/,
    ],
    ['wrong flavor', () => sourceYaml('new', upstream, { extra: 'flavor: mysql\n' }), 20003, /is mariadb/],
    ['duplicate', () => sourceYaml('one', upstream), 46007, 'source config with ID one already exists'],
    ['broken YAML', () => 'source-id: new\nfrom:\n  host: [\n', 20003, /source\d+\.yaml:\d+:\d+: /],
    ['tab as indent', () => 'source-id: new\nfrom:\n\thost: x\n', 20003, /source\d+\.yaml:3:1: /],
    ['no map', () => '- a\n', 20003, /source\d+\.yaml:1:1: expected "key: value"/],
    ['empty', () => '\n', 20003, /the file is empty/],
    ['no id', () => 'from:\n  host: x\n', 20005, /source-id/],
    ['long id', () => sourceYaml('x'.repeat(33), upstream), 20006, /32/],
    [
      'unknown key',
      () => sourceYaml('new', upstream, { extra: 'enable-relays: true\n' }),
      20003,
      /source\d+\.yaml:\d+:1: .*"enable-relays".*did you mean "enable-relay"/,
    ],
    [
      'unknown key within',
      () => sourceYaml('new', upstream).replace('  user:', '  usr:'),
      20003,
      /source\d+\.yaml:6:3: .*did you mean "user"/,
    ],
    [
      'not yet',
      () => sourceYaml('new', upstream, { extra: 'enable-relay: true\n' }),
      60001,
      /source\d+\.yaml:\d+:\d+: .*enable-relay.*not supported yet/,
    ],
  ])('%s', async (_name, yaml, code, message) => {
    await leavingNothing(() => refusedSource(yaml(), code, message));
  });

  it('one bad file of two leaves none', async () => {
    const config = [sourceYaml('new', upstream), sourceYaml('newer', upstream, { password: 'no' })];
    await leavingNothing(async () => {
      expectRefusal(await nats.ask('operate-source', { op: 'create', config }), 10001, /Access denied/);
      const twice = { op: 'create', config: [config[0], config[0]] };
      expectRefusal(await nats.ask('operate-source', twice), 20032, 'new');
    });
  });

  it('unknown sources', async () => {
    await leavingNothing(async () => {
      const id = 'nobody';
      await refused(
        ['operate-source', 'stop', id],
        'operate-source',
        { op: 'stop', sourceID: [id] },
        46008,
        'source config with ID nobody not exists',
      );
      await refused(['get-config', 'source', id], 'get-config', { type: 'source', name: id }, 46008, id);
      await refused(['get-config', 'task', id], 'get-config', { type: 'task', name: id }, 46018, id);
      await refused(['get-config', 'worker', id], 'get-config', { type: 'worker', name: id }, 46004, id);
      const file = await cluster.file('nobody.yaml', sourceYaml('nobody', upstream));
      await refused(
        ['operate-source', 'update', file],
        'operate-source',
        { op: 'update', config: [sourceYaml('nobody', upstream)] },
        46008,
        id,
      );
    });
  });
});

describe('tasks', () => {
  it.each<[string, () => string, number, RegExp | string]>([
    ['a source that is not there', () => task({ sources: ['nobody'] }), 20031, /source nobody .*not found/],
    ['one source of two', () => task({ sources: ['one', 'nobody'] }), 20031, /source nobody .*not found/],
    ['broken YAML', () => `${task()}  - [\n`, 20003, /task\d+\.yaml:\d+:\d+: /],
    [
      'unknown key',
      () => task({ extra: 'meta-shema: x\n' }),
      20003,
      /task\d+\.yaml:\d+:1: .*"meta-shema".*did you mean "meta-schema"/,
    ],
    ['no name', () => task().replace('name: shop\n', ''), 20004, /name/],
    ['wrong mode', () => task().replace('task-mode: all', 'task-mode: al'), 20020, /task\d+\.yaml:2:12: /],
    ['incremental from nowhere', () => task({ mode: 'incremental' }), 20022, /must set meta for task-mode/],
    [
      'a GTID set where a file and position are needed',
      () =>
        task({
          mode: 'incremental',
          instance: () => '    meta:\n      binlog-gtid: 0-1-1\n',
        }),
      20011,
      /binlog-name/,
    ],
    ['target unreachable', () => task({ target: address(target, { port: nowhere }) }), 10001, /ECONNREFUSED/],
    [
      'wrong target password',
      () => task({ target: address(target, { password: 'no' }) }),
      10001,
      /Access denied/,
    ],
    ['binlog off', () => task({ sources: ['off'], mode: 'all' }), 26005, /log_bin is OFF/],
    ['no REPLICATION SLAVE', () => task({ sources: ['norepl'] }), 26005, /lack of REPLICATION SLAVE/],
    ['no SELECT', () => task({ sources: ['noselect'] }), 26005, /lack of SELECT privileges/],
    [
      'no RELOAD where it is needed',
      () =>
        task({
          sources: ['noreload'],
          instance: () => '    mydumper-config-name: flush\n',
          extra: 'mydumpers:\n  flush:\n    extra-args: "--consistency flush"\n',
        }),
      26005,
      /lack of RELOAD privileges/,
    ],
    [
      'block-allow pattern',
      () => task().replace('["shop"]', '["~^sh(op$"]'),
      20044,
      /task\d+\.yaml:\d+:\d+: .*~\^sh\(op\$/,
    ],
    [
      'wildcard pattern',
      () => task().replace('["shop"]', '["sh[op"]'),
      20044,
      /task\d+\.yaml:\d+:\d+: .*sh\[op/,
    ],
    ['empty pattern', () => task().replace('["shop"]', '[""]'), 20044, /task\d+\.yaml:\d+:\d+: .*empty/],
    [
      'route pattern',
      () => withRoutes({ r1: { 'schema-pattern': '~^shop(', 'target-schema': 'x' } }),
      20045,
      /task\d+\.yaml:\d+:\d+: .*~\^shop\(/,
    ],
    [
      'route wildcard',
      () => withRoutes({ r1: { 'schema-pattern': 'sh[op', 'target-schema': 'x' } }),
      20045,
      /task\d+\.yaml:\d+:\d+: .*sh\[op/,
    ],
    ['route without target', () => withRoutes({ r1: { 'schema-pattern': 'shop' } }), 20045, /target schema/],
    [
      'two routes for one table',
      () =>
        withRoutes({
          r1: { 'schema-pattern': 'shop', 'table-pattern': 't*', 'target-schema': 'a' },
          r2: { 'schema-pattern': 'sh*', 'table-pattern': 't', 'target-schema': 'b' },
        }),
      40080,
      /`?shop`?\.`?t`? matches more than one rule/,
    ],
    ['a rule that is not there', () => task({ instance: () => '    route-rules: ["r9"]\n' }), 20023, /r9/],
    [
      'a rule that nobody uses',
      () => task({ extra: 'routes:\n  r1: { schema-pattern: "a", target-schema: "b" }\n' }),
      20038,
      /r1/,
    ],
  ])('%s', async (_name, yaml, code, message) => {
    await leavingNothing(() => refusedTask(yaml(), code, message));
  });

  it.each([
    ['binlog_format', 'STATEMENT', 'ROW', 'binlog_format is STATEMENT, and should be ROW'],
    ['binlog_row_image', 'MINIMAL', 'FULL', 'binlog_row_image is MINIMAL, and should be FULL'],
  ])('%s %s', async (variable, bad, good, message) => {
    await upstream.query(`SET GLOBAL ${variable} = ${bad}`);
    try {
      await leavingNothing(() => refusedTask(task(), 26005, message));
      const file = await cluster.file('check.yaml', task());
      await refused(['check-task', file], 'check-task', { task: task(), file }, 26005, message);
    } finally {
      await upstream.query(`SET GLOBAL ${variable} = ${good}`);
    }
  });

  it('the same command from two clients at once: one of them does it', async () => {
    const request = { task: task({ mode: 'full' }) };
    const answers = await Promise.all([1, 2, 3].map(() => nats.ask('start-task', request)));
    const refusals = answers.filter((answer: Answer) => answer.result !== true);
    expect(refusals).toHaveLength(2);
    for (const refusal of refusals) expectRefusal(refusal, 46014, 'already exist');
    await nats.untilSubtask('shop', 'to finish', (status: Answer) => status.stage === 'Finished');
    const stops = await Promise.all([1, 2].map(() => nats.ask('stop-task', { task: 'shop' })));
    expect(stops.some((answer: Answer) => answer.result === true)).toBe(true);
    expect(await nats.taskNames()).toEqual([]);
    await target.query('DROP DATABASE shop');

    const create = { op: 'create', config: [sourceYaml('new', upstream)] };
    const created = await Promise.all([1, 2].map(() => nats.ask('operate-source', create)));
    expect(created.filter((answer: Answer) => answer.result === true)).toHaveLength(1);
    expectRefusal(
      created.find((answer: Answer) => answer.result !== true),
      46007,
      'new already exists',
    );
    expect(await nats.placements()).toHaveProperty('new');
    await nats.must('operate-source', { op: 'stop', sourceID: 'new' });
  });

  it('a source is updated, or left as it was', async () => {
    const shown = () => nats.must('get-config', { type: 'source', name: 'one' });
    const before = await shown();
    const wrong = { op: 'update', config: [sourceYaml('one', upstream, { password: 'no' })] };
    expectRefusal(await nats.ask('operate-source', wrong), 10001, /Access denied/);
    expect(await shown()).toEqual(before);
    const right = { op: 'update', config: [sourceYaml('one', upstream, { gtid: true })] };
    await nats.must('operate-source', right);
    expect((await shown()).cfg).toContain('enable-gtid: true');
    await nats.must('operate-source', { op: 'update', config: [sourceYaml('one', upstream)] });
  });

  it('unknown tasks', async () => {
    await leavingNothing(async () => {
      for (const command of ['pause-task', 'resume-task', 'stop-task', 'query-status']) {
        await refused(
          [command, 'nobody'],
          command,
          { task: 'nobody' },
          46018,
          'task with name nobody not exist',
        );
      }
    });
  });

  it('a task that exists, a source with tasks, a source that the task has not', async () => {
    const yaml = task();
    await nats.must('start-task', { task: yaml });
    await nats.untilSync('shop');
    await leavingNothing(async () => {
      await refusedTask(yaml, 46014, 'subtasks with name shop for sources [one] already exist');
      const busy = 'source with name one need to operate has existing tasks [shop]';
      const stop = { op: 'stop', sourceID: ['one'] };
      await refused(['operate-source', 'stop', 'one'], 'operate-source', stop, 46010, busy);
      const update = { op: 'update', config: [sourceYaml('one', upstream)] };
      const file = await cluster.file('one.yaml', sourceYaml('one', upstream));
      await refused(['operate-source', 'update', file], 'operate-source', update, 46010, busy);
      const other = { task: 'shop', sources: ['off'] };
      await refused(
        ['pause-task', '-s', 'off', 'shop'],
        'pause-task',
        other,
        46017,
        'sources [off] not exist',
      );
      await refused(
        ['query-status', '-s', 'off', 'shop'],
        'query-status',
        other,
        46017,
        'sources [off] not exist',
      );
      const strange = { task: task({ name: 'other' }), sources: ['off'] };
      expectRefusal(await nats.ask('start-task', strange), 46017, 'sources [off] not exist');
    });
    await nats.must('stop-task', { task: 'shop' });
    expect(await nats.taskNames()).toEqual([]);
  });
});

describe('requests', () => {
  const COMMANDS = [
    'operate-source',
    'check-task',
    'start-task',
    'query-status',
    'pause-task',
    'resume-task',
    'stop-task',
    'list-member',
    'get-config',
    'encrypt',
  ];

  it.each(COMMANDS)('garbage for %s is answered', async (command) => {
    await leavingNothing(async () => {
      const garbage: (string | Uint8Array)[] = [
        '{',
        'task: yaml',
        '[1,2]',
        '"text"',
        'null',
        '42',
        new Uint8Array([0xff, 0xfe, 0, 1, 0x80]),
        `{"task": ${'['.repeat(20_000)}`,
      ];
      for (const data of garbage) expectRefusal(await nats.raw(command, data, 10_000), 38004, /JSON/);
      // Right JSON of a wrong form: an answer, whatever it is.
      const forms: object[] = [
        { task: 5, op: 5, type: 5, text: 5, sources: 5, leader: 5 },
        { task: {}, op: {}, type: {}, text: {}, sources: {}, leader: 'yes' },
        { task: null, op: null, type: null, text: null, sources: [null], leader: null },
        { task: [], op: [], type: [], text: [], sources: [[]], leader: [] },
      ];
      for (const form of forms) expectRefusal(await nats.ask(command, form), 38004, /field|must/);
    });
  });

  it('commands that are not there yet say so', async () => {
    for (const command of ['show-ddl-locks', 'transfer-source', 'unlock-ddl-lock']) {
      const typed = await cluster.dmctl([command, 'one']);
      expect(typed.stderr).toMatch(/^\[code=60001:.*not supported yet, Workaround: /);
      expect(typed.code).toBe(1);
      expectRefusal(await nats.ask(command), 60001, `command "${command}" is not supported yet`);
    }
  });

  it('after all of it the cluster works', async () => {
    expect(cluster.masters[0]!.running && cluster.workers[0]!.running).toBe(true);
    expect(await nats.must('check-task', { task: task() })).toMatchObject({ result: true });
    expect(Object.keys(await nats.placements())).toEqual([
      'gtid',
      'noreload',
      'norepl',
      'noselect',
      'off',
      'one',
    ]);
  });
});

function withRoutes(routes: Record<string, Record<string, string>>): string {
  const rules = Object.entries(routes).map(
    ([name, rule]) =>
      `  ${name}:\n${Object.entries(rule)
        .map(([key, value]) => `    ${key}: "${value}"\n`)
        .join('')}`,
  );
  const names = Object.keys(routes).map((name) => `"${name}"`);
  return task({
    instance: () => `    route-rules: [${names.join(', ')}]\n`,
    extra: `routes:\n${rules.join('')}`,
  });
}
