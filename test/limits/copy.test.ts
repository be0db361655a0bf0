/** A full copy keeps to its limits, and says by which it is limited. */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FullCopy } from '../../src/load/full-copy.js';
import type { DumpConfig } from '../../src/model/subtask-config.js';
import type { DumpStatus } from '../../src/model/status.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { silentLog, subtaskConfig } from '../copy/support.js';
import { temporaryFolder } from '../servers/cache.js';
import type { DatabaseServer } from '../servers/database.js';
import { startDatabase } from '../servers/index.js';
import { compareTables } from '../support/compare-tables.js';

const ROWS = 4000;
let source: DatabaseServer;
let target: DatabaseServer;
let folder: string;

beforeAll(async () => {
  source = await startDatabase('mariadb-10.11');
  target = await startDatabase('mariadb-10.11', { binlog: 'off' });
  folder = await temporaryFolder('limits');
  await source.execute('CREATE DATABASE l; CREATE TABLE l.t (id INT PRIMARY KEY, v VARCHAR(600))');
  await source.execute(`USE l; INSERT INTO t SELECT seq, REPEAT('x', 500) FROM seq_1_to_${ROWS}`);
});
afterAll(async () => {
  await Promise.all([source?.stop(), target?.stop()]);
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** Returns how long it took, and all that was said of the dump on the way. */
async function copy(task: string, dump: Partial<DumpConfig>): Promise<{ ms: number; seen: DumpStatus[] }> {
  await target.execute('DROP DATABASE IF EXISTS l');
  const config = subtaskConfig(source, target, {
    task,
    blockAllow: { doDbs: ['l'], doTables: [], ignoreDbs: [], ignoreTables: [] },
  });
  const clock = new RealClock();
  const full = new FullCopy({
    config: { ...config, dump: { ...config.dump, rows: 500, ...dump } },
    epoch: 1,
    dataDir: folder,
    ports: { clock, log: silentLog },
    onUnit: () => undefined,
    signal: new AbortController().signal,
  });
  const seen: DumpStatus[] = [];
  const began = clock.monotonic();
  let over = false;
  const done = full.run().finally(() => (over = true));
  while (!over) {
    seen.push(full.status().dump);
    await clock.sleep(100);
  }
  expect(await done).toEqual({ outcome: 'finished' });
  expect((await compareTables(source, target, ['l.t'])).every(({ equal }) => equal)).toBe(true);
  return { ms: clock.monotonic() - began, seen };
}

it('reads no more bytes a second than max-bytes-per-second', async () => {
  const perSecond = 512 * 1024;
  const { ms, seen } = await copy('bytes', { maxBytesPerSecond: perSecond });
  const bytes = seen.at(-1)!.finishedBytes;
  expect(bytes).toBeGreaterThan(ROWS * 500);
  // Upper limit of what passes, whatever the machine does meanwhile.
  expect(ms).toBeGreaterThan((bytes / perSecond) * 850);
  const limited = seen.filter(({ limitedBy }) => limitedBy === 'max-bytes-per-second');
  // Where the machine is busy with other things, the limit is not felt all the time.
  expect(Math.max(0, ...limited.map(({ timeShares }) => timeShares?.limited ?? 0))).toBeGreaterThan(0.1);
});

it('watches the source for its latency budget, and does not hold back where that is kept', async () => {
  const { seen } = await copy('latency', { sourceLatencyBudgetMs: 60_000 });
  expect(seen.some(({ limitedBy }) => limitedBy !== undefined)).toBe(false);
});
