/** Every type, edge values, copied from each flavour and compared byte by byte on the target. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { must } from '../../src/model/assert.js';
import { FullCopy } from '../../src/load/full-copy.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { available, describeWith, startDatabase } from '../servers/index.js';
import type { DatabaseKind } from '../servers/availability.js';
import { silentLog, subtaskConfig } from './support.js';

type Server = Awaited<ReturnType<typeof startDatabase>>;

const mysql = await available('mysql-9.7');

const NUMBERS = `CREATE TABLE src.numbers (id INT PRIMARY KEY, t TINYINT, tu TINYINT UNSIGNED, s SMALLINT ZEROFILL,
  m MEDIUMINT, b BIGINT, bu BIGINT UNSIGNED, d DECIMAL(65,30), f FLOAT, fp FLOAT(7,4), db DOUBLE, dp DOUBLE(20,5), bit1 BIT(1),
  bit10 BIT(10), bit64 BIT(64), y YEAR);
INSERT INTO src.numbers VALUES
 (0,-128,0,0,-8388608,-9223372036854775808,0,'-12345678901234567890123456789012345.123456789012345678901234567890',
   -3.4028234e38,-999.9999,-1.7976931348623157e308,-123456789012345.12345,b'0',b'0',0,0),
 (1,127,255,65535,8388607,9223372036854775807,18446744073709551615,'99999999999999999999999999999999999.999999999999999999999999999999',
   16777217,0.1,2.2250738585072014e-308,0.1,b'1',b'1111111111',18446744073709551615,2155),
 (2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),
 (3,1,1,1,1,1,1,0.000000000000000000000000000001,0.1,1.2345,0.1,1.1,1,513,b'0101110000100111',1901),
 (4,1,1,1,1,1,1,1,1.17549435e-38,1,1e-300,1,1,39,92,2000),(5,1,1,1,1,1,1,1,3.1415927,1,3.141592653589793,1,0,10,44,1999)`;

const TEXTS = `CREATE TABLE src.texts (id INT PRIMARY KEY, c CHAR(20), v VARCHAR(200), l1 VARCHAR(50) CHARACTER SET latin1,
  g VARCHAR(50) CHARACTER SET gbk, u2 VARCHAR(50) CHARACTER SET ucs2, tx TEXT, lt LONGTEXT, bn BINARY(8), vb VARBINARY(300), bl BLOB, lb LONGBLOB,
  e ENUM('a','b,c','d''e','é'), st SET('x','y"','z\\\\'), j JSON) DEFAULT CHARSET utf8mb4;
INSERT INTO src.texts VALUES
 (1,'','','','','','','','','','','','a','',  '{"a": [1, 2.5, "x\\\\"y\\\\\\\\z", null]}'),
 (2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),
 (3,'\\\\N','a\\tb\\nc\\\\d"e''f,g\\0h\\r\\n  ','é€ÿ','中文','ü☃','"quoted"','\\\\N','\\0\\0',x'00FF5C0A0D09222700','\\\\N',x'E0A4',
   'b,c','x,y"','"text"'),
 (4,'N','😀 emoji 中','','','',REPEAT('x"\\\\',400),REPEAT('ab,\\n',1000),'abc',REPEAT(x'80',300),REPEAT(x'FF22',600),REPEAT(x'00',100000),
   'd''e','z\\\\','[]'),
 (5,' lead','trail  ','','','','NULL','','NULL','NULL','','','é','x,y",z\\\\','{"k": "中"}')`;

/** Of types that a target takes as the bytes that they are. */
const PLAIN_TEXTS = `CREATE TABLE src.plain_texts (id INT PRIMARY KEY, n DECIMAL(30,10), f DOUBLE, t6 TIME(6), ts6 TIMESTAMP(6) NULL)
  DEFAULT CHARSET utf8mb4;
INSERT INTO src.plain_texts SELECT id, -1.0000000001, 0.1, '-00:00:00.000001', '2024-10-27 00:30:00.5' FROM src.texts;
ALTER TABLE src.plain_texts ADD c CHAR(20), ADD v VARCHAR(200), ADD g VARCHAR(50), ADD tx TEXT, ADD lt LONGTEXT, ADD bn BINARY(8), ADD vb VARBINARY(300), ADD lb LONGBLOB;
UPDATE src.plain_texts p JOIN src.texts t USING (id) SET p.c = t.c, p.v = t.v, p.g = t.g, p.tx = t.tx, p.lt = t.lt, p.bn = t.bn, p.vb = t.vb, p.lb = t.lb`;

