/**
 * A binlog stream over a server connection. mysql2 makes the connection (its authentication plugins and
 * TLS); after the login the socket is ours: packets are cut, queued raw and decoded when they are polled.
 *
 * Back-pressure: while more than `maxBufferedBytes` wait undecoded, the socket is paused; TCP then holds
 * the server back.
 */
import type { Socket } from 'node:net';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { handshake } from '../mysql/handshake.js';
import { PacketReader } from '../mysql/packet-reader.js';
import type { Clock, Timer } from '../runtime/ports.js';
import { binlogError } from './binlog-error.js';
import { BinlogDecoder } from './decoder.js';
import { dumpCommand, queryCommand, sessionSetup } from './dump-command.js';
import type { BinlogEvent } from './events.js';
import { PassOver } from './pass-over.js';
import type { BinlogReader, BinlogStartOptions } from './reader.js';

const DEFAULT_BUFFER = 16 * 1024 * 1024;
const DEFAULT_HEARTBEAT_MS = 30_000;

export interface BinlogStreamOptions extends BinlogStartOptions {
  /** Without a clock silence is not watched. */
  readonly ports?: { readonly clock: Clock };
  /** Asks MariaDB for the events that hold the statements' texts (MySQL sends them where it logs them). */
  readonly annotate?: boolean;
  readonly signal?: AbortSignal;
}

interface ServerError {
  readonly errno: number;
  readonly state: string;
  readonly message: string;
}

/**
 * Connects and asks for the stream. Rejects with a DmError: databaseDriver (scope upstream) when the
 * server cannot be reached or refuses the login. What the server says to the dump command itself comes
 * out of `ready()` and `poll()`.
 */
export async function openBinlogStream(options: BinlogStreamOptions): Promise<BinlogReader> {
  let connection;
  try {
    connection = await handshake({ db: options.db, bulk: true, signal: options.signal });
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw new DmError(CODES.databaseDriver, 'cannot connect to the upstream for its binlog', {
      cause,
      scope: 'upstream',
    });
  }
  const stream = new BinlogStream(connection.socket, connection.threadId, options);
  try {
    await stream.start(connection.serverVersion, connection.isMariaDb);
  } catch (error) {
    await stream.close();
    throw error;
  }
  return stream;
}

interface Packet {
  readonly buf: Buffer;
  readonly start: number;
  readonly end: number;
}

class BinlogStream implements BinlogReader {
  readonly #socket: Socket;
  readonly #options: BinlogStreamOptions;
  readonly #decoder: BinlogDecoder;
  readonly #maxBuffered: number;
  readonly #packets: PacketReader;
  #queue: Packet[] = [];
  #head = 0;
  #queuedBytes = 0;
  #paused = false;
  #phase: 'setup' | 'streaming' | 'closed' = 'setup';
  #failure: Error | null = null;
  #wake: (() => void)[] = [];
  #setup: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #watch: Timer | null = null;
  #lastHeard = 0;
  bytesRead = 0;
  #passOver = new PassOver(0);

