/** A task over real processes and servers: started, paused over restarts and moves, stopped, started again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { waitFor } from '../support/wait-for.js';

let upstream: DatabaseServer;
let target: DatabaseServer;

beforeAll(async () => {
  [upstream, target] = await Promise.all([startMariaDb(), startMariaDb()]);
});
afterAll(async () => {
  await Promise.all([upstream?.stop(), target?.stop()]);
});

function endpoint({ host, port, user, password }: DatabaseServer): string {
  return [`  host: ${host}`, `  port: ${port}`, `  user: ${user}`, `  password: "${password}"`].join('\n');
}

const sourceYaml = (): string => `source-id: one\nenable-gtid: true\nfrom:\n${endpoint(upstream)}\n`;

const taskYaml = (): string => `name: copy
task-mode: all
target-database:
${endpoint(target)}
mysql-instances:
  - source-id: one
    block-allow-list: own
block-allow-list:
  own:
    do-dbs: ["shop"]
`;

async function subtask(cluster: TestCluster) {
  const { json } = await cluster.dmctl(['query-status', 'copy']);
  return json?.sources?.[0]?.subTaskStatus?.[0];
}

async function untilStage(cluster: TestCluster, stage: string, unit?: string): Promise<void> {
  let last: unknown;
  await waitFor(
    async () => {
      const status = await subtask(cluster);
      last = status;
      return status?.stage === stage && (unit === undefined || status.unit === unit);
    },
    {
      what: `the subtask to be ${stage} ${unit ?? ''}`,
      details: () => `${JSON.stringify(last)}\n${cluster.describe()}`,
    },
  );
}

async function untilRows(count: number, cluster: TestCluster): Promise<void> {
  await waitFor(
    async () => {
      const rows = (await target.query('SELECT COUNT(*) AS n FROM shop.t')) as { n: unknown }[];
      return Number(rows[0]?.n) === count;
    },
    { what: `${count} rows on the target`, details: () => cluster.describe() },
  );
}

describe('a task over real processes', () => {
  it('stays paused over restarts and moves, and goes on from the checkpoint after stop and start', async () => {
    await upstream.query('CREATE DATABASE shop');
    await upstream.query('CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(20))');
    await upstream.query("INSERT INTO shop.t VALUES (1,'a'),(2,'b'),(3,'c')");

    await using cluster = await startCluster({ workers: 2, keepaliveTtl: 4 });
    await cluster.must(['operate-source', 'create', await cluster.file('one.yaml', sourceYaml())]);
    const task = await cluster.file('task.yaml', taskYaml());
    const started = await cluster.must(['start-task', task]);
    const first = started.json.sources[0].worker as string;
    const second = first === 'worker1' ? 'worker2' : 'worker1';
    expect(started.json.sources).toEqual([{ result: true, msg: '', source: 'one', worker: first }]);
    const again = await cluster.dmctl(['start-task', task]);
    expect(again.json.msg).toContain('code=46014');
    const busy = await cluster.dmctl(['operate-source', 'stop', 'one']);
    expect(busy.json.msg).toContain('code=46010');

    await untilStage(cluster, 'Running', 'Sync');
    await upstream.query("INSERT INTO shop.t VALUES (4,'d')");
    await untilRows(4, cluster);

    await cluster.must(['pause-task', 'copy']);
    expect(await subtask(cluster)).toMatchObject({
      stage: 'Paused',
      result: { isCanceled: true, errors: [] },
    });
    await upstream.query("INSERT INTO shop.t VALUES (5,'e')");

    const holder = cluster.worker(first);
    await holder.signal('SIGKILL');
    await waitFor(async () => (await cluster.workerStages()).get(second) === 'bound', {
      what: 'the source to move',
      details: () => cluster.describe(),
    });
    await untilStage(cluster, 'Paused');
    await cluster.masters[0]!.signal('SIGKILL');
    await cluster.masters[0]!.restart();
    await holder.restart();
    await cluster.ready();
    await untilStage(cluster, 'Paused');
    await untilRows(4, cluster);

    const wrong = await cluster.dmctl(['pause-task', 'nope']);
    expect(wrong.json.msg).toContain('code=46018');
    await cluster.must(['resume-task', 'copy']);
    await untilRows(5, cluster);
    const refused = await cluster.dmctl(['resume-task', 'copy']);
    expect(refused.json.sources[0].msg).toContain('current stage is Running but not paused, invalid');

    await cluster.must(['stop-task', 'copy']);
    expect((await cluster.dmctl(['query-status'])).json.tasks).toEqual([]);
    await upstream.query("INSERT INTO shop.t VALUES (6,'f')");
    await cluster.must(['start-task', task]);
    await untilRows(6, cluster);

    await cluster.worker(second).signal('SIGKILL');
    await upstream.query("INSERT INTO shop.t VALUES (7,'g')");
    await untilRows(7, cluster);
    await cluster.must(['stop-task', 'copy']);
    await cluster.must(['operate-source', 'stop', 'one']);
  });
});
