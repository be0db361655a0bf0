/** Indexes of large tables are built after their rows, also by whoever goes on with the copy. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CopyMeta } from '../../src/load/copy-meta.js';
import { FullCopy } from '../../src/load/full-copy.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { connectSession } from '../../src/mysql/connect.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import type { DatabaseServer } from '../servers/database.js';
import { startMariaDb } from '../servers/mariadb.js';
import { compareTables } from '../support/compare-tables.js';
import { standStill } from '../support/stand-still.js';
import { waitFor } from '../support/wait-for.js';
import { dbConfig, silentLog, subtaskConfig } from './support.js';

let source: DatabaseServer;
let target: DatabaseServer;
let folder: string;

beforeAll(async () => {
  [source, target] = await Promise.all([startMariaDb(), startMariaDb()]);
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-indexes-'));
  await source.execute(`CREATE DATABASE ix; USE ix;
    CREATE TABLE big (id INT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL, v VARCHAR(400), w INT AS (k + 1) VIRTUAL,
      KEY k (k), KEY \`b\`\`t\` (v(20) DESC, k) COMMENT 'x, (y)', UNIQUE KEY u (k, id), KEY w (w));
    INSERT INTO big (id, k, v) SELECT seq, seq % 97, CONCAT(seq, REPEAT('lorem ipsum ', 30)) FROM seq_1_to_60000;
    ANALYZE TABLE big;
    CREATE TABLE small (id INT PRIMARY KEY, k INT, KEY k (k)); INSERT INTO small VALUES (1, 1)`);
});

afterAll(async () => {
  await Promise.all([source, target].map((server) => server[Symbol.asyncDispose]()));
  await rm(folder, { recursive: true, force: true });
});

function configuration(): SubtaskConfig {
  const config = subtaskConfig(source, target, {
    task: 'ix',
    blockAllow: { doDbs: ['ix'], doTables: [], ignoreDbs: [], ignoreTables: [] },
  });
  return { ...config, dump: { ...config.dump, rows: 10_000 } };
}

function copy(epoch: number, signal: AbortSignal): FullCopy {
  return new FullCopy({
    config: configuration(),
    epoch,
    dataDir: folder,
    ports: { clock: new RealClock(), log: silentLog },
    onUnit: () => undefined,
    signal,
  });
}

async function definition(server: DatabaseServer): Promise<string> {
  const [row] = await server.query('SHOW CREATE TABLE ix.big');
  return String(row?.['Create Table']).replace(/ AUTO_INCREMENT=\d+/, '');
}

const indexesOf = async (server: DatabaseServer) =>
  (await server.query('SHOW INDEX FROM ix.big')).map((row) => row['Key_name']);

async function expectEqual(): Promise<void> {
  const sorted = async (server: DatabaseServer) =>
    (await definition(server)).replace(/,$/gm, '').split('\n').sort();
  expect(await sorted(target)).toEqual(await sorted(source));
  for (const one of await compareTables(source, target, ['ix.big', 'ix.small'])) {
    expect(one).toMatchObject({ equal: true });
  }
}

describe('a copy of a table with indexes', () => {
  it('goes on where another has left off before the indexes were built', async () => {
    const first = new AbortController();
    // One of the chunks is not loaded before the worker dies, so that the rows are not all there.
    const session = await connectSession({ db: dbConfig(target) });
    await new CopyMeta(configuration()).prepare(session);
    await session.close();
    const stand = await standStill(target, {
      table: 'dm_meta.ix_load_chunk',
      event: 'UPDATE',
      when: "NEW.cp_table = 'big' AND NEW.chunk = 3 AND NEW.state = 'loaded'",
    });
    const run = copy(1, first.signal).run();
    await stand.reached();
    await waitFor(async () => (await target.query('SELECT 1 FROM ix.big LIMIT 1')).length === 1, {
      what: 'rows of another chunk',
    });
    first.abort(new Error('the worker dies'));
    expect(await run).toEqual({ outcome: 'ended' });
    await stand.release();
    const there = new Set(await indexesOf(target));
    expect(there).toEqual(new Set(['PRIMARY', 'u']));
    // What one before has begun may have become true.
    await target.execute('ALTER TABLE ix.big ADD KEY k (k)');
    expect(await copy(2, new AbortController().signal).run()).toEqual({ outcome: 'finished' });
    await expectEqual();
  });

  it('leaves a table that was there as it is', async () => {
    await target.execute('DROP DATABASE dm_meta; ALTER TABLE ix.big DROP KEY w; TRUNCATE TABLE ix.big');
    expect(await copy(3, new AbortController().signal).run()).toEqual({ outcome: 'finished' });
    expect(await indexesOf(target)).not.toContain('w');
    expect((await compareTables(source, target, ['ix.big']))[0]).toMatchObject({ equal: true });
  });
});
