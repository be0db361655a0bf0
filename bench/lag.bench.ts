/**
 * From the commit upstream to the row's being visible downstream, at a steady pace and idle: a real cluster
 * of ours against a native replica with four threads, in turns. `npm run bench -- lag [--smoke] [--rounds N]`.
 */
import { startCluster } from '../test/support/cluster.js';
import { addSource, startTask } from './harness/cluster-task.js';
import { measureLag, type Pace } from './harness/lag-probe.js';
import { median, quantile } from './harness/measure.js';
import { benchOptions } from './harness/options.js';
import { attachReplica, place } from './harness/replication.js';
import { report, type CaseResult } from './harness/report.js';
import { startSource, startTarget } from './harness/servers.js';

const options = benchOptions();
const IDLE_RATE = 5;
const SECONDS = options.smoke ? 1 : 6;
const PACES: (Pace & { readonly name: string })[] = [
  { name: 'idle single rows', rate: IDLE_RATE, seconds: SECONDS },
  ...(options.smoke ? [200] : [200, 1_000, 2_000]).map((rate) => ({
    name: `${rate} tx/s`,
    rate,
    seconds: SECONDS,
  })),
].filter(({ name }) => name.includes(options.only));

interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

const quantiles = (lags: readonly number[]): Quantiles => ({
  p50: quantile(lags, 0.5),
  p95: quantile(lags, 0.95),
  p99: quantile(lags, 0.99),
});

function results(name: string, own: readonly Quantiles[], native: readonly Quantiles[]): CaseResult[] {
  const of = (key: keyof Quantiles): CaseResult => {
    const ratios = own.map((each, i) => native[i]![key] / each[key]);
    return {
      case: `${name}, ${key}`,
      peer: 'native replica, 4 threads',
      unit: 'ms',
      ours: median(own.map((each) => each[key])),
      theirs: median(native.map((each) => each[key])),
      ratio: { min: Math.min(...ratios), median: median(ratios), max: Math.max(...ratios) },
      equal: true,
      ...(key === 'p99' ? { must: 1 / 3, aim: 1 / 1.5 } : {}),
    };
  };
  return [of('p50'), of('p95'), of('p99')];
}

/** As a ratio of the limit to ours, so that above 1 is good here too. */
function limit(name: string, own: readonly Quantiles[], key: keyof Quantiles, ms: number): CaseResult {
  const ratios = own.map((each) => ms / each[key]);
  return {
    case: `${name}, ${key}`,
    peer: `limit of ${ms} ms`,
    unit: 'ms',
    ours: median(own.map((each) => each[key])),
    theirs: ms,
    ratio: { min: Math.min(...ratios), median: median(ratios), max: Math.max(...ratios) },
    equal: true,
    must: 1,
  };
}

async function main(): Promise<number> {
  await using source = await startSource();
  await using target = await startTarget();
  await using replica = await startTarget();
  const create = 'CREATE DATABASE b; CREATE TABLE b.lag (id BIGINT PRIMARY KEY, v VARCHAR(40))';
  for (const server of [source, target, replica]) await server.execute(create);
  await replica.execute(
    "SET GLOBAL slave_parallel_threads = 4; SET GLOBAL slave_parallel_mode = 'optimistic'",
  );
  await using cluster = await startCluster({ workers: 1 });
  const from = await place(source);
  await attachReplica(source, replica, from);
  await addSource(cluster, source);
  await startTask(cluster, target, { name: 'lag', schema: 'b', from });
  const all: CaseResult[] = [];
  let first = 1;
  const run = async (side: 'ours' | 'replica', pace: Pace): Promise<Quantiles> => {
    if (side === 'ours') await cluster.dmctl(['resume-task', 'lag']);
    else await replica.execute('START SLAVE');
    const to = side === 'ours' ? target : replica;
    // One row first: what the side has missed while the other was measured arrives before it.
    await measureLag(source, to, first++, { rate: 1, seconds: 1 });
    const lags = await measureLag(source, to, first, pace);
    first += lags.length;
    if (side === 'ours') await cluster.must(['pause-task', 'lag']);
    else await replica.execute('STOP SLAVE');
    return quantiles(lags);
  };
  await cluster.must(['pause-task', 'lag']);
  for (const pace of PACES) {
    const own: Quantiles[] = [];
    const native: Quantiles[] = [];
    for (let round = 0; round < options.rounds; round++) {
      own.push(await run('ours', pace));
      native.push(await run('replica', pace));
      const shown = [own, native].map((list) => list.at(-1)!.p99.toFixed(1)).join(' / ');
      process.stdout.write(`  ${pace.name}, round ${round + 1} of ${options.rounds}: p99 ${shown} ms\n`);
    }
    all.push(...results(pace.name, own, native));
    if (pace.rate === 1_000) all.push(limit(pace.name, own, 'p99', 100));
    if (pace.rate === IDLE_RATE) all.push(limit(pace.name, own, 'p50', 10));
  }
  return report('lag', all, options);
}

process.exitCode = await main();
process.exit();
