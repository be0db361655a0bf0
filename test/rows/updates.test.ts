/** Updates that become one INSERT .. ON DUPLICATE KEY UPDATE do what UPDATE does, nothing else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { collectingLog } from '../copy/support.js';
import { describeWith, startDatabase } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from '../sync/support.js';

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

  async function prepare(create: string, filled: string): Promise<SubtaskConfig> {
    await target.execute('DROP DATABASE IF EXISTS dm_meta');
    for (const server of [source, target]) {
      await server.execute(`DROP DATABASE IF EXISTS r; CREATE DATABASE r; USE r; ${create}; ${filled}`);
    }
    const config = await incremental(source, target, {
      blockAllow: { doDbs: ['r'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    // One lane and one packet a transaction: what is merged is then known.
    return { ...config, sync: { ...config.sync, workerCount: 1 } };
  }

  /** Runs until all is applied; the lines that were logged. */
  async function run(config: SubtaskConfig): Promise<string[]> {
    const log = collectingLog();
    const running = startSyncer(config, 1, log);
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    return log.lines;
  }

  async function updatesRun(server: DatabaseServer): Promise<number> {
    const [row] = await server.query("SHOW GLOBAL STATUS LIKE 'Com_update'");
    return Number(row?.['Value']);
  }

  const numbers = (count: number, tuple: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => tuple(i + 1)).join(',');

  it('merges what changes the same columns, over keys of any shape', async () => {
    const config = await prepare(
      `CREATE TABLE a (id INT PRIMARY KEY, k INT, u VARCHAR(30) UNIQUE, g INT AS (k * 2) STORED,
         v INT AS (k + 1) VIRTUAL UNIQUE, at TIMESTAMP(3) NULL ON UPDATE CURRENT_TIMESTAMP(3), t TEXT NOT NULL);
       CREATE TABLE b (v INT, y VARCHAR(20) NOT NULL, x DECIMAL(10,2) NOT NULL, z BLOB, PRIMARY KEY (x, y), KEY (v));
       CREATE TABLE c (o INT NULL, e ENUM('p','q') NOT NULL, d DATETIME(6) NOT NULL, UNIQUE (d), UNIQUE (o, e))`,
      `INSERT INTO a (id, k, u, t) VALUES ${numbers(300, (i) => `(${i}, ${i}, CONCAT('u', ${i}), 'text')`)};
       INSERT INTO b VALUES ${numbers(300, (i) => `(${i}, CONCAT('y', ${i}), ${i}.5, x'00ff27')`)};
       INSERT INTO c VALUES ${numbers(300, (i) => `(${i}, 1 + ${i} % 2, '2020-01-01 00:00:00' + INTERVAL ${i} SECOND)`)}`,
    );
    await source.execute(`UPDATE r.a SET k = k + 1000;
      UPDATE r.a SET t = CONCAT(t, '''\\\\'), at = NULL WHERE id % 2 = 0;
      UPDATE r.a SET u = CONCAT(u, 'x');
      UPDATE r.a SET id = id + 1000 WHERE id > 250;
      UPDATE r.b SET v = NULL, z = UNHEX(CONCAT('00', HEX(y))) WHERE v % 3 = 0;
      UPDATE r.b SET v = v * 2;
      UPDATE r.c SET e = 3 - e;
      UPDATE r.c SET o = NULL WHERE o > 100`);
    const before = await updatesRun(target);
    const lines = await run(config);
    await expectEqualTables(source, target, ['r.a', 'r.b', 'r.c']);
    expect(lines.filter((line) => line.includes('fewer rows'))).toEqual([]);
    // Far fewer than the 2,000 rows that changed; each packet has one for the lane's position.
    expect((await updatesRun(target)) - before).toBeLessThan(300);
  });

  it('sets values of every kind that it merges by CASE, with keys that come again', async () => {
    const config = await prepare(
      `CREATE TABLE d (id INT PRIMARY KEY, n BIGINT, s SMALLINT UNSIGNED, m DECIMAL(12,3), t VARCHAR(50) CHARSET latin1,
         w TEXT CHARSET utf8mb4, at DATETIME(6), ts TIMESTAMP(3) NULL ON UPDATE CURRENT_TIMESTAMP(3), d DATE,
         ti TIME(2), u BIGINT UNSIGNED, e ENUM('p','q'), f DOUBLE, x BLOB, g INT AS (s + 1) STORED, KEY (n), UNIQUE (u))`,
      `INSERT INTO d (id, n, s, m, t, w, at, d, ti, u, e, f, x) VALUES ${numbers(300, (i) => {
        const second = `2020-01-01 00:00:00' + INTERVAL ${i} SECOND`;
        return `(${i - 150}, ${i}, ${i}, ${i}.125, 't${i}', 'w', '${second}, '2021-01-01' + INTERVAL ${i} DAY, SEC_TO_TIME(${i * 61}), ${i}, ${1 + (i % 2)}, ${i} / 3, 'x')`;
      })}`,
    );
    await source.execute(`UPDATE r.d SET n = -n;
      UPDATE r.d SET n = IF(id % 3 = 0, NULL, 9223372036854775806), s = 65535 - s, ts = IF(id % 5 = 0, NULL, at);
      UPDATE r.d SET m = -m * 1000, t = CONCAT(t, 'é''\\\\'), w = CONCAT(id, CONVERT(x'F09F9880' USING utf8mb4), ' ');
      UPDATE r.d SET at = at + INTERVAL id MICROSECOND, d = IF(id = 7, NULL, d - INTERVAL 1 DAY), ti = -ti;
      UPDATE r.d SET u = u + 18446744073709551000 WHERE id > 0;
      UPDATE r.d SET e = 3 - e, f = f * 2, x = UNHEX('00ff27'), n = id;
      BEGIN; ${'UPDATE r.d SET n = n + 1 WHERE id BETWEEN 1 AND 5; UPDATE r.d SET n = n * 2 WHERE id = 3;'.repeat(40)} COMMIT`);
    const before = await updatesRun(target);
    const lines = await run(config);
    await expectEqualTables(source, target, ['r.d']);
    expect(lines.filter((line) => line.includes('fewer rows'))).toEqual([]);
    expect((await updatesRun(target)) - before).toBeLessThan(700);
  });

  it('tells of a row that is missing where it merges by CASE', async () => {
    const config = await prepare(
      'CREATE TABLE a (id INT PRIMARY KEY, k INT, u INT UNIQUE)',
      `INSERT INTO a VALUES ${numbers(50, (i) => `(${i}, ${i}, ${i})`)}`,
    );
    await target.execute('DELETE FROM r.a WHERE id IN (7, 8); INSERT INTO r.a VALUES (99, 99, 8)');
    await source.execute('UPDATE r.a SET k = k + 1');
    const lines = await run(config);
    const found = lines.filter((line) => line.includes('fewer rows')).join('\n');
    expect(found).toMatch(/UPDATE `r`\.`a` SET `k`=/);
    await source.execute('DELETE FROM r.a WHERE id IN (7, 8); INSERT INTO r.a VALUES (99, 99, 8)');
    await expectEqualTables(source, target, ['r.a']);
  });

  it('inserts no row that is missing, and leaves the holder of its unique value alone', async () => {
    const config = await prepare(
      'CREATE TABLE a (id DECIMAL(5) PRIMARY KEY, k INT, u INT UNIQUE)',
      `INSERT INTO a VALUES ${numbers(50, (i) => `(${i}, ${i}, ${i})`)}`,
    );
    await target.execute('DELETE FROM r.a WHERE id IN (7, 8, 50); INSERT INTO r.a VALUES (99, 99, 8)');
    await source.execute(`BEGIN; INSERT INTO r.a VALUES (60, 60, 60), (61, 61, 61);
      UPDATE r.a SET k = k + 1; UPDATE r.a SET k = k + 1 WHERE id IN (7, 50); DELETE FROM r.a WHERE id = 61;
      UPDATE r.a SET k = 5 WHERE id < 3; COMMIT; UPDATE r.a SET k = 6 WHERE id < 3`);
    const lines = await run(config);
    expect(lines.filter((line) => line.includes('fewer rows')).join('\n')).toMatch(
      /`r`\.`a`.*\(7\) \(8\) \(50\)/,
    );
    await source.execute('DELETE FROM r.a WHERE id IN (7, 8, 50); INSERT INTO r.a VALUES (99, 99, 8)');
    await expectEqualTables(source, target, ['r.a']);
  });

  it('takes rows that are as they should be already for done', async () => {
    const config = await prepare(
      'CREATE TABLE a (id INT PRIMARY KEY, k INT)',
      `INSERT INTO a VALUES ${numbers(50, (i) => `(${i}, ${i})`)}`,
    );
    await target.execute('UPDATE r.a SET k = k + 1 WHERE id % 2 = 0');
    await source.execute('UPDATE r.a SET k = k + 1');
    const lines = await run(config);
    expect(lines.filter((line) => line.includes('fewer rows'))).toEqual([]);
    await expectEqualTables(source, target, ['r.a']);
  });

  it('fires the triggers of UPDATE and no other', async () => {
    const config = await prepare(
      'CREATE TABLE a (id INT PRIMARY KEY, k INT); CREATE TABLE seen (what VARCHAR(10))',
      `INSERT INTO a VALUES ${numbers(50, (i) => `(${i}, ${i})`)}`,
    );
    for (const what of ['INSERT', 'UPDATE']) {
      await target.execute(
        `CREATE TRIGGER r.${what}_a BEFORE ${what} ON r.a FOR EACH ROW INSERT INTO r.seen VALUES ('${what}')`,
      );
    }
    await source.execute('UPDATE r.a SET k = k + 1');
    await run(config);
    expect(await target.query('SELECT what, COUNT(*) AS n FROM r.seen GROUP BY what')).toEqual([
      { what: 'UPDATE', n: 50 },
    ]);
  });
}

describe('updates into MariaDB', () => cases('mariadb-10.11'));
await describeWith('mysql-9.7', 'updates into MySQL', () => cases('mysql-9.7'));
