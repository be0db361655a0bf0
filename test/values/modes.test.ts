/** DDL means on the target what it meant in the source's session: sql_mode and what else changes its meaning. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseKind } from '../servers/availability.js';
import type { DatabaseServer } from '../servers/database.js';
import { expectEqualTables } from '../sync/support.js';
import { only, Servers, Task } from './support.js';

interface Case {
  readonly name: string;
  readonly mode: string;
  readonly ddl: string;
  /** Flavours of source that know it; default both. */
  readonly from?: 'mariadb' | 'mysql';
  /** The definitions are compared too (same flavour on both sides). */
  readonly tables?: readonly string[];
}

const CASES: readonly Case[] = [
  {
    name: 'ANSI_QUOTES',
    mode: 'ANSI_QUOTES',
    ddl: `CREATE TABLE "s"."t" ("id" INT PRIMARY KEY, "a""b" VARCHAR(10) DEFAULT 'x', c VARCHAR(9) COMMENT 'say "hi"');
      ALTER TABLE "s"."t" ADD COLUMN "n" INT DEFAULT 3, ADD KEY "k" ("a""b"); INSERT INTO s.t (id) VALUES (1)`,
  },
  {
    name: 'double quotes are texts without it',
    mode: '',
    ddl: 'CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(20) DEFAULT "it\'s `x` ""q""" COMMENT "c"); INSERT INTO s.t (id) VALUES (1)',
  },
  {
    name: 'PIPES_AS_CONCAT',
    mode: 'PIPES_AS_CONCAT',
    ddl: `CREATE TABLE s.t (id INT PRIMARY KEY, a VARCHAR(5), b VARCHAR(5), c VARCHAR(20) AS (a || '-' || b) STORED);
      INSERT INTO s.t (id, a, b) VALUES (1, '1', '0')`,
  },
  {
    name: 'without PIPES_AS_CONCAT',
    mode: '',
    ddl: `CREATE TABLE s.t (id INT PRIMARY KEY, a INT, b INT, c INT AS (a || b) STORED); INSERT INTO s.t (id, a, b) VALUES (1, 1, 0)`,
  },
  {
    name: 'NO_BACKSLASH_ESCAPES',
    mode: 'NO_BACKSLASH_ESCAPES',
    ddl: `CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(20) DEFAULT 'c:\\', w VARCHAR(20) DEFAULT 'a\\nb''c' COMMENT '\\');
      ALTER TABLE s.t ADD COLUMN x VARCHAR(20) DEFAULT '\\''' AFTER id; INSERT INTO s.t (id) VALUES (1)`,
  },
  {
    name: 'backslashes without it',
    mode: '',
    ddl: `CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(20) DEFAULT 'c:\\\\', w VARCHAR(20) DEFAULT 'a\\nb\\'c');
      INSERT INTO s.t (id) VALUES (1)`,
  },
  {
    name: 'REAL_AS_FLOAT',
    mode: 'REAL_AS_FLOAT',
    ddl: 'CREATE TABLE s.t (id INT PRIMARY KEY, r REAL); INSERT INTO s.t VALUES (1, 0.1)',
  },
  {
    name: 'HIGH_NOT_PRECEDENCE',
    mode: 'HIGH_NOT_PRECEDENCE',
    ddl: 'CREATE TABLE s.t (id INT PRIMARY KEY, a INT, g INT AS (NOT a BETWEEN -5 AND 5) STORED); INSERT INTO s.t (id, a) VALUES (1, 9), (2, 1)',
  },
  {
    name: 'IGNORE_SPACE',
    mode: 'IGNORE_SPACE',
    ddl: 'CREATE TABLE s.t (id INT PRIMARY KEY, a INT AS (ABS (id)) STORED, b VARCHAR(9) AS (SUBSTR (id, 1, 1)) STORED); INSERT INTO s.t (id) VALUES (-12)',
  },
  {
    name: 'values that an ALTER cuts without strictness',
    mode: '',
    ddl: `CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(20), n INT, d DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00');
      INSERT INTO s.t (id, v, n) VALUES (1, 'long text', 70000); ALTER TABLE s.t MODIFY v VARCHAR(4), MODIFY n SMALLINT;
      ALTER TABLE s.t ADD COLUMN z DATE NOT NULL`,
  },
  {
    name: 'fractions of seconds that an ALTER takes away',
    mode: '',
    ddl: `CREATE TABLE s.t (id INT PRIMARY KEY, d DATETIME(6), t TIME(3), ts TIMESTAMP(6) NULL);
      INSERT INTO s.t VALUES (1, '2020-02-02 23:59:59.6', '10:00:00.500', '2020-01-01 10:00:00.9'), (2, '2020-02-02 02:02:02.4', '-10:00:00.500', NULL);
      ALTER TABLE s.t MODIFY d DATETIME, MODIFY t TIME, MODIFY ts TIMESTAMP(1) NULL`,
  },
  {
    name: 'fractions rounded',
    from: 'mariadb',
    mode: 'TIME_ROUND_FRACTIONAL',
    ddl: `CREATE TABLE s.t (id INT PRIMARY KEY, d DATETIME(6)); INSERT INTO s.t VALUES (1, '2020-02-02 23:59:59.6');
      ALTER TABLE s.t MODIFY d DATETIME`,
  },
  {
    name: 'fractions cut',
    from: 'mysql',
    mode: 'TIME_TRUNCATE_FRACTIONAL',
    ddl: `CREATE TABLE s.t (id INT PRIMARY KEY, d DATETIME(6)); INSERT INTO s.t VALUES (1, '2020-02-02 23:59:59.6');
      ALTER TABLE s.t MODIFY d DATETIME`,
  },
  {
    name: 'an AUTO_INCREMENT column added to rows',
    mode: 'NO_AUTO_VALUE_ON_ZERO',
    ddl: 'CREATE TABLE s.t (v INT NOT NULL PRIMARY KEY); INSERT INTO s.t VALUES (0), (5), (6); ALTER TABLE s.t MODIFY v INT NOT NULL AUTO_INCREMENT',
  },
  {
    name: 'ORACLE',
    from: 'mariadb',
    mode: 'ORACLE',
    ddl: `CREATE TABLE s.t (id INT PRIMARY KEY, "v" VARCHAR(20) DEFAULT 'a', d DATE);
      INSERT INTO s.t (id, d) VALUES (1, '2020-01-01 10:11:12')`,
  },
  {
    name: 'EMPTY_STRING_IS_NULL',
    from: 'mariadb',
    mode: 'EMPTY_STRING_IS_NULL',
    ddl: "CREATE TABLE s.t (id INT PRIMARY KEY, v VARCHAR(20) DEFAULT ''); INSERT INTO s.t (id) VALUES (1)",
  },
  {
    name: 'TIMESTAMP columns with explicit_defaults_for_timestamp off',
    mode: "', explicit_defaults_for_timestamp = 0, @x = '",
    ddl: 'CREATE TABLE s.t (id INT PRIMARY KEY, a TIMESTAMP, b TIMESTAMP NULL); INSERT INTO s.t (id) VALUES (1); ALTER TABLE s.t ADD COLUMN c TIMESTAMP FIRST',
  },
  {
    name: 'TIMESTAMP columns with explicit_defaults_for_timestamp on',
    mode: "', explicit_defaults_for_timestamp = 1, @x = '",
    ddl: 'CREATE TABLE s.t (id INT PRIMARY KEY, a TIMESTAMP, b TIMESTAMP NULL); INSERT INTO s.t (id) VALUES (1); ALTER TABLE s.t ADD COLUMN c TIMESTAMP FIRST',
  },
];

