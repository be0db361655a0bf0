/** Checkpoints between DM and us: what DM has left is gone on from, and what we leave DM can go on from. */
import { beforeEach, describe, expect, it } from 'vitest';
import { takeOver, resetLanes } from '../../src/checkpoint/ownership.js';
import { flushCheckpoint, loadCheckpoint } from '../../src/checkpoint/points.js';
import { createMetaTables, MAIN_STREAM, metaTables } from '../../src/checkpoint/tables.js';
import { NO_LOCATION } from '../../src/model/location.js';
import { connectSession } from '../../src/mysql/connect.js';
import { dbConfig, silentLog, subtaskConfig } from '../copy/support.js';
import { available, startDatabase, startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { useTwoServers } from '../support/two-servers.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from '../sync/support.js';
import { only, Task } from '../values/support.js';

/** As DM reads it (every column, in its order). */
const DM_READS = `SELECT cp_schema, cp_table, binlog_name, binlog_pos, binlog_gtid, exit_safe_binlog_name, exit_safe_binlog_pos,
  exit_safe_binlog_gtid, table_info, is_global FROM dm_meta.c_syncer_checkpoint WHERE id = 'source-1' ORDER BY is_global DESC`;

describe('a checkpoint', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  useTwoServers((servers) => ({ source, target } = servers));
  beforeEach(async () => {
    await target.execute('DROP DATABASE IF EXISTS dm_meta');
    for (const server of [source, target]) {
      await server.execute(
        'DROP DATABASE IF EXISTS c; CREATE DATABASE c; CREATE TABLE c.t (id INT PRIMARY KEY, u INT UNIQUE, v VARCHAR(9))',
      );
    }
  });

  const place = async () => (await incremental(source, target)).meta!;
  const sync = async (epoch: number) => {
    const running = startSyncer(await incremental(source, target, only('c')), epoch);
    await untilSynced(running);
    running.syncer.end();
    await running.done;
  };
  const setPlace = ({ binlogName, binlogPos, binlogGtid }: Awaited<ReturnType<typeof place>>) =>
    target.query('UPDATE dm_meta.c_syncer_checkpoint SET binlog_name = ?, binlog_pos = ?, binlog_gtid = ?', [
      binlogName,
      binlogPos,
      binlogGtid,
    ]);

  it('that we leave is as DM writes it', async () => {
    const config = await incremental(source, target, only('c'));
    const running = startSyncer(config, 1);
    await source.execute(
      "INSERT INTO c.t VALUES (1, 1, 'a'); ALTER TABLE c.t ADD COLUMN w DECIMAL(9,2) NOT NULL DEFAULT 1.5",
    );
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    const end = await place();
    const [global, table, ...others] = await target.query(DM_READS);
    expect(others).toEqual([]);
    expect(global).toEqual({
      cp_schema: '',
      cp_table: '',
      binlog_name: end.binlogName,
      binlog_pos: end.binlogPos,
      binlog_gtid: end.binlogGtid,
      exit_safe_binlog_name: '',
      exit_safe_binlog_pos: 0,
      exit_safe_binlog_gtid: '',
      table_info: null,
      is_global: 1,
    });
    expect(table).toMatchObject({ cp_schema: 'c', cp_table: 't', binlog_name: end.binlogName, is_global: 0 });
    const info = table!['table_info'] as Record<string, unknown> & { cols: Record<string, unknown>[] };
    expect(info).toMatchObject({ name: { O: 't', L: 't' }, pk_is_handle: true, state: 5 });
    expect(info.cols.map((column) => (column['type'] as Record<string, unknown>)['Tp'])).toEqual([
      3, 3, 15, 246,
    ]);
    expect(info.cols[3]).toMatchObject({ offset: 3, default: '1.5', type: { Flen: 9, Decimal: 2 } });
  });

  it('goes to DM and comes back: what DM has applied without saving it does no harm', async () => {
    await source.execute("INSERT INTO c.t VALUES (1, 1, 'a'), (2, 2, 'b')");
    await target.execute("INSERT INTO c.t VALUES (1, 1, 'a'), (2, 2, 'b')");
    const running = startSyncer(await incremental(source, target, only('c')), 1);
    await source.execute("INSERT INTO c.t VALUES (3, 3, 'c')");
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    // DM goes on and saves its place ...
    const byDm = "INSERT INTO c.t VALUES (4, 4, 'd'); UPDATE c.t SET v = 'B' WHERE id = 2";
    await source.execute(byDm);
    await target.execute(byDm);
    await setPlace(await place());
    // ... and is killed when it has applied more than it has saved.
    const unsaved =
      "INSERT INTO c.t VALUES (5, 5, 'e'); UPDATE c.t SET id = 40, u = 40 WHERE id = 4; DELETE FROM c.t WHERE id = 1";
    await source.execute(unsaved);
    await target.execute(unsaved);
    await source.execute("INSERT INTO c.t VALUES (6, 6, 'f')");
    await sync(2);
    await expectEqualTables(source, target, ['c.t']);
    // Now it is ours again: no safe mode, nothing twice.
    await source.execute('ALTER TABLE c.t DROP PRIMARY KEY; INSERT INTO c.t VALUES (7, NULL, NULL)');
    await sync(3);
    await sync(4);
    await expectEqualTables(source, target, ['c.t']);
  });

  it('of a DM that reads from its relay log names the file of the source', async () => {
    await sync(1);
    const { binlogName, ...rest } = await place();
    await target.execute('DELETE FROM dm_meta.c_syncer_lane; DELETE FROM dm_meta.c_syncer_owner');
    await setPlace({ ...rest, binlogName: binlogName.replace(/(?=\.\d+$)/, '|000002') });
    await source.execute("INSERT INTO c.t VALUES (1, 1, 'a')");
    await sync(2);
    await expectEqualTables(source, target, ['c.t']);
  });

  it('of DM 2.0, without a place where safe mode ends', async () => {
    await sync(1);
    await target.execute(`DELETE FROM dm_meta.c_syncer_lane; DELETE FROM dm_meta.c_syncer_owner;
      ALTER TABLE dm_meta.c_syncer_checkpoint DROP COLUMN exit_safe_binlog_name, DROP COLUMN exit_safe_binlog_pos, DROP COLUMN exit_safe_binlog_gtid`);
    await source.execute("INSERT INTO c.t VALUES (1, 1, 'a')");
    await sync(2);
    await expectEqualTables(source, target, ['c.t']);
    expect(await target.query(DM_READS)).toHaveLength(2);
  });

  it('of DM 1.0 is told from others, with its place and the way out', async () => {
    await target.execute(`CREATE DATABASE dm_meta; CREATE TABLE dm_meta.c_syncer_checkpoint (id VARCHAR(32) NOT NULL, cp_schema VARCHAR(128) NOT NULL,
      cp_table VARCHAR(128) NOT NULL, binlog_name VARCHAR(128), binlog_pos INT UNSIGNED, is_global BOOLEAN, create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
      update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, UNIQUE KEY uk_id_schema_table (id, cp_schema, cp_table));
      INSERT INTO dm_meta.c_syncer_checkpoint (id, cp_schema, cp_table, binlog_name, binlog_pos, is_global) VALUES ('source-1', '', '', 'mysql-bin.000007', 1234, 1)`);
    const task = await Task.start(source, target, only('c'));
    const message = await task.failure();
    expect(message).toMatch(/^60407 .*DM 1\.0.*\(mysql-bin\.000007, 1234\)/);
    expect(message).toMatch(/incremental.*binlog-name: mysql-bin\.000007, binlog-pos: 1234.*safe-mode/);
  });

  it('is missing because DM has not finished its full copy', async () => {
    await target.execute(`CREATE DATABASE dm_meta; CREATE TABLE dm_meta.c_lightning_checkpoint_list (task_name VARCHAR(255) NOT NULL, source_name VARCHAR(255) NOT NULL,
      status VARCHAR(10) NOT NULL DEFAULT 'init', PRIMARY KEY (task_name, source_name));
      INSERT INTO dm_meta.c_lightning_checkpoint_list VALUES ('c', 'source-1', 'running'), ('c', 'source-2', 'finished')`);
    const task = await Task.start(source, target, only('c'));
    expect(await task.failure()).toMatch(/^60408 .*has begun the full copy.*--remove-meta/);
    await target.execute(
      "UPDATE dm_meta.c_lightning_checkpoint_list SET status = 'init' WHERE source_name = 'source-1'",
    );
    const again = await Task.start(source, target, only('c'));
    await again.untilSynced();
    await again.stop();
  });

  it('holds places beyond 4 GB, which DM has no room for', async () => {
    const session = await connectSession({ db: dbConfig(target) });
    try {
      const tables = metaTables(subtaskConfig(source, target, { task: 'c' }));
      await createMetaTables(session, tables);
      const key = { tables, sourceId: 'source-1', stream: MAIN_STREAM };
      const far = { name: 'mysql-bin.000002', pos: 5_000_000_123, gtidSet: '' };
      const taken = await takeOver(session, key, 1, 2, silentLog);
      const owner = await resetLanes(session, taken, 2, { ...far, gtid: '', row: 0 });
      const flush = { changed: [], dropped: [] };
      await flushCheckpoint(session, owner, { ...flush, location: far, safeModeExit: NO_LOCATION });
      expect(await loadCheckpoint(session, tables, 'source-1')).toMatchObject({
        global: far,
        foreign: false,
      });
      const [row] = await target.query(DM_READS);
      expect(row).toMatchObject({ binlog_pos: 4294967295 });
      await flushCheckpoint(session, owner, { ...flush, location: { ...far, pos: 99 }, safeModeExit: far });
      const saved = await loadCheckpoint(session, tables, 'source-1');
      expect(saved?.global.pos).toBe(99);
      expect(saved?.safeModeExit.pos).toBeGreaterThanOrEqual(far.pos);
    } finally {
      await session.close();
    }
  });
});

it('meta tables are made on a target that demands primary keys', async (context) => {
  const state = await available('mysql-9.7');
  if (!state.ok) return context.skip(`missing: ${state.missing}`);
  await using source = await startMariaDb();
  await using target = await startDatabase('mysql-9.7', { settings: ['sql_require_primary_key=ON'] });
  await source.execute(
    'CREATE DATABASE c; CREATE TABLE c.t (id INT PRIMARY KEY); INSERT INTO c.t VALUES (1)',
  );
  const task = await Task.start(source, target, only('c'));
  await task.untilSynced();
  await source.execute('INSERT INTO c.t VALUES (2); CREATE TABLE c.u (id INT PRIMARY KEY)');
  await task.untilSynced();
  await task.stop();
  await expectEqualTables(source, target, ['c.t', 'c.u']);
  const without =
    await target.query(`SELECT table_name AS t FROM information_schema.tables AS a WHERE table_schema = 'dm_meta' AND NOT EXISTS
    (SELECT 1 FROM information_schema.statistics AS s WHERE s.table_schema = a.table_schema AND s.table_name = a.table_name AND s.index_name = 'PRIMARY')`);
  expect(without).toEqual([]);
});
