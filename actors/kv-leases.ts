/**
 * Leases as compare-and-set documents (design, section 4). Nobody compares wall clocks: the holder counts
 * from just before it sent its last good renewal, others from when they saw the entry change last.
 *
 *   holder      |--send--ok----------- leaseMs - margin -->| ends its work
 *   challenger            |--seen--------- 1.25 x leaseMs ------------->| takes it with epoch + 1
 */
import { decodeJson, encodeJson } from '../src/runtime/host/document.js';
import { KvError, type Kv, type Ports, type Timer } from '../src/runtime/ports.js';
import { KvView } from './kv-view.js';
import type { LeaseHandle, LeaseObserver, LeaseRequest, Leases } from './leases.js';

interface LeaseDocument {
  readonly owner: string;
  readonly epoch: number;
  readonly seq: number;
  readonly leaseMs: number;
}

type LeasePorts = Pick<Ports, 'clock' | 'log'>;

/** How much earlier than its end a holder gives a lease up. */
const marginMs = (leaseMs: number): number => leaseMs / 5;
const expiryMs = (leaseMs: number): number => leaseMs * 1.25;

export class KvLeases implements Leases {
  readonly #kv: Kv;
  readonly #ports: LeasePorts;

  constructor(kv: Kv, ports: LeasePorts) {
    this.#kv = kv;
    this.#ports = ports;
  }

  request(request: LeaseRequest): LeaseHandle {
    return new KvLease(this.#kv, this.#ports, request);
  }

  async observe(): Promise<LeaseObserver> {
    const observer = new KvLeaseObserver(this.#kv, this.#ports);
    await observer.open();
    return observer;
  }
}

class KvLease implements LeaseHandle {
  readonly #kv: Kv;
  readonly #ports: LeasePorts;
  readonly #request: LeaseRequest;
  #abort: AbortController | null = null;
  #loop: Promise<void> = Promise.resolve();
  #held = false;
  #expiry: Timer | null = null;
  /** Our own last write, or 0. */
  #revision = 0;
  #document: LeaseDocument | null = null;

  constructor(kv: Kv, ports: LeasePorts, request: LeaseRequest) {
    this.#kv = kv;
    this.#ports = ports;
    this.#request = request;
  }

  get held(): boolean {
    return this.#held;
  }

  start(): void {
    if (this.#abort) return;
    const abort = new AbortController();
    this.#abort = abort;
    this.#loop = this.#run(abort.signal).catch((error: unknown) => {
      if (!abort.signal.aborted) {
        this.#ports.log.error('the lease loop failed', { key: this.#request.key, error: String(error) });
      }
    });
  }

  async release(): Promise<void> {
    this.#abort?.abort(new Error('released'));
    this.#abort = null;
    this.#expiry?.cancel();
    this.#held = false;
    await this.#loop;
    if (this.#revision > 0) await this.#kv.delete(this.#request.key, this.#revision);
    this.#revision = 0;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    const { leaseMs } = this.#request;
    let watched = { revision: -1, since: 0 };
    while (!signal.aborted) {
      try {
        if (this.#held) {
          await this.#renew();
        } else {
          const entry = await this.#kv.get(this.#request.key);
          const now = clock.monotonic();
          const current = entry ? (decodeJson(entry.value) as LeaseDocument) : null;
          if (entry && entry.revision !== watched.revision)
            watched = { revision: entry.revision, since: now };
          const expired = current && now - watched.since >= expiryMs(current.leaseMs);
          const free = current === null || current.owner === this.#request.owner || expired;
          if (free) await this.#take(current, entry?.revision ?? 0);
        }
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        this.#ports.log.debug('a lease write failed', { key: this.#request.key, error: error.message });
      }
      if (signal.aborted) return;
      await clock.sleep(leaseMs / 5, signal);
    }
  }

  async #take(current: LeaseDocument | null, revision: number): Promise<void> {
    const { owner, leaseMs, key } = this.#request;
    const before = this.#ports.clock.monotonic();
    const document = { owner, leaseMs, epoch: (current?.epoch ?? 0) + 1, seq: 1 };
    const bytes = encodeJson(document);
    this.#revision =
      revision === 0 ? await this.#kv.create(key, bytes) : await this.#kv.update(key, bytes, revision);
    this.#document = document;
    if (this.#abort === null) return;
    this.#trust(before);
    this.#held = true;
    this.#request.onHeld(document.epoch);
  }

  async #renew(): Promise<void> {
    const { key } = this.#request;
    const before = this.#ports.clock.monotonic();
    const document = { ...this.#document!, seq: this.#document!.seq + 1 };
    try {
      this.#revision = await this.#kv.update(key, encodeJson(document), this.#revision);
    } catch (error) {
      if (!(error instanceof KvError) || error.kind === 'unavailable') throw error;
      // Either our own write got through late, or the store lost its tail, or the lease is another's.
      const entry = await this.#kv.get(key);
      const stored = entry ? (decodeJson(entry.value) as LeaseDocument) : null;
      if (stored && (stored.owner !== document.owner || stored.epoch !== document.epoch)) {
        this.#lose();
        return;
      }
      this.#revision = entry ? entry.revision : 0;
      if (!stored || stored.seq !== document.seq) {
        const bytes = encodeJson(document);
        this.#revision = entry
          ? await this.#kv.update(key, bytes, entry.revision)
          : await this.#kv.create(key, bytes);
      }
    }
    this.#document = document;
    if (this.#held) this.#trust(before);
  }

  #trust(sentAt: number): void {
    const { clock } = this.#ports;
    const { leaseMs } = this.#request;
    this.#expiry?.cancel();
    const left = sentAt + leaseMs - marginMs(leaseMs) - clock.monotonic();
    this.#expiry = clock.after(Math.max(left, 0), () => this.#lose());
  }

  #lose(): void {
    this.#expiry?.cancel();
    if (!this.#held) return;
    this.#held = false;
    this.#revision = 0;
    this.#request.onLost();
  }
}

class KvLeaseObserver implements LeaseObserver {
  readonly #view: KvView<LeaseDocument>;
  readonly #ports: LeasePorts;
  readonly #alive = new Map<string, string>();
  readonly #timers = new Map<string, Timer>();
  readonly #listeners = new Set<() => void>();

  constructor(kv: Kv, ports: LeasePorts) {
    this.#view = new KvView(kv);
    this.#ports = ports;
  }

  get alive(): ReadonlyMap<string, string> {
    return this.#alive;
  }

  async open(): Promise<void> {
    this.#view.onChange((key, now) => this.#seen(key, now));
    await this.#view.open();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers.values()) timer.cancel();
    await this.#view.close();
  }

  #seen(key: string, now: LeaseDocument | null): void {
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    if (!now) {
      if (this.#alive.delete(key)) this.#tell();
      return;
    }
    const changed = this.#alive.get(key) !== now.owner;
    this.#alive.set(key, now.owner);
    this.#timers.set(
      key,
      this.#ports.clock.after(expiryMs(now.leaseMs), () => {
        this.#timers.delete(key);
        this.#alive.delete(key);
        this.#ports.log.warn('a lease has expired', { key, owner: now.owner });
        this.#forget(key);
        this.#tell();
      }),
    );
    if (changed) this.#tell();
  }

  /** Leases of sessions are never taken again: an expired one is only rubbish. */
  #forget(key: string): void {
    if (!key.includes('.')) return;
    this.#view.delete(key).catch((error: unknown) => {
      this.#ports.log.debug('an expired lease stays for now', { key, error: String(error) });
    });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
