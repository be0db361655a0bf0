/** A sync unit keeps to its limits, and says by which it is limited. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SyncConfig } from '../../src/model/subtask-config.js';
import { incremental, startSyncer, untilSynced, type RunningSyncer } from '../sync/support.js';
import { startDatabase } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { waitFor } from '../support/wait-for.js';

let source: DatabaseServer;
let target: DatabaseServer;
const started: RunningSyncer[] = [];

interface Started extends RunningSyncer {
  /** When it was started, of `performance.now()`. */
  readonly at: number;
}

beforeAll(async () => {
  source = await startDatabase('mariadb-10.11');
  target = await startDatabase('mariadb-10.11');
});
afterEach(async () => {
  for (const running of started.splice(0)) {
    running.syncer.end();
    await running.done;
  }
});
afterAll(async () => {
  await source?.stop();
  await target?.stop();
});

/** A syncer with `rows` rows of 100 bytes waiting for it. */
async function start(
  task: string,
  rows: number,
  sync: Partial<SyncConfig>,
  { bytes = 100, prepare = '' } = {},
): Promise<Started> {
  for (const server of [source, target]) {
    await server.execute(`DROP DATABASE IF EXISTS ${task}; CREATE DATABASE ${task}`);
    await server.execute(`CREATE TABLE ${task}.t (id INT PRIMARY KEY, v VARCHAR(4000))`);
  }
  if (prepare !== '') await target.execute(prepare);
  const config = await incremental(source, target, {
    task,
    blockAllow: { doDbs: [task], doTables: [], ignoreDbs: [], ignoreTables: [] },
  });
  for (let from = 0; from < rows; from += 10) {
    await source.execute(
      `SET SESSION binlog_annotate_row_events = 0; USE ${task}; INSERT INTO t SELECT seq, REPEAT('x', ${bytes}) FROM seq_${from}_to_${from + 9}`,
    );
  }
  const at = performance.now();
  const running = { at, ...startSyncer({ ...config, sync: { ...config.sync, ...sync } }, 1) };
  started.push(running);
  return running;
}

async function position(): Promise<number> {
  const [row] = await source.query('SHOW MASTER STATUS');
  return Number(row?.['Position']);
}

async function rowsApplied({ syncer }: RunningSyncer): Promise<number> {
  return Number((await syncer.status()).totalRows);
}

/** Some change may pass ahead of its time: a burst and the turn that follows it. */
const AHEAD_MS = 200;

/**
 * Resolves when so many rows are applied, with the milliseconds since the start. However the machine stumbles on
 * the way, what a limit allows is never made up for: the time cannot be shorter than the limit says.
 */
async function applied(running: Started, count: number): Promise<number> {
  await waitFor(async () => (await rowsApplied(running)) >= count, {
    what: `${count} rows to be applied`,
    intervalMs: 5,
  });
  return performance.now() - running.at;
}

async function untilLimited({ syncer }: RunningSyncer, by: string): Promise<void> {
  await waitFor(
    async () => {
      const { bottleneck, limitedBy, timeShares } = await syncer.status();
      return bottleneck === 'limit' && limitedBy === by && (timeShares?.limited ?? 0) > 0.2;
    },
    { what: `${by} to be named` },
  );
}

describe('limits of a sync unit', () => {
  it('applies no more rows a second than max-rows-per-second', async () => {
    const running = await start('by_rows', 2000, { maxRowsPerSecond: 200 });
    const ms = await applied(running, 600);
    expect(ms).toBeGreaterThan((600 / 200) * 1000 - AHEAD_MS);
    await untilLimited(running, 'max-rows-per-second');
  });

  it('reads no more bytes a second than max-bytes-per-second', async () => {
    const before = await position();
    const running = await start('by_bytes', 6000, { maxBytesPerSecond: 64 * 1024 });
    const bytesPerRow = ((await position()) - before) / 6000;
    const ms = await applied(running, 1500);
    expect(ms).toBeGreaterThan(((1500 * bytesPerRow) / (64 * 1024)) * 1000 - AHEAD_MS);
    await untilLimited(running, 'max-bytes-per-second');
  });

  it('gives a target that becomes slow less to do, until it is well again', async () => {
    const running = await start(
      'by_latency',
      600,
      { targetLatencyBudgetMs: 60 },
      {
        bytes: 4000,
        prepare: 'CREATE TRIGGER by_latency.slow BEFORE INSERT ON by_latency.t FOR EACH ROW DO SLEEP(0.01)',
      },
    );
    await waitFor(async () => (await running.syncer.status()).limitedBy === 'target-latency-budget', {
      what: 'the limit to be felt',
    });
    await target.execute('DROP TRIGGER by_latency.slow');
    await untilSynced(running);
  });

  it('shares the time out, with nothing left over', async () => {
    const running = await start('shares', 1000, {});
    await untilSynced(running);
    const { timeTotals, timeShares, bottleneck, limitedBy } = await running.syncer.status();
    expect(bottleneck).toBe('none');
    expect(limitedBy).toBeUndefined();
    expect(timeTotals?.execute).toBeGreaterThan(0);
    expect(timeTotals!.decode + timeTotals!.transform).toBeGreaterThan(0);
    const { execute: _, commit: __, ...own } = timeShares!;
    const sum = Object.values(own).reduce((all, part) => all + part, 0);
    expect(sum).toBeGreaterThan(0.95);
    expect(sum).toBeLessThan(1.05);
  });
});
