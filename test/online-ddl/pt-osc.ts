/** Runs pt-online-schema-change, and writes to a table while it does. */
import type { Connection } from 'mysql2/promise';
import { run } from '../servers/child.js';
import type { DatabaseServer } from '../servers/database.js';
import { onlineSchemaChange } from '../servers/percona-toolkit.js';
import { SCHEMA } from './support.js';

export async function runOnlineSchemaChange(
  source: DatabaseServer,
  table: string,
  alter: string,
  extra: readonly string[] = [],
  schema = SCHEMA,
): Promise<void> {
  const { host, port, user, password } = source;
  await run(
    await onlineSchemaChange(),
    [
      `--alter=${alter}`,
      '--execute',
      '--no-version-check',
      '--recursion-method=none',
      '--no-check-replication-filters',
      ...extra,
      `h=${host},P=${port},u=${user},p=${password},D=${schema},t=${table}`,
    ],
    { timeoutMs: 120_000 },
  );
}

/** Inserts, updates and deletes rows by their `id` and `a` until it is told to stop. */
export class Writer {
  readonly #server: DatabaseServer;
  readonly #table: string;
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();
  written = 0;

  constructor(server: DatabaseServer, table: string) {
    this.#server = server;
    this.#table = table;
  }

  start(): this {
    this.#loop = this.#run();
    this.#loop.catch(() => undefined);
    return this;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }

  async #run(): Promise<void> {
    const connection = await this.#server.connect();
    try {
      for (let i = 1; !this.#stopped; i++) {
        await this.#write(connection, i);
        this.written++;
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
    } finally {
      await connection.end();
    }
  }

  async #write(connection: Connection, i: number): Promise<void> {
    const table = this.#table;
    await connection.query(`INSERT INTO ${table} (a) VALUES ('new ${i}'), ('more ${i}')`);
    await connection.query(`UPDATE ${table} SET a='changed ${i}' WHERE id=${(i * 7) % 500}`);
    if (i % 3 === 0) await connection.query(`DELETE FROM ${table} WHERE id=${(i * 13) % 500}`);
  }
}
