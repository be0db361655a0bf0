/**
 * How much may pass in a second: a token bucket over the clock. Whoever takes is served in the order of
 * coming, and takes first and waits afterwards, so that a piece larger than a second's worth passes too.
 */
import type { Clock } from './ports.js';

/** What is not used is kept for this long. */
const BURST_MS = 50;
/** A wait looks again this often: the rate may have changed. */
const LOOK_MS = 250;
/** Shorter waits would cost more than they are worth; what is overslept is kept as burst. */
const MIN_MS = 1;

export class RateLimit {
  readonly #clock: Clock;
  #perSecond: number;
  #taken = 0;
  /** What of `#taken` has been paid for; ahead of it by what may pass at once. */
  #allowed = 0;
  #at: number;

  /** Infinity = no limit. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#at = clock.monotonic();
  }

  get perSecond(): number {
    return this.#perSecond;
  }

  set perSecond(perSecond: number) {
    this.#advance();
    this.#perSecond = perSecond;
  }

  /** How much may be taken in `ms`; at least 1. */
  within(ms: number): number {
    return Math.max(1, Math.ceil((this.#perSecond * ms) / 1000));
  }

  /** True when there is to be a wait after what has been taken so far. */
  get exhausted(): boolean {
    this.#advance();
    return this.#allowed < this.#taken;
  }

  take(amount: number): void {
    this.#advance();
    this.#taken += amount;
  }

  /** Resolves when all that has been taken so far is paid for; rejects with the signal's reason. */
  async settled(signal?: AbortSignal): Promise<void> {
    const due = this.#taken;
    for (;;) {
      this.#advance();
      if (this.#allowed >= due) return;
      const ms = ((due - this.#allowed) / this.#perSecond) * 1000;
      await this.#clock.sleep(Math.max(MIN_MS, Math.min(ms, LOOK_MS)), signal);
    }
  }

  #advance(): void {
    const now = this.#clock.monotonic();
    if (this.#perSecond === Infinity) this.#allowed = this.#taken;
    else {
      const most = this.#taken + (this.#perSecond * BURST_MS) / 1000;
      this.#allowed = Math.min(most, this.#allowed + (this.#perSecond * (now - this.#at)) / 1000);
    }
    this.#at = now;
  }
}
