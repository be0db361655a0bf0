/** Never two holders at one moment of true time, whatever goes wrong; and always one in the end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Lease } from '../../src/runtime/lease.js';
import { LeaseWatcher } from '../../src/runtime/lease-watcher.js';
import { NASTY, NO_FAULTS } from '../kernel/faults.js';
import { Kernel } from '../kernel/kernel.js';
import { SimCluster, type SimNode } from '../kernel/sim-cluster.js';

const LEASE_MS = 3_000;
const CHAOS_MS = 60_000;

const fault = fc.record({
  at: fc.integer({ min: 0, max: CHAOS_MS }),
  what: fc.constantFrom('leader', 'unlink', 'pause', 'restart', 'release') as fc.Arbitrary<
    'leader' | 'unlink' | 'pause' | 'restart' | 'release'
  >,
  node: fc.nat(2),
  ms: fc.integer({ min: 100, max: 12_000 }),
});

interface Candidate {
  readonly node: SimNode;
  readonly lease: Lease;
  /** Between onHeld and onLost: what the user of the lease believes. */
  working: boolean;
}

class Election {
  readonly cluster: SimCluster;
  readonly #candidates: Candidate[] = [];
  readonly #all: Candidate[] = [];
  readonly #epochs: number[] = [];
  /** The first thing seen to be wrong; kept, since a lease must not die of its listener's complaint. */
  failure: Error | null = null;

  constructor(cluster: SimCluster) {
    this.cluster = cluster;
  }

  async enter(slot: number, rate: number): Promise<void> {
    const node = this.cluster.node(`n${slot}`, { rate });
    const lease = new Lease({
      ...{ clock: node.clock, random: node.random, ids: node.ids, log: node.log },
      kv: await node.store.bucket('leases'),
      key: 'supervisor',
      owner: `n${slot}`,
      leaseMs: LEASE_MS,
      onHeld: (epoch) => {
        candidate.working = true;
        const last = this.#epochs.at(-1) ?? 0;
        if (epoch <= last) this.fail(`epoch ${epoch} after ${last}`);
        this.#epochs.push(epoch);
        this.check();
      },
      onLost: () => (candidate.working = false),
    });
    const candidate: Candidate = { node, lease, working: false };
    this.#candidates[slot] = candidate;
    this.#all.push(candidate);
    lease.start();
  }

  at(slot: number): Candidate {
    return this.#candidates[slot]!;
  }

  /** A dead process holds nothing; a paused one believes what it believed, but its clock decides. */
  holders(): Candidate[] {
    return this.#all.filter(({ node, lease }) => !node.clock.dead && lease.held);
  }

  check(): void {
    const holders = this.holders();
    if (holders.length > 1) {
      this.fail(`${holders.map(({ node }) => node.name).join(' and ')} hold the lease`);
    }
    for (const { node, lease, working } of this.#all) {
      // Callbacks keep to what the clock says, as long as the process runs.
      if (lease.held && !node.clock.dead && !working) this.fail(`${node.name} holds but was not told`);
    }
  }

  fail(what: string): void {
    this.failure ??= new Error(`${what} at ${this.cluster.kernel.now} ms`);
  }
}

test(
  'at most one holder under every schedule of faults, and one when they end',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 2 ** 31 }),
        fc.array(fault, { maxLength: 25 }),
        fc.array(fc.double({ min: 0.96, max: 1.04, noNaN: true }), { minLength: 3, maxLength: 3 }),
        async (seed, faults, rates) => {
          const kernel = new Kernel({ seed, trace: false });
          const election = new Election(new SimCluster(kernel, NASTY));
          const { cluster } = election;
          await kernel.run(async () => {
            for (const [slot, rate] of rates.entries()) await election.enter(slot, rate);
            for (const { at, what, node, ms } of faults) {
              kernel.schedule(at, () => {
                const candidate = election.at(node);
                if (what === 'leader') cluster.kvServer.loseLeader(ms);
                else if (what === 'unlink') candidate.node.unlink(ms);
                else if (what === 'pause') candidate.node.pause(ms);
                else {
                  if (what === 'release') candidate.lease.release().catch(() => undefined);
                  else candidate.node.kill();
                  void election.enter(node, rates[node]!);
                }
              });
            }
            const watch = (): void => {
              election.check();
              kernel.schedule(20, watch);
            };
            watch();
            await new Promise<void>((resolve) => void kernel.schedule(CHAOS_MS + 15_000, resolve));
            cluster.faults = NO_FAULTS;
            await new Promise<void>((resolve) => void kernel.schedule(6 * LEASE_MS + 10_000, resolve));
          });
          if (election.failure) throw election.failure;
          expect(election.holders()).toHaveLength(1);
        },
      ),
      { numRuns: Number(process.env['LEASE_RUNS'] ?? 60) },
    );
  },
);

test('a watcher reports the death of a holder in time, and never a living one', async () => {
  const kernel = new Kernel({ seed: 11 });
  const cluster = new SimCluster(kernel, { ...NASTY, messageLoss: 0 });
  const [holder, master] = [cluster.node('worker'), cluster.node('master', { rate: 1.03 })];
  await kernel.run(async () => {
    const lease = new Lease({
      ...{ clock: holder!.clock, random: holder!.random, ids: holder!.ids, log: holder!.log },
      kv: await holder!.store.bucket('leases'),
      key: 'worker.w1.s1',
      owner: 'w1',
      leaseMs: 20_000,
      ephemeral: true,
      onHeld: () => undefined,
      onLost: () => undefined,
    });
    lease.start();
    await holder!.clock.sleep(3_000);
    const kv = await master!.store.bucket('leases');
    const watcher = await LeaseWatcher.start({ kv, clock: master!.clock, log: master!.log });
    for (let i = 0; i < 600; i++) {
      await master!.clock.sleep(1_000);
      if (i === 100) cluster.kvServer.loseLeader(6_000);
      expect(watcher.alive.get('worker.w1.s1')).toBe('w1');
    }
    holder!.kill();
    const died = kernel.now;
    while (watcher.alive.size > 0) await master!.clock.sleep(100);
    expect(kernel.now - died).toBeLessThan(20_000 * 1.25 + 5_000);
    // And what nobody will renew any more is removed.
    while (await kv.get('worker.w1.s1')) await master!.clock.sleep(1_000);
    await watcher.stop();
  });
});
