/** Real dm-master and dm-worker processes: sources are placed, move, wait and come back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { waitFor } from '../support/wait-for.js';

let db: DatabaseServer;

function sourceYaml(id: string): string {
  return [
    `source-id: ${id}`,
    'enable-gtid: true',
    'from:',
    `  host: ${db.host}`,
    `  port: ${db.port}`,
    `  user: ${db.user}`,
    `  password: "${db.password}"`,
  ].join('\n');
}

async function placements(cluster: TestCluster): Promise<Record<string, string>> {
  const { json } = await cluster.dmctl(['operate-source', 'show']);
  const found: Record<string, string> = {};
  for (const one of json?.sources ?? []) found[one.source] = one.worker;
  return found;
}

async function create(cluster: TestCluster, id: string) {
  const file = await cluster.file(`${id}.yaml`, sourceYaml(id));
  return cluster.dmctl(['operate-source', 'create', file]);
}

beforeAll(async () => {
  db = await startMariaDb();
});
afterAll(async () => {
  await db?.stop();
});

describe('placement by real processes', () => {
  it('binds, waits without a free worker, moves after kill -9, hands over on SIGTERM, survives the master', async () => {
    await using cluster = await startCluster({ workers: 1, keepaliveTtl: 4 });
    const first = await create(cluster, 'one');
    expect(first.json).toEqual({
      result: true,
      msg: '',
      sources: [{ result: true, msg: '', source: 'one', worker: 'worker1' }],
    });
    expect(first.code).toBe(0);

    const again = await create(cluster, 'one');
    expect(again.json.result).toBe(false);
    expect(again.json.msg).toContain('code=46007');

    const second = await create(cluster, 'two');
    expect(second.json.sources).toEqual([
      {
        result: true,
        msg: 'source is added but there is no free worker to bound',
        source: 'two',
        worker: '',
      },
    ]);

    await cluster.addWorker('worker2');
    await waitFor(async () => (await placements(cluster))['two'] === 'worker2', {
      what: 'the waiting source to be bound to the worker that joined',
    });

    await cluster.addWorker('worker3');
    await cluster.worker('worker1').signal('SIGKILL');
    await waitFor(async () => (await placements(cluster))['one'] === 'worker3', {
      what: 'the source of the killed worker to move',
      details: () => cluster.describe(),
    });
    expect((await cluster.workerStages()).get('worker1')).toBe('offline');

    await cluster.worker('worker1').restart();
    await waitFor(async () => (await cluster.workerStages()).get('worker1') === 'free', {
      what: 'the killed worker to be free again',
    });

    await cluster.worker('worker2').stop();
    expect(cluster.worker('worker2').exitCode, cluster.describe()).toBe(0);
    await waitFor(async () => (await placements(cluster))['two'] === 'worker1', {
      what: 'the source of the worker that left to be handed over',
      details: () => cluster.describe(),
    });

    await cluster.masters[0]!.signal('SIGKILL');
    await cluster.masters[0]!.restart();
    // Before a third worker is there: a source whose worker comes back too late must find no other one.
    let placed: Record<string, string> = {};
    await waitFor(
      async () => {
        const stages = await cluster.workerStages();
        placed = await placements(cluster);
        return (
          placed['one'] === 'worker3' &&
          placed['two'] === 'worker1' &&
          ['worker1', 'worker3'].every((name) => stages.get(name) === 'bound')
        );
      },
      {
        what: 'the sources to be where they were',
        details: () => `${JSON.stringify(placed)}\n${cluster.describe()}`,
      },
    );
    await cluster.worker('worker2').restart();
    await cluster.ready();

    const stopped = await cluster.dmctl(['operate-source', 'stop', 'two']);
    expect(stopped.json.result).toBe(true);
    expect(await placements(cluster)).toEqual({ one: 'worker3' });
    await waitFor(async () => (await cluster.workerStages()).get('worker1') === 'free', {
      what: 'the worker of the source that was stopped to be free',
      details: () => cluster.describe(),
    });
  });
});
