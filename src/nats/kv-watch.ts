/**
 * The one watch of a bucket in this process: a mirror of the bucket, kept by a feed, told to any number of
 * listeners. The mirror is rebuilt from a new feed at the start, after every reconnect, when the feed
 * ends or falls behind, and every `repairMs` (less often where it is large): what differs is told, so a missed change, a lost consumer and a server
 * that lost its last writes all heal the same way. The old feed goes on until the new one is complete.
 *
 *     feed 1  ==== changes =================|
 *     feed 2         [reading ...complete] swap: tell differences ==== changes ====
 */
import type { Clock, KvChange, Log, Stop } from '../runtime/ports.js';
import { Feed, type FeedContext, type Seen } from './kv-feed.js';

export interface WatchContext extends FeedContext {
  readonly bus: FeedContext['bus'] & { onStatus(listener: (connected: boolean) => void): () => void };
  readonly clock: Clock;
  readonly log: Log;
  readonly repairMs: number;
}

/** A large bucket is not read again more often than this allows: hundreds of processes may watch it. */
const REPAIR_MS_A_KEY = 10;
/** How often the feed is compared with the leader's last sequence: one small request. */
const BEHIND_CHECK_MS = 2_000;

interface Listener {
  readonly tell: (change: KvChange) => void;
  readonly prefix: string;
}

export class BucketWatch {
  readonly #bucket: string;
  readonly #context: WatchContext;
  readonly #ensure: () => Promise<void>;
  readonly #log: Log;
  readonly #listeners = new Set<Listener>();
  readonly #stopping = new AbortController();
  #mirror = new Map<string, Seen>();
  #feed: Feed | null = null;
  #synced = false;
  #running: Promise<void> | null = null;
  /** Ends the present wait of the loop. */
  #wake: (() => void) | null = null;
  /** What was told when the feed was last seen to be behind the leader. */
  #lagging: { feed: Feed; at: number } | null = null;
  /** A rebuild is due at once. */
  #due = false;
  /** The next rebuild is a restart of the watch: listeners are told `synced` after it. */
  #restart = true;

  constructor(bucket: string, context: WatchContext, ensure: () => Promise<void>) {
    this.#bucket = bucket;
    this.#context = context;
    this.#ensure = ensure;
    this.#log = context.log.child({ component: 'kv-watch', bucket });
  }

