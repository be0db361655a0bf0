import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kernel, SimClock } from '../../simulations/kernel/kernel.js';
import { LatencyBudget } from './latency-budget.js';
import { RateLimit } from './rate-limit.js';

/** Payers that take pieces one after another; returns when each piece was let through, and how much. */
async function payAll(perSecond: number, payers: readonly (readonly number[])[]) {
  const kernel = new Kernel({ seed: 1, trace: false });
  const limit = new RateLimit(new SimClock(kernel), perSecond);
  const passed: { at: number; amount: number }[] = [];
  await kernel.run(async () => {
    await Promise.all(
      payers.map(async (pieces) => {
        for (const amount of pieces) {
          limit.take(amount);
          await limit.settled();
          passed.push({ at: kernel.now, amount });
        }
      }),
    );
  });
  return { passed, ms: kernel.now };
}

const pieces = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 30 });

describe('a rate limit', () => {
  it('lets no more pass by any moment than its rate and the burst allow, and never idles while it is owed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2_000, max: 100_000 }),
        fc.array(pieces, { minLength: 1, maxLength: 5 }),
        async (perSecond, payers) => {
          const { passed, ms } = await payAll(perSecond, payers);
          const burst = perSecond * 0.05;
          let sum = 0;
          for (const { at, amount } of passed) {
            sum += amount;
            expect(sum).toBeLessThanOrEqual((perSecond * at) / 1000 + burst + 1e-3);
          }
          // The last wait may be a whole step of the shortest one, on top of rounding.
          expect(ms).toBeLessThanOrEqual((sum / perSecond) * 1000 + 2);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('serves those who wait in the order of their coming', async () => {
    const kernel = new Kernel({ seed: 1, trace: false });
    const limit = new RateLimit(new SimClock(kernel), 1000);
    const order: string[] = [];
    await kernel.run(async () => {
      limit.take(500);
      const first = limit.settled().then(() => order.push(`first ${Math.round(kernel.now)}`));
      limit.take(1500);
      const second = limit.settled().then(() => order.push(`second ${Math.round(kernel.now)}`));
      await Promise.all([first, second]);
    });
    expect(order).toEqual(['first 500', 'second 2000']);
  });

  it('is no limit at Infinity, and lets a waiter go when it becomes one', async () => {
    const kernel = new Kernel({ seed: 1, trace: false });
    const clock = new SimClock(kernel);
    const limit = new RateLimit(clock, 1);
    await kernel.run(async () => {
      limit.take(1_000_000);
      expect(limit.exhausted).toBe(true);
      const waiting = limit.settled();
      await clock.sleep(1000);
      limit.perSecond = Infinity;
      await waiting;
    });
    expect(kernel.now).toBeLessThan(2000);
  });

  it('ends a wait by its signal', async () => {
    const kernel = new Kernel({ seed: 1, trace: false });
    const clock = new SimClock(kernel);
    const limit = new RateLimit(clock, 1);
    const stop = new AbortController();
    const outcome = await kernel.run(async () => {
      limit.take(100);
      clock.after(300, () => stop.abort(new Error('enough')));
      return limit.settled(stop.signal).catch((error: unknown) => String(error));
    });
    expect(outcome).toBe('Error: enough');
  });
});

describe('a latency budget', () => {
  /** A server that serves `capacity` a second one after another: what is above it queues up. */
  async function drive(capacity: number, budgetMs: number, offered: number, seconds: number) {
    const kernel = new Kernel({ seed: 1, trace: false });
    const clock = new SimClock(kernel);
    const budget = new LatencyBudget({ clock, budgetMs, floor: 10 });
    let freeAt = 0;
    const late: number[] = [];
    let passed = 0;
    await kernel.run(async () => {
      while (kernel.now < seconds * 1000) {
        const amount = Math.max(1, Math.min(Math.ceil(offered / 100), budget.limit.within(10)));
        budget.take(amount);
        await Promise.all([budget.limit.settled(), clock.sleep(10)]);
        const began = kernel.now;
        freeAt = Math.max(freeAt, began) + (amount / capacity) * 1000;
        const ms = freeAt - began;
        clock.after(ms, () => budget.answered(ms));
        if (kernel.now > seconds * 500) {
          passed += amount;
          late.push(ms);
        }
      }
    });
    late.sort((a, b) => a - b);
    return {
      median: late[Math.floor(late.length / 2)],
      perSecond: passed / (seconds / 2),
      limit: budget.limit,
    };
  }

  it('keeps a server that is offered too much near its budget, and makes good use of it', async () => {
    const { median, perSecond } = await drive(1000, 50, 5000, 60);
    expect(median).toBeLessThan(60);
    expect(perSecond).toBeGreaterThan(600);
  });

  it('does not limit a server that answers in time', async () => {
    const { limit } = await drive(1000, 50, 500, 10);
    expect(limit.perSecond).toBe(Infinity);
  });
});