const TIMES = `CREATE TABLE src.times (id INT PRIMARY KEY, d DATE, t TIME, t6 TIME(6), dt DATETIME, dt6 DATETIME(6), ts TIMESTAMP NULL, ts6 TIMESTAMP(6) NULL);
INSERT INTO src.times VALUES (1,'0000-00-00','-838:59:59','-00:00:00.000001','0000-00-00 00:00:00','9999-12-31 23:59:59.999999','1970-01-01 00:00:01','2038-01-19 03:14:07.999999'),
 (2,NULL,NULL,NULL,NULL,NULL,NULL,NULL),(3,'2024-02-30','838:59:59','12:00:00.100000','2024-00-00 00:00:00','2000-01-01 00:00:00.000001','2024-03-31 01:30:00','2024-10-27 00:30:00.5')`;

const SHAPES = `CREATE TABLE src.shapes (id INT PRIMARY KEY, g GEOMETRY, p POINT, ls LINESTRING);
INSERT INTO src.shapes VALUES (1,ST_GeomFromText('POINT(1 2)'),ST_GeomFromText('POINT(1.5 -2.25)',4326),ST_GeomFromText('LINESTRING(0 0,1 1,2 3)')),
 (2,NULL,NULL,NULL)`;

const OTHERS = `CREATE TABLE src.generated (id INT PRIMARY KEY AUTO_INCREMENT, a INT, b INT AS (a * 2) VIRTUAL, c INT AS (a + 1) STORED, note VARCHAR(20) DEFAULT 'x');
INSERT INTO src.generated (a) VALUES (1),(2),(NULL);
CREATE TABLE src.nokey (a INT, b VARCHAR(10)); INSERT INTO src.nokey VALUES (1,'a'),(1,'a'),(2,NULL),(NULL,NULL);
CREATE TABLE src.\`odd\`\`name 中.x\` (\`k\`\`ey\` BIGINT UNSIGNED, \`select\` INT, PRIMARY KEY (\`k\`\`ey\`));
INSERT INTO src.\`odd\`\`name 中.x\` VALUES (0,1),(18446744073709551615,2);
CREATE TABLE src.zero (id INT PRIMARY KEY AUTO_INCREMENT) AUTO_INCREMENT=100; CREATE TABLE src.empty_enum (id INT PRIMARY KEY, e ENUM('a','b') NOT NULL);
INSERT IGNORE INTO src.empty_enum VALUES (1,'a'),(2,'nothing'),(3,'b');
CREATE TABLE src.two_empties (id INT PRIMARY KEY, e ENUM('a','','0'), UNIQUE KEY (e));
INSERT IGNORE INTO src.two_empties VALUES (1,'nothing'),(2,''),(3,'0'),(4,'a'),(5,NULL);
CREATE TABLE src.error_enum (id INT PRIMARY KEY, e ENUM('a',''));
INSERT IGNORE INTO src.error_enum VALUES (1,'nothing'),(2,'neither'),(3,'nor'),(4,'a');
CREATE TABLE src.myisam (id INT, v VARCHAR(20)) ENGINE=MyISAM; INSERT INTO src.myisam VALUES (1,'x'),(1,'x');
CREATE VIEW src.vv AS SELECT 1`;

const SCRIPT = [
  'CREATE DATABASE src CHARACTER SET latin1',
  "SET SESSION sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00'",
  NUMBERS,
  TEXTS,
  PLAIN_TEXTS,
  TIMES,
  SHAPES,
  OTHERS,
].join(';\n');

const TABLES: Record<string, string[]> = {
  numbers: [
    'id',
    't',
    'tu',
    's',
    'm',
    'b',
    'bu',
    'd',
    'f*1e0',
    'fp*1e0',
    'db',
    'dp',
    'bit1',
    'bit10',
    'bit64',
    'y',
  ],
  texts: ['id', 'c', 'v', 'l1', 'g', 'u2', 'tx', 'lt', 'bn', 'vb', 'bl', 'lb', 'e', 'st', 'j'],
  plain_texts: ['id', 'n', 'f', 't6', 'ts6', 'c', 'v', 'g', 'tx', 'lt', 'bn', 'vb', 'lb'],
  times: ['id', 'd', 't', 't6', 'dt', 'dt6', 'ts', 'ts6'],
  shapes: ['id', 'g', 'p', 'ls'],
  generated: ['id', 'a', 'b', 'c', 'note'],
  nokey: ['a', 'b'],
  'odd``name 中.x': ['k``ey', 'select'],
  zero: ['id'],
  empty_enum: ['id', 'e'],
  two_empties: ['id', 'e*1'],
  error_enum: ['id', 'e*1'],
  myisam: ['id', 'v'],
};

