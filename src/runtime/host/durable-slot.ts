/**
 * One KV entry with one writer. Every write is a compare-and-set; what a time-out leaves open is settled by
 * reading back and comparing the stamp. A store that lost a tail of acknowledged writes has a lower
 * revision than we hold: nobody has taken over, so the present state is written again.
 */
import { KvError, type Clock, type Ids, type Kv, type KvEntry, type Log } from '../ports.js';
import { decodeDocument, encodeJson, type ActorDocument } from './document.js';

/** Another process owns the document now. What this one does from here on must have no effect. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
}

export interface SlotOptions {
  readonly kv: Kv;
  readonly key: string;
  readonly epoch: number;
  readonly owner: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

export class DurableSlot {
  readonly #options: SlotOptions;
  #revision = 0;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** The stored document, or null when there is none. Rejects with SupersededError when its epoch is higher. */
  async load(): Promise<ActorDocument | null> {
    const entry = await this.#read();
    this.#revision = entry?.revision ?? 0;
    if (entry === null) return null;
    const document = decodeDocument(entry.value);
    this.#assertOurs(document);
    return document;
  }

  /** Resolves once the document is stored; tries again while the store is away, until the signal aborts. */
  async save(document: Omit<ActorDocument, 'epoch' | 'owner' | 'stamp'>): Promise<void> {
    const { kv, key, epoch, owner, ids } = this.#options;
    const stamped: ActorDocument = { ...document, epoch, owner, stamp: ids.next() };
    const bytes = encodeJson(stamped);
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      this.#options.signal.throwIfAborted();
      try {
        this.#revision =
          this.#revision === 0 ? await kv.create(key, bytes) : await kv.update(key, bytes, this.#revision);
        return;
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        if (error.kind === 'unavailable') {
          await this.#pause(wait, error);
          continue;
        }
        const entry = await this.#read();
        if (entry !== null) {
          const stored = decodeDocument(entry.value);
          if (stored.stamp === stamped.stamp) {
            this.#revision = entry.revision;
            return;
          }
          this.#assertOurs(stored);
        }
        this.#revision = entry?.revision ?? 0;
        if (error.kind === 'conflict') await this.#pause(wait, error);
      }
    }
  }

  async remove(): Promise<void> {
    await this.#options.kv.delete(this.#options.key);
    this.#revision = 0;
  }

  #assertOurs(stored: ActorDocument): void {
    const { epoch, owner, key } = this.#options;
    if (stored.epoch > epoch || (stored.epoch === epoch && epoch > 0 && stored.owner !== owner)) {
      throw new SupersededError(`${key} belongs to ${stored.owner} with epoch ${stored.epoch} now`);
    }
  }

  async #read(): Promise<KvEntry | null> {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      this.#options.signal.throwIfAborted();
      try {
        return await this.#options.kv.get(this.#options.key);
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        await this.#pause(wait, error);
      }
    }
  }

  async #pause(ms: number, cause: KvError): Promise<void> {
    this.#options.log.debug('the store did not take the document yet', {
      key: this.#options.key,
      error: cause.message,
    });
    await this.#options.clock.sleep(ms, this.#options.signal);
  }
}
