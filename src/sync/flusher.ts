/** Saves the checkpoint of sync: now and then, at barriers, and as a kindness to the next run at the end. */
import type { Ownership } from '../checkpoint/ownership.js';
import { flushCheckpoint } from '../checkpoint/points.js';
import type { BinlogLocation } from '../model/location.js';
import type { Clock, Log } from '../runtime/ports.js';
import type { ControlSession } from './control-session.js';
import type { Progress } from './progress.js';
import type { Unsaved } from './unsaved.js';

export interface FlusherOptions {
  readonly session: ControlSession;
  readonly owner: () => Ownership;
  /** null until the unit has begun. */
  readonly progress: () => Progress | null;
  /** Lowest sequence number that is not committed. */
  readonly firstUncommitted: () => number;
  readonly safeModeExit: (location: BinlogLocation) => BinlogLocation;
  readonly unsaved: Unsaved;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export class Flusher {
  readonly #options: FlusherOptions;
  #flushing: Promise<void> = Promise.resolve();
  /** The place that was saved last. */
  #flushed = '';

  constructor(options: FlusherOptions) {
    this.#options = options;
  }

  /** Saves again and again until aborted; rejects with what goes wrong, or the signal's reason. */
  async run(signal: AbortSignal): Promise<never> {
    const { clock, intervalMs } = this.#options;
    for (;;) {
      await clock.sleep(intervalMs, signal);
      await this.flush(false);
    }
  }

  /** One flush at a time. `endDdl`: a DDL has run, its record ends with it. */
  flush(endDdl: boolean): Promise<void> {
    const next = this.#flushing.then(() => this.#flush(endDdl));
    this.#flushing = next.catch(() => undefined);
    return next;
  }

  /** Must not fail or delay the end. */
  async flushAtEnd(): Promise<void> {
    const { log, session } = this.#options;
    const open = await session.get().catch(() => null);
    if (open === null || open.closed) return;
    await this.flush(false).catch((error: unknown) => {
      log.warn('the checkpoint could not be saved at the end', { error: String(error) });
    });
  }

  async #flush(endDdl: boolean): Promise<void> {
    const { session, owner, firstUncommitted, safeModeExit } = this.#options;
    const progress = this.#options.progress();
    if (progress === null) return;
    progress.advance(firstUncommitted());
    const location = progress.location();
    const place = `${location.name}:${location.pos} ${location.gtidSet}`;
    const unsaved = this.#options.unsaved.take();
    if (!endDdl && place === this.#flushed && unsaved.empty) return;
    await session.retry((open) =>
      flushCheckpoint(open, owner(), {
        location,
        safeModeExit: safeModeExit(location),
        changed: unsaved.changed,
        dropped: unsaved.dropped,
        also: unsaved.also,
        endDdl,
      }),
    );
    this.#flushed = place;
    unsaved.saved();
  }
}
