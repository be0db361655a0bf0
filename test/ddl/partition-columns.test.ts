/** Partitions by generated columns: MySQL has some that MariaDB takes as RANGE COLUMNS and LIST COLUMNS only. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { collectingLog } from '../copy/support.js';
import { startDatabase } from '../servers/availability.js';
import { describeWith } from '../servers/describe-with.js';
import type { DatabaseServer } from '../servers/database.js';
import { expectEqualTables } from '../sync/support.js';
import { only, Task } from '../values/support.js';

const BY_RANGE =
  'PARTITION BY RANGE (g) (PARTITION p0 VALUES LESS THAN (5), PARTITION pm VALUES LESS THAN MAXVALUE)';
const BY_LIST =
  'PARTITION BY LIST (g) (PARTITION p0 VALUES IN (1, 2, NULL), PARTITION pm VALUES IN (3, 4, 5))';
const TABLE = '(id INT, c BIGINT UNSIGNED, g BIGINT AS (CAST(c AS SIGNED) % 17) STORED)';
const ROWS = 'VALUES (1, 1), (2, 4), (3, 5), (4, 20), (5, NULL)';

await describeWith('mysql-9.7', 'RANGE and LIST of generated columns', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  beforeAll(async () => {
    [source, target] = await Promise.all([startDatabase('mysql-9.7'), startDatabase('mariadb-10.11')]);
  }, 60_000);
  afterAll(() => Promise.all([source?.stop(), target?.stop()]));

  /** Numbers of the rows in each partition. */
  const content = (server: DatabaseServer, table: string, partitions: readonly string[]) =>
    Promise.all(
      partitions.map((one) => server.query(`SELECT id FROM p.${table} PARTITION (${one}) ORDER BY id`)),
    );

  it('have the same rows in each partition: copied, created and altered', async () => {
    const log = collectingLog();
    await source.execute(
      `CREATE DATABASE p; USE p; CREATE TABLE a ${TABLE} ${BY_RANGE}; INSERT INTO a (id, c) ${ROWS}; CREATE TABLE e ${TABLE} ${BY_LIST}`,
    );
    const task = await Task.start(source, target, only('p'), { log });
    await task.untilSynced();
    await source.execute(`INSERT INTO a (id, c) VALUES (6, 3), (7, 12); INSERT INTO e (id, c) ${ROWS};
      CREATE TABLE b ${TABLE} ${BY_LIST}; INSERT INTO b (id, c) ${ROWS};
      CREATE TABLE c ${TABLE}; INSERT INTO c (id, c) ${ROWS}; ALTER TABLE c ${BY_RANGE};
      ALTER TABLE c REORGANIZE PARTITION pm INTO (PARTITION p2 VALUES LESS THAN (6), PARTITION pm VALUES LESS THAN MAXVALUE);
      ALTER TABLE a TRUNCATE PARTITION pm; ALTER TABLE e DROP PARTITION p0`);
    await task.untilSynced();
    await task.stop();
    await expectEqualTables(
      source,
      target,
      ['a', 'b', 'c', 'e'].map((table) => `p.${table}`),
    );
    for (const [table, partitions] of [
      ['a', ['p0', 'pm']],
      ['b', ['p0', 'pm']],
      ['c', ['p0', 'p2', 'pm']],
      ['e', ['pm']],
    ] as const) {
      expect(await content(target, table, partitions)).toEqual(await content(source, table, partitions));
    }
    expect(log.lines.filter((line) => line.includes('only as COLUMNS'))).toHaveLength(4);
  });
});
