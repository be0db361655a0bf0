/** The answers of dmctl are the manual's (2.1.2.4, 4.3.2, 4.4.4-4.4.7): names, order and forms of values. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import type { TestCluster } from '../support/cluster.js';
import type { BareClient } from './support.js';
import { address, sourceYaml, taskYaml, type Answer } from './support.js';
import { useOneCluster } from './one-cluster.js';

let upstream: DatabaseServer;
let target: DatabaseServer;
let cluster: TestCluster;
let nats: BareClient;

useOneCluster({ workers: 1 }, (all) => ({ upstream, target, cluster, nats } = all));
beforeAll(async () => {
  await upstream.execute(
    "CREATE DATABASE test; CREATE TABLE test.t (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO test.t VALUES (1,'a')",
  );
});

/** What dmctl prints, which is indented by four spaces and in the order of the manual. */
async function prints(args: readonly string[], expected: object, code = 0): Promise<void> {
  const { stdout, stderr, code: exit } = await cluster.dmctl(args);
  expect(stderr).toBe('');
  expect(stdout).toBe(`${JSON.stringify(expected, undefined, 4)}\n`);
  expect(exit).toBe(code);
}

const SOURCE = 'mysql-replica-01';
const OK = { result: true, msg: '' };
const ONE = { ...OK, source: SOURCE, worker: 'worker1' };
const WAITING = {
  result: true,
  msg: 'source is added but there is no free worker to bound',
  source: 'mysql-replica-02',
  worker: '',
};

const COUNT = /^\d+$/;
const POSITION = /^\(mysql-bin\.\d{6}, \d+\)$/;
const GTID = /^\d+-\d+-\d+$/;

function master(): object {
  const [one] = cluster.masters;
  return {
    master: {
      msg: '',
      masters: [
        {
          name: 'master1',
          memberID: '6748882454631226278',
          alive: true,
          peerURLs: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/)],
          clientURLs: [`http://${one!.addr}`],
        },
      ],
    },
  };
}

function worker(stage: string, source: string): object {
  const [one] = cluster.workers;
  return { worker: { msg: '', workers: [{ name: 'worker1', addr: one!.addr, stage, source }] } };
}

describe('answers of dmctl', () => {
  it('list-member', async () => {
    const leader = { leader: { msg: '', name: 'master1', addr: cluster.masters[0]!.addr } };
    const { json } = await cluster.dmctl(['list-member']);
    expect(json).toEqual({ ...OK, members: [leader, master(), worker('free', '')] });
    expect(Object.keys(json.members[1].master.masters[0] as object)).toEqual([
      'name',
      'memberID',
      'alive',
      'peerURLs',
      'clientURLs',
    ]);
    expect(json.members[1].master.masters[0].memberID).toMatch(/^\d{10,20}$/);
    await prints(['list-member', '--leader'], { ...OK, members: [leader] });
    await prints(['list-member', '--worker', '--name', 'nobody'], {
      ...OK,
      members: [{ worker: { msg: '', workers: [] } }],
    });
  });

  it('operate-source and get-config', async () => {
    const one = await cluster.file('one.yaml', sourceYaml(SOURCE, upstream, { gtid: true }));
    await prints(['operate-source', 'create', one], { ...OK, sources: [ONE] });
    const two = await cluster.file('two.yaml', sourceYaml('mysql-replica-02', upstream));
    await prints(['operate-source', 'create', two], { ...OK, sources: [WAITING] });
    await prints(['operate-source', 'show'], { ...OK, sources: [ONE, WAITING] });
    await prints(['operate-source', 'show', '-s', SOURCE], { ...OK, sources: [ONE] });
    await prints(['list-member', '-w'], { ...OK, members: [worker('bound', SOURCE)] });
    await prints(['get-config', 'source', SOURCE], {
      ...OK,
      cfg: `enable-gtid: true
flavor: mariadb
source-id: ${SOURCE}
from:
  host: 127.0.0.1
  port: ${upstream.port}
  user: root
  password: '*****'
`,
    });
    await prints(['operate-source', 'stop', 'mysql-replica-02'], {
      ...OK,
      sources: [{ ...OK, source: 'mysql-replica-02', worker: '' }],
    });
  });

  it('tasks', async () => {
    const file = await cluster.file(
      'test.yaml',
      taskYaml({ name: 'test', target: address(target), sources: [SOURCE] }),
    );
    await prints(['check-task', file], { result: true, msg: 'check pass!!!' });
    await prints(['start-task', file], { ...OK, sources: [ONE] });
    await nats.untilSync('test');
    await prints(['query-status'], list('Running'));
    const { json } = await cluster.dmctl(['query-status', 'test']);
    expect(JSON.stringify(json)).toBe(JSON.stringify(detail(json.sources[0].subTaskStatus[0].sync)));
    await prints(['pause-task', 'test'], { op: 'Pause', ...OK, sources: [ONE] });
    await prints(['query-status'], list('Paused'));
    expect(await nats.subtask('test')).toMatchObject({
      stage: 'Paused',
      unit: 'Sync',
      result: { isCanceled: true, errors: [], detail: null },
      sync: { synced: true },
    });
    await prints(['resume-task', file], { op: 'Resume', ...OK, sources: [ONE] });
    const again = await cluster.dmctl(['resume-task', '-s', SOURCE, 'test']);
    expect(again.json).toEqual({
      op: 'Resume',
      result: false,
      msg: expect.stringContaining('current stage is Running but not paused, invalid') as string,
      sources: [{ ...ONE, result: false, msg: again.json.msg as string }],
    });
    await prints(['stop-task', 'test'], { op: 'Stop', ...OK, sources: [ONE] });
    await prints(['query-status'], { ...OK, tasks: [] });
  });

  it('a full task', async () => {
    const file = await cluster.file(
      'full.yaml',
      taskYaml({ name: 'full', mode: 'full', schemas: ['test'], target: address(target), sources: [SOURCE] }),
    );
    await prints(['start-task', '-s', SOURCE, file], { ...OK, sources: [ONE] });
    const { load } = await nats.untilSubtask('full', 'to finish', (s: Answer) => s.stage === 'Finished');
    expect(load.metaBinlog).toMatch(POSITION);
    expect(load.metaBinlogGTID).toMatch(GTID);
    expect(load.bps).toMatch(COUNT);
    const { metaBinlog, metaBinlogGTID, bps, timeShares } = load;
    expect(Object.keys(timeShares)).toEqual(['waitForDump', 'execute', 'commit']);
    await prints(['query-status', '-s', SOURCE], {
      ...OK,
      sources: [
        {
          ...OK,
          sourceStatus: { source: SOURCE, worker: 'worker1', result: null, relayStatus: null },
          subTaskStatus: [
            {
              name: 'full',
              stage: 'Finished',
              unit: 'Load',
              result: { isCanceled: false, errors: [], detail: null },
              unresolvedDDLLockID: '',
              load: {
                finishedBytes: '6',
                totalBytes: '6',
                progress: '100.00 %',
                metaBinlog,
                metaBinlogGTID,
                bps,
                // Beyond DM's fields, behind them.
                timeShares,
              },
            },
          ],
        },
      ],
    });
    await prints(['stop-task', 'full'], { op: 'Stop', ...OK, sources: [ONE] });
    await prints(['operate-source', 'stop', SOURCE], { ...OK, sources: [ONE] });
    await prints(['operate-source', 'show'], { ...OK, sources: [] });
  });
});

