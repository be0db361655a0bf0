/**
 * Keeps a server's answers within a stated time by moving a rate limit: each window in which they take longer
 * on average cuts what passes by a third, each one in which they do not adds a twentieth of what passed at
 * the last cut (additive increase, multiplicative decrease). Without a cut there is no limit.
 */
import type { Clock } from './ports.js';
import { RateLimit } from './rate-limit.js';

const WINDOW_MS = 250;
/** After so much silence what passes is measured anew. */
const SILENCE_MS = 2_000;
const DECREASE = 2 / 3;
const INCREASE = 1 / 20;

export interface LatencyBudgetOptions {
  readonly clock: Clock;
  readonly budgetMs: number;
  /** Never less than this a second. */
  readonly floor: number;
}

export class LatencyBudget {
  readonly limit: RateLimit;
  readonly #options: LatencyBudgetOptions;
  #windowAt: number;
  #answers = 0;
  #answerMs = 0;
  #passed = 0;
  #heardAt = -Infinity;
  /** What passed a second before the last cut. */
  #cutAt = 0;

  constructor(options: LatencyBudgetOptions) {
    this.#options = options;
    this.limit = new RateLimit(options.clock, Infinity);
    this.#windowAt = options.clock.monotonic();
  }

  /** The server has taken this long for an answer. */
  answered(ms: number): void {
    this.#answers++;
    this.#answerMs += ms;
    this.#heardAt = this.#options.clock.monotonic();
    this.#judge();
  }

  /** So much has passed. */
  take(amount: number): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#heardAt > SILENCE_MS) this.#restart(now);
    this.#heardAt = now;
    this.#passed += amount;
    this.limit.take(amount);
  }

  #restart(now: number): void {
    this.#windowAt = now;
    this.#answers = 0;
    this.#answerMs = 0;
    this.#passed = 0;
  }

  #judge(): void {
    const { clock, budgetMs, floor } = this.#options;
    const now = clock.monotonic();
    const ms = now - this.#windowAt;
    if (ms < WINDOW_MS || this.#answers === 0) return;
    const mean = this.#answerMs / this.#answers;
    const passed = (this.#passed * 1000) / ms;
    const rate = this.limit.perSecond;
    this.#restart(now);
    if (mean > budgetMs) {
      // What had passed is cut, where that is less: a limit far above it would cut nothing.
      this.#cutAt = Math.max(floor, Math.min(rate, passed));
      this.limit.perSecond = Math.max(floor, this.#cutAt * DECREASE);
    } else if (rate !== Infinity) {
      const next = rate + Math.max(floor, this.#cutAt * INCREASE);
      // Far above what there is to pass it is no limit any more.
      this.limit.perSecond = next > 4 * Math.max(this.#cutAt, passed) ? Infinity : next;
    }
  }
}
