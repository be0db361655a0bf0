/**
 * One reading of a bucket: all last values, then what changes. The consumer behind it may sit on a replica
 * that lags, so a feed counts as complete only when it has told the message that was the last one of the
 * stream's leader after the feed began. That also ends the reading of an empty bucket, whose watch never
 * says "all told". A replica may also have lost messages for good (2.9.10, killed while it got its copy) and
 * count as current all the same: where it tells fewer keys than the leader has, the leader is asked for the rest.
 */
import { jetstream } from '@nats-io/jetstream';
import { Kvm, type KvWatchEntry } from '@nats-io/kv';
import type { QueuedIterator } from '@nats-io/nats-core';
import type { Clock, KvEntry } from '../runtime/ports.js';
import { inParallel } from '../runtime/in-parallel.js';
import { jsCall, type CallLimits, type Connected } from './jetstream-call.js';
import { lastStored } from './kv-stored.js';

/** The newest message of a key; a deletion is remembered by its revision. */
export interface Seen {
  readonly key: string;
  readonly revision: number;
  /** null: deleted. */
  readonly value: Uint8Array | null;
}

export interface FeedContext {
  readonly bus: Connected;
  readonly clock: Clock;
  readonly limits: CallLimits;
}

interface StreamState {
  state: { last_seq: number; messages: number; subjects?: Record<string, number> };
}

/** A consumer that tells nothing for so long is given up, and another one made. */
const COMPLETE_WITHIN_MS = 5_000;
/** After this long the last message counts as removed by hand when all others are there. */
const LAST_MESSAGE_WITHIN_MS = 1_000;
const PARALLEL_READS = 32;

export class Feed {
  /** By key; complete once `complete` has resolved. */
  readonly seen = new Map<string, Seen>();
  /** The highest revision told. */
  last = 0;
  readonly #iterator: QueuedIterator<KvWatchEntry>;
  readonly #context: FeedContext;
  readonly #bucket: string;
  #take: ((seen: Seen) => void) | null = null;
  #wake: (() => void) | null = null;
  #ended = false;
  /** Resolves when the consumer is gone. */
  readonly ended: Promise<void>;

  private constructor(bucket: string, context: FeedContext, iterator: QueuedIterator<KvWatchEntry>) {
    this.#bucket = bucket;
    this.#context = context;
    this.#iterator = iterator;
    this.ended = this.#pump();
  }

  static async open(bucket: string, context: FeedContext): Promise<Feed> {
    // checkAPI off: one request less; the calls themselves tell when JetStream is not there.
    const js = jetstream(context.bus.connection, { timeout: 2_000, checkAPI: false });
    const kv = await new Kvm(js).open(bucket, { allow_direct: false });
    return new Feed(bucket, context, await kv.watch());
  }

  /** Highest sequence of the stream's leader and number of its messages. */
  async leaderState(): Promise<{ last: number; messages: number }> {
    const { bus, limits } = this.#context;
    const subject = `$JS.API.STREAM.INFO.KV_${this.#bucket}`;
    const timeoutMs = Math.max(limits.attemptMs, 1_000);
    const { state } = await jsCall<StreamState>(bus.connection, subject, '', timeoutMs);
    return { last: state.last_seq, messages: state.messages };
  }

  /** Waits until everything that was written before this call is in `seen`. */
  async complete(): Promise<void> {
    const { clock } = this.#context;
    const { last, messages } = await this.leaderState();
    if (messages === 0) return;
    let began = clock.monotonic();
    let told = this.last;
    while (this.last < last) {
      if (this.#ended) throw new Error(`the consumer of ${this.#bucket} ended`);
      if (this.last !== told) {
        began = clock.monotonic();
        told = this.last;
      }
      const waited = clock.monotonic() - began;
      if (waited >= LAST_MESSAGE_WITHIN_MS && this.seen.size >= messages) return;
      if (waited >= COMPLETE_WITHIN_MS) throw new Error(`the consumer of ${this.#bucket} is too slow`);
      await this.#news(LAST_MESSAGE_WITHIN_MS);
    }
    if (this.seen.size < messages) await this.#fill();
  }

  /** Adds what the consumer's replica does not have. */
  async #fill(): Promise<void> {
    const { bus, limits } = this.#context;
    const timeoutMs = Math.max(limits.attemptMs, 2_000);
    const stream = `KV_${this.#bucket}`;
    const query = JSON.stringify({ subjects_filter: '>' });
    const info = `$JS.API.STREAM.INFO.${stream}`;
    const { state } = await jsCall<StreamState>(bus.connection, info, query, timeoutMs);
    const prefix = `$KV.${this.#bucket}.`;
    const missing = Object.keys(state.subjects ?? {})
      .map((subject) => subject.slice(prefix.length))
      .filter((key) => !this.seen.has(key));
    await inParallel(missing, PARALLEL_READS, async (key) => {
      const stored = await lastStored(bus.connection, this.#bucket, key, timeoutMs);
      // What the feed has told meanwhile is at least as new.
      if (!stored || this.seen.has(key)) return;
      this.seen.set(key, { key, revision: stored.revision, value: stored.deleted ? null : stored.value });
    });
  }

  /** From now on everything is told to `take` as well. */
  follow(take: (seen: Seen) => void): void {
    this.#take = take;
  }

  stop(): void {
    this.#take = null;
    this.#iterator.stop();
  }

  async #pump(): Promise<void> {
    try {
      for await (const entry of this.#iterator) {
        const seen: Seen = {
          key: entry.key,
          revision: entry.revision,
          value: entry.operation === 'PUT' ? entry.value : null,
        };
        this.seen.set(seen.key, seen);
        if (seen.revision > this.last) this.last = seen.revision;
        this.#take?.(seen);
        this.#wake?.();
      }
    } finally {
      this.#ended = true;
      this.#wake?.();
    }
  }

  #news(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#wake = null;
        resolve();
      };
      const timer = this.#context.clock.after(ms, done);
      this.#wake = done;
    });
  }
}

/** All live entries as of now. */
export async function readFeed(context: FeedContext, bucket: string): Promise<KvEntry[]> {
  const feed = await Feed.open(bucket, context);
  // What the consumer ends with is told by `complete`.
  feed.ended.catch(() => undefined);
  try {
    await feed.complete();
    const entries: KvEntry[] = [];
    for (const { key, revision, value } of feed.seen.values()) {
      if (value) entries.push({ key, revision, value });
    }
    return entries;
  } finally {
    feed.stop();
  }
}