  constructor(
    socket: Socket,
    readonly threadId: number,
    options: BinlogStreamOptions,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#maxBuffered = options.maxBufferedBytes ?? DEFAULT_BUFFER;
    this.#decoder = new BinlogDecoder({
      flavor: options.flavor,
      file: options.useGtid ? '' : options.from.name,
      verifyChecksum: options.verifyChecksum,
    });
    this.#packets = new PacketReader((buf, start, end) => this.#onPacket(buf, start, end));
    socket.on('data', (chunk: Buffer) => {
      this.bytesRead += chunk.length;
      this.#lastHeard = options.ports?.clock.monotonic() ?? 0;
      this.#packets.feed(chunk);
    });
    socket.on('error', (cause) => this.#lost(cause));
    socket.on('close', () => this.#lost());
  }

  async start(serverVersion: string, isMariaDb: boolean): Promise<void> {
    const heartbeatMs = this.#options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
    const done = new Promise<void>((resolve, reject) => (this.#setup = { resolve, reject }));
    this.#socket.write(queryCommand(sessionSetup(this.#options, heartbeatMs, isMariaDb)));
    this.#startWatch(heartbeatMs * 2);
    await done;
    this.#phase = 'streaming';
    const dump = dumpCommand(this.#options, serverVersion, isMariaDb);
    this.#passOver = new PassOver(dump.skipUpTo);
    this.#socket.write(dump.packet);
  }

  #startWatch(limitMs: number): void {
    const clock = this.#options.ports?.clock;
    if (!clock) return;
    this.#lastHeard = clock.monotonic();
    const check = (): void => {
      // A socket that we paused ourselves is silent by our will.
      if (this.#paused) this.#lastHeard = clock.monotonic();
      const silent = clock.monotonic() - this.#lastHeard;
      if (silent >= limitMs) this.#fail(lostError(`no event and no heartbeat for ${Math.round(silent)} ms`));
      else this.#watch = clock.after(limitMs - silent, check);
    };
    this.#watch = clock.after(limitMs, check);
  }

  #onPacket(buf: Buffer, start: number, end: number): boolean {
    if (end === start) {
      this.#fail(binlogError('an empty packet has come from the server'));
      return true;
    }
    const marker = buf[start];
    if (this.#phase === 'setup') {
      if (marker === 0xff) this.#setup?.reject(serverFailure(parseError(buf, start, end)));
      else this.#setup?.resolve();
      return true;
    }
    if (marker === 0xff) {
      this.#fail(serverFailure(parseError(buf, start, end)));
      return true;
    }
    if (marker === 0xfe && end - start < 9) {
      this.#fail(lostError('the server has ended the stream'));
      return true;
    }
    this.#queue.push({ buf, start: start + 1, end });
    this.#queuedBytes += end - start;
    if (this.#queuedBytes > this.#maxBuffered && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
    this.#notify();
    return true;
  }

  poll(): BinlogEvent | null {
    for (;;) {
      const inner = this.#decoder.pending();
      if (inner) {
        if (this.#passOver.passes(inner)) continue;
        return inner;
      }
      if (this.#head === this.#queue.length) {
        if (this.#failure) throw this.#failure;
        return null;
      }
      const packet = this.#queue[this.#head++];
      this.#queuedBytes -= packet.end - packet.start + 1;
      this.#trim();
      let event: BinlogEvent | null;
      try {
        event = this.#decoder.decode(packet.buf, packet.start, packet.end);
      } catch (error) {
        // Nothing after a broken event can be trusted.
        this.#queue = [];
        this.#head = 0;
        const failure = error instanceof Error ? error : binlogError(String(error));
        this.#fail(failure);
        throw failure;
      }
      if (event && !this.#passOver.passes(event)) return event;
    }
  }

  /** Drops the polled part of the queue now and then, and lets the socket go on. */
  #trim(): void {
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head >= 4096) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    if (this.#paused && this.#queuedBytes < this.#maxBuffered / 2) {
      this.#paused = false;
      this.#socket.resume();
    }
  }

  async ready(signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#head < this.#queue.length) return;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => reject(signal?.reason as Error);
        signal?.addEventListener('abort', onAbort, { once: true });
        this.#wake.push(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
      });
    }
  }

  #notify(): void {
    if (this.#wake.length === 0) return;
    const waiters = this.#wake;
    this.#wake = [];
    for (const wake of waiters) wake();
  }

  #lost(cause?: Error): void {
    this.#fail(lostError(cause ? cause.message : 'the server closed the connection', cause));
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#watch?.cancel();
    this.#socket.destroy();
    this.#setup?.reject(error);
    this.#notify();
  }

  close(): Promise<void> {
    this.#phase = 'closed';
    this.#queue = [];
    this.#head = 0;
    this.#fail(lostError('the stream was closed'));
    return Promise.resolve();
  }
}

function lostError(text: string, cause?: unknown): DmError {
  return new DmError(CODES.databaseDriver, 'the binlog connection to the upstream was lost', {
    cause,
    rawCause: text,
    scope: 'upstream',
  });
}

function parseError(buf: Buffer, start: number, end: number): ServerError {
  if (end - start < 3) return { errno: 0, state: 'HY000', message: 'an error without a number' };
  const errno = buf.readUInt16LE(start + 1);
  const withState = end - start >= 9 && buf[start + 3] === 0x23;
  return {
    errno,
    state: withState ? buf.latin1Slice(start + 4, start + 9) : 'HY000',
    message: buf.utf8Slice(withState ? start + 9 : start + 3, end),
  };
}

/** MariaDB has a number for it, MySQL only a message. */
const SAME_SERVER_ID = 4052;

/** What an operator can do about the refusals that are common. */
function serverFailure(error: ServerError): DmError {
  const cause = `Error ${error.errno} (${error.state}): ${error.message}`;
  // The one that we have taken over from may still read: whoever is fenced gives way.
  if (error.errno === SAME_SERVER_ID || /same server_uuid\/server_id/.test(error.message))
    return lostError(cause);
  if (error.errno === 1236) {
    return binlogError(cause, {
      workaround:
        'The upstream cannot serve the binlog from the wanted place: it may have purged the file or the transactions, restarted with other data, or another replica uses the same server id. If binlogs were purged, start the task again with a new full copy.',
    });
  }
  if (error.errno === 1227 || error.errno === 1045) {
    return binlogError(cause, {
      workaround: 'Please grant REPLICATION SLAVE and REPLICATION CLIENT to the upstream user.',
    });
  }
  return binlogError(cause);
}
