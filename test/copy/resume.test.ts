/** The copy dies, is taken over while the old owner still writes, and meets DDL: the data stay exact. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDefinition } from '../../src/dump/source-tables.js';
import { CopyMeta, FencedError, PlanTaken } from '../../src/load/copy-meta.js';
import { FullCopy, type FullCopyEnd } from '../../src/load/full-copy.js';
import {
  dumpedSchemas,
  readChunkPositions,
  readCopyState,
  removeCopyMeta,
} from '../../src/load/positions.js';
import { newChunks } from '../../src/load/reconcile.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { connectSession } from '../../src/mysql/connect.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { startMariaDb } from '../servers/index.js';
import { waitFor } from '../support/wait-for.js';
import { collectingLog, dbConfig, subtaskConfig } from './support.js';

type Server = Awaited<ReturnType<typeof startMariaDb>>;

let source: Server;
let target: Server;
let folder: string;

beforeAll(async () => {
  [source, target] = await Promise.all([startMariaDb(), startMariaDb()]);
  folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-copy-'));
  await source.execute(`
    CREATE DATABASE d; USE d;
    CREATE TABLE keyed (id BIGINT PRIMARY KEY, v VARCHAR(100), n INT, UNIQUE KEY (n));
    INSERT INTO keyed SELECT CAST(seq AS SIGNED) * 7 - 30000, REPEAT(CHAR(97 + seq % 26), seq % 100), seq FROM seq_1_to_30000;
    CREATE TABLE nokey (a INT, b VARCHAR(30));
    INSERT INTO nokey SELECT seq % 10, 'same' FROM seq_1_to_8000;
    CREATE TABLE words (w VARCHAR(40) PRIMARY KEY, n INT);
    INSERT INTO words SELECT CONCAT('w', seq), seq FROM seq_1_to_3000;
    CREATE TABLE empty_one (id INT PRIMARY KEY);
    ANALYZE TABLE keyed, nokey, words`);
});
afterAll(async () => {
  await Promise.all([source?.stop(), target?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

function configFor(task: string, extra: Partial<SubtaskConfig> = {}): SubtaskConfig {
  const base = subtaskConfig(source, target, { task });
  return {
    ...base,
    blockAllow: { doDbs: ['d'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    routes: [{ schemaPattern: 'd', tablePattern: '', targetSchema: `d_${task}`, targetTable: '' }],
    dump: { ...base.dump, rows: 1000, chunkFilesize: 16 * 1024 },
    ...extra,
  };
}

function start(config: SubtaskConfig, epoch: number, signal: AbortSignal) {
  const log = collectingLog();
  const copy = new FullCopy({
    config,
    epoch,
    dataDir: path.join(folder, `node-${epoch}`),
    ports: { clock: new RealClock(), log },
    onUnit: () => undefined,
    signal,
  });
  return { copy, log, end: copy.run() };
}

/** Resolves once the condition holds or the copy is over. */
async function until(end: Promise<unknown>, holds: () => boolean): Promise<void> {
  let over = false;
  const mark = () => {
    over = true;
  };
  end.then(mark, mark);
  while (!over && !holds()) await new Promise((resolve) => setImmediate(resolve));
}

async function expectEqual(task: string): Promise<void> {
  for (const table of ['keyed', 'nokey', 'words', 'empty_one']) {
    const [a] = await source.query(`CHECKSUM TABLE d.${table}`);
    const [b] = await target.query(`CHECKSUM TABLE d_${task}.${table}`);
    expect({ table, sum: b.Checksum }).toEqual({ table, sum: a.Checksum });
  }
}

const never = new AbortController().signal;

