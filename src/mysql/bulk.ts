/**
 * Commands of MariaDB's array binding. The body of COM_STMT_BULK_EXECUTE: number of the statement (4 bytes),
 * flags (2), the type of each parameter (2), then row by row, for each parameter, an indicator (1 byte) and the
 * value where the indicator is 0.
 */
import { ResultReader, type Command, type Part, type Step, type Wire } from './commands.js';
import { isEof, parseError } from './packets.js';
import {
  ConnectionError,
  SqlError,
  type ArrayBinding,
  type BoundRows,
  type StatementResult,
} from './session.js';

const COM_QUERY = 0x03;
const COM_STMT_PREPARE = 0x16;
const COM_STMT_CLOSE = 0x19;
const COM_STMT_BULK_EXECUTE = 0xfa;
/** Types of parameters are sent with the command. */
const SEND_TYPES = 0x80;

/** Statements that one connection keeps. */
const KEPT = 64;

/** The server keeps no more of all its connections together (max_prepared_stmt_count). */
const TOO_MANY_STATEMENTS = 1461;

/** Indicator: a value follows. */
export const BOUND_VALUE = 0;
export const BOUND_NULL = 1;

/** What stands in front of the rows. */
export function bulkHead(types: readonly number[]): Buffer {
  const head = Buffer.alloc(6 + 2 * types.length);
  head.writeUInt16LE(SEND_TYPES, 4);
  types.forEach((type, i) => head.writeUInt16LE(type, 6 + 2 * i));
  return head;
}

export class Arrays implements ArrayBinding {
  readonly #enqueue: (command: Command) => void;
  /** The one used last is the last. */
  readonly #statements = new Map<string, number>();
  #withoutAutocommit = false;
  #full = false;

  constructor(enqueue: (command: Command) => void) {
    this.#enqueue = enqueue;
  }

  async prepare(sql: string): Promise<number | null> {
    const known = this.#statements.get(sql);
    if (known !== undefined) {
      this.#statements.delete(sql);
      this.#statements.set(sql, known);
      return known;
    }
    if (this.#full) return null;
    if (!this.#withoutAutocommit) {
      await this.send([Buffer.from('SET SESSION autocommit=0')]);
      this.#withoutAutocommit = true;
    }
    const parts: Part[] = [];
    for (const [oldest, statement] of this.#statements) {
      if (this.#statements.size < KEPT) break;
      this.#statements.delete(oldest);
      const body = Buffer.alloc(4);
      body.writeUInt32LE(statement);
      // Has no answer.
      parts.push({ code: COM_STMT_CLOSE, body });
    }
    parts.push({ code: COM_STMT_PREPARE, body: Buffer.from(sql) });
    try {
      const made = await new Promise<number>((resolve, reject) =>
        this.#enqueue(new PrepareCommand(parts, resolve, reject)),
      );
      this.#statements.set(sql, made);
      return made;
    } catch (error) {
      if (!(error instanceof SqlError) || error.errno !== TOO_MANY_STATEMENTS) throw error;
      this.#full = true;
      return null;
    }
  }

  send(parts: readonly (Buffer | BoundRows)[]): Promise<StatementResult[]> {
    const commands = parts.map((part): Part => {
      if (Buffer.isBuffer(part)) return { code: COM_QUERY, body: part };
      part.body.writeUInt32LE(part.statement, 0);
      return { code: COM_STMT_BULK_EXECUTE, body: part.body };
    });
    return new Promise((resolve, reject) => this.#enqueue(new SeveralCommand(commands, resolve, reject)));
  }
}

class PrepareCommand implements Command {
  readonly #resolve: (statement: number) => void;
  readonly #reject: (error: Error) => void;
  #statement = 0;
  /** EOF packets that are still to come: one behind the parameters, one behind the columns. */
  #lists = -1;

  constructor(
    readonly parts: readonly Part[],
    resolve: (statement: number) => void,
    reject: (error: Error) => void,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  fail(error: Error): void {
    this.#reject(error);
  }

  packet(wire: Wire, buf: Buffer, start: number, end: number): Step {
    if (this.#lists < 0) {
      if (buf[start] === 0xff) {
        const error = parseError(buf, start, end, 0);
        this.fail(error);
        if (error instanceof ConnectionError) wire.destroy(error);
        return 'done';
      }
      this.#statement = buf.readUInt32LE(start + 1);
      const columns = buf.readUInt16LE(start + 5);
      const parameters = buf.readUInt16LE(start + 7);
      this.#lists = (columns > 0 ? 1 : 0) + (parameters > 0 ? 1 : 0);
    } else if (isEof(buf, start, end)) this.#lists--;
    if (this.#lists > 0) return 'more';
    this.#resolve(this.#statement);
    return 'done';
  }
}

/** Several commands under way at the same time; all are answered before it ends. */
class SeveralCommand extends ResultReader {
  readonly #resolve: (results: StatementResult[]) => void;
  readonly #reject: (error: Error) => void;
  readonly #results: StatementResult[] = [];
  #left: number;
  #error: Error | null = null;

  constructor(
    parts: readonly Part[],
    resolve: (results: StatementResult[]) => void,
    reject: (error: Error) => void,
  ) {
    super(parts);
    this.#left = parts.length;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  fail(error: Error): void {
    this.#reject(error);
  }

  override packet(wire: Wire, buf: Buffer, start: number, end: number, sequence: number): Step {
    const step = super.packet(wire, buf, start, end, sequence);
    if (step !== 'done') return step;
    if (--this.#left > 0) return 'more';
    if (this.#error === null) this.#resolve(this.#results);
    else this.#reject(this.#error);
    return 'done';
  }

  protected override onError(error: Error): void {
    this.#error ??= error;
    if (error instanceof ConnectionError) this.fail(this.#error);
  }

  protected onRow(): Step {
    return 'more';
  }

  protected onResult(result: StatementResult): void {
    this.#results.push(result);
  }

  protected onEnd(): void {
    // `packet` counts the commands.
  }
}
