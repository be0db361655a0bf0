/** A whole subtask in process: check, full copy and sync while the source is written to; DDL on the way. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { nextTurn } from '../../src/runtime/real/turn.js';
import type { SubtaskEnd } from '../../src/subtask/protocol.js';
import { SubtaskRunner } from '../../src/subtask/runner.js';
import { silentLog, subtaskConfig } from '../copy/support.js';
import { startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { createWriterTables, RandomWriter, writerTables } from '../support/random-writer.js';
import { waitFor } from '../support/wait-for.js';
import { expectEqualTables } from './support.js';

interface Running {
  readonly runner: SubtaskRunner;
  readonly units: string[];
  readonly done: Promise<SubtaskEnd>;
}

describe('a subtask', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  let dataDir: string;
  beforeAll(async () => {
    source = await startMariaDb();
    target = await startMariaDb();
    dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-subtask-'));
  });
  afterAll(async () => {
    await source?.stop();
    await target?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  function start(config: SubtaskConfig, epoch = 1, removeMeta = false): Running {
    const units: string[] = [];
    const runner = new SubtaskRunner({
      start: {
        config,
        epoch,
        removeMeta,
        workerName: 'w',
        dataDir,
        log: { level: 'info', file: '', format: 'text' },
      },
      ports: { clock: new RealClock(), log: silentLog },
      nextTurn,
      onUnit: (unit) => units.push(unit),
      retryMs: 20_000,
    });
    return { runner, units, done: runner.run() };
  }

  async function untilSynced({ runner, done }: Running): Promise<void> {
    let end: SubtaskEnd | undefined;
    void done.then((value) => (end = value));
    await waitFor(async () => end !== undefined || (await runner.status()).sync?.synced === true, {
      what: 'the subtask to catch up',
    });
    if (end !== undefined) throw new Error(`the subtask has ended: ${JSON.stringify(end)}`);
  }

  async function end({ runner, done }: Running): Promise<SubtaskEnd> {
    runner.end();
    return done;
  }

  const base = { ignoreCheckingItems: ['all'] };

  it('copies everything and then follows, with writers at work all the time', async () => {
    await createWriterTables(source, 'w', { rows: 3000 });
    const writer = new RandomWriter({ server: source, schema: 'w', seed: 3, connections: 3 }).start();
    const config = subtaskConfig(source, target, {
      ...base,
      task: 'whole',
      dump: { ...subtaskConfig(source, target).dump, rows: 200 },
      blockAllow: { doDbs: ['w'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    const first = start(config);
    await waitFor(() => first.units.includes('Sync'), { what: 'sync to begin' });
    expect(first.units).toEqual(['Check', 'Dump', 'Load', 'Sync']);
    expect(await end(first)).toEqual({ outcome: 'ended' });
    const second = start(config, 2);
    await waitFor(() => second.units.length > 0, { what: 'a unit' });
    await writer.stop();
    await untilSynced(second);
    expect(second.units).toEqual(['Sync']);
    expect(await end(second)).toEqual({ outcome: 'ended' });
    await expectEqualTables(source, target, writerTables('w'));
  });

  it('carries DDL over, with renamed targets', async () => {
    await source.execute(
      'CREATE DATABASE a; CREATE TABLE a.t1 (id INT PRIMARY KEY, n VARCHAR(20)); INSERT INTO a.t1 VALUES (1, "x")',
    );
    const config = subtaskConfig(source, target, {
      ...base,
      task: 'ddl',
      blockAllow: { doDbs: ['a'], doTables: [], ignoreDbs: [], ignoreTables: [] },
      routes: [{ schemaPattern: 'a', tablePattern: '', targetSchema: 'b', targetTable: '' }],
    });
    const running = start(config);
    await waitFor(() => running.units.includes('Sync'), { what: 'sync to begin' });
    await source.execute(`
      USE a;
      INSERT INTO t1 VALUES (2, 'two');
      ALTER TABLE t1 ADD COLUMN m INT NULL DEFAULT 7 AFTER id, ADD UNIQUE KEY (n);
      INSERT INTO t1 VALUES (3, 30, 'three');
      CREATE TABLE t2 (k VARCHAR(10) PRIMARY KEY, v DOUBLE);
      INSERT INTO t2 VALUES ('a', 1.5), ('b', -2.25);
      ALTER TABLE t2 CHANGE v w DOUBLE, ADD COLUMN z BIGINT;
      UPDATE t2 SET z = 5, k = 'c' WHERE k = 'a';
      RENAME TABLE t2 TO t3;
      INSERT INTO t3 VALUES ('d', 0, 1);
      CREATE TABLE t4 LIKE t1;
      INSERT INTO t4 SELECT * FROM t1;
      TRUNCATE TABLE t1;
      INSERT INTO t1 VALUES (9, 9, 'nine');
      CREATE VIEW v1 AS SELECT * FROM t1;
      CREATE TABLE gone (i INT); DROP TABLE gone;
      ALTER TABLE t1 DROP COLUMN m, DROP INDEX n;
      CREATE INDEX n2 ON t1 (n);
      INSERT INTO t1 VALUES (10, 'ten');
    `);
    await untilSynced(running);
    expect(await end(running)).toEqual({ outcome: 'ended' });
    for (const table of ['t1', 't3', 't4']) {
      const order = table === 't3' ? 'k' : 'id';
      const read = (server: DatabaseServer, schema: string) =>
        server.query(`SELECT * FROM ${schema}.${table} ORDER BY ${order}`);
      expect(await read(target, 'b')).toEqual(await read(source, 'a'));
    }
    const names = await target.query(
      'SELECT table_name AS n FROM information_schema.tables WHERE table_schema = "b" ORDER BY 1',
    );
    expect(names.map((row) => row['n'])).toEqual(['t1', 't3', 't4']);
    // The structures are saved with the checkpoint: rows after a restart decode without a look at servers.
    const again = start(config, 2);
    await source.execute('INSERT INTO a.t1 VALUES (11, "eleven")');
    await waitFor(async () => (await target.query('SELECT 1 FROM b.t1 WHERE id = 11')).length === 1, {
      what: 'the row',
    });
    await end(again);
  });

  it('stops at a DDL that the target refuses, and says where', async () => {
    await source.execute('CREATE DATABASE f; CREATE TABLE f.t (id INT PRIMARY KEY, c INT)');
    const config = subtaskConfig(source, target, {
      ...base,
      task: 'refused',
      blockAllow: { doDbs: ['f'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    const running = start(config);
    await waitFor(() => running.units.includes('Sync'), { what: 'sync to begin' });
    await target.execute('ALTER TABLE f.t ADD COLUMN d BIGINT');
    await source.execute('ALTER TABLE f.t ADD COLUMN d INT');
    const outcome = await running.done;
    if (outcome.outcome !== 'failed') throw new Error(JSON.stringify(outcome));
    expect(outcome.unit).toBe('Sync');
    expect(outcome.errors[0]).toMatchObject({ ErrCode: 10006, ErrScope: 'downstream' });
    expect(outcome.errors[0].Message).toMatch(
      /^startLocation: \[position: \(.+, \d+\), gtid-set: .*\], endLocation: \[position: \(.+, \d+\), gtid-set: .*\], origin SQL: \[ALTER TABLE f\.t ADD COLUMN d INT\]/,
    );
    expect(outcome.errors[0].RawCause).toContain('Duplicate column');
    // Put right by hand, it goes on from there.
    await target.execute('ALTER TABLE f.t DROP COLUMN d');
    const again = start(config);
    await source.execute('INSERT INTO f.t VALUES (1, 2, 3)');
    await untilSynced(again);
    await end(again);
    expect(await target.query('SELECT * FROM f.t')).toEqual([{ id: 1, c: 2, d: 3 }]);
  });

  it('says that DML in statement form cannot be carried over', async () => {
    await source.execute('CREATE DATABASE g; CREATE TABLE g.t (id INT PRIMARY KEY)');
    const config = subtaskConfig(source, target, {
      ...base,
      task: 'statement',
      blockAllow: { doDbs: ['g'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    const running = start(config);
    await waitFor(() => running.units.includes('Sync'), { what: 'sync to begin' });
    await source.execute(
      "USE g; SET SESSION binlog_format='STATEMENT'; INSERT INTO g.t VALUES (1); SET SESSION binlog_format='ROW'",
    );
    expect(await running.done).toMatchObject({ outcome: 'failed', errors: [{ ErrCode: 36014 }] });
  });
});
