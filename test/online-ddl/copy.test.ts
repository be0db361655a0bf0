/** Tools at work while the full copy is made: every place of the swap is before or after the table's copy. */
import { expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import { useTwoServers } from '../support/two-servers.js';
import { waitFor } from '../support/wait-for.js';
import { expectEqualTables } from '../sync/support.js';
import { Task } from '../values/support.js';
import { ghostBegin, ghostCopy, ghostEnd, ONLINE, SCHEMA } from './support.js';

let source: DatabaseServer;
let target: DatabaseServer;
useTwoServers((servers) => ({ source, target } = servers));

const TABLES = ['a', 'b', 'c', 'd'];

it('leaves ghost and trash tables out, and changes each table once', async () => {
  const create = TABLES.map(
    (table) => `CREATE TABLE ${table} (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100));
      INSERT INTO ${table} (v) SELECT REPEAT('${table}', 50) FROM seq_1_to_2000`,
  );
  await source.execute(
    `CREATE DATABASE ${SCHEMA}; USE ${SCHEMA}; ${create.join(';')};
     CREATE TABLE _z_gho (id INT PRIMARY KEY); CREATE TABLE _z_old (id INT PRIMARY KEY); INSERT INTO _z_old VALUES (1)`,
  );
  const task = await Task.start(source, target, { task: 'copied', ...ONLINE });
  // Not before the copy's place in the binlog: what a tool changed before it is not known to a task.
  const loaded = `SELECT 1 FROM information_schema.tables t WHERE table_schema='dm_meta' AND table_name='copied_load_chunk'`;
  await waitFor(
    async () =>
      (await target.query(loaded)).length > 0 &&
      (await target.query("SELECT 1 FROM dm_meta.copied_load_chunk WHERE state='loaded'")).length > 0,
    { what: 'a chunk to be loaded', intervalMs: 2 },
  );
  for (const table of TABLES) {
    const statements = [
      ...ghostBegin(table, 'ADD COLUMN n INT NOT NULL DEFAULT 4'),
      ...ghostCopy(table, 'id, v'),
      ...ghostEnd(table),
      `INSERT INTO ${SCHEMA}.${table} (v, n) VALUES ('after', 5)`,
      `UPDATE ${SCHEMA}.${table} SET n = 6 WHERE id = 3`,
    ];
    for (const sql of statements) await source.execute(sql);
  }
  await task.untilSynced();
  await task.stop();
  await expectEqualTables(
    source,
    target,
    TABLES.map((table) => `${SCHEMA}.${table}`),
  );
  const tables = await target.query(`SHOW TABLES FROM ${SCHEMA}`);
  expect(tables.map((row) => Object.values(row)[0])).toEqual(TABLES);
  expect(await target.query('SELECT * FROM dm_meta.copied_onlineddl')).toEqual([]);
});
