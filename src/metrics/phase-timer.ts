/**
 * Where the time of one flow of work goes: it is in one phase at any moment, and says when that changes. One
 * reading of the clock for each change, so it is told by turn or batch, never by row.
 */
import type { Clock } from '../runtime/ports.js';

export class PhaseTimer<Phase extends string> {
  readonly #clock: Clock;
  readonly #totals: Record<Phase, number>;
  #phase: Phase;
  /** When the present phase began. */
  #since: number;

  /** The first of `phases` is the one that it begins in. */
  constructor(clock: Clock, phases: readonly [Phase, ...Phase[]]) {
    this.#clock = clock;
    this.#totals = Object.fromEntries(phases.map((phase) => [phase, 0])) as Record<Phase, number>;
    this.#phase = phases[0];
    this.#since = clock.monotonic();
  }

  /** Returns the phase that ends, to go back to. */
  enter(phase: Phase): Phase {
    const now = this.#clock.monotonic();
    const before = this.#phase;
    this.#totals[before] += now - this.#since;
    this.#since = now;
    this.#phase = phase;
    return before;
  }

  /** Milliseconds in each phase so far, the present one included. */
  totals(): Record<Phase, number> {
    this.enter(this.#phase);
    return { ...this.#totals };
  }
}

/**
 * Time in which at least one of several is busy, and what each call took. `begin` and `end` come in pairs,
 * from as many at once as there are.
 */
export class BusyTimer {
  readonly #clock: Clock;
  readonly #onCall: ((ms: number) => void) | undefined;
  #busy = 0;
  #since = 0;
  #total = 0;
  /** Sum of the moments at which those that are under way have begun. */
  #begun = 0;
  /** Calls that have ended, and the sum of what they took, ms. */
  calls = 0;
  callMs = 0;

  constructor(clock: Clock, onCall?: (ms: number) => void) {
    this.#clock = clock;
    this.#onCall = onCall;
  }

  async during<T>(work: Promise<T>): Promise<T> {
    const began = this.#clock.monotonic();
    if (this.#busy++ === 0) this.#since = began;
    this.#begun += began;
    try {
      return await work;
    } finally {
      const now = this.#clock.monotonic();
      if (--this.#busy === 0) this.#total += now - this.#since;
      this.#begun -= began;
      this.calls++;
      this.callMs += now - began;
      this.#onCall?.(now - began);
    }
  }

  /** Milliseconds of all calls together, those under way included. */
  sum(): number {
    return this.callMs + this.#busy * this.#clock.monotonic() - this.#begun;
  }

  /** Milliseconds so far in which at least one was busy. */
  total(): number {
    return this.#busy === 0 ? this.#total : this.#total + this.#clock.monotonic() - this.#since;
  }
}
