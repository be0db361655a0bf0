/** Target tables that are not built as the source's: more columns, other keys, other order, no key, generated. */
import { afterAll, describe, expect, it } from 'vitest';
import type { DatabaseKind } from '../servers/availability.js';
import { expectEqualTables } from '../sync/support.js';
import { only, Servers, Task } from './support.js';

interface Shape {
  readonly name: string;
  readonly source: string;
  /** Left out: the copy makes the table. */
  readonly target?: string;
  readonly rows: string;
  readonly changes: string;
  /** What both sides must answer alike; without it the tables are compared whole. */
  readonly same?: string;
  /** What only the target is asked. */
  readonly target_has?: readonly [sql: string, rows: unknown[]];
}

const SHAPES: readonly Shape[] = [
  {
    name: 'more columns with defaults, in front and between',
    source: 'CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(20), n INT)',
    target: `CREATE TABLE s.t (extra INT NOT NULL DEFAULT 7, id INT PRIMARY KEY, note VARCHAR(9) DEFAULT 'new', v VARCHAR(20),
      at DATETIME NULL, n INT)`,
    rows: "INSERT INTO s.t VALUES (1, 'a', 1), (2, 'b', NULL), (3, NULL, 3)",
    changes:
      "INSERT INTO s.t VALUES (4, 'd', 4); UPDATE s.t SET v = 'x', n = 9 WHERE id = 1; UPDATE s.t SET id = 20 WHERE id = 2; DELETE FROM s.t WHERE id = 3",
    same: 'SELECT id, v, n FROM s.t ORDER BY id',
    target_has: ["SELECT COUNT(*) AS c FROM s.t WHERE extra = 7 AND note = 'new' AND at IS NULL", [{ c: 3 }]],
  },
  {
    name: 'another order of columns, and another key',
    source: 'CREATE TABLE s.t (a INT PRIMARY KEY, b VARCHAR(20) NOT NULL, c INT NOT NULL, UNIQUE KEY (b, c))',
    target: 'CREATE TABLE s.t (c INT NOT NULL, b VARCHAR(20) NOT NULL, a INT, PRIMARY KEY (b, c), KEY (a))',
    rows: "INSERT INTO s.t VALUES (1, 'a', 1), (2, 'a', 2), (3, 'b', 1), (4, 'c', 9)",
    changes: `UPDATE s.t SET b = 'z' WHERE a = 1; UPDATE s.t SET a = 33 WHERE a = 3; DELETE FROM s.t WHERE a = 4;
      INSERT INTO s.t VALUES (5, 'c', 9); UPDATE s.t SET c = 5, a = 50 WHERE a = 5`,
    same: 'SELECT a, b, c FROM s.t ORDER BY a',
  },
  {
    name: 'a key in the source and none in the target',
    source: 'CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(20), f FLOAT)',
    target: 'CREATE TABLE s.t (id INT, v VARCHAR(20), f FLOAT)',
    rows: "INSERT INTO s.t VALUES (1, 'a', 0.1), (2, 'A', 0.1), (3, NULL, NULL)",
    changes:
      "UPDATE s.t SET v = 'b' WHERE id = 2; DELETE FROM s.t WHERE id = 3; UPDATE s.t SET f = 1.3 WHERE id = 1; INSERT INTO s.t VALUES (4, 'a ', -0.0)",
  },
  {
    name: 'a key in the target and none in the source',
    source: 'CREATE TABLE s.t (id INT NOT NULL, v VARCHAR(20))',
    target: 'CREATE TABLE s.t (id INT NOT NULL PRIMARY KEY, v VARCHAR(20))',
    rows: "INSERT INTO s.t VALUES (1, 'a'), (2, 'b')",
    changes:
      "UPDATE s.t SET v = 'c' WHERE id = 2; UPDATE s.t SET id = 7 WHERE id = 1; INSERT INTO s.t VALUES (1, 'n'); DELETE FROM s.t WHERE id = 2",
  },
  {
    name: 'no key anywhere, with equal rows',
    source: 'CREATE TABLE s.t (a INT, v VARCHAR(20), d DOUBLE, j JSON)',
    rows: `INSERT INTO s.t VALUES (1, 'x', 0.1, '{"a": 1}'), (1, 'x', 0.1, '{"a": 1}'), (NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL)`,
    changes:
      "UPDATE s.t SET a = 2 WHERE a = 1 LIMIT 1; DELETE FROM s.t WHERE a IS NULL LIMIT 1; INSERT INTO s.t VALUES (1, 'X', 0.1, '[]')",
  },
  {
    name: 'a target key over a column with NULLs, and another one',
    source: 'CREATE TABLE s.t (id INT PRIMARY KEY, u INT, w INT NOT NULL)',
    target: 'CREATE TABLE s.t (id INT, u INT, w INT NOT NULL, UNIQUE KEY u (u), UNIQUE KEY w (w))',
    rows: 'INSERT INTO s.t VALUES (1, 1, 1), (2, NULL, 2), (3, NULL, 3)',
    changes:
      'UPDATE s.t SET u = 5 WHERE id = 2; UPDATE s.t SET u = NULL WHERE id = 1; UPDATE s.t SET u = 1 WHERE id = 3; DELETE FROM s.t WHERE id = 2; INSERT INTO s.t VALUES (9, 5, 2)',
  },
  {
    name: 'a key only over a nullable column',
    source: 'CREATE TABLE s.t (id INT PRIMARY KEY, u INT, v VARCHAR(5))',
    target: 'CREATE TABLE s.t (id INT, u INT, v VARCHAR(5), UNIQUE KEY u (u))',
    rows: "INSERT INTO s.t VALUES (1, 1, 'a'), (2, NULL, 'b'), (3, NULL, 'b')",
    changes:
      "UPDATE s.t SET v = 'x' WHERE id = 2; UPDATE s.t SET u = NULL WHERE id = 1; UPDATE s.t SET u = 1 WHERE id = 3; DELETE FROM s.t WHERE id = 2",
  },
  {
    name: 'generated columns, virtual and stored, in other places',
    source: `CREATE TABLE s.t (v INT AS (a + b) VIRTUAL, a INT, st VARCHAR(40) AS (CONCAT(a, '-', b)) STORED, id INT PRIMARY KEY, b INT, KEY (st))`,
    target: `CREATE TABLE s.t (id INT PRIMARY KEY, a INT, b INT, st VARCHAR(40) AS (CONCAT(a, '-', b)) STORED, v INT AS (a + b) VIRTUAL)`,
    rows: 'INSERT INTO s.t (id, a, b) VALUES (1, 1, 2), (2, NULL, 5), (3, 3, 3)',
    changes:
      'INSERT INTO s.t (id, a, b) VALUES (4, 4, 4); UPDATE s.t SET a = 10 WHERE id = 1; UPDATE s.t SET b = NULL, id = 30 WHERE id = 3; DELETE FROM s.t WHERE id = 2',
    same: 'SELECT id, a, b, st, v FROM s.t ORDER BY id',
  },
  {
    name: 'generated columns as the source has them, one of them a unique key',
    source: `CREATE TABLE s.t (a INT, v INT AS (a * 2) VIRTUAL, id INT PRIMARY KEY, u VARCHAR(20) AS (CONCAT('k', id)) STORED, UNIQUE KEY (u))`,
    rows: 'INSERT INTO s.t (id, a) VALUES (1, 1), (2, NULL), (3, 3)',
    changes:
      'INSERT INTO s.t (id, a) VALUES (4, 4); UPDATE s.t SET a = 10 WHERE id = 1; UPDATE s.t SET id = 1000 + id ORDER BY id DESC; DELETE FROM s.t WHERE a IS NULL',
  },
  {
    name: 'generated in the source, plain in the target',
    source:
      'CREATE TABLE s.t (id INT PRIMARY KEY, a INT, st INT AS (a + 1) STORED, v INT AS (a + 2) VIRTUAL)',
    target: 'CREATE TABLE s.t (id INT PRIMARY KEY, a INT, st INT, v INT)',
    rows: 'INSERT INTO s.t (id, a) VALUES (1, 1), (2, NULL), (3, 3)',
    changes:
      'INSERT INTO s.t (id, a) VALUES (4, 4); UPDATE s.t SET a = 10 WHERE id = 1; DELETE FROM s.t WHERE id = 2',
  },
  {
    name: 'plain in the source, generated in the target',
    source: 'CREATE TABLE s.t (id INT PRIMARY KEY, a INT, st INT)',
    target: 'CREATE TABLE s.t (id INT PRIMARY KEY, a INT, st INT AS (a + 1) STORED)',
    rows: 'INSERT INTO s.t VALUES (1, 1, 2), (2, NULL, NULL)',
    changes:
      'INSERT INTO s.t VALUES (4, 4, 5); UPDATE s.t SET a = 10, st = 11 WHERE id = 1; DELETE FROM s.t WHERE id = 2',
  },
  {
    name: 'the 0 of an AUTO_INCREMENT column',
    source: 'CREATE TABLE s.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)',
    rows: "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO s.t VALUES (0, 1), (5, 5)",
    changes:
      'UPDATE s.t SET v = 2 WHERE id = 0; UPDATE s.t SET id = -1 WHERE id = 5; UPDATE s.t SET id = 99 WHERE id = 0; INSERT INTO s.t VALUES (0, 3)',
  },
  {
    name: 'columns that the target would change by itself',
    source: 'CREATE TABLE s.t (id INT PRIMARY KEY, v INT, at TIMESTAMP NULL, d DATETIME NULL)',
    target: `CREATE TABLE s.t (id INT PRIMARY KEY, v INT, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
      d DATETIME NULL ON UPDATE CURRENT_TIMESTAMP)`,
    rows: "INSERT INTO s.t VALUES (1, 1, '2020-01-01 00:00:00', NULL), (2, 2, '2021-01-01 00:00:00', '2000-01-01 00:00:00')",
    changes: "UPDATE s.t SET v = v + 1; INSERT INTO s.t VALUES (3, 3, '2022-02-02 02:02:02', NULL)",
  },
];

