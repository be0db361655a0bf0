/**
 * The same segments applied with 1 to 256 lanes (`worker-count`). A ratio is the rate with so many lanes
 * to the one with a single lane; that none falls more than 10 % below the best is the rule.
 * `npm run bench -- lanes [--smoke] [--rounds N] [--only TEXT]`.
 */
import { compareTables } from '../test/support/compare-tables.js';
import { median } from './harness/measure.js';
import { benchOptions } from './harness/options.js';
import { applyByUs, writeSegment } from './harness/replication.js';
import { report, type CaseResult } from './harness/report.js';
import { bulkInserts, singleInserts, singleUpdates } from './harness/segments.js';
import { startSource, startTarget } from './harness/servers.js';

const options = benchOptions();
const ROWS = options.smoke ? 200 : 40_000;
const LANES = options.smoke ? [1, 8] : [1, 2, 4, 8, 16, 32, 64, 128, 256];
const FALL = 0.9;

async function main(): Promise<number> {
  await using source = await startSource();
  await using target = await startTarget();
  const all: CaseResult[] = [];
  const segments = [singleInserts(ROWS), singleUpdates(ROWS), bulkInserts(ROWS * 5)];
  for (const segment of segments.filter(({ name }) => name.includes(options.only))) {
    const written = await writeSegment(source, segment);
    const rates = new Map<number, number[]>(LANES.map((lanes) => [lanes, []]));
    let equal = true;
    for (let round = 0; round < options.rounds; round++) {
      for (const lanes of LANES) {
        const sample = await applyByUs(source, target, segment, written, (config) => {
          config.sync.workerCount = lanes;
        });
        rates.get(lanes)!.push(segment.rows / sample.seconds);
        const [same] = await compareTables(source, target, segment.tables);
        equal &&= same?.equal === true;
      }
      const shown = LANES.map((lanes) => Math.round(rates.get(lanes)!.at(-1)!)).join(' ');
      process.stdout.write(`  ${segment.name}, round ${round + 1} of ${options.rounds}: ${shown} rows/s\n`);
    }
    const best = Math.max(...LANES.map((lanes) => median(rates.get(lanes)!)));
    for (const lanes of LANES) {
      const own = median(rates.get(lanes)!);
      const ratios = rates.get(lanes)!.map((rate, round) => rate / rates.get(1)![round]!);
      const middle = median(ratios);
      all.push({
        case: `${segment.name}, ${lanes} lanes`,
        peer: 'one lane',
        unit: 'rows/s',
        ours: own,
        theirs: median(rates.get(1)!),
        ratio: { min: Math.min(...ratios), median: middle, max: Math.max(...ratios) },
        equal,
        shown: { 'of the best': (own / best).toFixed(2) },
        // Below the best there is: as a ratio to one lane, which is what this row is about.
        ...(lanes > 1 ? { must: (FALL * best * middle) / own } : {}),
      });
    }
  }
  return report('lanes', all, options);
}

process.exitCode = await main();
