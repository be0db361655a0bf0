/** Masters and workers on a NATS of the user's own, masters that join, and processes whose NATS is away. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMariaDb, startNats } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { waitFor } from '../support/wait-for.js';

let db: DatabaseServer;

beforeAll(async () => {
  db = await startMariaDb();
});
afterAll(async () => {
  await db?.stop();
});

async function createSource(cluster: TestCluster): Promise<string> {
  const { host, port, user, password } = db;
  const file = await cluster.file(
    'one.yaml',
    `source-id: one\nfrom: {host: ${host}, port: ${port}, user: ${user}, password: "${password}"}\n`,
  );
  const { json } = await cluster.must(['operate-source', 'create', file]);
  return json.sources[0].worker as string;
}

describe('a NATS of the user', () => {
  it('serves master, worker and dmctl; stops end within seconds when it is away', async () => {
    await using nats = await startNats();
    await using cluster = await startCluster({ natsUrl: nats.url, workers: 1, keepaliveTtl: 30 });
    expect(await createSource(cluster)).toBe('worker1');
    await nats.restart();
    await cluster.ready();
    const shown = await cluster.must(['operate-source', 'show']);
    expect(shown.json.sources[0]).toMatchObject({ source: 'one', worker: 'worker1' });

    await nats.signal('SIGKILL');
    const began = performance.now();
    const processes = [...cluster.masters, ...cluster.workers];
    await Promise.all(processes.map((one) => one.stop(30_000)));
    expect(performance.now() - began, cluster.describe()).toBeLessThan(20_000);
    expect(
      processes.map(({ exitCode }) => exitCode),
      cluster.describe(),
    ).toEqual([0, 0]);
  });

  it('is refused without JetStream, by master and worker', async () => {
    await using nats = await startNats({ jetstream: false });
    await using cluster = await startCluster({ natsUrl: nats.url, workers: 1, unready: true });
    for (const one of [...cluster.masters, ...cluster.workers]) {
      await one.ended();
      expect(one.exitCode, one.describe()).toBe(1);
      expect(one.describe()).toMatch(/code=60303.*has no JetStream.*Workaround: Please turn JetStream on/);
    }
  });
});

describe('a master with --join', () => {
  it('becomes one of the masters, and the cluster survives the loss of another then', async () => {
    await using cluster = await startCluster({ masters: 2, workers: 1, keepaliveTtl: 10 });
    expect(await createSource(cluster)).toBe('worker1');
    const third = await cluster.joinMaster('master3');
    const alive = async (addresses: string): Promise<string[]> => {
      const { json } = await cluster.dmctl(['list-member', '--master'], { masterAddr: addresses });
      const masters = (json?.members?.[0]?.master?.masters ?? []) as { name: string; alive: boolean }[];
      return masters.filter((one) => one.alive).map(({ name }) => name);
    };
    const untilAlive = (names: readonly string[]): Promise<void> => untilAliveAt(third.addr, names);
    const untilAliveAt = async (address: string, names: readonly string[]): Promise<void> => {
      let seen: string[] = [];
      await waitFor(async () => (seen = await alive(address)).join() === names.join(), {
        what: `the living masters to be ${names.join(', ')}`,
        details: () => `${seen.join()}\n${cluster.describe()}`,
      });
    };
    await untilAlive(['master1', 'master2', 'master3']);

    await cluster.masters[0]!.signal('SIGKILL');
    await untilAlive(['master2', 'master3']);
    // The nats-servers may have been without a leader for longer than the worker's lease: it is bound anew then.
    let shown = '';
    await waitFor(
      async () => {
        const answer = await cluster.dmctl(['operate-source', 'show'], { masterAddr: third.addr });
        shown = answer.describe();
        return answer.json.sources?.[0]?.source === 'one' && answer.json.sources[0].worker === 'worker1';
      },
      { what: 'the source to be on its worker', details: () => `${shown}\n${cluster.describe()}` },
    );

    // Its routes are known without asking: neither of its own start's addresses has to be there.
    await cluster.masters[0]!.restart();
    await untilAlive(['master1', 'master2', 'master3']);
    await third.signal('SIGKILL');
    // Its session counts as alive until its lease has expired: only then is "alive" said of the new one.
    await untilAliveAt(cluster.masters[0]!.addr, ['master1', 'master2']);
    await third.restart();
    await untilAlive(['master1', 'master2', 'master3']);

    const leader = async (): Promise<string> => {
      let name = '';
      await waitFor(
        async () => {
          const { json } = await cluster.dmctl(['list-member', '--leader']);
          return (name = (json?.members?.[0]?.leader?.name ?? '') as string) !== '';
        },
        { what: 'a master to lead', details: () => cluster.describe() },
      );
      return name;
    };
    const first = await leader();
    await cluster.must(['operate-leader', 'evict']);
    const second = await leader();
    expect(second).not.toBe(first);
    await cluster.must(['operate-leader', 'evict']);
    const last = await leader();
    expect([first, second]).not.toContain(last);
    const refused = await cluster.dmctl(['operate-leader', 'evict']);
    expect(refused.json.msg).toContain('code=60207');
    await cluster.must(['operate-leader', 'cancel-evict']);
    await cluster.must(['operate-leader', 'evict']);
    expect([first, second]).toContain(await leader());
    await cluster.must(['operate-leader', 'cancel-evict']);

    const online = await cluster.dmctl(['offline-member', '--master', '--name', 'master3']);
    expect(online.json.msg).toContain('code=46005');
    await third.stop();
    await untilAliveAt(cluster.masters[0]!.addr, ['master1', 'master2']);
    await cluster.must(['offline-member', '--master', '--name', 'master3']);
    const left = await cluster.dmctl(['list-member', '--name', 'master3']);
    expect(JSON.stringify(left.json)).not.toContain(third.addr);
    await cluster.worker('worker1').stop();
    // The master that is asked learns of the end by its watch.
    await waitFor(async () => (await cluster.workerStages()).get('worker1') === 'offline', {
      what: 'the worker that was stopped to be offline',
      details: () => cluster.describe(),
    });
    await cluster.must(['offline-member', '--worker', '--name', 'worker1']);
    expect((await cluster.workerStages()).size).toBe(0);
    const gone = await cluster.dmctl(['offline-member', '--worker', '--name', 'worker1']);
    expect(gone.json.msg).toContain('code=46004');
    // Some thirty commands and seven starts of processes: a few minutes on a machine that is busy.
  }, 480_000);

  it('is refused by a single master, with the way out', async () => {
    await using cluster = await startCluster({ masters: 1, workers: 0 });
    const second = await cluster.joinMaster('master2');
    await second.ended();
    expect(second.exitCode).toBe(1);
    expect(second.describe()).toMatch(/code=60206.*single one.*Workaround: Please begin the cluster with/);
  });
});
