/** Three nats-servers, three copies of each bucket: the same contract, and the death of a leader. */
import { expect, test } from 'vitest';
import { connectBus } from '../../src/nats/connect.js';
import { ensureInspectStream } from '../../src/nats/inspect-stream.js';
import { Lease } from '../../src/runtime/lease.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { RealIds } from '../../src/runtime/real/ids.js';
import { RealRandom } from '../../src/runtime/real/random.js';
import { startNatsCluster } from '../servers/index.js';
import { bytes, text, until } from './harness.js';
import { kvContract } from './kv-contract.js';
import { realHarness, silentLog } from './real-harness.js';

kvContract('nats-server, three nodes', async () => {
  const cluster = await startNatsCluster();
  return realHarness(cluster.url, () => cluster.stop(), { replicas: 3, budgetMs: 30_000 });
});

test('writes, watch and lease survive the death of the leader', async () => {
  await using cluster = await startNatsCluster();
  const [clock, ids, random] = [new RealClock(), new RealIds(), new RealRandom()];
  const bus = await connectBus({ servers: cluster.url.split(','), name: 't', log: silentLog, clock, ids });
  await ensureInspectStream(bus, { clock, replicas: 3 });
  const kv = await bus.kvStore({ replicas: 3, budgetMs: 30_000 }).bucket('control');
  const heard: string[] = [];
  await kv.watch((change) => {
    if (change.type === 'put' && change.entry.key === 'count') heard.push(text(change.entry.value));
  });
  const told: string[] = [];
  const lease = new Lease({
    ...{ kv, key: 'supervisor', owner: 'a', leaseMs: 60_000, clock, ids, random, log: silentLog },
    onHeld: (epoch) => told.push(`held ${epoch}`),
    onLost: () => told.push('lost'),
  });
  lease.start();
  await until(clock, 'the lease is held', () => lease.held);
  let revision = await kv.create('count', bytes('0'));

  const info = await bus.connection.request('$JS.API.STREAM.INFO.KV_control', '', { timeout: 20_000 });
  const leader = (JSON.parse(info.string()) as { cluster: { leader: string } }).cluster.leader;
  await cluster.servers.find((server) => server.name === leader)!.signal('SIGKILL');

  // One writer: each write succeeds or is known not to have happened, and none is lost or doubled.
  for (let i = 1; i <= 50; i++) {
    const next = await kv.update('count', bytes(String(i)), revision);
    expect(next).toBeGreaterThan(revision);
    revision = next;
  }
  expect(text((await kv.get('count'))!.value)).toBe('50');
  await until(clock, 'the last change is told', () => heard.at(-1) === '50');
  expect(lease.held).toBe(true);
  expect(told).toEqual(['held 1']);
  await lease.release();
  await bus.close();
});

test('a bucket that gets a third copy is open when all are complete: its leader may die then', async () => {
  await using cluster = await startNatsCluster();
  const [clock, ids] = [new RealClock(), new RealIds()];
  const connected = () =>
    connectBus({ servers: cluster.url.split(','), name: 't', log: silentLog, clock, ids });
  const bus = await connected();
  const before = await bus.kvStore({ replicas: 2, budgetMs: 30_000 }).bucket('grown');
  const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
  for (const key of keys) await before.create(key, bytes(key.repeat(200)));
  const info = await bus.connection.request('$JS.API.STREAM.INFO.KV_grown', '', { timeout: 20_000 });
  const { leader } = (JSON.parse(info.string()) as { cluster: { leader: string } }).cluster;

  const other = await connected();
  const kv = await other.kvStore({ replicas: 3, budgetMs: 30_000 }).bucket('grown');
  await cluster.servers.find((server) => server.name === leader)!.signal('SIGKILL');
  const listed = await kv.list();
  expect(listed.map(({ key }) => key).sort()).toEqual([...keys].sort());
  for (const key of keys) expect(text((await kv.get(key))!.value)).toBe(key.repeat(200));
  await Promise.all([bus.close(), other.close()]);
});
