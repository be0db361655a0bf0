import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChaosRun } from '../../simulations/chaos/chaos-run.js';

/** The short form of `npm run chaos`: fixed seeds that between them kill each of worker, master, NATS, upstream and target. */
describe('killed processes', () => {
  let run: ChaosRun;
  beforeAll(async () => {
    run = await ChaosRun.start({ rows: 30_000, log: (text) => process.stdout.write(`${text}\n`) });
  });
  afterAll(async () => {
    await run?.stop();
  });

  it.each([7, 11, 22])(
    'leave the data equal, seed %i',
    async (seed) => {
      const result = await run.attempt(seed);
      expect(result.differences).toEqual([]);
      expect(result.equal).toBe(true);
    },
    300_000,
  );
});
