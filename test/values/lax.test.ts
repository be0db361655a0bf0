/** Values that a lax source has taken go into strict targets as they are; and what `session` of the target says. */
import { afterAll, describe, expect, it } from 'vitest';
import { dbConfig } from '../copy/support.js';
import type { DatabaseKind } from '../servers/availability.js';
import { expectEqualTables } from '../sync/support.js';
import { only, Servers, Task } from './support.js';

const servers = new Servers();
afterAll(() => servers.stop());

const TABLE = `CREATE TABLE l.t (id INT PRIMARY KEY, d DATE NOT NULL, dt DATETIME NOT NULL, ts TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00', y YEAR NOT NULL, t TIME(6) NOT NULL,
    e ENUM('a','b') NOT NULL, s SET('x','y') NOT NULL, n TINYINT UNSIGNED NOT NULL, v VARCHAR(3) NOT NULL, f FLOAT NOT NULL, db DOUBLE NOT NULL,
    de DECIMAL(65,30) NOT NULL, bi BIT(64) NOT NULL, j JSON, g GEOMETRY, lt LONGTEXT)`;

/** Without strictness: cut, clipped, zeroed. */
const rows = (from: number) => `INSERT IGNORE INTO l.t VALUES
  (${from}, '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', 0, '-838:59:58.000001', 'none', 'x,none', -5, 'long text', -0e0, -0e0, -1e-30, 0, '{"a": [1, 1.5, "\\\\u4e2d", null, {}]}', NULL, NULL),
  (${from + 1}, '2024-02-31', '2024-00-00 10:00:00', '2001-02-03 04:05:06', 2155, '838:59:59', '', '', 999, 'é😀中文', 3.4028234e38, 1.7976931348623157e308, 1e80, x'ffffffffffffffff', '-0.0', ST_GeomFromText('POINT(1 2)'), REPEAT('ä\\\\\\'"', 100000)),
  (${from + 2}, 'nonsense', '10000-01-01', '1960-01-01', 99, '00:00:00.000001', 'b', 'y,x', 'text', '', 1.17549435e-38, 5e-324, -1e80, 1, '"x"', ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 0), '')`;

describe.for<[DatabaseKind, DatabaseKind]>([
  ['mariadb-10.11', 'mariadb-10.11'],
  ['mariadb-10.11', 'mysql-9.7'],
  ['mysql-9.7', 'mariadb-10.11'],
  ['mysql-9.7', 'mysql-9.7'],
])('from %s to %s', ([kind, targetKind]) => {
  it('zero dates, no members, clipped numbers and cut texts', async (context) => {
    const from = await servers.get(kind, 'source');
    const to = await servers.get(targetKind, 'target');
    if ('missing' in from) return context.skip(from.missing);
    if ('missing' in to) return context.skip(to.missing);
    for (const server of [from, to]) await server.execute('DROP DATABASE IF EXISTS l');
    await to.execute('DROP DATABASE IF EXISTS dm_meta');
    const session = await from.connect();
    try {
      await session.query(
        "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'; CREATE DATABASE l CHARACTER SET utf8mb4",
      );
      await session.query(TABLE);
      await session.query(rows(1));
      const task = await Task.start(from, to, only('l'));
      await task.untilSynced();
      await session.query(rows(11));
      await session.query("UPDATE l.t SET d = '2024-04-31', n = 300, e = 'q', v = 'cut here' WHERE id = 2");
      await session.query('ALTER TABLE l.t DROP PRIMARY KEY');
      await session.query(
        "UPDATE l.t SET n = 7 WHERE id = 1; DELETE FROM l.t WHERE id = 13; UPDATE l.t SET s = '' WHERE id = 12",
      );
      await task.untilSynced();
      await task.stop();
    } finally {
      await session.end();
    }
    await expectEqualTables(from, to, ['l.t']);
    const zero =
      'SELECT id, e + 0 AS e, CAST(d AS CHAR) AS d, CAST(y AS CHAR) AS y FROM l.t WHERE id IN (1, 11) ORDER BY id';
    expect(await to.query(zero)).toEqual(await from.query(zero));
  });
});

describe('`session` of the target', () => {
  it.for<DatabaseKind>(['mariadb-10.11', 'mysql-9.7'])(
    'changes what the user wants and not what the values are, on %s',
    async (kind, context) => {
      const from = await servers.get('mariadb-10.11', 'source');
      const to = await servers.get(kind, 'target');
      if ('missing' in from) throw new Error('MariaDB is always there');
      if ('missing' in to) return context.skip(to.missing);
      for (const server of [from, to]) await server.execute('DROP DATABASE IF EXISTS l');
      await to.execute('DROP DATABASE IF EXISTS dm_meta');
      await from.execute(`CREATE DATABASE l; CREATE TABLE l.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(30), ts TIMESTAMP NULL, w VARCHAR(60) AS (CONCAT(v, 'x')) STORED);
      INSERT INTO l.t (v, ts) VALUES ('a\\\\b''c"d||e', '2024-06-01 12:00:00')`);
      const to_ = dbConfig(to, {
        session: {
          sql_mode: 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE',
          time_zone: '+03:00',
          character_set_client: 'gbk',
          collation_connection: 'utf8mb4_bin',
          innodb_lock_wait_timeout: '77',
        },
      });
      const task = await Task.start(from, to, { ...only('l'), to: to_ });
      await task.untilSynced();
      await from.execute(
        "INSERT INTO l.t (v, ts) VALUES ('中\\\\n''\"', '2024-06-01 13:00:00'); ALTER TABLE l.t ADD COLUMN c VARCHAR(9) DEFAULT 'a\\\\b'",
      );
      await task.untilSynced();
      await task.stop();
      await expectEqualTables(from, to, ['l.t']);
    },
  );

  it('with a variable that the target does not know is told by name', async () => {
    const from = await servers.get('mariadb-10.11', 'source');
    const to = await servers.get('mariadb-10.11', 'target');
    if ('missing' in from || 'missing' in to) throw new Error('MariaDB is always there');
    const task = await Task.start(from, to, {
      ...only('l'),
      to: dbConfig(to, { session: { tidb_no_such: '1' } }),
    });
    expect(await task.failure()).toMatch(/tidb_no_such/);
  });
});
