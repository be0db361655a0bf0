/** Opens buckets, making them where they are missing. */
import type { Kv, KvStore } from '../runtime/ports.js';
import { untilCopied } from './copies.js';
import { JS_CODE, JsApiError, jsCall, retryCall } from './jetstream-call.js';
import { NatsKv, streamOf, type KvContext } from './kv.js';

export interface NatsKvOptions {
  /** Copies of each bucket, on as many servers of one cluster. Default 1. */
  readonly replicas?: number;
  /** Masters that join may give the buckets more copies at any time. Default false. */
  readonly mayGrow?: boolean;
  /** First time-out of a call; default 300 ms. */
  readonly attemptMs?: number;
  /** A call gives up after this long; default 10 s: longer than a change of leader. */
  readonly budgetMs?: number;
  /** Period of the full read behind every watch, at least; default 30 s. */
  readonly repairMs?: number;
}

interface StreamConfig {
  name: string;
  num_replicas: number;
  [field: string]: unknown;
}

interface StreamInfo {
  config: StreamConfig;
}

/**
 * How long the opening of buckets waits, in all, for copies that are not complete: a few times the 10 s after which
 * a server whose request for its copy was not heard asks again.
 */
const COPIES_MS = 60_000;

export class NatsKvStore implements KvStore {
  readonly #context: KvContext;
  readonly #replicas: number;
  readonly #buckets = new Map<string, Promise<NatsKv>>();
  /** On the monotonic clock, from the first wait for copies on. */
  #copiesUntil: number | null = null;

  constructor(
    bus: KvContext['bus'],
    ports: Pick<KvContext, 'clock' | 'log' | 'ids'>,
    options: NatsKvOptions,
  ) {
    this.#replicas = options.replicas ?? 1;
    this.#context = {
      bus,
      ...ports,
      limits: { attemptMs: options.attemptMs ?? 300, budgetMs: options.budgetMs ?? 10_000 },
      replicated: this.#replicas > 1 || options.mayGrow === true,
      repairMs: options.repairMs ?? 30_000,
    };
  }

  /** The same object for the same name, so that a process has one watch per bucket. */
  bucket(name: string): Promise<Kv> {
    if (!/^[-\w]+$/.test(name)) return Promise.reject(new RangeError(`not a valid bucket name: ${name}`));
    let opened = this.#buckets.get(name);
    if (!opened) {
      const kv = new NatsKv(name, this.#context, () => this.#ensure(name));
      opened = this.#open(name).then(() => kv);
      this.#buckets.set(name, opened);
      opened.catch(() => this.#buckets.delete(name));
    }
    return opened;
  }

  async close(): Promise<void> {
    for (const opened of this.#buckets.values()) {
      const kv = await opened.catch(() => null);
      await kv?.close();
    }
    this.#buckets.clear();
  }

  async #open(name: string): Promise<void> {
    const { bus, clock, limits } = this.#context;
    await retryCall(bus, clock, limits, `opening bucket ${name}`, () => this.#ensure(name));
    if (this.#replicas > 1) await this.#copied(name);
  }

  /**
   * Until the copies are complete, the death of the server that had the only one loses the whole bucket, and two
   * empty servers make a majority (2.9.10: all 300 keys gone). Therefore nobody opens a bucket before, and a
   * master that joins counts as one only when the cluster can bear the loss of another.
   */
  async #copied(name: string): Promise<void> {
    const { clock, log } = this.#context;
    this.#copiesUntil ??= clock.monotonic() + COPIES_MS;
    if (await untilCopied(this.#context, name, this.#replicas, this.#copiesUntil)) return;
    log.warn('not all copies of a bucket are complete yet: do not stop another master now', { bucket: name });
  }

  async #ensure(name: string): Promise<void> {
    const { connection } = this.#context.bus;
    const stream = streamOf(name);
    const wanted: StreamConfig = {
      name: stream,
      subjects: [`$KV.${name}.>`],
      retention: 'limits',
      storage: 'file',
      discard: 'new',
      max_msgs_per_subject: 1,
      max_msgs: -1,
      max_bytes: -1,
      max_age: 0,
      num_replicas: this.#replicas,
      allow_rollup_hdrs: true,
      deny_delete: true,
      // Direct gets are answered by any replica: stale reads.
      allow_direct: false,
      // How long a repeated write is recognised by its id (nanoseconds).
      duplicate_window: 120_000_000_000,
    };
    const call = async (verb: string, body: string): Promise<StreamInfo> =>
      jsCall(connection, `$JS.API.STREAM.${verb}.${stream}`, body, 2_000);
    let present: StreamConfig;
    try {
      present = (await call('INFO', '')).config;
    } catch (error) {
      if (!(error instanceof JsApiError && error.code === JS_CODE.streamNotFound)) throw error;
      try {
        await call('CREATE', JSON.stringify(wanted));
      } catch (second) {
        // Another process made it in between.
        if (!(second instanceof JsApiError && second.code === JS_CODE.streamNameExists)) throw second;
      }
      return;
    }
    if (present.num_replicas < this.#replicas) {
      await call('UPDATE', JSON.stringify({ ...present, num_replicas: this.#replicas }));
    }
  }
}
