/**
 * DDL while tables are copied: the copy is held up at a table by a lock of the target, the source changes, and
 * the copy goes on, in the same session or in a new one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RealClock } from '../../src/runtime/real/clock.js';
import { Crew } from '../../simulations/fuzz/crew.js';
import { collectingLog, dbConfig, subtaskConfig } from '../copy/support.js';
import { startDatabase, type DatabaseKind } from '../servers/availability.js';
import { describeWith } from '../servers/describe-with.js';
import type { DatabaseServer } from '../servers/database.js';
import { waitFor } from '../support/wait-for.js';
import { schemaText, unequalTables } from './support.js';

interface CopyCase {
  readonly name: string;
  readonly before: readonly string[];
  /** What holds the copy up, on the target. */
  readonly block: readonly string[];
  /** Chunks that are loaded before the source changes. */
  readonly loaded: number;
  /** In the middle of the copy; in `same`, its session stays, else it begins a new one. */
  readonly during: readonly string[];
  readonly same?: boolean;
  /** The copy is held up in the database `$held`, so that it makes `$db` on the target itself. */
  readonly held?: boolean;
  readonly after: readonly string[];
  /** The target checks foreign keys. */
  readonly checked?: boolean;
}

const table = (name: string, first: number) => [
  `CREATE TABLE ${name} (id INT PRIMARY KEY, v VARCHAR(20))`,
  `INSERT INTO ${name} VALUES (${first}, '${name}'), (${first + 1}, '${name} too')`,
];
const lock = (name: string, id: number) => [
  `CREATE TABLE ${name} (id INT PRIMARY KEY, v VARCHAR(20))`,
  'BEGIN',
  `INSERT INTO ${name} VALUES (${id}, 'mine')`,
];

/** Children, which are copied first, and their parents. */
const FAMILY = [
  'CREATE TABLE b (id INT PRIMARY KEY, v VARCHAR(20))',
  "INSERT INTO b VALUES (100, 'b'), (101, 'b too'), (102, 'b three')",
  'CREATE TABLE a (id INT PRIMARY KEY, b INT, FOREIGN KEY (b) REFERENCES b (id) ON DELETE CASCADE ON UPDATE CASCADE)',
  'INSERT INTO a VALUES (1, 100), (2, 101), (3, 102)',
];

