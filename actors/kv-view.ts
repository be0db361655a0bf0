/**
 * A bucket in memory: every live document by key, kept up by the watch; own writes are seen at once.
 *
 * Keys have parts (`subtask.<source>.<task>`), and all keys that begin with the same parts make a folder,
 * named with its last dot (`subtask.`, `subtask.<source>.`). Folders are indexed, and listeners are told of one key, of
 * one folder, or of all: what concerns one source costs the same among ten as among ten thousand.
 */
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
  /** Keys by folder; '' is not among them. */
  readonly #folders = new Map<string, Set<string>>();
  /** By what they listen to: a key, a folder, or '' for all. */
  readonly #listeners = new Map<string, Set<ViewListener<T>>>();
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

  /** `within`: a key, a folder (with its last dot), or '' for everything. */
  onChange(listener: ViewListener<T>, within = ''): () => void {
    let own = this.#listeners.get(within);
    if (!own) this.#listeners.set(within, (own = new Set()));
    const listeners = own;
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(within) === listeners) this.#listeners.delete(within);
    };
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value;
  }

  seen(key: string): Seen<T> | undefined {
    return this.#entries.get(key);
  }

  /** All documents, or those of one folder. */
  *values(folder = ''): Generator<T> {
    for (const [, value] of this.entries(folder)) yield value;
  }

  *entries(folder = ''): Generator<[key: string, value: T]> {
    if (folder === '') {
      for (const [key, { value }] of this.#entries) yield [key, value];
      return;
    }
    for (const key of this.#folders.get(folder) ?? []) {
      const seen = this.#entries.get(key);
      if (seen) yield [key, seen.value];
    }
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
    if (!before) this.#index(key);
    this.#tell(key, value, before?.value ?? null);
  }

  #remove(key: string, revision: number): void {
    const before = this.#entries.get(key);
    if (!before || revision < before.revision) return;
    this.#entries.delete(key);
    for (const folder of foldersOf(key)) {
      const keys = this.#folders.get(folder);
      keys?.delete(key);
      if (keys?.size === 0) this.#folders.delete(folder);
    }
    this.#deleted.set(key, revision);
    this.#tell(key, null, before.value);
  }

  #index(key: string): void {
    for (const folder of foldersOf(key)) {
      const keys = this.#folders.get(folder);
      if (keys) keys.add(key);
      else this.#folders.set(folder, new Set([key]));
    }
  }

  #tell(key: string, now: T | null, before: T | null): void {
    for (const place of ['', ...foldersOf(key), key]) {
      const listeners = this.#listeners.get(place);
      if (listeners) for (const listener of [...listeners]) listener(key, now, before);
    }
  }
}

function foldersOf(key: string): string[] {
  const folders: string[] = [];
  for (let dot = key.indexOf('.'); dot >= 0; dot = key.indexOf('.', dot + 1)) {
    folders.push(key.slice(0, dot + 1));
  }
  return folders;
}
