/** Binlog files to decode: written by a server of either flavour, one file a segment. */
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import type { DatabaseServer } from '../../test/servers/database.js';

export interface DecodeSegment {
  readonly name: string;
  /** Column list of `b.t` in the server's default character set utf8mb4. */
  readonly table: string;
  readonly fill: readonly string[];
}

/** A segment as the server has it and as a copy of the file. */
export interface WrittenFile {
  readonly name: string;
  /** Name of the binlog file at the server. */
  readonly binlog: string;
  readonly file: string;
}

const PAD = "REPEAT('12345678901-', 10)";
const SYSBENCH = '(id INT PRIMARY KEY, k INT, c CHAR(120), pad CHAR(60)) CHARACTER SET latin1';

/** `rows` is about the number of row changes of the larger segments. */
export function decodeSegments(rows: number): DecodeSegment[] {
  const insert = (select: string): string[] =>
    Array.from(
      { length: Math.ceil(rows / 1000) },
      (_, i) => `INSERT INTO b.t SELECT ${select.replaceAll('$', `(seq + ${i * 1000})`)} FROM b.seq`,
    );
  return [
    {
      name: '1000-row inserts, latin1',
      table: SYSBENCH,
      fill: insert(`$, $ * 7, ${PAD}, LEFT(${PAD}, 60)`),
    },
    {
      name: 'mixed columns, utf8mb4',
      table:
        "(id BIGINT PRIMARY KEY, d DECIMAL(20,4), f DOUBLE, dt DATETIME(6), ts TIMESTAMP NULL, v VARCHAR(100), e ENUM('a','b'), t TEXT, y SMALLINT UNSIGNED, b VARBINARY(40)) CHARACTER SET utf8mb4",
      fill: insert(
        `$, $ * 1.2345, $ / 7, '2024-01-02 03:04:05.678901', '2024-01-02 03:04:05', CONCAT('name é ', $), 'b', ${PAD}, $ % 60000, UNHEX(LEFT(SHA2($, 256), 32))`,
      ),
    },
    {
      name: 'updates, 100 rows',
      table: SYSBENCH,
      fill: [
        `INSERT INTO b.t SELECT seq, seq, ${PAD}, LEFT(${PAD}, 60) FROM b.seq WHERE seq <= 100`,
        ...Array.from({ length: Math.ceil(rows / 200) }, () => 'UPDATE b.t SET k = k + 1'),
      ],
    },
    {
      name: 'single-row transactions',
      table: SYSBENCH,
      fill: Array.from(
        { length: Math.ceil(rows / 10) },
        (_, i) => `INSERT INTO b.t VALUES (${i}, 1, ${PAD}, LEFT(${PAD}, 60))`,
      ),
    },
  ];
}

async function currentFile(server: DatabaseServer): Promise<string> {
  const [row] = await server.query('SHOW MASTER STATUS').catch(() => server.query('SHOW BINARY LOG STATUS'));
  return String(row!['File']);
}

/** Fills `b.t` in a binlog file of its own and copies the file into the folder. */
export async function writeFileOf(
  server: DatabaseServer,
  segment: DecodeSegment,
  folder: string,
): Promise<WrittenFile> {
  await server.execute(
    `SET sql_log_bin = 0; DROP TABLE IF EXISTS b.t; CREATE TABLE b.t ${segment.table} ENGINE=InnoDB; FLUSH BINARY LOGS`,
  );
  const connection = await server.connect({ database: 'b' });
  await connection.query("SET SESSION sql_mode = ''");
  for (let i = 0; i < segment.fill.length; i += 100) {
    await connection.query(segment.fill.slice(i, i + 100).join(';'));
  }
  await connection.end();
  const binlog = await currentFile(server);
  await server.execute('FLUSH BINARY LOGS');
  const [base] = await server.query("SHOW VARIABLES LIKE 'log_bin_basename'");
  const file = path.join(folder, `${server.flavor}-${segment.name.replaceAll(/\W+/g, '-')}`);
  await copyFile(path.join(path.dirname(String(base!['Value'])), binlog), file);
  return { name: segment.name, binlog, file };
}

/** The numbers 1 to 1000, not in the binlog. */
export const NUMBERS = `SET sql_log_bin = 0; CREATE DATABASE IF NOT EXISTS b; CREATE TABLE b.seq (seq INT PRIMARY KEY);
  INSERT INTO b.seq WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000) SELECT n FROM s`;