  /** Tells what is known, then `synced` if it is all there is; the first listener starts the watch. */
  add(tell: (change: KvChange) => void, prefix: string): Stop {
    if (this.#stopping.signal.aborted) throw new Error(`the watch of ${this.#bucket} is closed`);
    const listener: Listener = { tell, prefix };
    this.#listeners.add(listener);
    this.#running ??= this.#run();
    if (this.#synced) {
      for (const seen of this.#mirror.values()) if (seen.value) this.#tellOne(listener, changeOf(seen));
      this.#tellOne(listener, { type: 'synced' });
    }
    return () => {
      this.#listeners.delete(listener);
      return Promise.resolve();
    };
  }

  async close(): Promise<void> {
    this.#stopping.abort(new Error('closed'));
    this.#listeners.clear();
    this.#wake?.();
    this.#feed?.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { bus, clock, repairMs } = this.#context;
    const unsubscribe = bus.onStatus((connected) => {
      if (!connected) return;
      this.#restart = true;
      this.#nudge();
    });
    let pause = 100;
    while (!this.#stopping.signal.aborted) {
      let wait = repairMs;
      this.#due = false;
      if (bus.connected) {
        try {
          await this.#rebuild();
          pause = 100;
          wait = Math.max(repairMs, this.#mirror.size * REPAIR_MS_A_KEY);
        } catch (error) {
          wait = pause;
          pause = Math.min(pause * 2, 2_000);
          this.#log.debug('reading the bucket failed, trying again', { error: String(error), wait });
          await this.#ensure().catch((cause: unknown) => {
            this.#log.debug('the bucket cannot be made yet', { error: String(cause) });
          });
        }
      } else {
        wait = 1_000;
      }
      if (this.#stopping.signal.aborted) break;
      const rebuildAt = clock.monotonic() + wait;
      for (;;) {
        const left = rebuildAt - clock.monotonic();
        if (this.#due || left <= 0 || this.#stopping.signal.aborted) break;
        await this.#pause(Math.min(left, BEHIND_CHECK_MS));
        if (await this.#isBehind()) break;
      }
    }
    unsubscribe();
    this.#feed?.stop();
  }

  #pause(ms: number): Promise<void> {
    if (this.#due || this.#stopping.signal.aborted) return Promise.resolve();
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

  /** The leader has what our feed was not told between two looks: its consumer died with a server. */
  async #isBehind(): Promise<boolean> {
    const feed = this.#feed;
    if (!feed || !this.#context.bus.connected || this.#stopping.signal.aborted) return this.#due;
    const before = this.#lagging;
    this.#lagging = null;
    try {
      const { last } = await feed.leaderState();
      if (last < feed.last) return true;
      if (last > feed.last) this.#lagging = { feed, at: feed.last };
    } catch (error) {
      this.#log.debug('the leader cannot be asked', { error: String(error) });
      return false;
    }
    return this.#lagging !== null && before?.feed === feed && before.at === feed.last;
  }

  async #rebuild(): Promise<void> {
    const fresh = await Feed.open(this.#bucket, this.#context);
    // A feed that ends is replaced: the loop is woken below.
    const ended = fresh.ended.catch((error: unknown) => {
      this.#log.debug('the consumer failed', { error: String(error) });
    });
    try {
      for (;;) {
        await fresh.complete();
        // Never step back behind what was told, unless the server itself did (it lost its last writes).
        if (fresh.last >= (this.#feed?.last ?? 0)) break;
        if ((await fresh.leaderState()).last < this.#feed!.last) break;
      }
    } catch (error) {
      fresh.stop();
      throw error;
    }
    if (this.#stopping.signal.aborted) return fresh.stop();
    this.#feed?.stop();
    this.#feed = fresh;
    const before = this.#mirror;
    this.#mirror = fresh.seen;
    this.#synced = true;
    for (const seen of fresh.seen.values()) {
      const known = before.get(seen.key);
      if (known?.revision === seen.revision && (known.value === null) === (seen.value === null)) continue;
      if (seen.value !== null || known?.value) this.#tell(changeOf(seen));
    }
    for (const known of before.values()) {
      if (known.value && !fresh.seen.has(known.key)) this.#tell(changeOf({ ...known, value: null }));
    }
    // A reconnect during this rebuild is due for one of its own.
    if (this.#restart) {
      this.#restart = this.#due;
      this.#tell({ type: 'synced' });
    }
    fresh.follow((seen) => this.#tell(changeOf(seen)));
    void ended.then(() => {
      if (this.#feed === fresh) this.#nudge();
    });
  }

  #nudge(): void {
    this.#due = true;
    this.#wake?.();
  }

  #tell(change: KvChange): void {
    for (const listener of [...this.#listeners]) this.#tellOne(listener, change);
  }

  #tellOne(listener: Listener, change: KvChange): void {
    if (change.type !== 'synced') {
      const key = change.type === 'put' ? change.entry.key : change.key;
      if (!key.startsWith(listener.prefix)) return;
    }
    try {
      listener.tell(change);
    } catch (error) {
      // One listener's mistake must not end the watch of all others.
      this.#log.error('a listener of the watch failed', { error: String(error) });
    }
  }
}

function changeOf(seen: Seen): KvChange {
  return seen.value
    ? { type: 'put', entry: { key: seen.key, value: seen.value, revision: seen.revision } }
    : { type: 'delete', key: seen.key, revision: seen.revision };
}
