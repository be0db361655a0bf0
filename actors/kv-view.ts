/** A bucket in memory: every live document by key, kept up by the watch; own writes are seen at once. */
import type { Kv, KvChange, Stop } from '../src/runtime/ports.js';
import { decodeJson, encodeJson } from '../src/runtime/host/document.js';

export interface Seen<T> {
  readonly value: T;
  readonly revision: number;
}

export type ViewListener<T> = (key: string, now: T | null, before: T | null) => void;

export class KvView<T> {
  readonly kv: Kv;
  readonly #entries = new Map<string, Seen<T>>();
  /** Revisions of deletions, so that a change told late does not bring a document back. */
  readonly #deleted = new Map<string, number>();
  readonly #listeners = new Set<ViewListener<T>>();
  #stop: Stop | null = null;

  constructor(kv: Kv) {
    this.kv = kv;
  }

  /** Resolves once everything that exists has been read. */
  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.kv
        .watch((change) => (change.type === 'synced' ? resolve() : this.#take(change)))
        .then((stop) => (this.#stop = stop), reject);
    });
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#stop?.();
  }

  onChange(listener: ViewListener<T>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value;
  }

  seen(key: string): Seen<T> | undefined {
    return this.#entries.get(key);
  }

  *values(prefix = ''): Generator<T> {
    for (const [key, { value }] of this.#entries) if (key.startsWith(prefix)) yield value;
  }

  /** Rejects with KvError `conflict` when it exists. */
  async create(key: string, value: T): Promise<void> {
    const revision = await this.kv.create(key, encodeJson(value));
    this.#put(key, value, revision);
  }

  /** Writes over exactly the document that this view shows. Rejects with KvError `conflict` otherwise. */
  async replace(key: string, value: T): Promise<void> {
    const seen = this.#entries.get(key);
    const revision = seen
      ? await this.kv.update(key, encodeJson(value), seen.revision)
      : await this.kv.create(key, encodeJson(value));
    this.#put(key, value, revision);
  }

  async delete(key: string): Promise<void> {
    const seen = this.#entries.get(key);
    await this.kv.delete(key, seen?.revision);
    if (seen) this.#remove(key, seen.revision + 1);
  }

  /** Reads the document again after a conflict or a write of unknown outcome. */
  async refresh(key: string): Promise<T | null> {
    const before = this.#entries.get(key);
    const entry = await this.kv.get(key);
    if (entry === null) {
      if (before && this.#entries.get(key) === before) this.#remove(key, before.revision + 1);
      return null;
    }
    const value = decodeJson(entry.value) as T;
    this.#put(key, value, entry.revision, true);
    return value;
  }

  #take(change: KvChange): void {
    switch (change.type) {
      case 'put':
        this.#put(change.entry.key, decodeJson(change.entry.value) as T, change.entry.revision);
        break;
      case 'delete':
        this.#remove(change.key, change.revision);
        break;
      case 'synced':
        break;
    }
  }

  /** `force`: the store itself says so, even where it has gone back to a lower revision. */
  #put(key: string, value: T, revision: number, force = false): void {
    const before = this.#entries.get(key);
    if (!force && before && revision <= before.revision) return;
    if (!force && revision < (this.#deleted.get(key) ?? 0)) return;
    if (before?.revision === revision) return;
    this.#deleted.delete(key);
    this.#entries.set(key, { value, revision });
    this.#tell(key, value, before?.value ?? null);
  }

  #remove(key: string, revision: number): void {
    const before = this.#entries.get(key);
    if (!before || revision < before.revision) return;
    this.#entries.delete(key);
    this.#deleted.set(key, revision);
    this.#tell(key, null, before.value);
  }

  #tell(key: string, now: T | null, before: T | null): void {
    for (const listener of [...this.#listeners]) listener(key, now, before);
  }
}
