/** Carries a script out on the source with several connections, and remembers what was done. */
import type { Connection } from 'mysql2/promise';
import type { DatabaseServer } from '../../test/servers/database.js';
import type { Clock } from '../../src/runtime/ports.js';
import type { Step } from './script.js';

export interface Done {
  readonly writer: number;
  readonly kind: Step['kind'];
  readonly sql: string;
  /** Error number, 0 when it succeeded. */
  readonly errno: number;
  readonly message: string;
  /** Rows that it says it has changed. */
  readonly rows: number;
}

/** Modes and zones that the writers work with: what replicates must not depend on them. */
const SESSIONS = [
  "SET SESSION sql_mode='', time_zone='+05:30'",
  "SET SESSION sql_mode='STRICT_TRANS_TABLES,NO_ZERO_DATE', time_zone='-08:00'",
  "SET SESSION sql_mode='NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00'",
  "SET SESSION sql_mode='ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH', time_zone='+13:00'",
];

/** Ways of MySQL 8 and later to log: compressed, and JSON by its changes. */
const LOGGING = [
  'SET SESSION binlog_transaction_compression=ON',
  "SET SESSION binlog_row_value_options='PARTIAL_JSON'",
  "SET SESSION binlog_transaction_compression=ON, binlog_row_value_options='PARTIAL_JSON'",
];

/** Steps that a writer may be behind. */
const QUEUE = 4;
const KEPT_SQL = 4_000;

export class Writers {
  readonly done: Done[] = [];
  readonly #clock: Clock;
  readonly #queues: Step[][] = [];
  readonly #connections: Connection[] = [];
  /** A server that is gone, or an error of the fuzzer itself. */
  #failure: Error | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async open(server: DatabaseServer, schema: string, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const connection = await server.connect({ database: schema, multipleStatements: false });
      await connection.query(SESSIONS[i % SESSIONS.length] ?? '');
      const logging = LOGGING[i];
      if (server.kind === 'mysql-9.7' && logging !== undefined) await connection.query(logging);
      await connection.query('SET SESSION innodb_lock_wait_timeout=1, lock_wait_timeout=5');
      await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      this.#connections.push(connection);
      this.#queues.push([]);
    }
  }

  /** Gives the steps out that are allowed, and resolves when all are carried out. */
  async run(steps: Iterable<Step>, isAllowed: (step: Step) => Promise<boolean>): Promise<void> {
    const state = { ended: false };
    const loops = this.#connections.map((connection, i) => this.#work(connection, i, state));
    try {
      for (const step of steps) {
        if (this.#failure !== null) break;
        if (!(await isAllowed(step))) continue;
        const queue = this.#queues[step.writer];
        while (queue !== undefined && queue.length >= QUEUE && this.#failure === null)
          await this.#clock.sleep(2);
        queue?.push(step);
      }
    } finally {
      state.ended = true;
      await Promise.all(loops);
    }
    if (this.#failure !== null) throw this.#failure;
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.end().catch(() => undefined)));
  }

  async #work(connection: Connection, writer: number, state: { ended: boolean }): Promise<void> {
    const queue = this.#queues[writer] ?? [];
    for (;;) {
      const step = queue.shift();
      if (step === undefined) {
        if (state.ended || this.#failure !== null) return;
        await this.#clock.sleep(1);
        continue;
      }
      const { run, mayFail = false, afterFailure = false } = step;
      const cleanUp = step.cleanUp === true || afterFailure;
      if (afterFailure && run?.failed !== true) continue;
      for (const sql of step.sql) {
        if (run?.failed === true && !cleanUp) break;
        const succeeded = await this.#execute(connection, writer, step.kind, sql);
        if (run !== undefined && !succeeded && !mayFail && !cleanUp) run.failed = true;
      }
    }
  }

  async #execute(connection: Connection, writer: number, kind: Step['kind'], sql: string): Promise<boolean> {
    let errno = 0;
    let message = '';
    let rows = 0;
    try {
      const [result] = await connection.query(sql);
      if (kind === 'dml' && !Array.isArray(result)) rows = result.affectedRows;
    } catch (error) {
      errno = (error as { errno?: number }).errno ?? -1;
      message = error instanceof Error ? error.message : String(error);
      if (errno <= 0) this.#failure ??= error instanceof Error ? error : new Error(message);
    }
    this.done.push({ writer, kind, sql: sql.slice(0, KEPT_SQL), errno, message, rows });
    return errno === 0;
  }
}