const servers = new Map<DatabaseKind, Server>();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'sluice-copy-'));
  const kinds: DatabaseKind[] = ['mariadb-10.11', ...(mysql.ok ? (['mysql-9.7'] as const) : [])];
  for (const kind of kinds) {
    const server = await startDatabase(kind);
    servers.set(kind, server);
    await server.execute(SCRIPT);
  }
});
afterAll(async () => {
  await Promise.all([...servers.values()].map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function tableContents(server: Server, schema: string, table: string): Promise<unknown[]> {
  const connection = await server.connect({ timezone: 'Z' });
  try {
    await connection.query("SET time_zone = '+00:00', sql_mode = ''");
    const columns = TABLES[table].map((column) => {
      const [name, rest] = column.split('*');
      return `HEX(CAST(\`${name}\`${rest ? `*${rest}` : ''} AS BINARY))`;
    });
    const [rows] = await connection.query({
      sql: `SELECT ${columns.join(', ')} FROM ${schema}.\`${table}\` ORDER BY 1, 2`.replace(
        'ORDER BY 1, 2',
        columns.length > 1 ? 'ORDER BY 1, 2' : 'ORDER BY 1',
      ),
      rowsAsArray: true,
    });
    return rows as unknown[];
  } finally {
    await connection.end();
  }
}

async function copyAndCompare(from: Server, to: Server, task: string, local: boolean): Promise<void> {
  await to.query(`SET GLOBAL local_infile = ${local ? 1 : 0}`);
  await to.query(`DROP DATABASE IF EXISTS src_${task}`);
  const config = subtaskConfig(from, to, {
    task,
    routes: [{ schemaPattern: 'src', tablePattern: '', targetSchema: `src_${task}`, targetTable: '' }],
    blockAllow: { doDbs: ['src'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    // Small tables go another way where nobody wants files (small.test.ts).
    cleanDumpFile: false,
  });
  const units: string[] = [];
  const copy = new FullCopy({
    config,
    epoch: 1,
    dataDir: path.join(folder, task),
    ports: { clock: new RealClock(), log: silentLog },
    onUnit: (unit) => units.push(unit),
    signal: new AbortController().signal,
  });
  expect(await copy.run()).toEqual({ outcome: 'finished' });
  expect(units).toEqual(['Dump', 'Load']);
  expect(copy.status().load.progress).toBe('100.00 %');
  expect(copy.status().dump.progress).toBe('100.00 %');
  for (const table of Object.keys(TABLES)) {
    const expected = await tableContents(from, 'src', table);
    if (table !== 'zero') expect(expected.length).toBeGreaterThan(0);
    expect({ table, rows: await tableContents(to, `src_${task}`, table) }).toEqual({ table, rows: expected });
  }
}

const MARIADB = 'mariadb-10.11';
const MYSQL = 'mysql-9.7';

/** A server is source and target at once: the route leads to another schema. */
async function between(from: DatabaseKind, to: DatabaseKind, task: string, local: boolean): Promise<void> {
  await copyAndCompare(must(servers.get(from), from), must(servers.get(to), to), task, local);
}

describe('every type comes over exactly', () => {
  it('by LOAD DATA', () => between(MARIADB, MARIADB, 'maria_csv', true));
  it('by INSERT where LOCAL INFILE is refused', () => between(MARIADB, MARIADB, 'maria_sql', false));
});

await describeWith(MYSQL, 'every type comes over exactly', () => {
  it('by LOAD DATA', () => between(MYSQL, MYSQL, 'mysql_csv', true));
  it('by INSERT where LOCAL INFILE is refused', () => between(MYSQL, MYSQL, 'mysql_sql', false));
  it('to MariaDB', () => between(MYSQL, MARIADB, 'to_maria', true));
  it('from MariaDB', () => between(MARIADB, MYSQL, 'to_mysql', true));
});
