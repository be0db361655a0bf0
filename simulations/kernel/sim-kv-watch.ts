/** The simulated watch of one bucket by one node: in order, but with misses, repetitions and repairs. */
import type { KvChange, Stop } from '../../src/runtime/ports.js';
import type { SimNode } from './sim-cluster.js';
import type { ServerChange, SimBucket, StoredEntry } from './sim-kv-server.js';

/** As of the real adapter. */
const REPAIR_MS = 30_000;
const RETRY_MS = 200;

interface Listener {
  readonly tell: (change: KvChange) => void;
  readonly prefix: string;
}

export class SimWatch {
  readonly #server: SimBucket;
  readonly #node: SimNode;
  readonly #listeners = new Set<Listener>();
  #mirror = new Map<string, StoredEntry>();
  #started = false;
  #synced = false;
  #lastArrival = 0;

  constructor(server: SimBucket, node: SimNode) {
    this.#server = server;
    this.#node = node;
  }

  add(tell: (change: KvChange) => void, prefix: string): Stop {
    const listener: Listener = { tell, prefix };
    this.#listeners.add(listener);
    if (!this.#started) this.#start();
    if (this.#synced) {
      for (const [key, entry] of this.#mirror) if (entry.value) this.#tellOne(listener, changeOf(key, entry));
      this.#tellOne(listener, { type: 'synced' });
    }
    return () => {
      this.#listeners.delete(listener);
      return Promise.resolve();
    };
  }

  #start(): void {
    this.#started = true;
    const { bus, clock, cluster } = this.#node;
    this.#server.watchers.add((change) => {
      if (!this.#node.linked || cluster.random.chance(cluster.faults.watchMiss)) return;
      this.#arrive(() => this.#apply(change));
      if (cluster.random.chance(cluster.faults.watchDuplicate)) this.#arrive(() => this.#apply(change));
    });
    bus.onStatus((connected) => {
      if (connected) this.#rebuild(true);
    });
    const repair = (): void => {
      this.#rebuild(false);
      clock.after(REPAIR_MS, repair);
    };
    clock.after(REPAIR_MS, repair);
    this.#rebuild(true);
  }

  #rebuild(restart: boolean): void {
    const { clock, cluster } = this.#node;
    cluster.kernel.schedule(cluster.latency(), () => {
      if (clock.dead) return;
      if (!this.#node.linked || !cluster.kvServer.hasLeader) {
        clock.after(RETRY_MS, () => this.#rebuild(restart));
        return;
      }
      const snapshot = new Map(this.#server.entries);
      this.#arrive(() => this.#replace(snapshot, restart));
    });
  }

  /** In the order in which the server said it. */
  #arrive(then: () => void): void {
    const { clock, cluster } = this.#node;
    const { kernel } = cluster;
    const at = Math.max(this.#lastArrival, kernel.now + cluster.latency());
    this.#lastArrival = at;
    kernel.schedule(at - kernel.now, () => void clock.after(0, then));
  }

  #apply(change: ServerChange): void {
    this.#mirror.set(change.key, change);
    if (this.#synced) this.#tell(changeOf(change.key, change));
  }

  #replace(snapshot: Map<string, StoredEntry>, restart: boolean): void {
    const before = this.#mirror;
    this.#mirror = snapshot;
    for (const [key, entry] of snapshot) {
      const known = this.#synced ? before.get(key) : undefined;
      if (known?.revision === entry.revision && known.value === entry.value) continue;
      if (entry.value || known?.value) this.#tell(changeOf(key, entry));
    }
    for (const [key, known] of before) {
      if (this.#synced && known.value && !snapshot.has(key)) {
        this.#tell({ type: 'delete', key, revision: known.revision });
      }
    }
    this.#synced = true;
    if (restart) this.#tell({ type: 'synced' });
  }

  #tell(change: KvChange): void {
    for (const listener of [...this.#listeners]) this.#tellOne(listener, change);
  }

  #tellOne(listener: Listener, change: KvChange): void {
    if (change.type !== 'synced') {
      const key = change.type === 'put' ? change.entry.key : change.key;
      if (!key.startsWith(listener.prefix)) return;
    }
    listener.tell(change);
  }
}

function changeOf(key: string, { value, revision }: StoredEntry): KvChange {
  return value
    ? { type: 'put', entry: { key, value: value.slice(), revision } }
    : { type: 'delete', key, revision };
}
