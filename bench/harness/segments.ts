/** The segments of binlog that the replication benchmarks apply: made by SQL from a number of rows. */
import type { Segment } from './replication.js';

const C = "'12345678901-12345678902-12345678903-12345678904-12345678905-12345678906-12345678907-12345678908'";
const PAD = "'22195207048-70116052123-74140395089-76317954521-98694025897'";

function times(count: number, make: (i: number) => string): string[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** A table as sysbench makes it, with its first rows. */
export function sysbenchTable(table: string, filled = 0): string {
  const create = `CREATE DATABASE IF NOT EXISTS b; USE b; DROP TABLE IF EXISTS ${table}; CREATE TABLE ${table}
    (id INT PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL, KEY (k))`;
  if (filled === 0) return create;
  return `${create}; INSERT INTO ${table} SELECT seq, seq % 997, ${C}, ${PAD} FROM seq_1_to_${filled}`;
}

export function singleInserts(rows: number, table = 'b.t1'): Segment {
  return {
    name: 'single-row inserts',
    tables: [table],
    rows,
    setUp: sysbenchTable(table),
    statements: times(rows, (i) => `INSERT INTO ${table} VALUES (${i + 1}, ${i % 997}, ${C}, ${PAD})`),
  };
}

export function singleUpdates(rows: number, table = 'b.t2'): Segment {
  return {
    name: 'single-row updates',
    tables: [table],
    rows,
    setUp: sysbenchTable(table, 10_000),
    statements: times(rows, (i) => `UPDATE ${table} SET k = k + 1 WHERE id = ${1 + ((i * 7919) % 10_000)}`),
  };
}

export function bulkInserts(rows: number, table = 'b.t3'): Segment {
  const count = Math.ceil(rows / 1000);
  return {
    name: '1000-row inserts',
    tables: [table],
    rows: count * 1000,
    setUp: sysbenchTable(table),
    statements: times(
      count,
      (i) => `INSERT INTO ${table} SELECT seq + ${i * 1000}, seq % 997, ${C}, ${PAD} FROM seq_1_to_1000`,
    ),
  };
}

/** Columns of many types, 1000 rows a statement. */
export function mixedColumns(rows: number, table = 'b.t7'): Segment {
  const count = Math.ceil(rows / 1000);
  return {
    name: 'mixed columns',
    tables: [table],
    rows: count * 1000,
    setUp: `CREATE DATABASE IF NOT EXISTS b; USE b; DROP TABLE IF EXISTS ${table}; CREATE TABLE ${table}
      (id BIGINT PRIMARY KEY, d DECIMAL(20,4), f DOUBLE, dt DATETIME(6), ts TIMESTAMP NULL, v VARCHAR(100),
       e ENUM('a','b'), t TEXT, y SMALLINT UNSIGNED, b VARBINARY(40)) CHARACTER SET utf8mb4`,
    statements: times(count, (i) => {
      const n = `(seq + ${i * 1000})`;
      return `INSERT INTO ${table} SELECT ${n}, ${n} * 1.2345, ${n} / 7, '2024-01-02 03:04:05.678901',
        '2024-01-02 03:04:05', CONCAT('name é ', ${n}), 'b', ${C}, ${n} % 60000, UNHEX(LEFT(SHA2(${n}, 256), 32))
        FROM seq_1_to_1000`;
    }),
  };
}

export function updatesOf100(rows: number, table = 'b.t4'): Segment {
  const filled = 50_000;
  return {
    name: '100-row updates',
    tables: [table],
    rows,
    setUp: sysbenchTable(table, filled),
    statements: times(rows / 100, (i) => {
      const from = ((i * 100) % filled) + 1;
      return `UPDATE ${table} SET k = k + 1 WHERE id BETWEEN ${from} AND ${from + 99}`;
    }),
  };
}

/** sysbench oltp_write_only: of each transaction two updates, a delete and the insert of the same id. */
export function writeOnly(transactions: number, table = 'b.t5'): Segment {
  const filled = 50_000;
  const id = (i: number, salt: number): number => 1 + ((i * 7919 + salt * 104_729) % filled);
  return {
    name: 'sysbench write_only',
    tables: [table],
    rows: transactions * 4,
    setUp: sysbenchTable(table, filled),
    statements: times(
      transactions,
      (i) => `BEGIN; UPDATE ${table} SET k = k + 1 WHERE id = ${id(i, 1)};
        UPDATE ${table} SET c = REVERSE(c) WHERE id = ${id(i, 2)};
        DELETE FROM ${table} WHERE id = ${id(i, 3)};
        INSERT INTO ${table} VALUES (${id(i, 3)}, ${i % 997}, ${C}, ${PAD}); COMMIT`,
    ),
  };
}

/** Eight of ten changes hit the same ten rows. */
export function hotKeys(rows: number, table = 'b.t6'): Segment {
  return {
    name: 'hot keys',
    tables: [table],
    rows,
    setUp: sysbenchTable(table, 10_000),
    statements: times(rows, (i) => {
      const id = i % 10 < 8 ? 1 + (i % 10) : 1 + ((i * 7919) % 10_000);
      return `UPDATE ${table} SET k = k + 1 WHERE id = ${id}`;
    }),
  };
}
