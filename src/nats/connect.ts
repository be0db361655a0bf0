/**
 * The bus over NATS. Facts that callers build on:
 * - The connection comes back by itself, for ever; `onStatus` tells. Subscriptions survive it.
 * - Messages are delivered at most once. What is published while disconnected is dropped (never kept in
 *   memory); a request made while disconnected is not sent and times out.
 * - A message larger than the server's `max_payload` (8 MB on a managed server) is refused with a BusError
 *   `remote` of code 413 before it is sent; so is an answer, on the side that asked.
 * - Errors travel as the NATS services do it: headers `Nats-Service-Error-Code` and `Nats-Service-Error`.
 */
import { connect, errors, headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { BusError, type Bus, type BusMessage, type Clock, type KvStore, type Log } from '../runtime/ports.js';
import type { Ids, RequestOptions, Stop } from '../runtime/ports.js';
import { NatsKvStore, type NatsKvOptions } from './kv-store.js';

export const ERROR_TEXT = 'Nats-Service-Error';
export const ERROR_CODE = 'Nats-Service-Error-Code';
const TOO_LARGE = 413;

export interface NatsTls {
  /** File names, as in `ssl-ca`, `ssl-cert`, `ssl-key`. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface ConnectBusOptions {
  /** `host:port` or `nats://host:port`, any number. */
  readonly servers: readonly string[];
  /** Shown in the server's monitoring. */
  readonly name: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly tls?: NatsTls;
  readonly log: Log;
  readonly clock: Clock;
  readonly ids: Ids;
  /** How long to try for the first connection; default 10 s. Once connected, reconnecting has no limit. */
  readonly firstConnectMs?: number;
  /** A server that answers no ping for twice this long counts as lost; default 5 s. */
  readonly pingMs?: number;
  readonly signal?: AbortSignal;
}

/** Rejects with BusError `closed` when no server accepts within `firstConnectMs`. */
export async function connectBus(options: ConnectBusOptions): Promise<NatsBus> {
  const { clock, log } = options;
  const deadline = clock.monotonic() + (options.firstConnectMs ?? 10_000);
  for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
    options.signal?.throwIfAborted();
    try {
      const connection = await connect({
        servers: [...options.servers],
        name: options.name,
        user: options.user,
        pass: options.password,
        token: options.token,
        tls: options.tls,
        timeout: 3_000,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 200,
        reconnectJitter: 200,
        reconnectJitterTLS: 200,
        ignoreAuthErrorAbort: true,
        pingInterval: options.pingMs ?? 5_000,
        maxPingOut: 2,
        noAsyncTraces: true,
      });
      return new NatsBus(connection, options);
    } catch (cause) {
      const where = options.servers.join(',');
      const why = cause instanceof Error ? cause.message : String(cause);
      if (cause instanceof errors.AuthorizationError || clock.monotonic() + wait > deadline) {
        throw new BusError('closed', `cannot connect to NATS at ${where}: ${why}`, undefined, { cause });
      }
      log.debug('NATS is not reachable yet', { servers: where, error: why });
      await clock.sleep(wait, options.signal);
    }
  }
}

export class NatsBus implements Bus {
  /** For the adapters of this folder only. */
  readonly connection: NatsConnection;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #listeners = new Set<(connected: boolean) => void>();
  readonly #stores = new Set<NatsKvStore>();
  #connected = true;
  #closed = false;

  constructor(connection: NatsConnection, options: { log: Log; clock: Clock; ids: Ids }) {
    this.connection = connection;
    this.#log = options.log.child({ component: 'nats' });
    this.#clock = options.clock;
    this.#ids = options.ids;
    void this.#followStatus();
  }

  get connected(): boolean {
    return this.#connected && !this.#closed;
  }

  /** Whether the server that we are connected to is one of a cluster. */
  get clustered(): boolean {
    return this.connection.info?.cluster !== undefined;
  }

