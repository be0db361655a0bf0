/**
 * A bucket in JetStream's key-value layout (stream `KV_<bucket>`, subjects `$KV.<bucket>.<key>`, so the
 * usual tools read it), with the guarantees of the Kv port:
 * - Reads ask the stream's leader (no direct get: 2-5 % of those were stale).
 * - Every write is a compare-and-set and carries an id. A try that times out is repeated with the same id
 *   and the same expectation; a conflict after that is looked at: if the entry carries our id, the write was
 *   ours. `unknown-outcome` remains only where somebody wrote after us, or nobody could be asked in time.
 */
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { KvError, type Clock, type Kv, type KvChange, type KvEntry } from '../runtime/ports.js';
import type { Ids, Log, Stop } from '../runtime/ports.js';
import { JS_CODE, JsApiError, Pace, failureOf, jsCall, retryCall, unavailable } from './jetstream-call.js';
import type { CallLimits, Connected } from './jetstream-call.js';
import { BucketWatch } from './kv-watch.js';
import { readFeed } from './kv-feed.js';
import { MESSAGE_ID, OPERATION, lastStored, type Stored } from './kv-stored.js';

const EXPECT = 'Nats-Expected-Last-Subject-Sequence';
const EXPECT_STREAM = 'Nats-Expected-Last-Sequence';

/** The first nats-server that checks a key's expected sequence against writes under way. */
const ATOMIC_SINCE = [2, 12, 0] as const;

export interface KvContext {
  readonly bus: Connected & { onStatus(listener: (connected: boolean) => void): () => void };
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: Ids;
  readonly limits: CallLimits;
  /** The bucket has copies, or may get some while this process lives. */
  readonly replicated: boolean;
  /** Period of the full read that makes up for missed changes. */
  readonly repairMs: number;
}

export class NatsKv implements Kv {
  readonly bucket: string;
  readonly #context: KvContext;
  readonly #stream: string;
  readonly #ensure: () => Promise<void>;
  readonly #watch: BucketWatch;

  /** `ensure` makes the bucket when it has vanished (a server that lost its disk). */
  constructor(bucket: string, context: KvContext, ensure: () => Promise<void>) {
    this.bucket = bucket;
    this.#context = context;
    this.#stream = streamOf(bucket);
    this.#ensure = ensure;
    this.#watch = new BucketWatch(bucket, context, ensure);
  }

  async get(key: string): Promise<KvEntry | null> {
    const stored = await this.#read(key);
    return stored && !stored.deleted ? { key, value: stored.value, revision: stored.revision } : null;
  }

  async create(key: string, value: Uint8Array): Promise<number> {
    try {
      return await this.#write(key, value, 0);
    } catch (error) {
      if (!(error instanceof KvError && error.kind === 'conflict')) throw error;
      const stored = await this.#read(key);
      if (!stored?.deleted) throw error;
      return this.#write(key, value, stored.revision);
    }
  }

  update(key: string, value: Uint8Array, revision: number): Promise<number> {
    return this.#write(key, value, revision);
  }

  async delete(key: string, revision?: number): Promise<void> {
    for (;;) {
      const stored = await this.#read(key);
      if (!stored || stored.deleted) return;
      if (revision !== undefined && stored.revision !== revision) throw conflict(this.bucket, key);
      try {
        await this.#write(key, null, stored.revision);
        return;
      } catch (error) {
        const raced = error instanceof KvError && error.kind === 'conflict' && revision === undefined;
        if (!raced) throw error;
      }
    }
  }

  async list(prefix = ''): Promise<KvEntry[]> {
    const { bus, clock, limits } = this.#context;
    const entries = await retryCall(bus, clock, limits, `list of ${this.bucket}`, () =>
      this.#orEnsure(() => readFeed(this.#context, this.bucket)),
    );
    return entries
      .filter((entry) => entry.key.startsWith(prefix))
      .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }

  watch(listener: (change: KvChange) => void, options: { prefix?: string } = {}): Promise<Stop> {
    return Promise.resolve(this.#watch.add(listener, options.prefix ?? ''));
  }

  /** Ends the watch; the listeners hear nothing more. */
  close(): Promise<void> {
    return this.#watch.close();
  }

  async #read(key: string): Promise<Stored | null> {
    checkKey(key);
    const { bus, clock, limits } = this.#context;
    return retryCall(bus, clock, limits, `read of ${this.bucket}/${key}`, (timeoutMs) =>
      this.#orEnsure(() => lastStored(bus.connection, this.bucket, key, timeoutMs)),
    );
  }