function list(taskStatus: string): object {
  return { ...OK, tasks: [{ taskName: 'test', taskStatus, sources: [SOURCE] }] };
}

/** The manual's example with this run's figures, whose forms are checked. */
/** Where the time goes: beyond DM's fields, behind them. */
const PHASES = 'read decode transform sockets waitForLane statements limited execute commit'.split(' ');

function detail(sync: Answer): object {
  const figures = sync as Record<string, string>;
  expect(Object.keys(sync.timeShares)).toEqual(PHASES);
  expect(Object.keys(sync.timeTotals)).toEqual(PHASES);
  expect(sync.bottleneck).toMatch(/^(none|source|worker|target|limit)$/);
  const figure = (name: string, form: RegExp): string => {
    expect(figures[name], name).toMatch(form);
    return figures[name]!;
  };
  return {
    ...OK,
    sources: [
      {
        ...OK,
        sourceStatus: { source: SOURCE, worker: 'worker1', result: null, relayStatus: null },
        subTaskStatus: [
          {
            name: 'test',
            stage: 'Running',
            unit: 'Sync',
            result: null,
            unresolvedDDLLockID: '',
            sync: {
              totalEvents: figure('totalEvents', COUNT),
              totalTps: figure('totalTps', COUNT),
              recentTps: figure('recentTps', COUNT),
              masterBinlog: figure('masterBinlog', POSITION),
              masterBinlogGtid: figure('masterBinlogGtid', GTID),
              syncerBinlog: figure('syncerBinlog', POSITION),
              syncerBinlogGtid: figure('syncerBinlogGtid', GTID),
              blockingDDLs: [],
              unresolvedGroups: [],
              synced: true,
              binlogType: 'remote',
              secondsBehindMaster: figure('secondsBehindMaster', COUNT),
              blockDDLOwner: '',
              conflictMsg: '',
              totalRows: figure('totalRows', COUNT),
              totalRps: figure('totalRps', COUNT),
              recentRps: figure('recentRps', COUNT),
              timeShares: sync.timeShares,
              timeTotals: sync.timeTotals,
              bottleneck: sync.bottleneck,
            },
          },
        ],
      },
    ],
  };
}