  onStatus(listener: (connected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A KV store over this connection; closed with the bus. */
  kvStore(options: NatsKvOptions = {}): KvStore {
    const store = new NatsKvStore(this, { clock: this.#clock, log: this.#log, ids: this.#ids }, options);
    this.#stores.add(store);
    return store;
  }

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const { signal, timeoutMs } = options;
    signal?.throwIfAborted();
    this.#checkSize(subject, data);
    if (!this.connected) return this.#timeOutWhileDisconnected(subject, options);
    const answer = this.connection.request(subject, data, { timeout: Math.max(1, Math.ceil(timeoutMs)) });
    const message = await withAbort(answer, signal).catch((error: unknown) => {
      throw signal?.aborted ? error : toBusError(error, subject, timeoutMs);
    });
    const code = message.headers?.get(ERROR_CODE);
    if (!code) return message.data;
    throw new BusError('remote', message.headers!.get(ERROR_TEXT), Number.parseInt(code, 10));
  }

  publish(subject: string, data: Uint8Array): void {
    if (!this.connected) {
      this.#log.debug('not connected: message dropped', { subject });
      return;
    }
    this.#checkSize(subject, data);
    this.connection.publish(subject, data);
  }

  async serve(
    subject: string,
    handler: (message: BusMessage) => Promise<Uint8Array>,
    options: { queue?: string } = {},
  ): Promise<Stop> {
    return this.#subscribe(subject, options.queue, (message) => void this.#answer(message, handler));
  }

  async subscribe(subject: string, listener: (message: BusMessage) => void): Promise<Stop> {
    return this.#subscribe(subject, undefined, (message) => {
      try {
        listener({ subject: message.subject, data: message.data });
      } catch (error) {
        // The client would end the subscription; a listener's mistake must not silence the others.
        this.#log.error('a listener failed', { subject: message.subject, error: String(error) });
      }
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const store of this.#stores) await store.close();
    await this.connection.close();
  }

  async #subscribe(subject: string, queue: string | undefined, take: (message: Msg) => void): Promise<Stop> {
    if (this.#closed) throw new BusError('closed', 'the connection is closed');
    const subscription = this.connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error) this.#log.error('subscription failed', { subject, error: error.message });
        else take(message);
      },
    });
    // Known to the server before anybody relies on it. While disconnected the client does it on reconnect.
    if (this.connected) await withDeadline(this.connection.flush(), this.#clock, 2_000);
    return () => {
      subscription.unsubscribe();
      return Promise.resolve();
    };
  }

  async #answer(message: Msg, handler: (message: BusMessage) => Promise<Uint8Array>): Promise<void> {
    try {
      const answer = await handler({ subject: message.subject, data: message.data });
      if (this.#closed) return;
      this.#checkSize(message.subject, answer);
      message.respond(answer);
    } catch (error) {
      if (this.#closed) return;
      const remote = error instanceof BusError && error.kind === 'remote';
      const code = remote ? (error.code ?? 500) : 500;
      const text = error instanceof Error ? error.message : String(error);
      if (!remote) this.#log.warn('a request failed', { subject: message.subject, error: text });
      const set = headers();
      set.set(ERROR_CODE, String(code));
      // Header values are single lines of bounded length.
      set.set(ERROR_TEXT, text.replace(/[\r\n]+/g, ' ').slice(0, 4_096));
      message.respond(new Uint8Array(0), { headers: set });
    }
  }

  #checkSize(subject: string, data: Uint8Array): void {
    const limit = this.connection.info?.max_payload ?? 1_048_576;
    // Headers and reply subject count too; 8 KB is more than we ever add.
    if (data.length > limit - 8_192) {
      const text = `message of ${data.length} bytes for ${subject} exceeds the NATS server's max_payload of ${limit} bytes`;
      throw new BusError('remote', text, TOO_LARGE);
    }
  }

  async #timeOutWhileDisconnected(subject: string, options: RequestOptions): Promise<never> {
    if (this.#closed) throw new BusError('closed', 'the connection is closed');
    await this.#clock.sleep(options.timeoutMs, options.signal);
    throw new BusError('timeout', `no connection to NATS for the request on ${subject}`);
  }

  #setConnected(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    for (const listener of [...this.#listeners]) listener(connected);
  }

  async #followStatus(): Promise<void> {
    for await (const status of this.connection.status()) {
      switch (status.type) {
        case 'disconnect':
        case 'staleConnection':
          if (!this.#closed) this.#log.warn('disconnected from NATS, reconnecting');
          this.#setConnected(false);
          break;
        case 'reconnect':
          this.#log.info('connected to NATS again', { server: status.server });
          this.#setConnected(true);
          break;
        case 'error':
          this.#log.warn('NATS reports an error', { error: status.error.message });
          break;
        case 'slowConsumer':
          this.#log.warn('a subscription is falling behind', { subject: status.sub.getSubject() });
          break;
        case 'reconnecting':
        case 'update':
        case 'ldm':
        case 'ping':
        case 'forceReconnect':
        case 'close':
          break;
      }
    }
    this.#setConnected(false);
  }
}

function toBusError(error: unknown, subject: string, timeoutMs: number): BusError {
  if (error instanceof BusError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  if (
    error instanceof errors.NoRespondersError ||
    cause instanceof errors.NoRespondersError ||
    (error instanceof errors.RequestError && error.isNoResponders())
  ) {
    return new BusError('no-responder', `nobody serves ${subject}`, undefined, { cause: error });
  }
  if (error instanceof errors.TimeoutError || cause instanceof errors.TimeoutError) {
    return new BusError('timeout', `no answer on ${subject} within ${timeoutMs} ms`, undefined, {
      cause: error,
    });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new BusError('closed', `request on ${subject} failed: ${why}`, undefined, { cause: error });
}

/** Rejects with the signal's reason on abort; the loser of the race is observed, never unhandled. */
function withAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Waits at most `ms`; what fails or is late is done by the client after its reconnect. */
async function withDeadline(work: Promise<void>, clock: Clock, ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = clock.after(ms, resolve);
    const done = (): void => {
      timer.cancel();
      resolve();
    };
    work.then(done, done);
  });
}