const servers = new Servers();
afterAll(() => servers.stop());

describe.each<DatabaseKind>(['mariadb-10.11', 'mysql-9.7'])('from %s', (kind) => {
  it.for(SHAPES)('$name', async ({ source, target, rows, changes, same, target_has }, context) => {
    const from = await servers.get(kind, 'source');
    const to = await servers.get('mariadb-10.11', 'target');
    if ('missing' in from || 'missing' in to) return context.skip('missing server');
    for (const server of [from, to]) await server.execute('DROP DATABASE IF EXISTS s; CREATE DATABASE s');
    await to.execute('DROP DATABASE IF EXISTS dm_meta');
    await from.execute(source);
    if (target !== undefined) await to.execute(target);
    await from.execute(rows);
    const task = await Task.start(from, to, only('s'));
    const equal = async () => {
      if (same === undefined) await expectEqualTables(from, to, ['s.t']);
      else expect(await to.query(same)).toEqual(await from.query(same));
    };
    try {
      await task.untilSynced();
      await equal();
      await from.execute(changes);
      await task.untilSynced();
      await equal();
      if (target_has !== undefined) expect(await to.query(target_has[0])).toEqual(target_has[1]);
    } finally {
      await task.stop();
    }
  });
});

describe('a column that the target lacks', () => {
  it.each([
    ['in the copy', true],
    ['in the binlog', false],
  ])('is told with the table, the column and the way out, %s', async (_, inCopy) => {
    const from = await servers.get('mariadb-10.11', 'source');
    const to = await servers.get('mariadb-10.11', 'target');
    if ('missing' in from || 'missing' in to) throw new Error('MariaDB is always there');
    for (const server of [from, to]) await server.execute('DROP DATABASE IF EXISTS s; CREATE DATABASE s');
    await to.execute('DROP DATABASE IF EXISTS dm_meta');
    await from.execute('CREATE TABLE s.`t``1` (id INT PRIMARY KEY, v INT, w INT)');
    await to.execute(`CREATE TABLE s.\`t\`\`1\` (id INT PRIMARY KEY, v INT${inCopy ? '' : ', w INT'})`);
    if (inCopy) await from.execute('INSERT INTO s.`t``1` VALUES (1, 1, 1)');
    const task = await Task.start(from, to, only('s'));
    if (!inCopy) {
      await task.untilSynced();
      await to.execute('ALTER TABLE s.`t``1` DROP COLUMN w');
      await from.execute('INSERT INTO s.`t``1` VALUES (1, 1, 1)');
    }
    const message = await task.failure();
    await task.stop();
    expect(message).toMatch(/`s`\.`t``1`/);
    expect(message).toMatch(/`w`/);
    expect(message).toMatch(/ALTER TABLE `s`\.`t``1` ADD COLUMN/);
  });
});
