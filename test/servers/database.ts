/**
 * A private MySQL-protocol server of the tests: its process, its data folder, and a connection to it.
 */
import { rm } from 'node:fs/promises';
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2/promise';
import { Child, type ChildOptions } from './child.js';

/** Name and password of the administrator that every test server has (any host, all privileges). */
export const ADMIN = { user: 'root', password: 'sluice-Test.1' } as const;

export type Row = Record<string, unknown>;

/** Something that speaks the MySQL protocol, started by us or not. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export type Flavor = 'mariadb' | 'mysql';

export interface DatabaseProcess {
  readonly kind: string;
  readonly flavor: Flavor;
  readonly port: number;
  /** Holds data folder, log and socket; removed by `stop()`. */
  readonly folder: string;
  readonly socket: string;
  readonly serverId: number;
  readonly launch: ChildOptions;
  readonly readyTimeoutMs?: number;
}

const RETRY_MS = 25;

export class DatabaseServer implements DatabaseAddress, AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly user: string = ADMIN.user;
  readonly password: string = ADMIN.password;
  readonly kind: string;
  readonly flavor: Flavor;
  readonly port: number;
  readonly socket: string;
  readonly serverId: number;
  readonly folder: string;
  readonly #process: DatabaseProcess;
  #child: Child;
  #connection: Promise<Connection> | undefined;
  #extraArgs: readonly string[] = [];

  private constructor(process: DatabaseProcess) {
    this.#process = process;
    this.kind = process.kind;
    this.flavor = process.flavor;
    this.port = process.port;
    this.socket = process.socket;
    this.serverId = process.serverId;
    this.folder = process.folder;
    this.#child = new Child(process.launch);
  }

  /** Starts the process and waits until it answers. */
  static async start(process: DatabaseProcess): Promise<DatabaseServer> {
    const server = new DatabaseServer(process);
    try {
      await server.#ready();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.running;
  }

  /** Rows of one statement, as mysql2 gives them (numbers above 2^53 and dates as strings, binary as Buffer). */
  async query<T extends Row = Row>(sql: string, values?: unknown[]): Promise<T[]> {
    const connection = await this.#shared();
    const [rows] = await connection.query(sql, values);
    return (Array.isArray(rows) ? rows : []) as T[];
  }

  /** Several statements, separated by `;`, in order. */
  async execute(script: string): Promise<void> {
    const connection = await this.#shared();
    await connection.query(script);
  }

  /** A connection of one's own (the caller ends it); the options override user, database, flags. */
  async connect(options: ConnectionOptions = {}): Promise<Connection> {
    return createConnection({
      host: this.host,
      port: this.port,
      user: this.user,
      password: this.password,
      multipleStatements: true,
      supportBigNumbers: true,
      bigNumberStrings: false,
      dateStrings: true,
      charset: 'utf8mb4',
      connectTimeout: 10_000,
      ...options,
    });
  }

  /** SIGSTOP, SIGCONT, SIGKILL, ...; after SIGKILL it resolves once the process is gone. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (signal === 'SIGKILL') this.#forget();
    await this.#child.signal(signal);
  }

  /** Starts again on the same port and data, first ending the process gracefully when it runs. */
  async restart(options: { extraArgs?: readonly string[] } = {}): Promise<void> {
    this.#forget();
    if (this.#child.running) await this.#child.stop();
    this.#extraArgs = options.extraArgs ?? this.#extraArgs;
    const launch = this.#process.launch;
    this.#child = new Child({ ...launch, args: [...launch.args, ...this.#extraArgs] });
    await this.#ready();
  }

  /** Ends the process and removes its folder. */
  async stop(): Promise<void> {
    this.#forget();
    // The data are thrown away: no reason to wait for a clean shutdown.
    await this.#child.signal('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  describe(): string {
    return `${this.kind} on ${this.host}:${this.port}: ${this.#child.describe()}`;
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + (this.#process.readyTimeoutMs ?? 60_000);
    for (;;) {
      if (!this.#child.running) throw new Error(`${this.kind} did not start: ${this.#child.describe()}`);
      try {
        await (await this.#shared()).query('SELECT 1');
        return;
      } catch (error) {
        this.#forget();
        if (performance.now() > deadline) {
          throw new Error(`${this.kind} is not ready: ${this.#child.describe()}`, { cause: error });
        }
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #shared(): Promise<Connection> {
    if (this.#connection) return this.#connection;
    const opening = this.connect().then((connection) => {
      const drop = (): void => {
        if (this.#connection === opening) this.#connection = undefined;
      };
      connection.on('error', drop);
      connection.on('end', drop);
      return connection;
    });
    this.#connection = opening;
    opening.catch(() => {
      if (this.#connection === opening) this.#connection = undefined;
    });
    return opening;
  }

  #forget(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.then(
      (open) => open.destroy(),
      () => undefined,
    );
  }
}

/** How a server's binary log is set up; `row` with full images and GTID unless said otherwise. */
export interface DatabaseOptions {
  readonly binlog?: 'row' | 'statement' | 'mixed' | 'off';
  readonly rowImage?: 'full' | 'minimal' | 'noblob';
  /** MySQL only (MariaDB's GTID is always on). */
  readonly gtid?: boolean;
  /** Full column metadata in table maps (`binlog_row_metadata=FULL`). */
  readonly rowMetadata?: 'full' | 'minimal';
  /** Further server options without the leading dashes, e.g. `lower_case_table_names=1`; the last wins. */
  readonly settings?: readonly string[];
  /** Redo log: 4 MB suits tests; give benchmarks 1024. */
  readonly redoLogMb?: number;
}

let nextServerId = 1 + Math.floor(Math.random() * 1_000_000) * 100;

/** A server id that no other server of this process has. */
export function newServerId(): number {
  return nextServerId++;
}