  /** Writes a value, or with null a deletion, on top of `revision` (0: nothing there yet). */
  async #write(key: string, value: Uint8Array | null, revision: number): Promise<number> {
    checkKey(key);
    const { bus, clock, ids, limits } = this.#context;
    const limit = (bus.connection.info?.max_payload ?? 1_048_576) - 1_024;
    const data = value ?? new Uint8Array(0);
    if (data.length > limit) {
      const text = `the document ${this.bucket}/${key} has ${data.length} bytes`;
      throw new KvError('unavailable', `${text}, more than the NATS server's max_payload allows (${limit})`);
    }
    const id = ids.next();
    const set = writeHeaders(id, revision, value === null);
    const subject = `$KV.${this.bucket}.${key}`;
    const deadline = clock.monotonic() + limits.budgetMs;
    const what = `write of ${this.bucket}/${key}`;
    const guarded = this.#needsGuard();
    let maybeDone = false;
    let raced = false;
    let last: unknown = new Error('not connected to NATS');
    for (const pace = new Pace(limits); ;) {
      if (bus.connected) {
        try {
          if (guarded) {
            const guard = await this.#guard(key, id, revision);
            if ('mine' in guard) return guard.mine;
            if ('changed' in guard) return await this.#afterConflict(key, id, maybeDone);
            set.set(EXPECT_STREAM, String(guard.last));
          }
          const ack = await jsCall<{ seq?: number }>(bus.connection, subject, data, pace.timeoutMs, set);
          if (ack.seq) return ack.seq;
        } catch (error) {
          if (error instanceof KvError) throw error;
          if (isConflict(error) && !guarded) return this.#afterConflict(key, id, maybeDone);
          // Guarded, a conflict may be about any other key of the bucket: look again.
          raced = isConflict(error);
          const failure = raced ? 'not-done' : failureOf(error);
          if (failure === 'final' && !(error instanceof JsApiError)) {
            throw maybeDone ? unknownOutcome(what, error) : unavailable(what, error);
          }
          maybeDone ||= failure === 'unknown';
          last = error;
          // Without the stream nobody listens on its subjects.
          if (failure === 'not-done' && !raced) await this.#ensure().catch(() => undefined);
        }
      }
      const wait = raced ? 3 : pace.next();
      raced = false;
      if (bus.connection.isClosed() || clock.monotonic() + wait >= deadline) {
        throw maybeDone ? unknownOutcome(what, last) : unavailable(what, last);
      }
      await clock.sleep(wait);
    }
  }

  /**
   * Replicated streams of older servers check a key's expected sequence before they replicate, not when they
   * apply: of ten concurrent writes on one revision five succeeded (2.9.10, three servers). The sequence
   * of the whole stream is checked when it is applied, so there every write expects that one too.
   */
  #needsGuard(): boolean {
    const { bus, replicated } = this.#context;
    return replicated && olderThan(bus.connection.info?.version ?? '', ATOMIC_SINCE);
  }

  /** The stream's last sequence, taken before the key was seen to be at `revision`. */
  async #guard(
    key: string,
    id: string,
    revision: number,
  ): Promise<{ last: number } | { mine: number } | { changed: true }> {
    const { bus } = this.#context;
    const subject = `$JS.API.STREAM.INFO.${this.#stream}`;
    const { state } = await jsCall<{ state: { last_seq: number } }>(bus.connection, subject, '', 1_000);
    const stored = await this.#read(key);
    if (stored?.id === id) return { mine: stored.revision };
    return (stored?.revision ?? 0) === revision ? { last: state.last_seq } : { changed: true };
  }

  async #afterConflict(key: string, id: string, maybeDone: boolean): Promise<number> {
    if (!maybeDone) throw conflict(this.bucket, key);
    let stored: Stored | null;
    try {
      stored = await this.#read(key);
    } catch (error) {
      throw unknownOutcome(`write of ${this.bucket}/${key}`, error);
    }
    if (stored?.id === id) return stored.revision;
    throw unknownOutcome(`write of ${this.bucket}/${key}`, new Error('somebody wrote after a time-out'));
  }

  async #orEnsure<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof JsApiError && error.code === JS_CODE.streamNotFound)) throw error;
      await this.#ensure();
      return call();
    }
  }
}

export function streamOf(bucket: string): string {
  return `KV_${bucket}`;
}

function writeHeaders(id: string, revision: number, deletion: boolean): MsgHdrs {
  const set = headers();
  set.set(MESSAGE_ID, id);
  set.set(EXPECT, String(revision));
  if (deletion) set.set(OPERATION, 'DEL');
  return set;
}

function isConflict(error: unknown): boolean {
  return (
    error instanceof JsApiError &&
    (error.code === JS_CODE.wrongLastSequence || error.code === JS_CODE.wrongLastSequenceUnknown)
  );
}

function conflict(bucket: string, key: string): KvError {
  return new KvError('conflict', `${bucket}/${key} was written by somebody else`);
}

function unknownOutcome(what: string, cause: unknown): KvError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KvError('unknown-outcome', `${what} may or may not have happened: ${why}`, { cause });
}

function olderThan(version: string, [major, minor, patch]: readonly [number, number, number]): boolean {
  const [a = 0, b = 0, c = 0] = version.split(/[.-]/).map(Number);
  return a !== major ? a < major : b !== minor ? b < minor : c < patch;
}

function checkKey(key: string): void {
  if (!/^[-/=.\w]+$/.test(key) || key.startsWith('.') || key.endsWith('.') || key.includes('..')) {
    throw new RangeError(`not a valid KV key: ${JSON.stringify(key)} (use escapeKey)`);
  }
}
