/** DDL on the target as the source ran it, and one at a time whoever takes over. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metaTables } from '../../src/checkpoint/tables.js';
import { connectSession } from '../../src/mysql/connect.js';
import type { Session } from '../../src/mysql/session.js';
import { withDdlLock } from '../../src/sync/ddl/ddl-lock.js';
import { collectingLog, dbConfig, silentLog, subtaskConfig } from '../copy/support.js';
import { startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { waitFor } from '../support/wait-for.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from './support.js';

describe('DDL', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  beforeAll(async () => {
    [source, target] = await Promise.all([startMariaDb(), startMariaDb()]);
  });
  afterAll(async () => {
    await source?.stop();
    await target?.stop();
  });

  it('runs with the sql_mode, clock and time zone of the source', async () => {
    const create =
      'CREATE DATABASE s; CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(20), at TIMESTAMP NULL);' +
      " INSERT INTO s.t VALUES (1, 'a long text', '2020-01-01 00:00:00'), (2, NULL, NULL)";
    await source.execute(create);
    await target.execute(create);
    const config = await incremental(source, target, {
      blockAllow: { doDbs: ['s'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    const writer = await source.connect({ database: 's' });
    try {
      await writer.query("SET sql_mode='', time_zone='+05:30', timestamp=1600000000.123456");
      await writer.query('ALTER TABLE t MODIFY v VARCHAR(3) NOT NULL');
      await writer.query('ALTER TABLE t ADD COLUMN d DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)');
      await writer.query('ALTER TABLE t ADD COLUMN z TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP');
      await writer.query("ALTER TABLE t ADD COLUMN l TIMESTAMP NOT NULL DEFAULT '2021-01-01 00:00:00'");
      await writer.query('ALTER TABLE t MODIFY at DATETIME');
      await writer.query("SET time_zone='SYSTEM', sql_mode='ANSI_QUOTES,STRICT_TRANS_TABLES'");
      await writer.query('ALTER TABLE t ADD COLUMN "s" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP');
      await writer.query("INSERT INTO t (id, v) VALUES (3, 'c')");
    } finally {
      await writer.end();
    }
    const running = startSyncer(config, 1);
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    const [row] = await target.query('SELECT v, d FROM s.t WHERE id=1');
    expect(row).toEqual({ v: 'a l', d: '2020-09-13 17:56:40.123456' });
    await expectEqualTables(source, target, ['s.t']);
  });

  describe('under its lock', () => {
    const key = (server: DatabaseServer) => ({
      tables: metaTables(subtaskConfig(server, server)),
      sourceId: 's',
      stream: 'main',
    });
    const connect = (): Promise<Session> => connectSession({ db: dbConfig(target) });

    it('waits for the statement of another owner, however long it takes', async () => {
      const [old, fresh] = [await connect(), await connect()];
      const blocker = await target.connect();
      await blocker.query("SELECT GET_LOCK('slow', 0)");
      const order: string[] = [];
      const slow = withDdlLock(old, key(target), silentLog, async () => {
        await old.execute("CREATE TABLE s.slow AS SELECT GET_LOCK('slow', 3600) AS a");
        order.push('old');
      });
      const running = "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'CREATE%GET_LOCK%'";
      await waitFor(async () => (await target.query(running)).length > 0, {
        what: 'the slow statement to run',
      });
      const log = collectingLog();
      const next = withDdlLock(fresh, key(target), log, () => {
        order.push('new');
        return Promise.resolve();
      });
      await waitFor(() => log.lines.some((line) => line.includes('still running')), {
        what: 'the new owner to wait',
      });
      await blocker.end();
      await Promise.all([slow, next]);
      expect(order).toEqual(['old', 'new']);
      await Promise.all([old.close(), fresh.close()]);
    });

    it('kills a holder that does nothing', async () => {
      const [frozen, fresh] = [await connect(), await connect()];
      const log = collectingLog();
      let holds: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (holds = resolve));
      const never = withDdlLock(frozen, key(target), silentLog, () => {
        holds();
        return new Promise<void>(() => undefined);
      });
      never.catch(() => undefined);
      await held;
      await withDdlLock(fresh, key(target), log, () => Promise.resolve());
      expect(log.lines.join()).toContain('still running');
      await fresh.close();
    });
  });
});
