/**
 * Session over an authenticated socket. Commands queue up and run one after the other; the next is sent
 * when the answer to the one before it is complete.
 */
import type { Socket } from 'node:net';
import { Arrays } from './bulk.js';
import type { Command, Wire } from './commands.js';
import { LoadDataCommand, QueryCommand, StreamCommand } from './commands.js';
import type { Handshake } from './handshake.js';
import { PacketReader } from './packet-reader.js';
import { parseError } from './packets.js';
import { ConnectionError, type ArrayBinding, type Session, type StatementResult } from './session.js';

const COM_QUIT = 0x01;
const MAX_PART = 0xffffff;

export class WireSession implements Session {
  readonly threadId: number;
  readonly serverVersion: string;
  readonly isMariaDb: boolean;
  readonly arrays?: ArrayBinding;
  readonly #socket: Socket;
  readonly #reader: PacketReader;
  readonly #wire: Wire;
  readonly #waiting: Command[] = [];
  #current: Command | null = null;
  #closing = false;
  /** Set once the connection cannot be used any more. */
  #broken: Error | null = null;
  #onDrained: (() => void) | null = null;

  constructor(handshake: Handshake) {
    this.threadId = handshake.threadId;
    this.serverVersion = handshake.serverVersion;
    this.isMariaDb = handshake.isMariaDb;
    const socket = handshake.socket;
    if (handshake.arrayBinding) this.arrays = new Arrays((command) => this.#enqueue(command));
    this.#socket = socket;
    this.#reader = new PacketReader((buf, start, end, sequence) => this.#onPacket(buf, start, end, sequence));
    this.#wire = {
      extendedMetadata: handshake.extendedMetadata,
      send: (payload, sequence) => this.#send(payload, sequence),
      drained: () => this.#drained(),
      resume: () => {
        this.#reader.resume();
        if (!this.#reader.paused) socket.resume();
      },
      destroy: (cause) => this.#break(cause),
    };
    socket.on('data', (chunk: Buffer) => {
      this.#reader.feed(chunk);
      if (this.#reader.paused) socket.pause();
    });
    socket.on('error', (error: Error) =>
      this.#break(new ConnectionError(`the connection broke: ${error.message}`, 0, { cause: error })),
    );
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#break(new ConnectionError('the server closed the connection', 0)));
    socket.on('drain', () => {
      this.#onDrained?.();
      this.#onDrained = null;
    });
  }

  get closed(): boolean {
    return this.#broken !== null || this.#closing;
  }

  execute(sql: Buffer | string): Promise<StatementResult[]> {
    return new Promise((resolve, reject) => {
      this.#enqueue(new QueryCommand(toBytes(sql), resolve, reject));
    });
  }

  async query(sql: string): Promise<Record<string, string | null>[]> {
    const [{ columns, rows }] = await this.execute(sql);
    return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
  }

  stream(
    sql: string,
    onRow: Parameters<Session['stream']>[1],
    options: Parameters<Session['stream']>[2] = {},
  ): Promise<number> {
    const { signal } = options;
    return new Promise<number>((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = () => this.#break(signal?.reason as Error);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#enqueue(
        new StreamCommand(
          toBytes(sql),
          onRow,
          options,
          (count) => {
            signal?.removeEventListener('abort', onAbort);
            resolve(count);
          },
          (error) => {
            signal?.removeEventListener('abort', onAbort);
            reject(error);
          },
        ),
      );
    });
  }

  loadData(sql: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      this.#enqueue(new LoadDataCommand(toBytes(sql), chunks, resolve, reject));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#broken || this.#socket.destroyed) {
        resolve();
        return;
      }
      this.#socket.once('close', () => resolve());
      if (this.#closing) return;
      this.#closing = true;
      if (this.#current === null) this.#quit();
    });
  }

  destroy(): void {
    this.#break(new ConnectionError('the connection was dropped on our side', 0));
  }

  /** Drops the connection; what runs or waits rejects with `reason`. */
  abort(reason: Error): void {
    this.#break(reason);
  }