const CASES: readonly CopyCase[] = [
  {
    name: 'TRUNCATE between two chunks of a table',
    before: [
      'CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))',
      `INSERT INTO t VALUES ${Array.from({ length: 70 }, (_, n) => `(${n + 1}, 'row')`).join(',')}`,
    ],
    block: [
      'CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))',
      'BEGIN',
      "INSERT INTO t VALUES (60, 'mine')",
    ],
    loaded: 2,
    during: ['TRUNCATE TABLE t', "INSERT INTO t VALUES (1, 'new'), (60, 'new')"],
    after: ["UPDATE t SET v='changed' WHERE id=1"],
  },
  {
    name: 'a table is rotated away, and the next one of the same structure takes its name',
    before: [...table('a', 1), ...table('log', 1), ...table('next', 100), ...table('z', 1)],
    block: lock('next', 100),
    loaded: 3,
    during: ['RENAME TABLE log TO log_old, next TO log', "INSERT INTO log VALUES (200, 'x')"],
    after: ["INSERT INTO log_old VALUES (300, 'y')", 'DELETE FROM log WHERE id=100'],
  },
  {
    name: 'two tables change places',
    before: [...table('a', 1), ...table('b', 100), ...table('c', 1)],
    block: lock('b', 100),
    loaded: 2,
    during: ['RENAME TABLE a TO tmp, b TO a, tmp TO b', "UPDATE a SET v='was b'"],
    after: ["UPDATE b SET v='was a' WHERE id=1"],
  },
  {
    name: 'a table that is still to be copied goes to a name that was free, another comes for it',
    before: [...table('a', 1), ...table('b', 100)],
    block: lock('b', 100),
    loaded: 1,
    during: ['RENAME TABLE b TO c', 'RENAME TABLE a TO b', "INSERT INTO c VALUES (7, 'c')"],
    after: [...table('a', 50), "INSERT INTO b VALUES (8, 'b')"],
  },
  {
    name: 'a table comes that was not there',
    before: [...table('a', 1), ...table('b', 100)],
    block: lock('b', 100),
    loaded: 1,
    during: ['RENAME TABLE a TO a2, b TO a', ...table('n', 5), 'CREATE TABLE n2 LIKE n'],
    after: ["INSERT INTO n2 VALUES (8, 'b')"],
  },
  {
    name: 'DROP of several, one copied and one not',
    before: [...table('a', 1), ...table('b', 100)],
    block: lock('b', 100),
    loaded: 1,
    during: ['DROP TABLE a, b', ...table('b', 7)],
    after: [...table('a', 8)],
  },
  {
    name: 'rows of a table that goes before it is copied',
    before: [...table('a', 1), ...table('b', 100)],
    block: lock('b', 100),
    loaded: 1,
    during: ["INSERT INTO b VALUES (5, 'x')", 'DELETE FROM b WHERE id=101', 'DROP TABLE b'],
    after: ["INSERT INTO a VALUES (7, 'y')"],
  },
  {
    name: 'the database is dropped and made again',
    before: [...table('a', 1), ...table('b', 100)],
    block: lock('b', 100),
    loaded: 1,
    during: ['DROP DATABASE $db', 'CREATE DATABASE $db', 'USE $db', ...table('b', 7)],
    after: [...table('a', 8)],
  },
  {
    name: 'the database changes its defaults, and what was copied before stays',
    before: [...table('a', 1), ...table('b', 100)],
    block: lock('b', 100),
    loaded: 1,
    during: ['ALTER DATABASE $db CHARACTER SET utf8mb4 COLLATE utf8mb4_bin', ...table('n', 7)],
    after: ['CREATE TABLE c (v VARCHAR(9) PRIMARY KEY)', "INSERT INTO c VALUES ('x'), ('X')"],
  },
  {
    name: 'a table takes the name of another that the same session has yet to read',
    before: [1, 2, 3, 4, 5, 6, 7].flatMap((n) => table(`t${n}`, n * 100)),
    block: lock('t1', 100),
    loaded: 0,
    same: true,
    during: ['RENAME TABLE t6 TO tmp, t7 TO t6', 'RENAME TABLE tmp TO t7', "INSERT INTO t6 VALUES (1, 'x')"],
    after: ["UPDATE t7 SET v='y'"],
  },
  {
    name: 'columns change their names while the same session has yet to read them',
    before: [
      ...[1, 2, 3, 4, 5].flatMap((n) => table(`t${n}`, n * 100)),
      'CREATE TABLE t6 (id INT PRIMARY KEY, a INT, b INT)',
      'INSERT INTO t6 VALUES (1, 10, 20)',
    ],
    block: lock('t1', 100),
    loaded: 0,
    same: true,
    during: [
      'ALTER TABLE t6 RENAME COLUMN a TO b, RENAME COLUMN b TO a',
      'ALTER TABLE t5 ADD COLUMN n INT DEFAULT 5',
      'INSERT INTO t6 VALUES (2, 30, 40)',
    ],
    after: ['UPDATE t6 SET a=9 WHERE id=1'],
  },
  {
    name: 'a column becomes one that the statement of the copy cannot be run on',
    before: [
      ...[1, 2, 3, 4, 5].flatMap((n) => table(`t${n}`, n * 100)),
      'CREATE TABLE t6 (id INT PRIMARY KEY, a DOUBLE)',
      'INSERT INTO t6 VALUES (1, 10)',
    ],
    block: lock('t1', 100),
    loaded: 0,
    same: true,
    during: [
      'ALTER TABLE t6 DROP COLUMN a, ADD COLUMN a POINT',
      "INSERT INTO t6 VALUES (2, ST_GeomFromText('POINT(1 2)'))",
    ],
    after: ["UPDATE t6 SET a=ST_GeomFromText('POINT(3 4)') WHERE id=1"],
  },
  {
    name: 'the database changes its defaults before the place where sync begins is settled',
    before: [...table('t', 1), 'CREATE DATABASE $held', ...table('$held.h', 1)],
    block: lock('h', 1),
    held: true,
    loaded: 0,
    during: ['ALTER DATABASE $db CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'],
    after: ['CREATE TABLE c (v VARCHAR(9) PRIMARY KEY)', "INSERT INTO c VALUES ('x'), ('X')"],
  },
  {
    name: 'the database goes before the place where sync begins is settled, and comes back after it',
    before: [...table('t', 1), 'CREATE DATABASE $held', ...table('$held.h', 1)],
    block: lock('h', 1),
    held: true,
    loaded: 0,
    during: ['DROP DATABASE $db'],
    after: [
      'CREATE DATABASE $db CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
      'USE $db',
      'CREATE TABLE c (v VARCHAR(9) PRIMARY KEY)',
      "INSERT INTO c VALUES ('x'), ('X')",
    ],
  },
  {
    name: 'a table of the old defaults of a database, which have changed before sync begins',
    before: [
      'ALTER DATABASE $db CHARACTER SET utf8mb4',
      ...table('a', 1),
      'CREATE DATABASE $held',
      ...table('$held.h', 1),
      ...table('b', 100),
    ],
    block: lock('h', 1),
    held: true,
    same: true,
    loaded: 0,
    during: [
      'CREATE TABLE n (id INT PRIMARY KEY, v VARCHAR(20))',
      "INSERT INTO n VALUES (1, 'é中')",
      'ALTER DATABASE $db CHARACTER SET gbk',
    ],
    after: ["INSERT INTO n VALUES (2, '中é')"],
  },
  {
    name: 'the database is dropped and made again with other defaults',
    before: [...table('a', 1), ...table('b', 100)],
    block: lock('b', 100),
    loaded: 1,
    during: [
      'DROP DATABASE $db',
      'CREATE DATABASE $db CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
      'USE $db',
      ...table('b', 7),
      'CREATE TABLE c (v VARCHAR(9) PRIMARY KEY)',
      "INSERT INTO c VALUES ('x'), ('X')",
    ],
    after: ['CREATE TABLE d (v VARCHAR(9) PRIMARY KEY)', "INSERT INTO d VALUES ('x'), ('X')"],
  },
  {
    name: 'parents change children that are copied already, as no binlog tells',
    before: FAMILY,
    block: lock('b', 100),
    loaded: 1,
    during: ['DELETE FROM b WHERE id=100', 'UPDATE b SET id=201 WHERE id=101'],
    after: ["INSERT INTO b VALUES (7, 'y')", 'INSERT INTO a VALUES (7, 7)'],
    checked: true,
  },
  {
    name: 'a child comes for a parent that goes before it is copied',
    before: FAMILY,
    block: lock('b', 100),
    loaded: 1,
    during: ['INSERT INTO a VALUES (5, 100)', 'DELETE FROM a WHERE b=100', 'DELETE FROM b WHERE id=100'],
    after: ["INSERT INTO b VALUES (7, 'y')", 'INSERT INTO a VALUES (7, 7)'],
    checked: true,
  },
  {
    name: 'a new child, and one that goes, of a parent that has yet to be copied',
    before: FAMILY,
    block: lock('b', 100),
    loaded: 1,
    during: [
      'CREATE TABLE n (id INT PRIMARY KEY, b INT, FOREIGN KEY (b) REFERENCES b (id) ON DELETE CASCADE)',
      'INSERT INTO n VALUES (1, 100), (2, 102)',
      'INSERT INTO a VALUES (5, 100)',
      'DROP TABLE a',
      'DELETE FROM b WHERE id=100',
    ],
    after: ["INSERT INTO b VALUES (7, 'y')", 'INSERT INTO n VALUES (7, 7)', 'DELETE FROM b WHERE id=102'],
    checked: true,
  },
];

