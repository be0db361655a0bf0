/** Opens buckets, making them where they are missing. */
import type { Kv, KvStore } from '../runtime/ports.js';
import { JS_CODE, JsApiError, jsCall, retryCall } from './jetstream-call.js';
import { NatsKv, streamOf, type KvContext } from './kv.js';

export interface NatsKvOptions {
  /** Copies of each bucket: 3 where the cluster has at least three servers. Default 1. */
  readonly replicas?: number;
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

export class NatsKvStore implements KvStore {
  readonly #context: KvContext;
  readonly #replicas: number;
  readonly #buckets = new Map<string, Promise<NatsKv>>();

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
      replicas: this.#replicas,
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

  #open(name: string): Promise<void> {
    const { bus, clock, limits } = this.#context;
    return retryCall(bus, clock, limits, `opening bucket ${name}`, () => this.#ensure(name));
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
    const call = async (verb: string, body: string): Promise<{ config: StreamConfig }> =>
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
