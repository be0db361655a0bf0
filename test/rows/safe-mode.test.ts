/** Safe mode: changes that the target has already do no harm, and what a REPLACE costs is told. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { collectingLog } from '../copy/support.js';
import { describeWith, startDatabase } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from '../sync/support.js';
import { waitFor } from '../support/wait-for.js';

type Kind = 'mariadb-10.11' | 'mysql-9.7';

function cases(targetKind: Kind): void {
  let source: DatabaseServer;
  let target: DatabaseServer;

  beforeAll(async () => {
    [source, target] = await Promise.all([startDatabase('mariadb-10.11'), startDatabase(targetKind)]);
  });
  afterAll(async () => {
    await source?.stop();
    await target?.stop();
  });

  const TABLES = `CREATE TABLE k (id INT PRIMARY KEY, v INT);
    CREATE TABLE u (id INT PRIMARY KEY, a INT, b INT, v INT, UNIQUE (a), UNIQUE (a, b))`;
  const BOTH = ['r.k', 'r.u'];

  async function prepare(sync: Partial<SubtaskConfig['sync']>): Promise<SubtaskConfig> {
    await target.execute('DROP DATABASE IF EXISTS dm_meta');
    for (const server of [source, target]) {
      await server.execute(`DROP DATABASE IF EXISTS r; CREATE DATABASE r; USE r; ${TABLES};
        INSERT INTO k SELECT * FROM (SELECT 1 AS a, 1 AS b UNION SELECT 2, 2 UNION SELECT 3, 3) x;
        INSERT INTO u VALUES (1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3, 3), (4, NULL, 4, 4)`);
    }
    const config = await incremental(source, target, {
      blockAllow: { doDbs: ['r'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    return { ...config, sync: { ...config.sync, ...sync } };
  }

  const CHANGES = `USE r; INSERT INTO k VALUES (10, 10), (11, 11); UPDATE k SET v = v + 1; DELETE FROM k WHERE id = 2;
    UPDATE k SET id = id + 100 WHERE id < 10; INSERT INTO u VALUES (10, 10, 10, 10), (11, NULL, 1, 1);
    UPDATE u SET a = NULL WHERE id = 2; UPDATE u SET a = 2 WHERE id = 3; UPDATE u SET v = v + 1;
    BEGIN; DELETE FROM u WHERE id = 10; INSERT INTO u VALUES (12, 10, 10, 12); COMMIT;
    UPDATE u SET id = 20 WHERE id = 1; DELETE FROM u WHERE id = 4`;

  it('applies a part of the binlog that the target holds already, also over a crash', async () => {
    const config = await prepare({ safeMode: true });
    await source.execute(CHANGES);
    await target.execute(CHANGES);
    const log = collectingLog();
    const first = startSyncer(config, 1, log);
    await waitFor(async () => (await target.query('SELECT 1 FROM r.k WHERE id = 101')).length > 0, {
      what: 'the first changes',
    });
    first.syncer.destroy();
    await first.done.catch(() => undefined);
    const second = startSyncer(config, 2, log);
    await untilSynced(second);
    second.syncer.end();
    await second.done;
    await expectEqualTables(source, target, BOTH);
    expect(log.lines.filter((line) => line.includes('fewer rows'))).toEqual([]);
  });

  it('is on for the time that the start of the task says', async () => {
    const config = await prepare({ safeModeTimeMs: 3_600_000 });
    await source.execute(CHANGES);
    await target.execute(CHANGES);
    const running = startSyncer(config, 1);
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    await expectEqualTables(source, target, BOTH);
  });

  it('tells of rows that it has removed for a unique value, with table and statement', async () => {
    const config = await prepare({ safeMode: true, workerCount: 1 });
    await target.execute('INSERT INTO r.u VALUES (90, 50, 1, 1), (91, 51, 1, 1), (92, 52, 1, 1)');
    const log = collectingLog();
    const running = startSyncer(config, 1, log);
    await source.execute(
      `INSERT INTO r.u VALUES (5, 50, 1, 1), (6, 60, 1, 1); UPDATE r.u SET a = 51 WHERE id = 3`,
    );
    await untilSynced(running);
    expect((await running.syncer.status()).replacedRows).toEqual([{ table: '`r`.`u`', rows: 2 }]);
    const warned = log.lines.filter((line) => line.includes('safe mode has removed'));
    expect(warned).toHaveLength(2);
    expect(warned[0]).toMatch(/`r`\.`u`.*REPLACE INTO `r`\.`u` .*VALUES \(5,50,1,1\)/);
    running.syncer.end();
    await running.done;
    expect(await target.query('SELECT id FROM r.u WHERE id > 80')).toEqual([{ id: 92 }]);
  });

  it('says nothing of it where no row of another key is removed', async () => {
    const config = await prepare({ safeMode: true });
    const running = startSyncer(config, 1);
    await source.execute(CHANGES);
    await untilSynced(running);
    expect(await running.syncer.status()).not.toHaveProperty('replacedRows');
    running.syncer.end();
    await running.done;
    await expectEqualTables(source, target, BOTH);
  });
}

describe('safe mode into MariaDB', () => cases('mariadb-10.11'));
await describeWith('mysql-9.7', 'safe mode into MySQL', () => cases('mysql-9.7'));
