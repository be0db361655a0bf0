/** Shares of the last interval, from totals that only grow. */
import type { Clock } from '../runtime/ports.js';

export type Totals<Phase extends string> = Record<Phase, number>;

interface Sample<Phase extends string> {
  readonly at: number;
  readonly totals: Totals<Phase>;
}

/** What is told is about at least this long, once there is as much. */
const INTERVAL_MS = 5_000;
const SAMPLE_EVERY_MS = 1_000;

export class TimeWindow<Phase extends string> {
  readonly #clock: Clock;
  #samples: Sample<Phase>[];

  constructor(clock: Clock, begin: Totals<Phase>) {
    this.#clock = clock;
    this.#samples = [{ at: clock.monotonic(), totals: begin }];
  }

  /** To be called now and then: what is told later is about the time since then. */
  tick(totals: () => Totals<Phase>): void {
    const now = this.#clock.monotonic();
    if (now - this.#samples[this.#samples.length - 1].at < SAMPLE_EVERY_MS) return;
    this.#samples.push({ at: now, totals: totals() });
    // The newest that is old enough is what is told from; nothing before it is needed.
    const from = this.#samples.findLastIndex(({ at }) => now - at >= INTERVAL_MS);
    if (from > 0) this.#samples.splice(0, from);
  }

  /** What each phase has grown by in the last interval, ms, and how long that is. */
  last(totals: Totals<Phase>): { ms: number; grown: Totals<Phase> } {
    const [{ at, totals: before }] = this.#samples;
    const grown = { ...totals };
    for (const phase of Object.keys(totals) as Phase[]) grown[phase] = totals[phase] - before[phase];
    this.tick(() => totals);
    return { ms: Math.max(1, this.#clock.monotonic() - at), grown };
  }
}

/** 0..1 with three digits. */
export function share(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.round(Math.min(1, Math.max(0, part / whole)) * 1000) / 1000;
}

/** Milliseconds as seconds with three digits. */
export function asSeconds(ms: number): number {
  return Math.round(ms) / 1000;
}
