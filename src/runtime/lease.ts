/**
 * A lease by compare-and-set, without wall clocks and without the server's help (per-key TTL is ignored in
 * silence by older servers).
 *
 *   holder      t0 send renewal ... acknowledged    trusts until t0 + leaseMs - margin, then stops by itself
 *   challenger      sees the revision ............. unchanged for 1.25 x leaseMs: takes it with epoch + 1
 *
 * Safe because the challenger can see a renewal only after t0, so its wait ends later than the holder's
 * trust, and because its compare-and-set fails when the holder renewed in between. A renewal of
 * unknown outcome is read again: only one that is found written extends the trust, from its own t0.
 * A challenger that could not look for a while starts its wait anew: what it has not watched may
 * have changed and, on a server that lost its last writes, changed back.
 */
import { KvError, type Clock, type Ids, type Kv, type KvEntry, type Log } from './ports.js';
import type { Random, Timer } from './ports.js';
import { PATIENCE, decodeLease, encodeLease, type LeaseDocument } from './lease-document.js';

export interface LeaseOptions {
  readonly kv: Kv;
  readonly key: string;
  /** A name for people; `instance` of the document tells holders apart. */
  readonly owner: string;
  readonly leaseMs: number;
  /** The key is this holder's alone (it holds a session id): removed when given back. */
  readonly ephemeral?: boolean;
  /** `epoch` is higher than that of any earlier holder. */
  readonly onHeld: (epoch: number) => void;
  /** Not renewed in time, or taken: all work under it has to end now. It is asked for again by itself. */
  readonly onLost: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: Ids;
  readonly log: Log;
}

interface Held {
  document: LeaseDocument;
  revision: number;
  trustedUntil: number;
  timer: Timer;
}

/** What a challenger has seen without interruption. */
interface Observation {
  readonly revision: number;
  readonly since: number;
  lookedAt: number;
}

