/** How fast a sync unit may go: `max-rows-per-second`, `max-bytes-per-second`, `target-latency-budget`. */
import type { SyncConfig } from '../model/subtask-config.js';
import { LatencyBudget } from '../runtime/latency-budget.js';
import type { Clock } from '../runtime/ports.js';
import { RateLimit } from '../runtime/rate-limit.js';

/** Rows of a turn are as many as may pass in this time: a turn that is larger would pass in jerks. */
const TURN_MS = 50;
/** However slow the target is, so many rows a second are tried: that is how it is found out that it is well again. */
const FLOOR_ROWS = 10;

interface NamedLimit {
  readonly name: string;
  readonly limit: RateLimit;
}

export class SyncLimits {
  readonly #rows: RateLimit | null;
  readonly #bytes: RateLimit | null;
  readonly #budget: LatencyBudget | null;
  readonly #all: readonly NamedLimit[];
  #by = '';
  #pendingBytes = 0;
  #lastSeq = 0;

  constructor(config: SyncConfig, clock: Clock) {
    const { maxRowsPerSecond, maxBytesPerSecond, targetLatencyBudgetMs } = config;
    this.#rows = maxRowsPerSecond > 0 ? new RateLimit(clock, maxRowsPerSecond) : null;
    this.#bytes = maxBytesPerSecond > 0 ? new RateLimit(clock, maxBytesPerSecond) : null;
    this.#budget =
      targetLatencyBudgetMs > 0
        ? new LatencyBudget({ clock, budgetMs: targetLatencyBudgetMs, floor: FLOOR_ROWS })
        : null;
    const all: { name: string; limit: RateLimit | undefined }[] = [
      { name: 'max-rows-per-second', limit: this.#rows ?? undefined },
      { name: 'max-bytes-per-second', limit: this.#bytes ?? undefined },
      { name: 'target-latency-budget', limit: this.#budget?.limit },
    ];
    this.#all = all.filter((one): one is NamedLimit => one.limit !== undefined);
  }

  get any(): boolean {
    return this.#all.length > 0;
  }

  /** The key of the limit that was waited for last; '' where none was. */
  get by(): string {
    return this.#by;
  }

  /** The target has taken this long to execute a packet. */
  answered(ms: number): void {
    this.#budget?.answered(ms);
  }

  /** Changes that a turn may take. */
  turn(most: number): number {
    if (this.#rows === null && this.#budget === null) return most;
    const rows = this.#rows?.within(TURN_MS) ?? most;
    return Math.min(most, rows, this.#budget?.limit.within(TURN_MS) ?? most);
  }

  /** True when the turn is to end. */
  read(bytes: number): boolean {
    if (this.#bytes === null) return false;
    this.#pendingBytes += bytes;
    return this.#pendingBytes >= this.#bytes.within(TURN_MS);
  }

  /** At the end of a turn; `seq` is that of its last change. True when there is to be a wait. */
  charge(seq: number): boolean {
    const rows = seq - this.#lastSeq;
    this.#lastSeq = seq;
    this.#rows?.take(rows);
    this.#budget?.take(rows);
    this.#bytes?.take(this.#pendingBytes);
    this.#pendingBytes = 0;
    const due = this.#all.find(({ limit }) => limit.exhausted);
    if (due !== undefined) this.#by = due.name;
    return due !== undefined;
  }

  async settled(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all.map(({ limit }) => limit.settled(signal)));
  }
}
