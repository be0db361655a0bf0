/** Collations: what a source fills in by itself (strict), and what a target has under another name. */
import { readFile } from 'node:fs/promises';
import { afterAll, expect, it } from 'vitest';
import { parseTaskConfig } from '../../src/config/task-config.js';
import type { DatabaseKind } from '../servers/availability.js';
import type { DatabaseServer } from '../servers/database.js';
import { expectEqualTables } from '../sync/support.js';
import { only, Servers, Task } from './support.js';

const servers = new Servers();
afterAll(() => servers.stop());

/** The setting as docs/values.md shows it. */
async function documented(): Promise<'strict' | 'loose'> {
  const page = await readFile(new URL('../../docs/values.md', import.meta.url), 'utf8');
  const example = /```yaml\n(collation_compatible:[^`]*)```/.exec(page)![1];
  const head =
    'name: s\ntask-mode: all\ntarget-database: { host: h, user: root }\nmysql-instances: [{ source-id: a }]\n';
  return parseTaskConfig(head + example, 'task.yaml').collationCompatible;
}

async function collations(server: DatabaseServer): Promise<unknown> {
  const tables = await server.query(
    `SELECT table_name AS t, table_collation AS c FROM information_schema.tables WHERE table_schema = 's' ORDER BY 1`,
  );
  const columns = await server.query(
    `SELECT table_name AS t, column_name AS n, collation_name AS c FROM information_schema.columns
     WHERE table_schema = 's' AND collation_name IS NOT NULL ORDER BY 1, 2`,
  );
  const schema = await server.query(
    `SELECT default_collation_name AS c FROM information_schema.schemata WHERE schema_name = 's'`,
  );
  return { tables, columns, schema };
}

const BEFORE = `DROP DATABASE IF EXISTS s; CREATE DATABASE s;
  CREATE TABLE s.copied (id INT PRIMARY KEY, v VARCHAR(9), l VARCHAR(9) CHARACTER SET latin1, b VARCHAR(9) COLLATE utf8mb4_bin);
  INSERT INTO s.copied VALUES (1, 'ä', 'ä', 'ä')`;

const AFTER = `CREATE TABLE s.plain (id INT PRIMARY KEY, v VARCHAR(9));
  CREATE TABLE s.own (id INT PRIMARY KEY, v VARCHAR(9), l VARCHAR(9) CHARACTER SET latin1) DEFAULT CHARSET = utf8mb4;
  ALTER TABLE s.own ADD COLUMN g VARCHAR(9) CHARACTER SET gbk AFTER id;
  CREATE TABLE s.turned (id INT PRIMARY KEY, v VARCHAR(9)) CHARSET latin1; ALTER TABLE s.turned CONVERT TO CHARACTER SET utf8mb4;
  INSERT INTO s.own VALUES (1, '中', 'ä', 'ä'); INSERT INTO s.plain VALUES (1, '中')`;

it.for<[DatabaseKind, DatabaseKind]>([
  ['mysql-9.7', 'mysql-9.7'],
  ['mariadb-10.11', 'mariadb-10.11'],
])(
  'strict: every collation of %s is the same on %s, whose own defaults are others',
  async ([kind, targetKind], context) => {
    const from = await servers.get(kind, 'source');
    const to = await servers.get(targetKind, 'target');
    if ('missing' in from) return context.skip(from.missing);
    if ('missing' in to) return context.skip(to.missing);
    await to.execute(
      'SET GLOBAL collation_server = latin2_general_ci; DROP DATABASE IF EXISTS s; DROP DATABASE IF EXISTS dm_meta',
    );
    const session = await from.connect();
    try {
      await from.execute(BEFORE);
      const collationCompatible = await documented();
      const task = await Task.start(from, to, { ...only('s'), collationCompatible });
      await task.untilSynced();
      await session.query(AFTER);
      await task.untilSynced();
      expect(await collations(to)).toEqual(await collations(from));
      await expectEqualTables(from, to, ['s.copied', 's.own', 's.plain']);
      // A database that is made on the way, in a session whose server collation is another one.
      await session.query(
        'SET SESSION collation_server = utf8mb4_unicode_520_ci; DROP DATABASE s; CREATE DATABASE s',
      );
      await session.query(AFTER);
      await task.untilSynced();
      expect(await collations(to)).toEqual(await collations(from));
      await task.stop();
    } finally {
      await session.end();
      await to.execute('SET GLOBAL collation_server = utf8mb4_general_ci');
    }
  },
);

it.for(['loose', 'strict'] as const)(
  '%s: collations of MySQL 8 and later become their nearest on MariaDB',
  async (mode, context) => {
    const from = await servers.get('mysql-9.7', 'source');
    const to = await servers.get('mariadb-10.11', 'target');
    if ('missing' in from) return context.skip(from.missing);
    if ('missing' in to) return context.skip(to.missing);
    await to.execute('DROP DATABASE IF EXISTS s; DROP DATABASE IF EXISTS dm_meta');
    await from.execute(BEFORE);
    const task = await Task.start(from, to, { ...only('s'), collationCompatible: mode });
    await task.untilSynced();
    await from.execute(`CREATE TABLE s.t (id INT PRIMARY KEY, a VARCHAR(9) COLLATE utf8mb4_0900_ai_ci, b VARCHAR(9) COLLATE utf8mb4_0900_bin,
    c VARCHAR(9) COLLATE utf8mb4_de_pb_0900_as_cs, g VARCHAR(9) AS (a COLLATE utf8mb4_0900_as_ci) STORED NOT NULL) COLLATE = utf8mb4_0900_as_cs;
    ALTER TABLE s.t CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci; INSERT INTO s.t (id, a, b, c) VALUES (1, 'ä', 'B', 'ß')`);
    await task.untilSynced();
    await task.stop();
    await expectEqualTables(from, to, ['s.t', 's.copied']);
    const found = await to.query(
      "SELECT collation_name AS c FROM information_schema.columns WHERE table_schema = 's' AND table_name = 't' AND column_name = 'a'",
    );
    expect(found).toEqual([{ c: 'utf8mb4_uca1400_nopad_ai_ci' }]);
  },
);
