import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KvLeases } from '../../src/runtime/leases.js';
import { RealRandom } from '../../src/runtime/real/random.js';
import { silentLog } from './real-harness.js';
import { until, type Harness, type HarnessFactory, type Peer } from './harness.js';

/** What leases must do on every Kv. */
export function leaseContract(name: string, factory: HarnessFactory): void {
  describe(`Lease: ${name}`, () => {
    let harness: Harness;
    let count = 0;

    beforeAll(async () => {
      harness = await factory();
    });
    afterAll(async () => {
      await harness.close();
    });

    async function leases(peer: Peer, bucket: string): Promise<KvLeases> {
      const { clock, ids } = harness;
      const ports = { clock, ids, random: new RealRandom(), log: silentLog };
      return new KvLeases(await peer.store.bucket(bucket), ports);
    }

    function leaseTest(title: string, body: (a: KvLeases, b: KvLeases) => Promise<void>): void {
      test(title, async () => {
        const bucket = `leases${count++}`;
        await harness.run(async () => {
          const a = await harness.connect('a');
          const b = await harness.connect('b');
          await body(await leases(a, bucket), await leases(b, bucket));
          await a.bus.close();
          await b.bus.close();
        });
      });
    }

    leaseTest('one holds; when it gives back the other has it at once, with a higher epoch', async (a, b) => {
      const told: string[] = [];
      const request = (who: string) => ({
        key: 'supervisor',
        owner: who,
        leaseMs: 40_000,
        onHeld: (epoch: number) => void told.push(`${who} held ${epoch}`),
        onLost: () => void told.push(`${who} lost`),
      });
      const first = a.request(request('a'));
      const second = b.request(request('b'));
      first.start();
      await until(harness.clock, 'a holds', () => first.held);
      second.start();
      await harness.clock.sleep(300);
      expect(second.held).toBe(false);
      const began = harness.clock.monotonic();
      await first.release();
      expect(first.held).toBe(false);
      await until(harness.clock, 'b holds', () => second.held);
      // Without the release it would be after the lease.
      expect(harness.clock.monotonic() - began).toBeLessThan(30_000);
      expect(told).toEqual(['a held 1', 'b held 2']);
      await second.release();
    });

    leaseTest('a watcher sees leases come, go back, and keeps the renewed alive', async (a, b) => {
      const watcher = await b.observe('worker.');
      let changes = 0;
      watcher.onChange(() => changes++);
      const request = { owner: 'w1', leaseMs: 4_000, onHeld: () => undefined, onLost: () => undefined };
      const lease = a.request({ key: 'worker.w1', ephemeral: true, ...request });
      const other = a.request({ key: 'master.m1', ...request });
      lease.start();
      other.start();
      await until(harness.clock, 'alive', () => watcher.alive.get('worker.w1') === 'w1');
      await harness.clock.sleep(6_000);
      expect([...watcher.alive]).toEqual([['worker.w1', 'w1']]);
      expect(changes).toBe(1);
      await lease.release();
      await until(harness.clock, 'gone', () => watcher.alive.size === 0);
      await other.release();
      await watcher.stop();
    });
  });
}
