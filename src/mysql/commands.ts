/** One command on the wire at a time: what is sent, and what its answer packets mean. */
import {
  ConnectionError,
  type ColumnMeta,
  type Session,
  type SqlError,
  type StatementResult,
} from './session.js';
import {
  isEof,
  parseColumn,
  parseEof,
  parseError,
  parseOk,
  parseTextRow,
  PayloadCursor,
  SERVER_MORE_RESULTS,
} from './packets.js';

/** What a command may do with its connection. */
export interface Wire {
  readonly extendedMetadata: boolean;
  /** Sends one payload as a packet (or several); `sequence` is the number of the first. */
  send(payload: Buffer, sequence: number): void;
  /** Resolves once the socket takes more; at once where it does already. */
  drained(): Promise<void>;
  /** Stops handing out packets until `resume`. */
  resume(): void;
  /** The connection cannot be used any more. */
  destroy(cause: Error): void;
}

/** After a packet: `more` is awaited, the command is `done`, or packets must stop until resumed. */
export type Step = 'more' | 'done' | 'pause';

/** What one command of the protocol carries. */
export interface Part {
  readonly code: number;
  readonly body: Buffer;
}

export interface Command {
  /** Sent one behind the other without waiting for answers. */
  readonly parts: readonly Part[];
  packet(wire: Wire, buf: Buffer, start: number, end: number, sequence: number): Step;
  /** The connection has broken; at most once, and not after `done`. */
  fail(error: Error): void;
}

const COM_QUERY = 0x03;

type Resolve<T> = (value: T) => void;
type Reject = (error: Error) => void;

/** Reads `OK | ERR | result set` any number of times; subclasses say what becomes of rows. */
export abstract class ResultReader implements Command {
  readonly parts: readonly Part[];
  protected statement = 0;
  protected columns: ColumnMeta[] = [];
  #columnsLeft = 0;
  #state: 'header' | 'columns' | 'columns-end' | 'rows' = 'header';

  /** @param what One COM_QUERY, or several commands. */
  constructor(what: Buffer | readonly Part[]) {
    this.parts = Buffer.isBuffer(what) ? [{ code: COM_QUERY, body: what }] : what;
  }

  abstract fail(error: Error): void;
  protected abstract onRow(wire: Wire, buf: Buffer, start: number, end: number): Step;
  protected abstract onResult(result: StatementResult): void;
  protected abstract onEnd(): void;
  protected onColumns(): void {}
  protected onLocalInfile(wire: Wire, sequence: number): Step {
    // A file we were not asked to send: an empty one, and the statement goes on without rows.
    wire.send(EMPTY, sequence + 1);
    return 'more';
  }
  protected onError(error: SqlError | ConnectionError): void {
    this.fail(error);
  }

  packet(wire: Wire, buf: Buffer, start: number, end: number, sequence: number): Step {
    const first = buf[start];
    if (first === 0xff) {
      const error = parseError(buf, start, end, this.statement);
      this.#state = 'header';
      this.onError(error);
      if (error instanceof ConnectionError) wire.destroy(error);
      return 'done';
    }
    switch (this.#state) {
      case 'header': {
        if (first === 0xfb) return this.onLocalInfile(wire, sequence);
        if (first === 0) {
          const ok = parseOk(buf, start, end);
          return this.#finish(ok.status, {
            affectedRows: ok.affectedRows,
            insertId: ok.insertId,
            warnings: ok.warnings,
            info: ok.info,
            rows: [],
            columns: [],
          });
        }
        this.#columnsLeft = new PayloadCursor(buf, start, end).lengthEncoded();
        this.columns = [];
        this.#state = 'columns';
        return 'more';
      }
      case 'columns':
        this.columns.push(parseColumn(buf, start, end, wire.extendedMetadata));
        if (--this.#columnsLeft === 0) this.#state = 'columns-end';
        return 'more';
      case 'columns-end':
        this.#state = 'rows';
        this.onColumns();
        return 'more';
      case 'rows': {
        if (!isEof(buf, start, end)) return this.onRow(wire, buf, start, end);
        const { status, warnings } = parseEof(buf, start);
        return this.#finish(status, {
          affectedRows: 0,
          insertId: 0n,
          warnings,
          info: '',
          rows: this.takeRows(),
          columns: this.columns.map((column) => column.name),
        });
      }
    }
  }

  protected takeRows(): (string | null)[][] {
    return [];
  }

  #finish(status: number, result: StatementResult): Step {
    this.onResult(result);
    this.#state = 'header';
    this.statement++;
    if (status & SERVER_MORE_RESULTS) return 'more';
    this.onEnd();
    return 'done';
  }
}

