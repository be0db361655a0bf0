/**
 * Connections to the target that the lanes of a stream take in turn.
 *
 * A lane keeps changes in order, a slot lets some of them run: so there can be many lanes, and never more
 * transactions under way than the target serves well. A lane that waits for its turn gathers changes
 * meanwhile, which makes for fewer and larger transactions.
 *
 * Invariant: a lane without a slot has no open transaction. So whatever a transaction waits for in the
 * target belongs to a lane that goes on by itself, and every lane that asks gets its turn.
 */
import type { Clock } from '../../runtime/ports.js';
import type { Session } from '../../mysql/session.js';
import { SlotLimit } from './slot-limit.js';

export interface Slot {
  /** From 0, below the number of lanes: the lane row that names this slot's connection. */
  readonly number: number;
  /** Made by the first lane that takes the slot; null when it is to be made. */
  session: Session | null;
}

export type Grant = (slot: Slot) => void;

export class LaneSlots {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #limit: SlotLimit;
  readonly #all: Slot[] = [];
  readonly #idle: Slot[] = [];
  readonly #waiting: Grant[] = [];

  /** @param most Slots there can be: as many as lanes. */
  constructor(most: number, clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
    this.#limit = new SlotLimit(most);
  }

  /** True while lanes wait for their turn: who has a slot is to give it back with its next commit. */
  get wanted(): boolean {
    return this.#waiting.length > 0;
  }

  /** Calls `grant` once, now or later. */
  ask(grant: Grant): void {
    this.#waiting.push(grant);
    this.#serve();
  }

  /** Others wait for the lane that asked: it is served next. */
  hurry(grant: Grant): void {
    const at = this.#waiting.indexOf(grant);
    if (at > 0) this.#waiting.unshift(...this.#waiting.splice(at, 1));
  }

  release(slot: Slot): void {
    this.#idle.push(slot);
    this.#serve();
  }

  /** Told of each commit. */
  committed(bytes: number): void {
    this.#limit.note(bytes, this.wanted, this.#clock.monotonic());
    this.#serve();
  }

  /** Closes what no lane holds; to be called when all lanes have ended. */
  async close(): Promise<void> {
    const sessions = this.#idle.splice(0).flatMap(({ session }) => session ?? []);
    await Promise.all(sessions.map((session) => (session.closed ? undefined : session.close())));
  }

  /** Breaks all connections off. */
  destroy(): void {
    for (const { session } of this.#all) session?.destroy();
  }

  #serve(): void {
    while (this.#waiting.length > 0 && this.#all.length - this.#idle.length < this.#limit.value) {
      const slot = this.#idle.pop() ?? this.#add();
      this.#waiting.shift()?.(slot);
    }
  }

  #add(): Slot {
    const slot: Slot = { number: this.#all.length, session: null };
    this.#all.push(slot);
    return slot;
  }
}