const servers = new Servers();
afterAll(() => servers.stop());

/** Columns as both flavours describe them. */
async function columns(server: DatabaseServer): Promise<unknown> {
  return server.query(
    `SELECT column_name AS c, data_type AS t, is_nullable AS n, column_comment AS k FROM information_schema.columns WHERE table_schema = 's' ORDER BY ordinal_position`,
  );
}

/** One task for all cases of a pair of servers; `source` runs statements under a case's mode. */
interface Pair {
  readonly from: DatabaseServer;
  readonly to: DatabaseServer;
  readonly task: Task;
}

async function startPair(kind: DatabaseKind, targetKind: DatabaseKind): Promise<Pair | string> {
  const from = await servers.get(kind, 'source');
  const to = await servers.get(targetKind, 'target');
  if ('missing' in from) return from.missing;
  if ('missing' in to) return to.missing;
  for (const server of [from, to]) await server.execute('DROP DATABASE IF EXISTS s; CREATE DATABASE s');
  await to.execute('DROP DATABASE IF EXISTS dm_meta');
  const task = await Task.start(from, to, only('s'));
  await task.untilSynced();
  return { from, to, task };
}

async function follow({ from, to, task }: Pair, test: Case): Promise<void> {
  const session = await from.connect();
  try {
    await session.query('DROP TABLE IF EXISTS s.t, s.after');
    await session.query(`SET SESSION sql_mode = '${test.mode}'`);
    await session.query(test.ddl);
    // What follows must not run under the statement's mode.
    await session.query("SET SESSION sql_mode = ''");
    await session.query(
      "CREATE TABLE s.after (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO s.after VALUES (1, 'a\\\\b')",
    );
  } finally {
    await session.end();
  }
  await task.untilSynced();
  await expectEqualTables(from, to, ['s.t', 's.after']);
  expect(await columns(to)).toEqual(await columns(from));
  if (!test.ddl.includes('id INT')) return;
  // Defaults are compared by what they do, in tables that are not migrated.
  for (const server of [from, to]) {
    await server.execute(`SET SESSION sql_mode = '', timestamp = 1700000000, time_zone = '+00:00'; DROP DATABASE IF EXISTS defaults;
      CREATE DATABASE defaults; CREATE TABLE defaults.t LIKE s.t; INSERT INTO defaults.t (id) VALUES (77); SET SESSION timestamp = DEFAULT`);
  }
  await expectEqualTables(from, to, ['defaults.t']);
}

describe.each<[DatabaseKind, DatabaseKind]>([
  ['mariadb-10.11', 'mariadb-10.11'],
  ['mysql-9.7', 'mariadb-10.11'],
  ['mariadb-10.11', 'mysql-9.7'],
])('DDL from %s to %s', (kind, targetKind) => {
  const flavor = kind.startsWith('mariadb') ? 'mariadb' : 'mysql';
  const alike = kind === targetKind;
  // What one flavour alone has cannot be had on the other.
  const possible = CASES.filter(
    ({ from, mode }) => (from ?? flavor) === flavor && (alike || !/^(ORACLE|EMPTY)/.test(mode)),
  );
  let pair: Pair | string = '';
  beforeAll(async () => {
    pair = await startPair(kind, targetKind);
  });
  afterAll(async () => {
    if (typeof pair !== 'string') await pair.task.stop();
  });

  it.for(possible)('$name', async (test, context) => {
    if (typeof pair === 'string') return context.skip(`missing: ${pair}`);
    await follow(pair, test);
  });
});
