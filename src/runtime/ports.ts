/**
 * The ports: everything the product gets from outside the deterministic core. Each has a real adapter
 * (src/runtime/real, src/nats, src/log) and a simulated twin (simulations/kernel), and one contract
 * suite (test/contract) runs on both.
 */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds on a clock that never jumps; leases and time-outs use only this one. */
  monotonic(): number;
  /** Wall clock in ms since 1970, for what people read; no decision depends on it. */
  wall(): number;
  /** Runs `fn` once after `ms`. A throwing `fn` is a programming error and surfaces as uncaught. */
  after(ms: number, fn: () => void): Timer;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

export interface Ids {
  /** A new identifier, unique in the cluster, of letters and digits only. */
  next(): string;
}

export type LogFields = Record<string, unknown>;

/** A logger carries its component as context: `log.child({ component: 'lane', lane: 3 })`. */
export interface Log {
  child(fields: LogFields): Log;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type Stop = () => Promise<void>;

export interface BusMessage {
  readonly subject: string;
  readonly data: Uint8Array;
}

export interface RequestOptions {
  timeoutMs: number;
  signal?: AbortSignal;
}

/** Request/reply and fire-and-forget messages. Delivery is at most once. */
export interface Bus {
  /**
   * Sends and waits for one answer. Rejects with BusError `no-responder` when nobody serves the subject
   * (at once), `timeout` after timeoutMs (the request may have been carried out), `closed` after close,
   * or `remote` with the code and text of an answer that carries the NATS service error headers.
   */
  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Uint8Array>;
  publish(subject: string, data: Uint8Array): void;
  /**
   * Answers requests on a subject (may hold the wildcards `*` and `>`). With `queue`, one server of the
   * group gets each request. A handler that throws answers with the NATS service error headers
   * (a BusError `remote` keeps its code; anything else is code 500).
   */
  serve(
    subject: string,
    handler: (message: BusMessage) => Promise<Uint8Array>,
    options?: { queue?: string },
  ): Promise<Stop>;
  subscribe(subject: string, listener: (message: BusMessage) => void): Promise<Stop>;
  /** False while disconnected; `onStatus` tells changes. */
  readonly connected: boolean;
  onStatus(listener: (connected: boolean) => void): () => void;
  close(): Promise<void>;
}

export type BusErrorKind = 'no-responder' | 'timeout' | 'closed' | 'remote';

export class BusError extends Error {
  override readonly name = 'BusError';
  constructor(
    readonly kind: BusErrorKind,
    message: string,
    readonly code?: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export interface KvEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Grows with every write to the bucket; the handle for compare-and-set. */
  readonly revision: number;
}

export type KvChange =
  | { readonly type: 'put'; readonly entry: KvEntry }
  | { readonly type: 'delete'; readonly key: string; readonly revision: number }
  /** All entries that existed when the watch began have been told; sent once per (re)start of the watch. */
  | { readonly type: 'synced' };

/**
 * One bucket of small documents. Reads go through the leader (never stale). Keys match
 * `[-/=.\w]+`; use `escapeKey` of src/nats/subjects.ts for anything a user names.
 */
export interface Kv {
  readonly bucket: string;
  get(key: string): Promise<KvEntry | null>;
  /** Rejects with KvError `conflict` when the key exists. Resolves with the revision. */
  create(key: string, value: Uint8Array): Promise<number>;
  /** Rejects with KvError `conflict` when the entry's revision is not `revision`. */
  update(key: string, value: Uint8Array, revision: number): Promise<number>;
  /** With `revision`: conflict when it has changed. Deleting what is not there is no error. */
  delete(key: string, revision?: number): Promise<void>;
  /** All live entries whose key starts with `prefix`, in key order. */
  list(prefix?: string): Promise<KvEntry[]>;
  /**
   * Tells the present entries, then `synced`, then every change. One real watch per bucket and process
   * serves all listeners. A change may be told more than once and a periodic full read makes up for
   * missed ones (it tells `put` for entries whose revision is news to the listener, and `delete`).
   */
  watch(listener: (change: KvChange) => void, options?: { prefix?: string }): Promise<Stop>;
}

/**
 * `conflict`: somebody else wrote first. `unknown-outcome`: the write timed out and may have happened:
 * re-read and compare. `unavailable`: nothing was written (no leader, not connected).
 */
export type KvErrorKind = 'conflict' | 'unknown-outcome' | 'unavailable';

export class KvError extends Error {
  override readonly name = 'KvError';
  constructor(
    readonly kind: KvErrorKind,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export interface KvStore {
  /** Opens a bucket, making it first where it is missing. */
  bucket(name: string): Promise<Kv>;
}

/** What most services are given. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Log;
}
