/**
 * One connection to a MySQL-protocol server, seen as bytes: what dump, load, sync and the checkpoints
 * need. The adapter over mysql2 is `connect.ts`.
 */
import type { DbConfig } from '../model/subtask-config.js';

export interface StatementResult {
  /** Matched rows (CLIENT_FOUND_ROWS is always on). */
  readonly affectedRows: number;
  readonly insertId: bigint;
  readonly warnings: number;
  /** The server's info text, e.g. `Records: 3  Duplicates: 0  Warnings: 0`. */
  readonly info: string;
  /** Rows as text, where the statement returned any; bytes of binary columns as latin1. */
  readonly rows: (string | null)[][];
  readonly columns: string[];
}

/** An error answer of the server. `statement` counts from 0 within the packet that was sent. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  constructor(
    message: string,
    readonly errno: number,
    readonly sqlState: string,
    readonly statement: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The connection is gone or could not be made; whether the last statement ran is unknown. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** Server error number where the server refused (1045, 1040, ...), else 0. */
  constructor(
    message: string,
    readonly errno: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export interface Session {
  readonly threadId: number;
  /** e.g. `10.11.6-MariaDB` or `8.0.36`. */
  readonly serverVersion: string;
  readonly isMariaDb: boolean;
  /**
   * Sends the bytes as one COM_QUERY (several statements allowed, separated by `;`) and resolves with
   * one result a statement. Rejects with SqlError at the first statement that fails (those before it
   * have run), ConnectionError when the connection breaks. The buffer may be reused once the promise
   * settles. Calls queue up in order; none waits for the caller of another.
   */
  execute(sql: Buffer | string): Promise<StatementResult[]>;
  /** First result's rows as objects of text values: for the control path. */
  query(sql: string): Promise<Record<string, string | null>[]>;
  /**
   * Runs a SELECT, or several, and hands every text-protocol row packet over as it arrives:
   * `packet[start..end)` holds length-encoded values (0xfb = NULL), valid only during the call. Returns the
   * number of rows. A returned promise pauses the socket until it settles. `onResult` is called at the end of
   * each SELECT.
   */
  stream(
    sql: string,
    onRow: (packet: Buffer, start: number, end: number) => void | Promise<void>,
    options?: {
      onColumns?: (columns: ColumnMeta[]) => void;
      onResult?: () => void;
      signal?: AbortSignal;
    },
  ): Promise<number>;
  /** LOAD DATA LOCAL INFILE whose content is `chunks`. */
  loadData(sql: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<StatementResult>;
  /** Present where the server takes arrays of parameters. */
  readonly arrays?: ArrayBinding;
  /** Orderly COM_QUIT; never rejects. */
  close(): Promise<void>;
  /** Drops the socket at once. */
  destroy(): void;
  readonly closed: boolean;
}

/** One INSERT for many rows whose values are bound: COM_STMT_BULK_EXECUTE. */
export interface BoundRows {
  /** From `ArrayBinding.prepare`. */
  readonly statement: number;
  /** The command as bulk.ts describes it, with 4 bytes in front for the statement. */
  readonly body: Buffer;
}

/** MariaDB's array binding. */
export interface ArrayBinding {
  /**
   * The number of a prepared statement, valid until 63 others have been used; null where the server keeps no more
   * of them. From the first one on the session has autocommit=0: what is sent behind a command that fails cannot
   * commit. Any other refusal rejects, and may have ended the transaction that is open.
   */
  prepare(sql: string): Promise<number | null>;
  /**
   * Sends all at once, texts as `execute` does, and resolves with the results of all when all have been
   * answered. Rejects with the first error; what stands behind it has been executed all the same.
   */
  send(parts: readonly (Buffer | BoundRows)[]): Promise<StatementResult[]>;
}

export interface ColumnMeta {
  readonly name: string;
  /** MySQL protocol type code. */
  readonly type: number;
  /** Collation id; 63 = binary. */
  readonly characterSet: number;
  readonly flags: number;
}

export interface ConnectOptions {
  readonly db: DbConfig;
  /** What the session is set up for (`connect.ts` says how); default `target`. */
  readonly role?: 'source' | 'target';
  /** Extra `SET SESSION` assignments, values as SQL text. */
  readonly session?: Record<string, string>;
  readonly database?: string;
  /** ms; default 10 s. */
  readonly connectTimeoutMs?: number;
  /** A statement whose answer takes longer, without a byte of it, counts as a lost connection, ms; default: never. */
  readonly answerTimeoutMs?: number;
  readonly signal?: AbortSignal;
}