function suite(kind: DatabaseKind): void {
  let source: DatabaseServer;
  let target: DatabaseServer;
  beforeAll(async () => {
    [source, target] = await Promise.all([startDatabase(kind), startDatabase('mariadb-10.11')]);
  });
  afterAll(() => Promise.all([source?.stop(), target?.stop()]));

  for (const [i, one] of CASES.entries()) {
    it(one.name, async () => {
      const { before, block, loaded, during, same, held, after, checked = false } = one;
      const db = `c${i}`;
      const log = collectingLog();
      const run = async (connection: Connection, statements: readonly string[]) => {
        for (const sql of statements)
          await connection.query(sql.replaceAll('$db', db).replaceAll('$held', `a${i}`));
      };
      const [writer, blocker] = await Promise.all([source.connect(), target.connect()]);
      const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-ddl-copy-'));
      const base = subtaskConfig(source, target);
      const config = subtaskConfig(source, target, {
        task: 'copy',
        metaSchema: `meta_c${i}`,
        ...(checked ? { to: dbConfig(target, { session: { foreign_key_checks: '1' } }) } : {}),
        ignoreCheckingItems: ['all'],
        blockAllow: {
          doDbs: [db, `a${i}`],
          doTables: [],
          ignoreDbs: [],
          ignoreTables: [],
        },
        // Files are kept: each table is loaded by itself, however small.
        cleanDumpFile: false,
        dump: { ...base.dump, rows: 25, threads: 1 },
        load: { ...base.load, poolSize: same || held ? 1 : 4 },
      });
      const crew = new Crew({ config, dataDir, clock: new RealClock(), log });
      const chunks = async () =>
        Number(
          (
            await target.query(`SELECT COUNT(*) AS n FROM meta_c${i}.copy_load_chunk WHERE state='loaded'`)
          )[0]?.['n'],
        );
      try {
        await run(writer, ['CREATE DATABASE $db', 'USE $db']);
        await run(writer, before);
        const there = held ? '$held' : '$db';
        await run(blocker, [`CREATE DATABASE IF NOT EXISTS ${there}`, `USE ${there}`, ...block]);
        crew.start();
        const waiting = async () => {
          crew.check();
          const rows = await target.query(
            "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'LOAD DATA%' OR info LIKE 'REPLACE%'",
          );
          return rows.length > 0 && (await chunks()) >= loaded;
        };
        await waitFor(waiting, {
          what: 'the copy to be held up',
          details: () => log.lines.join('\n'),
        });
        if (same) await run(writer, during);
        else {
          await crew.pause(0);
          await crew.stop();
          await run(writer, during);
          crew.start();
        }
        await run(blocker, ['ROLLBACK']);
        await waitFor(async () => crew.failed || (await crew.isSyncing()), {
          what: 'sync to begin',
          details: () => log.lines.join('\n'),
        });
        crew.check();
        await run(writer, after);
        await run(writer, ['CREATE TABLE done (id INT)']);
        await waitFor(
          async () =>
            crew.failed ||
            ((await target.query(`SHOW TABLES FROM ${db} LIKE 'done'`)).length > 0 &&
              (await crew.isSynced())),
          { what: 'sync to catch up', details: () => log.lines.join('\n') },
        );
        crew.check();
        const wanted = Object.keys((await schemaText(source, db)).tables);
        expect(Object.keys((await schemaText(target, db)).tables)).toEqual(wanted);
        expect(await unequalTables(source, target, db, wanted)).toEqual([]);
      } finally {
        await crew.stop();
        await Promise.all([writer.end(), blocker.end()]);
        await rm(dataDir, { recursive: true, force: true });
      }
    });
  }
}

describe('DDL during the copy [mariadb-10.11]', () => suite('mariadb-10.11'));
await describeWith('mysql-9.7', 'DDL during the copy', () => suite('mysql-9.7'));