describe('a copy', () => {
  it('splits, copies, tells its progress and its positions', async () => {
    const config = configFor('plain');
    const { copy, end } = start(config, 1, never);
    expect(await end).toEqual({ outcome: 'finished' });
    await expectEqual('plain');
    const { dump, load } = copy.status();
    expect(dump).toMatchObject({
      totalTables: '4',
      completedTables: 4,
      finishedRows: 41000,
      progress: '100.00 %',
    });
    expect(load.finishedBytes).toBe(load.totalBytes);
    expect(load.metaBinlog).toMatch(/^\(\S+, \d+\)$/);
    const session = await connectSession({ db: dbConfig(target) });
    expect(await readCopyState(session, config)).toBe('finished');
    const positions = await readChunkPositions(session, config);
    expect(positions?.min).toEqual(positions?.max);
    expect(positions?.min.gtidSet).toMatch(/^0-\d+-\d+$/);
    expect(positions?.positionFor({ schema: 'd', table: 'keyed' }, 77)).toEqual(positions?.min);
    const tables = await dumpedSchemas(session, config);
    expect(tables.map((table) => table.source.table)).toEqual(['empty_one', 'keyed', 'nokey', 'words']);
    expect(tables[0].createSql).toContain('CREATE TABLE `empty_one`');
    const [{ n }] = await session.query(
      "SELECT COUNT(*) AS n FROM dm_meta.plain_load_chunk WHERE cp_table = 'keyed'",
    );
    expect(Number(n)).toBeGreaterThan(10);
    expect(await start(config, 2, never).end).toEqual({ outcome: 'finished' });
    await removeCopyMeta(session, config);
    expect(await readCopyState(session, config)).toBe('none');
    await session.close();
  });

  it('goes on where it was cut, at random moments, on other nodes', async () => {
    const config = configFor('cut');
    let end: FullCopyEnd = { outcome: 'ended' };
    let epoch = 0;
    while (end.outcome !== 'finished') {
      epoch++;
      const controller = new AbortController();
      const run = start(config, epoch, controller.signal);
      const rows = run.copy.status().dump.finishedRows;
      const more = Math.floor(Math.random() * 9000);
      if (epoch < 25) await until(run.end, () => run.copy.status().dump.finishedRows >= rows + more);
      if (epoch < 25) controller.abort(new Error('cut'));
      end = await run.end;
    }
    expect(epoch).toBeGreaterThan(2);
    await expectEqual('cut');
  });

  it('is taken over from owners that still write', async () => {
    const config = configFor('zombie');
    const runs = [];
    for (let epoch = 1; epoch <= 6; epoch++) {
      const run = start(config, epoch, never);
      runs.push(run);
      await until(run.end, () => run.copy.status().dump.finishedRows >= epoch * 2500);
    }
    const ends = await Promise.all(runs.map((run) => run.end));
    expect(ends.at(-1)).toEqual({ outcome: 'finished' });
    for (const end of ends) expect(['finished', 'fenced']).toContain(end.outcome);
    await expectEqual('zombie');
  });

  it('takes over again when the earlier owner planned after the take-over', async () => {
    const config = configFor('planned');
    const session = await connectSession({ db: dbConfig(target) });
    const meta = new CopyMeta(config);
    await meta.prepare(session);
    expect(await meta.takeOver(session, 2)).toBeNull();
    await meta.writePlan(session, 1, [], []);
    await expect(meta.writePlan(session, 2, [], [])).rejects.toThrow(PlanTaken);
    expect(await meta.takeOver(session, 2)).not.toBeNull();
    await removeCopyMeta(session, config);
    await session.close();
  });

  it('lets an earlier owner add nothing to the plan, and finds what was added before a lost answer', async () => {
    const config = configFor('added');
    const session = await connectSession({ db: dbConfig(target) });
    const meta = new CopyMeta(config);
    await meta.prepare(session);
    await meta.writePlan(session, 1, [], []);
    await meta.takeOver(session, 2);
    const source = { schema: 'd', table: 'late' };
    const row = { source, target: source, definition: '', state: 'planned', splitColumn: null } as const;
    const table = { ...row, deferred: [], rows: 0, bytes: 0 };
    const chunks = newChunks(source, [{ low: null, high: null }]);
    await expect(meta.addTable(session, 1, table, chunks)).rejects.toThrow(FencedError);
    await expect(meta.addChunk(session, 1, chunks[0])).rejects.toThrow(FencedError);
    expect((await meta.read(session))?.chunks).toEqual([]);
    await meta.addTable(session, 2, table, chunks);
    await expect(meta.addTable(session, 2, table, chunks)).rejects.toThrow(PlanTaken);
    await expect(meta.addChunk(session, 2, chunks[0])).rejects.toThrow(PlanTaken);
    expect((await meta.read(session))?.chunks).toHaveLength(1);
    await removeCopyMeta(session, config);
    await session.close();
  });

  it('plans a table anew whose key went between the looks at its columns and at its definition', async () => {
    const config = configFor('torn');
    const session = await connectSession({ db: dbConfig(target) });
    const upstream = await connectSession({ db: dbConfig(source) });
    const meta = new CopyMeta(config);
    await meta.prepare(session);
    const table = { schema: 'd', table: 'nokey' };
    const row = {
      source: table,
      target: { schema: 'd_torn', table: 'nokey' },
      definition: (await readDefinition(upstream, table)) ?? '',
      state: 'planned' as const,
      splitColumn: 'a',
      deferred: [],
      rows: 8000,
      bytes: 0,
    };
    const ranges = [
      { low: null, high: '3' },
      { low: '3', high: '6' },
      { low: '6', high: null },
    ];
    await meta.writePlan(session, 1, [row], newChunks(table, ranges));
    await Promise.all([session.close(), upstream.close()]);
    expect(await start(config, 2, never).end).toEqual({ outcome: 'finished' });
    await expectEqual('torn');
  });

  it('survives the death of the target and of the source', async () => {
    const config = configFor('death');
    const run = start(config, 1, never);
    await until(run.end, () => run.copy.status().dump.finishedRows >= 5000);
    await target.signal('SIGKILL');
    await target.restart();
    await until(run.end, () => run.copy.status().dump.finishedRows >= 20000);
    await source.signal('SIGKILL');
    await source.restart();
    expect(await run.end).toEqual({ outcome: 'finished' });
    await expectEqual('death');
  });

  it('holds in each chunk exactly the changes before the place that it names, over several sessions', async () => {
    const keys = 20000;
    await source.execute(
      `CREATE DATABASE w; CREATE TABLE w.t (id INT PRIMARY KEY, version INT NOT NULL);
       CREATE TABLE w.history (version INT PRIMARY KEY, id INT NOT NULL); USE w;
       INSERT INTO w.t SELECT seq, 0 FROM seq_1_to_${keys}; ANALYZE TABLE w.t`,
    );
    const lastTransaction = async () => {
      const [{ g }] = await source.query('SELECT @@gtid_binlog_pos AS g');
      return Number(/-(\d+)$/.exec(String(g))?.[1]);
    };
    const before = await lastTransaction();
    // One writer: the n-th transaction after `before` gives one row the version n.
    let writing = true;
    let written = 0;
    const writer = (async () => {
      const connection = await source.connect();
      for (let n = 1; writing; n++) {
        written = n - 1;
        const id = 1 + Math.floor(Math.random() * keys);
        await connection.query(
          `START TRANSACTION; UPDATE w.t SET version = ${n} WHERE id = ${id}; INSERT INTO w.history VALUES (${n}, ${id}); COMMIT`,
        );
      }
      await connection.end();
    })();
    const base = configFor('live');
    const config = {
      ...base,
      blockAllow: { ...base.blockAllow, doDbs: [], doTables: [{ dbName: 'w', tblName: 't' }] },
      routes: [{ schemaPattern: 'w', tablePattern: '', targetSchema: 'w_live', targetTable: '' }],
    };
    let end: FullCopyEnd = { outcome: 'ended' };
    let loaded = 0;
    for (let epoch = 1; end.outcome !== 'finished'; epoch++) {
      const controller = new AbortController();
      const run = start(config, epoch, controller.signal);
      if (epoch < 6) {
        // Each session loads something, and the source is written to before the next one.
        await until(run.end, () => Number(run.copy.status().load.finishedBytes) > loaded);
        controller.abort(new Error('cut'));
      }
      end = await run.end;
      loaded = Number(run.copy.status().load.finishedBytes);
      const soFar = written;
      await waitFor(() => written > soFar, { what: 'the writer', intervalMs: 1 });
    }
    writing = false;
    await writer;
    const session = await connectSession({ db: dbConfig(target) });
    const positions = await readChunkPositions(session, config);
    await session.close();
    const versions = new Map<number, number[]>();
    for (const { version, id } of await source.query('SELECT version, id FROM w.history ORDER BY version')) {
      versions.set(Number(id), [...(versions.get(Number(id)) ?? []), Number(version)]);
    }
    const wrong: unknown[] = [];
    const places = new Set<string>();
    for (const row of await target.query('SELECT id, version FROM w_live.t')) {
      const place = positions?.positionFor({ schema: 'w', table: 't' }, Number(row.id));
      places.add(place?.gtidSet ?? '');
      const limit = Number(/-(\d+)$/.exec(place?.gtidSet ?? '')?.[1]) - before;
      const expected = (versions.get(Number(row.id)) ?? []).filter((version) => version <= limit).at(-1) ?? 0;
      if (Number(row.version) !== expected) wrong.push({ ...row, expected, limit });
    }
    expect(wrong).toEqual([]);
    expect(places.size).toBeGreaterThan(1);
    expect(positions?.min).not.toEqual(positions?.max);
  });

  it('copies a table again whose definition has changed, and forgets one that is gone', async () => {
    await source.execute(
      'CREATE DATABASE c; CREATE TABLE c.t (id INT PRIMARY KEY, v INT); ' +
        'USE c; INSERT INTO c.t SELECT seq, seq FROM seq_1_to_9000; CREATE TABLE c.gone (id INT PRIMARY KEY); ' +
        'INSERT INTO c.gone SELECT seq FROM seq_1_to_9000; ANALYZE TABLE c.t, c.gone',
    );
    const base = configFor('changed');
    const config = {
      ...base,
      blockAllow: { ...base.blockAllow, doDbs: ['c'] },
      routes: [{ schemaPattern: 'c', tablePattern: '', targetSchema: 'c_changed', targetTable: '' }],
      dump: { ...base.dump, threads: 1 },
    };
    const controller = new AbortController();
    const run = start(config, 1, controller.signal);
    const loaded = () => Number(run.copy.status().load.finishedBytes) > 0;
    await until(run.end, loaded);
    controller.abort(new Error('cut'));
    await run.end;
    await source.execute(
      'ALTER TABLE c.t ADD COLUMN w INT NOT NULL DEFAULT 5 AFTER id; DROP TABLE c.gone; UPDATE c.t SET v = v + 1 WHERE id % 2 = 0',
    );
    const again = start(config, 2, never);
    expect(await again.end).toEqual({ outcome: 'finished' });
    const [a] = await source.query('CHECKSUM TABLE c.t');
    const [b] = await target.query('CHECKSUM TABLE c_changed.t');
    expect(b.Checksum).toEqual(a.Checksum);
    expect(await target.query("SHOW TABLES FROM c_changed LIKE 'gone'")).toEqual([]);
  });
});
