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
): Promise<RunningSyncer> {
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
  const running = startSyncer({ ...config, sync: { ...config.sync, ...sync } }, 1);
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

/** Rows a second while it is under way. */
async function measure(running: RunningSyncer, from: number, to: number): Promise<number> {
  await waitFor(async () => (await rowsApplied(running)) >= from, {
    what: 'it to be under way',
    intervalMs: 5,
  });
  const first = { at: performance.now(), rows: await rowsApplied(running) };
  await waitFor(async () => (await rowsApplied(running)) >= to, { what: 'it to be further', intervalMs: 5 });
  const rows = (await rowsApplied(running)) - first.rows;
  return (rows * 1000) / (performance.now() - first.at);
}

describe('limits of a sync unit', () => {
  it('applies no more rows a second than max-rows-per-second', async () => {
    const running = await start('by_rows', 1000, { maxRowsPerSecond: 200 });
    const perSecond = await measure(running, 100, 700);
    const status = await running.syncer.status();
    // A machine that is busy may stay below the limit, but not far.
    expect(perSecond).toBeGreaterThan(200 * 0.4);
    expect(perSecond).toBeLessThan(200 * 1.15);
    expect(status).toMatchObject({ bottleneck: 'limit', limitedBy: 'max-rows-per-second' });
    expect(status.timeShares?.limited).toBeGreaterThan(0.2);
  });

  it('reads no more bytes a second than max-bytes-per-second', async () => {
    const before = await position();
    const running = await start('by_bytes', 3000, { maxBytesPerSecond: 64 * 1024 });
    const perSecond = await measure(running, 200, 2200);
    const status = await running.syncer.status();
    const bytesPerRow = ((await position()) - before) / 3000;
    expect(perSecond * bytesPerRow).toBeLessThan(64 * 1024 * 1.15);
    expect(perSecond * bytesPerRow).toBeGreaterThan(64 * 1024 * 0.4);
    expect(status).toMatchObject({ bottleneck: 'limit', limitedBy: 'max-bytes-per-second' });
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
