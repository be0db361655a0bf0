/** The timers of one actor. They are part of its document, so they go on after a restart. */
import type { Clock, Timer } from '../ports.js';
import type { Deadline } from './document.js';

export class Deadlines {
  readonly #clock: Clock;
  readonly #fire: (event: { type: string }) => void;
  readonly #set = new Map<string, { deadline: Deadline; timer: Timer | null }>();

  constructor(clock: Clock, fire: (event: { type: string }) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** `set` and `clear` change the document only; `arm` starts what the saved document says. */
  set(name: string, ms: number, event: { type: string }): void {
    this.clear(name);
    if (ms < 0) return;
    const deadline = { name, at: this.#clock.wall() + ms, ms, event };
    this.#set.set(name, { deadline, timer: null });
  }

  clear(name: string): void {
    this.#set.get(name)?.timer?.cancel();
    this.#set.delete(name);
  }

  restore(deadlines: readonly Deadline[]): void {
    for (const deadline of deadlines) this.#set.set(deadline.name, { deadline, timer: null });
  }

  list(): Deadline[] {
    return [...this.#set.values()].map((entry) => entry.deadline);
  }

  arm(): void {
    for (const entry of this.#set.values()) {
      if (entry.timer) continue;
      const { deadline } = entry;
      const left = Math.min(Math.max(deadline.at - this.#clock.wall(), 0), deadline.ms);
      entry.timer = this.#clock.after(left, () => {
        if (this.#set.get(deadline.name) !== entry) return;
        this.#set.delete(deadline.name);
        this.#fire(deadline.event);
      });
    }
  }

  stop(): void {
    for (const entry of this.#set.values()) entry.timer?.cancel();
    this.#set.clear();
  }
}
