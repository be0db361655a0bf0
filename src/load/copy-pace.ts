/** How fast the copy may read the source: `mydumpers.max-bytes-per-second`, `mydumpers.source-latency-budget`. */
import { connectSource } from '../dump/snapshot.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import type { Session } from '../mysql/session.js';
import { LatencyBudget } from '../runtime/latency-budget.js';
import type { Clock, Log } from '../runtime/ports.js';
import { RateLimit } from '../runtime/rate-limit.js';
import type { CopyTime } from './copy-time.js';

export interface CopyPaceOptions {
  readonly config: SubtaskConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly time: CopyTime;
  /** Ends all waits. */
  readonly signal: AbortSignal;
}

/** The source is asked this often how it is. */
const PING_MS = 100;
/** However slow the source is, so much is read of it a second. */
const FLOOR_BYTES = 64 * 1024;

export class CopyPace {
  readonly #options: CopyPaceOptions;
  readonly #bytes: RateLimit | null;
  readonly #budget: LatencyBudget | null;
  readonly #stop = new AbortController();
  /** The key of the limit that was waited for last; '' where none was. */
  by = '';

  constructor(options: CopyPaceOptions) {
    this.#options = options;
    const { clock, config } = options;
    const { maxBytesPerSecond, sourceLatencyBudgetMs: budgetMs } = config.dump;
    this.#bytes = maxBytesPerSecond > 0 ? new RateLimit(clock, maxBytesPerSecond) : null;
    this.#budget = budgetMs > 0 ? new LatencyBudget({ clock, budgetMs, floor: FLOOR_BYTES }) : null;
  }

  /** To be called after so many bytes were read; resolves when more may be. */
  async pace(bytes: number): Promise<void> {
    this.#bytes?.take(bytes);
    this.#budget?.take(bytes);
    await this.#wait(this.#bytes, 'max-bytes-per-second');
    await this.#wait(this.#budget?.limit ?? null, 'source-latency-budget');
  }

  async #wait(limit: RateLimit | null, name: string): Promise<void> {
    if (limit === null || !limit.exhausted) return;
    this.by = name;
    await this.#options.time.limited.during(limit.settled(this.#options.signal));
  }

  /** Watches the source until `end`; never rejects. */
  async run(): Promise<void> {
    const budget = this.#budget;
    if (budget === null) return;
    const { config, clock, log } = this.#options;
    const { signal } = this.#stop;
    let session: Session | null = null;
    while (!signal.aborted) {
      try {
        session ??= await connectSource({ config, signal });
        const asked = clock.monotonic();
        await session.execute('SELECT 1');
        budget.answered(clock.monotonic() - asked);
      } catch (error) {
        if (!signal.aborted) log.warn('the source cannot be asked how it is', { error: String(error) });
        session?.destroy();
        session = null;
      }
      await clock.sleep(PING_MS, signal).catch(() => undefined);
    }
    session?.destroy();
  }

  end(): void {
    this.#stop.abort(new Error('the copy has ended'));
  }
}
