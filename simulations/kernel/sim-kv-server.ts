/** The simulated JetStream: one log per bucket, a leader that can be away, and a tail that can be lost. */
import { KvError, type KvEntry } from '../../src/runtime/ports.js';
import type { SimCluster } from './sim-cluster.js';

export interface StoredEntry {
  readonly revision: number;
  /** null: deleted. */
  readonly value: Uint8Array | null;
}

export type ServerChange = { readonly key: string } & StoredEntry;

interface Undo {
  readonly key: string;
  readonly before: StoredEntry | undefined;
}

export class SimBucket {
  readonly entries = new Map<string, StoredEntry>();
  readonly watchers = new Set<(change: ServerChange) => void>();
  readonly #log: Undo[] = [];
  #sequence = 0;

  /** Compare-and-set; null deletes. Throws KvError `conflict`. */
  write(key: string, value: Uint8Array | null, expected: number): number {
    const before = this.entries.get(key);
    if ((before?.revision ?? 0) !== expected) throw new KvError('conflict', `${key} was written`);
    this.#log.push({ key, before });
    const entry = { revision: ++this.#sequence, value: value && value.slice() };
    this.entries.set(key, entry);
    for (const tell of [...this.watchers]) tell({ key, ...entry });
    return entry.revision;
  }

  /** The revision to expect for a key that counts as absent. */
  absentRevision(key: string): number {
    const entry = this.entries.get(key);
    if (entry?.value) throw new KvError('conflict', `${key} exists`);
    return entry?.revision ?? 0;
  }

  live(prefix: string): KvEntry[] {
    const entries: KvEntry[] = [];
    for (const [key, { value, revision }] of this.entries) {
      if (value && key.startsWith(prefix)) entries.push({ key, value: value.slice(), revision });
    }
    return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Forgets the last writes, acknowledged or not; their sequence numbers are given again. */
  loseTail(writes: number): void {
    for (let i = 0; i < writes; i++) {
      const undo = this.#log.pop();
      if (!undo) return;
      this.#sequence--;
      if (undo.before) this.entries.set(undo.key, undo.before);
      else this.entries.delete(undo.key);
    }
  }
}

export class SimKvServer {
  readonly #cluster: SimCluster;
  readonly #buckets = new Map<string, SimBucket>();
  #leaderAt = 0;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
  }

  bucket(name: string): SimBucket {
    let bucket = this.#buckets.get(name);
    if (!bucket) this.#buckets.set(name, (bucket = new SimBucket()));
    return bucket;
  }

  get hasLeader(): boolean {
    return this.#cluster.kernel.now >= this.#leaderAt;
  }

  /** For `ms` nothing is answered, as while servers elect a leader (4-8 s in real clusters). */
  loseLeader(ms: number): void {
    this.#cluster.kernel.record('kv', `no leader for ${ms.toFixed(0)} ms`);
    this.#leaderAt = Math.max(this.#leaderAt, this.#cluster.kernel.now + ms);
  }

  /** The server dies and comes back after `downMs` without the last writes of each bucket. */
  crash(downMs: number, lostWrites: number): void {
    this.#cluster.kernel.record('kv', `crash, ${lostWrites} writes lost`);
    for (const bucket of this.#buckets.values()) bucket.loseTail(lostWrites);
    this.loseLeader(downMs);
    for (const node of this.#cluster.nodes) node.unlink(downMs);
  }
}
