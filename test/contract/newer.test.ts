/** The contract and the managed server on nats-servers newer than the machine's own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { connectBus } from '../../src/nats/connect.js';
import { ManagedNatsServer } from '../../src/nats/managed-server.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { RealIds } from '../../src/runtime/real/ids.js';
import type { Log } from '../../src/runtime/ports.js';
import { startNats, startNatsCluster } from '../servers/index.js';
import { natsBinary } from '../servers/nats.js';
import { NEWER_NATS, installNats, natsVersion, type NewerNats } from '../servers/nats-versions.js';
import { freePort } from '../servers/ports.js';
import { busContract } from './bus-contract.js';
import { bytes, text } from './harness.js';
import { kvContract } from './kv-contract.js';
import { leaseContract } from './lease-contract.js';
import { realHarness, silentLog } from './real-harness.js';

const found = await Promise.all(
  NEWER_NATS.map(async (suite) => {
    try {
      const binary = await installNats(suite);
      return { suite, binary, version: await natsVersion(binary) };
    } catch (error) {
      const why = error instanceof Error ? error.message.split('\n').slice(0, 3).join(' ') : String(error);
      return { suite, why };
    }
  }),
);

for (const one of found) {
  if (one.binary === undefined) {
    test.skip(`nats-server of Debian ${one.suite} (missing: ${one.why})`, () => undefined);
    continue;
  }
  suite(one.suite, one.version, one.binary);
}

function suite(suite: NewerNats, version: string, binary: string): void {
  const single = async () => {
    const server = await startNats({ version: suite, config: ['max_payload: 8MB'] });
    return realHarness(server.url, () => server.stop());
  };
  kvContract(`nats-server ${version}, one node`, single);
  busContract(`nats-server ${version}, one node`, single);
  leaseContract(`nats-server ${version}, one node`, single);
  kvContract(`nats-server ${version}, three nodes`, async () => {
    const cluster = await startNatsCluster({ version: suite });
    return realHarness(cluster.url, () => cluster.stop(), { replicas: 3, budgetMs: 30_000 });
  });

  describe(`a managed nats-server ${version}`, () => {
    const folders: string[] = [];
    afterAll(async () => {
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    });

    test('stores every write at once, and says nothing of being too old', async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'managed-newer-'));
      folders.push(folder);
      const warnings: string[] = [];
      const log: Log = { ...silentLog, child: () => log, warn: (message) => warnings.push(message) };
      const clock = new RealClock();
      const options = {
        binary,
        clientListen: `127.0.0.1:${await freePort()}`,
        dataDir: folder,
        serverName: 'master-1',
        clusterName: 'test',
        log,
        clock,
      };
      await using server = await ManagedNatsServer.start(options);
      expect(await readFile(path.join(folder, 'nats-server.conf'), 'utf8')).toContain(
        'sync_interval: always',
      );
      const bus = await connectBus({ servers: [server.url], name: 't', log, clock, ids: new RealIds() });
      expect(bus.connection.info?.version).toBe(version);
      const kv = await bus.kvStore().bucket('b');
      await kv.create('k', bytes('kept'));
      // The server ends without a chance to write anything more, and is started again by its watcher.
      process.kill(Number(await readFile(path.join(folder, 'nats-server.pid'), 'utf8')), 'SIGKILL');
      expect(text((await kv.get('k'))!.value)).toBe('kept');
      await bus.close();
      expect(warnings.filter((line) => line.includes('older'))).toEqual([]);
    });

    test("takes over the data of the machine's own server", async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'managed-newer-'));
      folders.push(folder);
      const clock = new RealClock();
      const options = {
        clientListen: `127.0.0.1:${await freePort()}`,
        dataDir: folder,
        serverName: 'master-1',
        clusterName: 'test',
        log: silentLog,
        clock,
      };
      const connect = (url: string) =>
        connectBus({ servers: [url], name: 't', log: silentLog, clock, ids: new RealIds() });
      const old = await ManagedNatsServer.start({ ...options, binary: await natsBinary() });
      const before = await connect(old.url);
      const revision = await (await before.kvStore().bucket('b')).create('k', bytes('kept'));
      await before.close();
      await old.stop();
      await using server = await ManagedNatsServer.start({ ...options, binary });
      const after = await connect(server.url);
      const kv = await after.kvStore().bucket('b');
      expect(text((await kv.get('k'))!.value)).toBe('kept');
      expect(await kv.update('k', bytes('changed'), revision)).toBeGreaterThan(revision);
      await after.close();
    });
  });
}
