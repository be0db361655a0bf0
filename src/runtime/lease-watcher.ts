/**
 * Tells which leases of others are alive. A lease expires when its revision has not changed for 1.25 x its
 * `leaseMs` on our own clock; before it is told, the entry is read once more from the leader, so a watch that
 * lags or misses something never declares the living dead. Leases found at the start count as alive
 * until seen to expire.
 */
import type { Clock, Kv, KvChange, Log, Stop, Timer } from './ports.js';
import { PATIENCE, decodeLease, type LeaseDocument } from './lease-document.js';

/** An ephemeral lease that expired this many times its length ago is removed. */
const REMOVE_AFTER = 10;

export interface LeaseWatcherOptions {
  readonly kv: Kv;
  /** Only keys that begin with it. */
  readonly prefix?: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Watched {
  revision: number;
  document: LeaseDocument;
  expired: boolean;
  timer: Timer;
}

export class LeaseWatcher {
  readonly #options: LeaseWatcherOptions;
  readonly #log: Log;
  readonly #leases = new Map<string, Watched>();
  readonly #alive = new Map<string, string>();
  readonly #listeners = new Set<() => void>();
  #stopWatch: Stop | null = null;
  #stopped = false;

  private constructor(options: LeaseWatcherOptions) {
    this.#options = options;
    this.#log = options.log.child({ component: 'lease-watcher' });
  }

  /** Resolves once all present leases are known. */
  static async start(options: LeaseWatcherOptions): Promise<LeaseWatcher> {
    const watcher = new LeaseWatcher(options);
    let synced: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (synced = resolve));
    const prefix = options.prefix ?? '';
    const take = (change: KvChange): void => {
      if (change.type === 'synced') synced();
      else if (change.type === 'delete') watcher.#remove(change.key);
      else watcher.#renewed(change.entry.key, change.entry.revision, change.entry.value);
    };
    watcher.#stopWatch = await options.kv.watch(take, { prefix });
    await ready;
    return watcher;
  }

  /** Owners of the leases that have not expired, by key. */
  get alive(): ReadonlyMap<string, string> {
    return this.#alive;
  }

  /** Called after `alive` has changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#listeners.clear();
    for (const watched of this.#leases.values()) watched.timer.cancel();
    this.#leases.clear();
    await this.#stopWatch?.();
  }

  #renewed(key: string, revision: number, value: Uint8Array): void {
    const known = this.#leases.get(key);
    if (this.#stopped || known?.revision === revision) return;
    const document = decodeLease(key, value);
    if (document.owner === '') {
      this.#remove(key);
      return;
    }
    known?.timer.cancel();
    const timer = this.#after(document.leaseMs * PATIENCE, () => this.#check(key));
    this.#leases.set(key, { revision, document, expired: false, timer });
    if (this.#alive.get(key) !== document.owner) {
      this.#alive.set(key, document.owner);
      this.#changed();
    }
  }

  #remove(key: string): void {
    this.#leases.get(key)?.timer.cancel();
    this.#leases.delete(key);
    if (this.#alive.delete(key)) this.#changed();
  }

  /** The time is up as far as the watch knows; the leader has the last word. */
  async #check(key: string): Promise<void> {
    const { kv } = this.#options;
    const watched = this.#leases.get(key);
    if (!watched || this.#stopped) return;
    let entry;
    try {
      entry = await kv.get(key);
    } catch (error) {
      this.#log.debug('cannot look whether a lease has expired', { key, error: String(error) });
      if (this.#leases.get(key) === watched) {
        watched.timer = this.#after(watched.document.leaseMs / 4, () => this.#check(key));
      }
      return;
    }
    if (this.#stopped || this.#leases.get(key) !== watched) return;
    if (!entry) {
      this.#remove(key);
    } else if (entry.revision !== watched.revision) {
      this.#renewed(key, entry.revision, entry.value);
    } else if (!watched.expired) {
      watched.expired = true;
      this.#log.info('lease expired', { key, owner: watched.document.owner });
      if (this.#alive.delete(key)) this.#changed();
      if (watched.document.ephemeral) {
        watched.timer = this.#after(watched.document.leaseMs * REMOVE_AFTER, () => this.#check(key));
      }
    } else if (watched.document.ephemeral) {
      // Several watchers may do it; a conflict says that it lives or is gone: either way not ours to remove.
      await kv.delete(key, watched.revision);
    }
  }

  #after(ms: number, check: () => Promise<void>): Timer {
    return this.#options.clock.after(ms, () => {
      check().catch((error: unknown) => {
        this.#log.warn('looking at a lease failed', { error: String(error) });
      });
    });
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