const EMPTY = Buffer.alloc(0);

/** Collects the results of all statements. */
export class QueryCommand extends ResultReader {
  readonly #resolve: Resolve<StatementResult[]>;
  readonly #reject: Reject;
  readonly #results: StatementResult[] = [];
  #rows: (string | null)[][] = [];

  constructor(sql: Buffer, resolve: Resolve<StatementResult[]>, reject: Reject) {
    super(sql);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  fail(error: Error): void {
    this.#reject(error);
  }

  protected onRow(_wire: Wire, buf: Buffer, start: number, end: number): Step {
    this.#rows.push(parseTextRow(buf, start, end, this.columns));
    return 'more';
  }

  protected override takeRows(): (string | null)[][] {
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  protected onResult(result: StatementResult): void {
    this.#results.push(result);
  }

  protected onEnd(): void {
    this.#resolve(this.#results);
  }
}

type StreamOptions = NonNullable<Parameters<Session['stream']>[2]>;
type OnRow = Parameters<Session['stream']>[1];

/** Hands the raw rows of one SELECT over. */
export class StreamCommand extends ResultReader {
  readonly #onRow: OnRow;
  readonly #options: StreamOptions;
  readonly #resolve: Resolve<number>;
  readonly #reject: Reject;
  #count = 0;

  constructor(sql: Buffer, onRow: OnRow, options: StreamOptions, resolve: Resolve<number>, reject: Reject) {
    super(sql);
    this.#onRow = onRow;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  fail(error: Error): void {
    this.#reject(error);
  }

  protected override onColumns(): void {
    this.#options.onColumns?.(this.columns);
  }

  protected onRow(wire: Wire, buf: Buffer, start: number, end: number): Step {
    this.#count++;
    // A throwing onRow is caught by the connection, which cannot be used after half a result.
    const wait = this.#onRow(buf, start, end);
    if (wait === undefined) return 'more';
    wait.then(
      () => wire.resume(),
      (error: Error) => wire.destroy(error),
    );
    return 'pause';
  }

  protected onResult(_result: StatementResult): void {
    this.#options.onResult?.();
  }

  protected onEnd(): void {
    this.#resolve(this.#count);
  }
}

/** LOAD DATA LOCAL INFILE with the content of `chunks`. */
export class LoadDataCommand extends ResultReader {
  readonly #chunks: AsyncIterable<Buffer> | Iterable<Buffer>;
  readonly #resolve: Resolve<StatementResult>;
  readonly #reject: Reject;
  #result: StatementResult | undefined;
  #over = false;

  constructor(
    sql: Buffer,
    chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
    resolve: Resolve<StatementResult>,
    reject: Reject,
  ) {
    super(sql);
    this.#chunks = chunks;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  fail(error: Error): void {
    this.#over = true;
    this.#reject(error);
  }

  protected override onLocalInfile(wire: Wire, sequence: number): Step {
    // An error in the source of the data: an orderly end would keep the part that was sent.
    this.#send(wire, sequence + 1).catch((error: Error) => wire.destroy(error));
    return 'more';
  }

  async #send(wire: Wire, firstSequence: number): Promise<void> {
    let sequence = firstSequence;
    for await (const chunk of this.#chunks) {
      if (this.#over) return;
      if (chunk.length === 0) continue;
      // Each write stays below the 16 MB at which a payload would need a continuation.
      for (let at = 0; at < chunk.length; at += MAX_INFILE_PACKET) {
        wire.send(chunk.subarray(at, at + MAX_INFILE_PACKET), sequence & 0xff);
        sequence++;
        await wire.drained();
        if (this.#over) return;
      }
    }
    wire.send(EMPTY, sequence & 0xff);
  }

  protected onRow(): Step {
    return 'more';
  }

  protected onResult(result: StatementResult): void {
    this.#result = result;
  }

  protected onEnd(): void {
    this.#over = true;
    if (this.#result) this.#resolve(this.#result);
  }
}

const MAX_INFILE_PACKET = 1024 * 1024;
