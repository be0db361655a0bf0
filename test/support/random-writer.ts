/**
 * A seeded load of random changes on an upstream: hot keys, key-changing updates, unique-key swaps,
 * multi-row statements, rolled-back transactions, and a table without any key.
 */
import type { Connection } from 'mysql2/promise';
import type { DatabaseServer } from '../servers/database.js';
import { SeededRandom } from './seeded-random.js';

export interface WriterOptions {
  readonly server: DatabaseServer;
  readonly schema: string;
  readonly seed: number;
  /** Connections that write at the same time. */
  readonly connections?: number;
  /** Upper limit of transactions a second, over all connections. */
  readonly ratePerSecond?: number;
}

export interface WriterStats {
  transactions: number;
  rows: number;
  /** Statements that failed (deadlock, server gone, duplicate key) and were given up. */
  failures: number;
}

const TABLES = ['w_pk', 'w_uk', 'w_nokey', 'w_composite'] as const;
const KEYS = 400;
const HOT_KEYS = 8;

/** Tables that `createWriterTables` makes, as `schema.table`. */
export function writerTables(schema: string): string[] {
  return TABLES.map((table) => `${schema}.${table}`);
}

/** Makes the tables, with some rows in each. */
export async function createWriterTables(
  server: DatabaseServer,
  schema: string,
  options: { rows?: number; seed?: number } = {},
): Promise<void> {
  const random = new SeededRandom(options.seed ?? 1);
  const connection = await server.connect();
  try {
    await connection.query(
      `CREATE DATABASE IF NOT EXISTS \`${schema}\`;
       USE \`${schema}\`;
       CREATE TABLE w_pk (id INT PRIMARY KEY, v BIGINT NOT NULL, t VARCHAR(80), d DATETIME(3) NULL,
         amount DECIMAL(20,6)) DEFAULT CHARSET=utf8mb4;
       CREATE TABLE w_uk (id INT PRIMARY KEY, u INT NOT NULL, name VARCHAR(60), UNIQUE KEY (u))
         DEFAULT CHARSET=utf8mb4;
       CREATE TABLE w_nokey (a INT, b VARCHAR(40), c DOUBLE) DEFAULT CHARSET=utf8mb4;
       CREATE TABLE w_composite (p INT NOT NULL, q VARCHAR(20) NOT NULL, payload BLOB, PRIMARY KEY (p, q))
         DEFAULT CHARSET=utf8mb4;`,
    );
    const rows = options.rows ?? 200;
    for (let from = 1; from <= rows; from += 500) {
      const ids = Array.from({ length: Math.min(500, rows - from + 1) }, (_, i) => from + i);
      const text = (): string => random.digits(20);
      await connection.query(
        `INSERT INTO w_pk VALUES ${ids.map((i) => `(${i},${i},'${text()}',NULL,${i}.5)`).join(',')};
         INSERT INTO w_uk VALUES ${ids.map((i) => `(${i},${i},'${text()}')`).join(',')};
         INSERT INTO w_nokey VALUES ${ids.map((i) => `(${i % 50},'${text()}',${i}.25)`).join(',')};
         INSERT INTO w_composite VALUES ${ids.map((i) => `(${i},'q${i % 7}','${text()}')`).join(',')};`,
      );
    }
  } finally {
    await connection.end();
  }
}

/** Server errors after which the writer just goes on. */
const EXPECTED_ERRNO = new Set([1062, 1205, 1213, 1020]);