  /** A server that is silent for `ms` while it owes an answer counts as lost. */
  limitAnswers(ms: number): void {
    this.#socket.setTimeout(ms, () => {
      if (this.#current === null) return;
      this.#break(new ConnectionError(`the server has not answered for ${ms / 1000} s`, 0));
    });
  }

  onClosed(listener: () => void): void {
    this.#socket.once('close', listener);
  }

  #enqueue(command: Command): void {
    if (this.#broken || this.#closing) {
      command.fail(this.#broken ?? new ConnectionError('the connection is closed', 0));
      return;
    }
    if (this.#current !== null) {
      this.#waiting.push(command);
      return;
    }
    this.#start(command);
  }

  #start(command: Command): void {
    this.#current = command;
    const { parts } = command;
    if (parts.length === 1) this.#sendCommand(parts[0].code, parts[0].body);
    else {
      this.#socket.cork();
      for (const { code, body } of parts) this.#sendCommand(code, body);
      this.#socket.uncork();
    }
  }

  #next(): void {
    this.#current = null;
    const command = this.#waiting.shift();
    if (command) this.#start(command);
    else if (this.#closing) this.#quit();
  }

  #quit(): void {
    this.#sendCommand(COM_QUIT, Buffer.alloc(0));
    // The server answers COM_QUIT by closing; once our side is flushed there is nothing to wait for.
    this.#socket.end(() => this.#socket.destroy());
  }

  #onPacket(buf: Buffer, start: number, end: number, sequence: number): boolean {
    const command = this.#current;
    if (this.#broken) return true;
    if (command === null) {
      // Unasked: the server says why it is about to close the connection.
      const cause =
        buf[start] === 0xff
          ? new ConnectionError(parseError(buf, start, end, 0).message, buf.readUInt16LE(start + 1))
          : new ConnectionError('the server sent a packet that nothing asked for', 0);
      this.#break(cause);
      return true;
    }
    try {
      const step = command.packet(this.#wire, buf, start, end, sequence);
      if (step === 'done' && this.#current === command) this.#next();
      return step !== 'pause';
    } catch (error) {
      this.#break(error as Error);
      return true;
    }
  }

  #break(cause: Error): void {
    if (this.#broken) return;
    this.#broken = cause;
    this.#socket.destroy();
    this.#onDrained?.();
    this.#onDrained = null;
    const commands = this.#current ? [this.#current, ...this.#waiting] : this.#waiting.slice();
    this.#current = null;
    this.#waiting.length = 0;
    for (const command of commands) command.fail(cause);
  }

  #sendCommand(code: number, body: Buffer): void {
    const length = body.length + 1;
    if (length < MAX_PART) {
      const header = Buffer.from([length & 0xff, (length >> 8) & 0xff, length >> 16, 0, code]);
      this.#write(header, body);
      return;
    }
    this.#write(Buffer.from([0xff, 0xff, 0xff, 0, code]), body.subarray(0, MAX_PART - 1));
    this.#sendParts(body, MAX_PART - 1, 1);
  }

  #send(payload: Buffer, sequence: number): void {
    this.#sendParts(payload, 0, sequence);
  }

  /** A part of exactly 16 MB - 1 is always followed by another, be it empty. */
  #sendParts(body: Buffer, from: number, firstSequence: number): void {
    let at = from;
    let sequence = firstSequence;
    for (;;) {
      const part = body.subarray(at, at + MAX_PART);
      const header = Buffer.from([
        part.length & 0xff,
        (part.length >> 8) & 0xff,
        part.length >> 16,
        sequence & 0xff,
      ]);
      this.#write(header, part);
      at += part.length;
      sequence++;
      if (part.length < MAX_PART) return;
    }
  }

  #write(header: Buffer, body: Buffer): void {
    if (this.#broken) return;
    if (body.length < 4096) {
      this.#socket.write(body.length === 0 ? header : Buffer.concat([header, body]));
      return;
    }
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.write(body);
    this.#socket.uncork();
  }

  #drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.#broken) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onDrained = resolve;
    });
  }
}

function toBytes(sql: Buffer | string): Buffer {
  return typeof sql === 'string' ? Buffer.from(sql, 'utf8') : sql;
}
