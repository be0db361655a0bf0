/**
 * A copy that was cut and resumed has read its chunks at several places. Between them a value of a secondary
 * unique key may have gone from a row of one chunk to a row of another: both rows are there in the end.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { CopyMeta } from '../../src/load/copy-meta.js';
import { FullCopy } from '../../src/load/full-copy.js';
import { readChunkPositions } from '../../src/load/positions.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { connectSession } from '../../src/mysql/connect.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { dbConfig, silentLog, subtaskConfig } from '../copy/support.js';
import { available, startDatabase, type DatabaseKind } from '../servers/availability.js';
import { startMariaDb } from '../servers/index.js';
import { standStill } from '../support/stand-still.js';
import { expectEqualTables, startSyncer, untilSynced } from './support.js';

const ROWS = 4000;

function copy(config: SubtaskConfig, epoch: number, dataDir: string) {
  const controller = new AbortController();
  const full = new FullCopy({
    config,
    epoch,
    dataDir,
    ports: { clock: new RealClock(), log: silentLog },
    onUnit: () => undefined,
    signal: controller.signal,
  });
  return { controller, end: full.run() };
}

it.for([
  ['mariadb-10.11', 'replace'],
  ['mariadb-10.11', 'ignore'],
  ['mariadb-10.11', 'error'],
  ['mysql-9.7', 'replace'],
] as [DatabaseKind, 'replace' | 'ignore' | 'error'][])(
  'values that go from chunk to chunk between two sessions of the copy, to %s, on-duplicate %s',
  async ([kind, onDuplicate], context) => {
    const state = await available(kind);
    if (!state.ok) return context.skip(`missing: ${state.missing}`);
    await using source = await startMariaDb();
    await using target = await startDatabase(kind);
    const folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-meet-'));
    await source.execute(`CREATE DATABASE m; USE m;
      CREATE TABLE m.t (id INT PRIMARY KEY, u INT NOT NULL, w INT, v INT DEFAULT 0, UNIQUE KEY (u), UNIQUE KEY (w, id));
      INSERT INTO m.t SELECT seq, seq, seq % 7, 0 FROM seq_1_to_${ROWS}; ANALYZE TABLE m.t`);
    const base = subtaskConfig(source, target);
    const config = subtaskConfig(source, target, {
      blockAllow: { doDbs: ['m'], doTables: [], ignoreDbs: [], ignoreTables: [] },
      dump: { ...base.dump, rows: 100, threads: 1 },
      load: { ...base.load, poolSize: 1, onDuplicate },
    });
    // The first session gets no further than this chunk.
    const session = await connectSession({ db: dbConfig(target) });
    await new CopyMeta(config).prepare(session);
    const meta = `${config.metaSchema}.${config.task}_load_chunk`;
    const stand = await standStill(target, {
      table: meta,
      event: 'UPDATE',
      when: "NEW.chunk = 25 AND NEW.state = 'loaded'",
    });
    const first = copy(config, 1, folder);
    await stand.reached();
    const [done] = await target.query(
      `SELECT COUNT(*) AS n FROM ${meta} WHERE chunk < 25 AND state = 'loaded'`,
    );
    expect(Number(done?.['n'])).toBeGreaterThanOrEqual(20);
    first.controller.abort(new Error('cut'));
    await first.end;
    await stand.release();
    // Low rows take, for a while, what high rows will have; then high rows take what low rows had.
    await source.execute(`UPDATE m.t SET u = u + 20000 WHERE id <= 300;
      UPDATE m.t SET u = u + 10000 WHERE id <= 300;
      UPDATE m.t SET u = u + 16700 WHERE id BETWEEN 3301 AND 3600;
      UPDATE m.t SET u = u - 3700, v = 1 WHERE id > 3700;
      DELETE FROM m.t WHERE id BETWEEN 301 AND 310;
      INSERT INTO m.t VALUES (9000, 301, 1, 2), (-5, 302, 1, 2);
      UPDATE m.t SET id = id - 9500 WHERE id = 9000`);
    const second = copy(config, 2, folder);
    expect(await second.end).toEqual({ outcome: 'finished' });
    const positions = await readChunkPositions(session, config);
    await session.close();
    expect(positions?.spanOf({ schema: 'm', table: 't' })).not.toBeNull();
    const running = startSyncer(config, 3);
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    await expectEqualTables(source, target, ['m.t']);
    expect(await target.query('SELECT COUNT(*) AS n FROM m.t')).toEqual([{ n: ROWS - 8 }]);
    await rm(folder, { recursive: true, force: true });
  },
);