/** Writes until it is told to stop; survives the death and return of its server. */
export class RandomWriter {
  readonly stats: WriterStats = { transactions: 0, rows: 0, failures: 0 };
  readonly #options: WriterOptions;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  /** First error that no fault explains; thrown by `stop()`. */
  #unexpected: unknown;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  start(): this {
    const connections = this.#options.connections ?? 2;
    for (let i = 0; i < connections; i++) this.#loops.push(this.#loop(i, connections));
    return this;
  }

  /** Ends after the running transactions. */
  async stop(): Promise<WriterStats> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    if (this.#unexpected !== undefined) {
      throw new Error('the random writer failed', { cause: this.#unexpected });
    }
    return this.stats;
  }

  async #loop(index: number, connections: number): Promise<void> {
    const random = new SeededRandom(this.#options.seed * 1009 + index);
    const rate = this.#options.ratePerSecond;
    const pause = rate ? (1000 * connections) / rate : 0;
    let connection: Connection | undefined;
    while (!this.#stop.signal.aborted) {
      const began = performance.now();
      try {
        connection ??= await this.#open();
        await this.#transaction(connection, random);
      } catch (error) {
        this.stats.failures++;
        const errno = (error as { errno?: number }).errno ?? 0;
        if (errno > 0 && EXPECTED_ERRNO.has(errno)) {
          await connection?.query('ROLLBACK').catch(() => undefined);
        } else {
          // The server is gone (or this is a mistake of ours): connect again.
          if (errno >= 1000 && errno !== 1053 && errno !== 1927) this.#unexpected ??= error;
          connection?.destroy();
          connection = undefined;
          await sleep(100);
        }
      }
      const left = pause - (performance.now() - began);
      await sleep(Math.max(left, 0));
    }
    await connection?.end().catch(() => undefined);
  }

  async #open(): Promise<Connection> {
    const connection = await this.#options.server.connect({ database: this.#options.schema });
    connection.on('error', () => undefined);
    return connection;
  }

  async #transaction(connection: Connection, random: SeededRandom): Promise<void> {
    const statements = Array.from({ length: random.int(1, 5) }, () => statement(random));
    const ending = random.next() < 0.05 ? 'ROLLBACK' : 'COMMIT';
    await connection.query('BEGIN');
    let rows = 0;
    for (const sql of statements) {
      const [result] = await connection.query(sql);
      rows += (result as { affectedRows?: number }).affectedRows ?? 0;
    }
    await connection.query(ending);
    if (ending === 'COMMIT') {
      this.stats.transactions++;
      this.stats.rows += rows;
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function someKey(random: SeededRandom): number {
  return random.next() < 0.4 ? random.int(1, HOT_KEYS) : random.int(1, KEYS);
}

function statement(random: SeededRandom): string {
  const id = someKey(random);
  const text = `${random.digits(random.int(5, 30))} ä€😀 \\'${random.int(0, 99)}`;
  const number = random.int(-1_000_000, 1_000_000);
  switch (random.int(1, 14)) {
    case 1:
    case 2:
      return `INSERT INTO w_pk VALUES (${id}, ${number}, '${text}', NOW(3), ${number}.123456)
              ON DUPLICATE KEY UPDATE v = v + 1, t = VALUES(t)`;
    case 3:
      return `UPDATE w_pk SET v = v + ${random.int(1, 9)}, d = NOW(3) WHERE id = ${id}`;
    case 4:
      return `DELETE FROM w_pk WHERE id = ${id}`;
    case 5:
      // Changes the primary key.
      return `UPDATE IGNORE w_pk SET id = ${someKey(random)} WHERE id = ${id}`;
    case 6:
      return `REPLACE INTO w_uk VALUES (${id}, ${someKey(random)}, '${text}')`;
    case 7:
      return `UPDATE IGNORE w_uk SET u = ${random.int(1, KEYS)}, name = '${text}' WHERE id = ${id}`;
    case 8:
      return `DELETE FROM w_uk WHERE u BETWEEN ${id} AND ${id + 2}`;
    case 9:
      return `INSERT INTO w_nokey VALUES (${id % 50}, '${random.digits(20)}', ${number} / 7),
              (${id % 50}, 'same', 1.5), (${id % 50}, 'same', 1.5), (NULL, NULL, NULL)`;
    case 10:
      return `UPDATE w_nokey SET c = c + 1 WHERE a = ${id % 50} LIMIT 3`;
    case 11:
      return `DELETE FROM w_nokey WHERE a = ${id % 50} LIMIT 2`;
    case 12:
      return `DELETE FROM w_nokey WHERE a IS NULL LIMIT 1`;
    case 13:
      return `INSERT INTO w_composite VALUES (${id}, 'q${id % 7}', '${text}')
              ON DUPLICATE KEY UPDATE payload = VALUES(payload)`;
    default:
      return `UPDATE IGNORE w_composite SET q = 'q${random.int(0, 6)}' WHERE p = ${id}`;
  }
}
