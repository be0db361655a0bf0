/** The simulated Kv port: leader reads, and writes whose outcome may stay unknown in every way. */
import { KvError, type Kv, type KvChange, type KvEntry, type KvStore } from '../../src/runtime/ports.js';
import type { Stop } from '../../src/runtime/ports.js';
import type { SimNode } from './sim-cluster.js';
import { SimWatch } from './sim-kv-watch.js';
import type { SimBucket } from './sim-kv-server.js';

/** As of the real adapter. */
const BUDGET_MS = 10_000;
const RETRY_MS = 100;

export class SimKvStore implements KvStore {
  readonly #node: SimNode;
  readonly #buckets = new Map<string, SimKv>();

  constructor(node: SimNode) {
    this.#node = node;
  }

  bucket(name: string): Promise<Kv> {
    let kv = this.#buckets.get(name);
    if (!kv) this.#buckets.set(name, (kv = new SimKv(name, this.#node)));
    return Promise.resolve(kv);
  }
}

export class SimKv implements Kv {
  readonly bucket: string;
  readonly #node: SimNode;
  readonly #server: SimBucket;
  readonly #watch: SimWatch;

  constructor(bucket: string, node: SimNode) {
    this.bucket = bucket;
    this.#node = node;
    this.#server = node.cluster.kvServer.bucket(bucket);
    this.#watch = new SimWatch(this.#server, node);
  }

  get(key: string): Promise<KvEntry | null> {
    return this.#read(() => {
      const entry = this.#server.entries.get(key);
      return entry?.value ? { key, value: entry.value.slice(), revision: entry.revision } : null;
    });
  }

  create(key: string, value: Uint8Array): Promise<number> {
    const bytes = value.slice();
    return this.#write(`create ${key}`, () =>
      this.#server.write(key, bytes, this.#server.absentRevision(key)),
    );
  }

  update(key: string, value: Uint8Array, revision: number): Promise<number> {
    const bytes = value.slice();
    return this.#write(`update ${key}@${revision}`, () => this.#server.write(key, bytes, revision));
  }

  async delete(key: string, revision?: number): Promise<void> {
    await this.#write(`delete ${key}`, () => {
      const entry = this.#server.entries.get(key);
      if (!entry?.value) return 0;
      return this.#server.write(key, null, revision ?? entry.revision);
    });
  }

  list(prefix = ''): Promise<KvEntry[]> {
    return this.#read(() => this.#server.live(prefix));
  }

  watch(listener: (change: KvChange) => void, options: { prefix?: string } = {}): Promise<Stop> {
    return Promise.resolve(this.#watch.add(listener, options.prefix ?? ''));
  }

  async #read<T>(read: () => T): Promise<T> {
    const { clock, cluster } = this.#node;
    const deadline = clock.monotonic() + BUDGET_MS;
    for (;;) {
      if (this.#reachable()) {
        const answer = await this.#exchange(() => (cluster.kvServer.hasLeader ? { value: read() } : null));
        if (answer && this.#node.linked) return answer.value;
      }
      if (clock.monotonic() + RETRY_MS >= deadline) throw new KvError('unavailable', 'no leader');
      await clock.sleep(RETRY_MS);
    }
  }

  async #write(what: string, write: () => number): Promise<number> {
    const { clock, cluster, name } = this.#node;
    const { faults, kernel, random } = cluster;
    const deadline = clock.monotonic() + BUDGET_MS;
    while (!this.#reachable()) {
      if (clock.monotonic() + RETRY_MS >= deadline) throw new KvError('unavailable', 'no leader');
      await clock.sleep(RETRY_MS);
    }
    const unknown = async (fate: string): Promise<never> => {
      kernel.record(name, `${what}: unknown outcome (${fate})`);
      await clock.sleep(random.between(300, 2_000));
      throw new KvError('unknown-outcome', `${what} timed out`);
    };
    if (random.chance(faults.timeoutBeforeCommit)) return unknown('not done');
    if (random.chance(faults.lateCommit)) {
      kernel.schedule(random.between(100, 2_000), () => this.#quietly(write));
      return unknown('later');
    }
    if (random.chance(faults.timeoutAfterCommit)) {
      kernel.schedule(cluster.latency(), () => this.#quietly(write));
      return unknown('done');
    }
    let outcome: { revision: number } | { error: unknown } | null = null;
    await this.#exchange(() => {
      if (!cluster.kvServer.hasLeader) return;
      try {
        outcome = { revision: write() };
      } catch (error) {
        outcome = { error };
      }
    });
    const told = outcome as { revision: number } | { error: unknown } | null;
    // The leader went away, or we did, while the write was under way.
    if (!told || !this.#node.linked) return unknown(told ? 'answer lost' : 'not done');
    if ('error' in told) throw told.error;
    kernel.record(name, `${what} -> ${told.revision}`);
    return told.revision;
  }

  #reachable(): boolean {
    return this.#node.linked && this.#node.cluster.kvServer.hasLeader;
  }

  #quietly(write: () => number): void {
    try {
      write();
    } catch (error) {
      if (!(error instanceof KvError)) throw error; // a conflict that nobody hears of
    }
  }

  /** There and back again. What happens at the server happens also when we die meanwhile. */
  #exchange<T>(atServer: () => T): Promise<T> {
    const { clock, cluster } = this.#node;
    return new Promise((resolve) => {
      if (clock.dead) return;
      cluster.kernel.schedule(cluster.latency(), () => {
        const result = atServer();
        cluster.kernel.schedule(cluster.latency(), () => void clock.after(0, () => resolve(result)));
      });
    });
  }
}
