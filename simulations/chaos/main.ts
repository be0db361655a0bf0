/** `npm run chaos -- [--tries N] [--seed S] [--rows R] [--calm]`: exits 0 only when every try ends with equal data. */
import { parseArgs } from 'node:util';
import { ChaosRun } from './chaos-run.js';

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      tries: { type: 'string' },
      seed: { type: 'string' },
      rows: { type: 'string' },
      /** Only the load, for comparison. */
      calm: { type: 'boolean' },
    },
  });
  const tries = Number(values.tries ?? 30);
  const first = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
  const log = (text: string): void => void process.stdout.write(`${text}\n`);
  log(`chaos: ${tries} tries, first seed ${first}`);
  const run = await ChaosRun.start({
    log,
    ...(values.rows ? { rows: Number(values.rows) } : {}),
    ...(values.calm ? { faults: [] } : {}),
  });
  let bad = 0;
  try {
    for (let i = 0; i < tries; i++) {
      const seed = first + i;
      try {
        const result = await run.attempt(seed);
        log(`  ${result.equal ? 'equal' : 'NOT EQUAL'} after ${result.seconds.toFixed(1)} s`);
        for (const text of result.differences) log(`    ${text}`);
        if (!result.equal) bad++;
      } catch (error) {
        bad++;
        log(`  FAILED: ${error instanceof Error ? error.message : String(error)}`);
        log(run.cluster.describe());
        log(`again with: npm run chaos -- --tries 1 --seed ${seed}`);
        break;
      }
      if (bad > 0) {
        log(`again with: npm run chaos -- --tries 1 --seed ${seed}`);
        break;
      }
    }
  } finally {
    await run.stop();
  }
  log(bad === 0 ? `all ${tries} tries: equal` : 'chaos found a fault');
  return bad === 0 ? 0 : 1;
}

process.exitCode = await main();
process.exit();
