/**
 * Peak resident memory of a worker process while it copies and replicates data ten times larger than what
 * it may use. `npm run bench -- memory [--smoke]`; needs about 20 GB of disk and a quarter of an hour.
 */
import type { DatabaseServer } from '../test/servers/database.js';
import { startCluster } from '../test/support/cluster.js';
import { compareTables } from '../test/support/compare-tables.js';
import { waitFor } from '../test/support/wait-for.js';
import { addSource, startTask, untilReplicating } from './harness/cluster-task.js';
import { peakMemory } from './harness/measure.js';
import { benchOptions } from './harness/options.js';
import { place } from './harness/replication.js';
import { report, type CaseResult } from './harness/report.js';
import { sysbenchTable } from './harness/segments.js';
import { startSource, startTarget } from './harness/servers.js';

const options = benchOptions();
const BYTES_A_ROW = 190;
const COPY_LIMIT_MB = 400;
const SYNC_LIMIT_MB = 300;
const rowsOf = (limitMb: number): number =>
  options.smoke ? 20_000 : Math.ceil((limitMb * 10 * 2 ** 20) / BYTES_A_ROW);
const LARGEST = 500_000;

/** Doubles the table by the server itself until it is full; each step is one transaction. */
async function grow(source: DatabaseServer, table: string, rows: number): Promise<void> {
  let done = Math.min(rows, 100_000);
  await source.execute(sysbenchTable(table, done));
  while (done < rows) {
    const more = Math.min(done, rows - done, LARGEST);
    await source.execute(
      `INSERT INTO ${table} SELECT id + ${done}, k, REVERSE(c), REVERSE(pad) FROM ${table} WHERE id <= ${more}`,
    );
    done += more;
    process.stdout.write(`  ${done} of ${rows} rows are upstream\n`);
  }
}

function result(what: string, peakMb: number, limit: number, aim: number, equal: boolean): CaseResult {
  const ratio = limit / peakMb;
  return {
    case: what,
    peer: `limit of ${limit} MB`,
    unit: 'MB',
    ours: peakMb,
    theirs: limit,
    ratio: { min: ratio, median: ratio, max: ratio },
    equal,
    must: 1,
    aim: limit / aim,
  };
}

async function copy(): Promise<CaseResult> {
  await using source = await startSource();
  await using target = await startTarget();
  const rows = rowsOf(COPY_LIMIT_MB);
  await grow(source, 'b.big', rows);
  await using cluster = await startCluster({ workers: 1 });
  await addSource(cluster, source);
  const began = performance.now();
  await startTask(cluster, target, { name: 'memory', schema: 'b' });
  await untilReplicating(cluster, 'memory', 3_600_000);
  const rate = Math.round((rows * 1000) / (performance.now() - began));
  const peak = peakMemory(cluster.workers[0]!.pid);
  const [same] = await compareTables(source, target, ['b.big']);
  return result(`copy of ${rows} rows at ${rate} rows/s`, peak, COPY_LIMIT_MB, 250, same?.equal === true);
}

/** Transactions of up to half a million rows, then updates of all of them. */
async function sync(): Promise<CaseResult> {
  await using source = await startSource();
  await using target = await startTarget();
  await source.execute('CREATE DATABASE IF NOT EXISTS b');
  const from = await place(source);
  const rows = Math.ceil(rowsOf(SYNC_LIMIT_MB) / 2);
  await grow(source, 'b.big', rows);
  await source.execute(`UPDATE b.big SET k = k + 1 WHERE id <= ${LARGEST / 2}`);
  await source.execute('CREATE TABLE b.done (id INT PRIMARY KEY); INSERT INTO b.done VALUES (1)');
  await using cluster = await startCluster({ workers: 1 });
  await addSource(cluster, source);
  const began = performance.now();
  await startTask(cluster, target, { name: 'memory', schema: 'b', from });
  await waitFor(async () => (await target.query('SELECT id FROM b.done').catch(() => [])).length === 1, {
    timeoutMs: 3_600_000,
    intervalMs: 1_000,
    what: 'the end of the binlog',
    details: () => cluster.describe(),
  });
  const rate = Math.round((rows * 1000) / (performance.now() - began));
  const peak = peakMemory(cluster.workers[0]!.pid);
  const [same] = await compareTables(source, target, ['b.big']);
  return result(`sync of ${rows} rows at ${rate} rows/s`, peak, SYNC_LIMIT_MB, 200, same?.equal === true);
}

const kinds = { copy, sync };
const all: CaseResult[] = [];
for (const [name, run] of Object.entries(kinds)) if (name.includes(options.only)) all.push(await run());
process.exitCode = report('memory', all, options);
process.exit();
