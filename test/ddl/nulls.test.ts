/** Columns that become NOT NULL while rows hold NULL: the target stores what the source has stored. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDatabase, type DatabaseKind } from '../servers/availability.js';
import { describeWith } from '../servers/describe-with.js';
import type { DatabaseServer } from '../servers/database.js';
import { DdlTask, schemaOutline, schemaText, unequalTables } from './support.js';

const COLUMNS = [
  ['i', 'INT', 'DEFAULT 3', 'DEFAULT 5'],
  ['d', 'DATE', "DEFAULT '2020-02-05'", "DEFAULT '2020-02-06'"],
  ['t', 'DATETIME(3)', "DEFAULT '2020-02-05 01:02:03.456'", ''],
  ['n', 'DATETIME', 'DEFAULT CURRENT_TIMESTAMP', 'DEFAULT CURRENT_TIMESTAMP'],
  ['v', 'VARCHAR(9)', "DEFAULT 'old'", "DEFAULT 'new'"],
  ['b', 'VARBINARY(9)', "DEFAULT 'old'", ''],
  ['c', 'DECIMAL(9,2)', 'DEFAULT 3.5', ''],
  ['e', "ENUM('a','b')", "DEFAULT 'b'", ''],
  ['o', "SET('a','b')", "DEFAULT 'b'", ''],
  ['f', 'DOUBLE', 'DEFAULT 3.5', 'DEFAULT 3.5'],
  ['y', 'YEAR', 'DEFAULT 2003', ''],
  ['g', 'BIT(4)', "DEFAULT b'101'", ''],
  ['x', 'TEXT', '', ''],
] as const;

/** One table for each way to say it, each with a column whose rows are to keep their time of change. */
const WAYS: readonly [name: string, extra: string][] = [
  ['plain', ''],
  ['added', ', ADD z INT NOT NULL DEFAULT 7'],
  ['listed', ', ADD COLUMN (y1 INT, y2 VARCHAR(9) /* ) */ ) -- )'],
  ['keyed', ', ADD KEY kk (k), DROP COLUMN gone'],
  ['checked', ', ADD CONSTRAINT $name CHECK (k > 0)'],
  ['copied', ', ALGORITHM=COPY'],
  ['retyped', ', MODIFY k BIGINT'],
];

function statements(): string[] {
  const list = ["SET SESSION sql_mode=''"];
  for (const [way, extra] of WAYS) {
    const columns = COLUMNS.map(([name, type, before]) => `${name} ${type} ${before}`).join(', ');
    const nulls = COLUMNS.map(([name]) => name);
    list.push(
      `CREATE TABLE ${way} (id INT PRIMARY KEY, k INT, gone INT, ${columns}, u TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP)`,
      `INSERT INTO ${way} (id, k, u, ${nulls.join(', ')}) VALUES (1, 1, '2001-01-01', ${nulls.map(() => 'NULL').join(', ')})`,
      `INSERT INTO ${way} (id, k, u) VALUES (2, 2, '2001-01-01')`,
      `ALTER TABLE ${way} ${COLUMNS.map(([name, type, , after]) => `MODIFY ${name} ${type} NOT NULL ${after}`).join(', ')}${extra.replace('$name', way)}`,
      `INSERT INTO ${way} (id, k) VALUES (3, 3)`,
    );
  }
  return [
    ...list,
    "CREATE TABLE timed (id INT, v INT DEFAULT 3, s TIMESTAMP(3) NULL DEFAULT '2020-02-05 01:02:03.456')",
    'INSERT INTO timed VALUES (1, NULL, NULL), (2, 5, NULL)',
    'ALTER TABLE timed MODIFY v INT NOT NULL, MODIFY s TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)',
    'CREATE TABLE renamed (id INT, v INT DEFAULT 3, w INT DEFAULT 4)',
    'INSERT INTO renamed VALUES (1, NULL, NULL), (2, 1, 1)',
    'ALTER TABLE renamed CHANGE v v2 INT NOT NULL DEFAULT 9, ADD PRIMARY KEY (w)',
    "CREATE TABLE typed (id INT, v INT DEFAULT 3, w VARCHAR(5) DEFAULT 'w')",
    'INSERT INTO typed VALUES (1, NULL, NULL)',
    'ALTER TABLE typed MODIFY v VARCHAR(20) NOT NULL, MODIFY w INT NOT NULL',
    "SET SESSION sql_mode='STRICT_TRANS_TABLES'",
    'CREATE TABLE strict (id INT PRIMARY KEY, v INT DEFAULT 3)',
    'INSERT INTO strict VALUES (1, 1)',
    'ALTER TABLE strict MODIFY v INT NOT NULL',
  ];
}

const JSON_STATEMENTS = [
  "SET SESSION sql_mode=''",
  'CREATE TABLE j (id INT PRIMARY KEY, a JSON, b TEXT, c VARCHAR(20), u TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP)',
  "INSERT INTO j VALUES (1, NULL, NULL, NULL, '2001-01-01'), (2, '[1]', '{}', '2', NULL)",
  'ALTER TABLE j MODIFY a JSON NOT NULL',
  'ALTER TABLE j CHANGE b b2 JSON NOT NULL, MODIFY c JSON NOT NULL',
  "UPDATE j SET a='{}' WHERE id=1",
];

function suite(from: DatabaseKind, to: DatabaseKind): void {
  let source: DatabaseServer;
  let target: DatabaseServer;
  let task: DdlTask;
  beforeAll(async () => {
    [source, target] = await Promise.all([startDatabase(from), startDatabase(to)]);
    task = new DdlTask(source, target);
  }, 60_000);
  afterAll(async () => {
    await task?.stop();
    await Promise.all([source?.stop(), target?.stop()]);
  });

  async function arrives(sql: readonly string[]): Promise<void> {
    const { db } = await task.run({ sql });
    const { tables } = await schemaText(source, db);
    expect(await unequalTables(source, target, db, Object.keys(tables))).toEqual([]);
    expect(await schemaOutline(target, db)).toEqual(await schemaOutline(source, db));
  }

  it('stores what the source has stored', () => arrives(statements()));

  if (from !== 'mariadb-10.11') it('JSON', () => arrives(JSON_STATEMENTS));

  if (from === 'mariadb-10.11' && to !== 'mariadb-10.11') {
    it('says so where nobody can tell what the source has stored', async () => {
      const sql = [
        "SET SESSION sql_mode=''",
        'CREATE TABLE t (id INT PRIMARY KEY, v INT DEFAULT 3, g INT AS (id + 1) VIRTUAL)',
        'INSERT INTO t (id, v) VALUES (1, NULL)',
        'ALTER TABLE t MODIFY v INT NOT NULL',
      ];
      await expect(task.run({ sql })).rejects.toMatchObject({ code: 60406 });
    });
  }
}

describe('NULL to NOT NULL [mariadb-10.11]', () => suite('mariadb-10.11', 'mariadb-10.11'));
await describeWith('mysql-9.7', 'NULL to NOT NULL', () => suite('mysql-9.7', 'mysql-9.7'));
await describeWith('mysql-9.7', 'NULL to NOT NULL for MariaDB', () => suite('mysql-9.7', 'mariadb-10.11'));
await describeWith('mysql-9.7', 'NULL to NOT NULL from MariaDB', () => suite('mariadb-10.11', 'mysql-9.7'));
