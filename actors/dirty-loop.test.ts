import { describe, expect, it } from 'vitest';
import { NO_FAULTS } from '../simulations/kernel/faults.js';
import { Kernel } from '../simulations/kernel/kernel.js';
import { SimCluster, type SimNode } from '../simulations/kernel/sim-cluster.js';
import { DirtyLoop } from './dirty-loop.js';

function simulate(body: (node: SimNode) => Promise<void>): Promise<void> {
  const kernel = new Kernel({ seed: 2, trace: false });
  return kernel.run(() => body(new SimCluster(kernel, NO_FAULTS).node('a')));
}

describe('DirtyLoop', () => {
  it('rests between two runs, loses no change meanwhile, and runs periodically without any', () =>
    simulate(async ({ clock, log }) => {
      const runs: number[] = [];
      const began = clock.monotonic();
      const loop = new DirtyLoop({
        clock,
        log,
        name: 'the work',
        work: async () => void runs.push(Math.round(clock.monotonic() - began)),
        everyMs: 10_000,
        restMs: 200,
      });
      loop.kick();
      for (let i = 0; i < 100; i++) {
        loop.kick();
        await clock.sleep(3);
      }
      await clock.sleep(5_000);
      expect(runs.length).toBe(3);
      await clock.sleep(6_000);
      expect(runs.length).toBe(4);
      await loop.stop();
      loop.kick();
      await clock.sleep(20_000);
      expect(runs.length).toBe(4);
    }));

  it('tries again what has failed', () =>
    simulate(async ({ clock, log }) => {
      let runs = 0;
      const loop = new DirtyLoop({
        clock,
        log,
        name: 'the work',
        work: async () => {
          if (++runs < 3) throw new Error('not yet');
        },
        everyMs: 100_000,
      });
      loop.kick();
      await clock.sleep(2_000);
      expect(runs).toBe(3);
      await loop.stop();
    }));
});