export class Lease {
  readonly #options: LeaseOptions;
  readonly #log: Log;
  readonly #instance: string;
  readonly #stopping = new AbortController();
  #held: Held | null = null;
  #seen: Observation | null = null;
  #running: Promise<void> | null = null;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#instance = options.ids.next();
    this.#log = options.log.child({ component: 'lease', key: options.key });
  }

  /** Also right when timers are late: the clock decides. */
  get held(): boolean {
    return this.#held !== null && this.#options.clock.monotonic() < this.#held.trustedUntil;
  }

  /** 0 while it is not held. */
  get epoch(): number {
    return this.held ? this.#held!.document.epoch : 0;
  }

  /** Asks for the lease and, while it has it, renews it, until `release`. */
  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * Gives it back, so that nobody waits for its expiry; `held` is false at once and nothing is called back.
   * Call it when the work under it has ended. Rejects with KvError when it could not be given back:
   * it then expires by itself.
   */
  async release(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const { kv, key, clock } = this.#options;
    const wasHeld = this.#held;
    this.#drop();
    this.#stopping.abort(new Error('released'));
    // A renewal under way must end first, its revision is the one to give back. Without a server it may
    // take long, and then there is nothing to tell it either.
    const ended = await new Promise<boolean>((resolve) => {
      const timer = clock.after(1_000, () => resolve(false));
      void (this.#running ?? Promise.resolve()).then(() => {
        timer.cancel();
        resolve(true);
      });
    });
    if (!ended || !wasHeld) return;
    const entry = await kv.get(key);
    if (!entry) return;
    const document = decodeLease(key, entry.value);
    if (document.instance !== this.#instance) return;
    try {
      if (document.ephemeral) await kv.delete(key, entry.revision);
      else await kv.update(key, encodeLease({ ...document, owner: '', instance: '' }), entry.revision);
    } catch (error) {
      // Somebody has taken it meanwhile, which is what giving it back is for.
      if (!(error instanceof KvError && error.kind === 'conflict')) throw error;
    }
  }

  async #run(): Promise<void> {
    const { clock, leaseMs, random } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let wait: number;
      try {
        if (this.#held) {
          await this.#renew(this.#held);
          wait = this.#held ? leaseMs / 3 : 0;
        } else {
          await this.#challenge();
          wait = this.#held ? leaseMs / 3 : leaseMs / 8;
        }
      } catch (error) {
        if (error instanceof KvError) this.#log.debug('no lease traffic possible', { error: String(error) });
        else this.#log.error('the lease, or who was told of it, failed', { error: String(error) });
        this.#seen = null;
        wait = leaseMs / 16;
      }
      if (signal.aborted) return;
      // A little unevenness keeps challengers from running into each other for ever.
      await clock.sleep(wait * (0.9 + 0.1 * random.next()), signal).catch(() => undefined);
    }
  }

  async #renew(held: Held): Promise<void> {
    const { kv, key, clock } = this.#options;
    const next = { ...held.document, seq: held.document.seq + 1 };
    const sentAt = clock.monotonic();
    const revision = await this.#write(next, () => kv.update(key, encodeLease(next), held.revision));
    if (this.#held !== held) return; // lost or given back meanwhile
    if (revision !== null) {
      this.#trust(next, revision, sentAt);
      return;
    }
    const entry = await kv.get(key);
    if (this.#held !== held) return;
    const document = entry && decodeLease(key, entry.value);
    if (entry && document?.instance === this.#instance && document.epoch === next.epoch) {
      // Ours, but not this renewal: an earlier one came late, or the server lost its last writes.
      held.revision = entry.revision;
      held.document = { ...document, seq: Math.max(document.seq, next.seq) };
      throw new KvError('conflict', 'the lease is ours at another revision');
    }
    this.#log.warn('the lease was taken by somebody else', { by: document?.owner ?? '' });
    this.#lose();
  }

  async #challenge(): Promise<void> {
    const { kv, key, clock, leaseMs, owner } = this.#options;
    const entry = await kv.get(key);
    if (this.#stopping.signal.aborted) return;
    const present = entry && decodeLease(key, entry.value);
    if (entry && present && !this.#mayTake(entry, present)) return;
    const document: LeaseDocument = {
      owner,
      instance: this.#instance,
      epoch: (present?.epoch ?? 0) + 1,
      seq: 1,
      leaseMs,
      ephemeral: this.#options.ephemeral ?? false,
    };
    const sentAt = clock.monotonic();
    const bytes = encodeLease(document);
    const revision = await this.#write(document, () =>
      entry ? kv.update(key, bytes, entry.revision) : kv.create(key, bytes),
    );
    this.#seen = null;
    if (revision === null || this.#stopping.signal.aborted) return;
    if (this.#trust(document, revision, sentAt)) {
      this.#log.info('lease taken', { epoch: document.epoch });
      this.#options.onHeld(document.epoch);
    }
  }

  /** Given back, our own (we have stopped), or unchanged for long enough under our eyes. */
  #mayTake(entry: KvEntry, present: LeaseDocument): boolean {
    if (present.owner === '' || present.instance === this.#instance) return true;
    const now = this.#options.clock.monotonic();
    const longestGap = present.leaseMs * (PATIENCE - 1);
    const seen = this.#seen;
    if (!seen || seen.revision !== entry.revision || now - seen.lookedAt > longestGap) {
      this.#seen = { revision: entry.revision, since: now, lookedAt: now };
      return false;
    }
    seen.lookedAt = now;
    return now - seen.since >= present.leaseMs * PATIENCE;
  }

  /** The revision when the document is known to be written; null when it is known not to be. */
  async #write(document: LeaseDocument, write: () => Promise<number>): Promise<number | null> {
    const { kv, key } = this.#options;
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof KvError) || error.kind === 'unavailable') throw error;
      if (error.kind === 'conflict') return null;
    }
    const entry = await kv.get(key);
    if (!entry) return null;
    const found = decodeLease(key, entry.value);
    const ours =
      found.instance === document.instance && found.epoch === document.epoch && found.seq === document.seq;
    return ours ? entry.revision : null;
  }

  /** False when the answer came too late to be of use. */
  #trust(document: LeaseDocument, revision: number, sentAt: number): boolean {
    const { clock, leaseMs } = this.#options;
    const trustedUntil = sentAt + leaseMs * 0.9;
    const left = trustedUntil - clock.monotonic();
    if (left <= 0) {
      if (this.#held) this.#lose();
      return false;
    }
    this.#held?.timer.cancel();
    this.#held = { document, revision, trustedUntil, timer: clock.after(left, () => this.#lose()) };
    return true;
  }

  #lose(): void {
    if (!this.#held) return;
    this.#drop();
    this.#log.warn('lease lost');
    this.#options.onLost();
  }

  #drop(): void {
    this.#held?.timer.cancel();
    this.#held = null;
  }
}
