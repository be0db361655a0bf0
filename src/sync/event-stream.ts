/**
 * The binlog as one endless stream: opens the reader again after a broken connection, at the place that
 * `resumeAt` tells. What was handed on of a transaction before it broke is the caller's to skip.
 */
import type { BinlogEvent } from '../binlog/events.js';
import type { BinlogReader } from '../binlog/reader.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { BinlogLocation } from '../model/location.js';
import { isTransient, toDmError } from '../mysql/db-error.js';
import type { Clock, Log } from '../runtime/ports.js';

export interface EventStreamOptions {
  readonly open: (from: BinlogLocation) => Promise<BinlogReader>;
  /** End of the last transaction that was read whole. */
  readonly resumeAt: () => BinlogLocation;
  /** The stream begins anew at `resumeAt`. */
  readonly onReopen: () => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly retryMs: number;
}

export class EventStream {
  readonly #options: EventStreamOptions;
  #reader: BinlogReader | null = null;
  #opened = false;
  #troubleSince = 0;
  #backoff = 50;
  /** Bytes of the events that were handed on. */
  bytesRead = 0;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  /** The next event that has arrived, else null. Trouble that may pass is `ready`'s to deal with. */
  poll(): BinlogEvent | null {
    const reader = this.#reader;
    if (reader === null) return null;
    let event: BinlogEvent | null;
    try {
      event = reader.poll();
    } catch (error) {
      if (!mayPass(error)) throw error;
      return null;
    }
    if (event === null) return null;
    this.bytesRead += event.header.eventSize;
    if (this.#troubleSince !== 0) {
      this.#troubleSince = 0;
      this.#backoff = 50;
    }
    return event;
  }

  /** Resolves when `poll` may have something. Rejects with DmError, or with the signal's reason. */
  async ready(signal: AbortSignal): Promise<void> {
    try {
      if (this.#reader === null) await this.#open();
      else await this.#reader.ready(signal);
    } catch (error) {
      signal.throwIfAborted();
      await this.#trouble(error, signal);
    }
  }

  /** Number of its connection at the source; null while it has none. */
  get threadId(): number | null {
    return this.#reader?.threadId ?? null;
  }

  async close(): Promise<void> {
    const reader = this.#reader;
    this.#reader = null;
    await reader?.close();
  }

  async #open(): Promise<void> {
    this.#reader = await this.#options.open(this.#options.resumeAt());
    if (this.#opened) this.#options.onReopen();
    this.#opened = true;
  }

  async #trouble(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, log, retryMs } = this.#options;
    const now = clock.monotonic();
    if (this.#troubleSince === 0) this.#troubleSince = now;
    if (!mayPass(error) || now - this.#troubleSince > retryMs) throw toDmError(error, 'upstream');
    log.warn('the binlog stream broke off, opening it again', {
      error: String(error),
      backoffMs: this.#backoff,
    });
    await this.close().catch((closing: unknown) =>
      log.debug('close of a broken stream', { error: String(closing) }),
    );
    await clock.sleep(this.#backoff, signal);
    this.#backoff = Math.min(this.#backoff * 2, 3000);
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof DmError) return error.code === CODES.databaseDriver.code && !isRefusal(error.cause);
  return isTransient(error);
}

function isRefusal(cause: unknown): boolean {
  return cause instanceof Error && cause.name === 'ConnectionError' && !isTransient(cause);
}
