/**
 * Where the time of a sync unit goes. The reader of the binlog is in one phase at any moment; the target is
 * executing or committing for as long as at least one lane waits for its answer. Which part of our work is
 * decoding is measured in the first turns and in one of sixteen.
 */
import { BusyTimer, PhaseTimer } from '../metrics/phase-timer.js';
import { asSeconds, share, TimeWindow } from '../metrics/time-window.js';
import type { SyncTimes } from '../model/status.js';
import type { Clock } from '../runtime/ports.js';

const PHASES = [
  'read',
  'work',
  'decode',
  'transform',
  'sockets',
  'waitForLane',
  'statements',
  'limited',
] as const;
export type SyncPhase = (typeof PHASES)[number];

type Timed = keyof SyncTimes;

const MEASURED_TURNS = 16;

export class SyncTime {
  /** Lanes wait for the target to execute what they have sent. */
  readonly execute: BusyTimer;
  /** Lanes wait for a COMMIT that has not gone with other statements. */
  readonly commit: BusyTimer;
  readonly #phases: PhaseTimer<SyncPhase>;
  readonly #window: TimeWindow<Timed>;
  #turn = 0;

  constructor(clock: Clock, onAnswer?: (ms: number) => void) {
    this.execute = new BusyTimer(clock, onAnswer);
    this.commit = new BusyTimer(clock);
    this.#phases = new PhaseTimer<SyncPhase>(clock, PHASES);
    this.#window = new TimeWindow<Timed>(clock, this.#totals());
  }

  enter(phase: SyncPhase): SyncPhase {
    return this.#phases.enter(phase);
  }

  /** A turn begins. True where decoding is to be told from the rest of the work. */
  beginTurn(): boolean {
    this.#phases.enter('work');
    this.#window.tick(() => this.#totals());
    const turn = this.#turn++;
    return turn < MEASURED_TURNS || turn % MEASURED_TURNS === 0;
  }

  async during<T>(phase: SyncPhase, work: Promise<T>): Promise<T> {
    const before = this.#phases.enter(phase);
    try {
      return await work;
    } finally {
      this.#phases.enter(before);
    }
  }

  /** Shares of the last interval, and seconds since the unit has begun. */
  times(): { shares: SyncTimes; totals: SyncTimes } {
    const totals = this.#totals();
    const { ms, grown } = this.#window.last(totals);
    return { shares: mapped(grown, (part) => share(part, ms)), totals: mapped(totals, asSeconds) };
  }

  #totals(): Record<Timed, number> {
    const { work, decode, transform, ...rest } = this.#phases.totals();
    const measured = decode + transform;
    const decoding = measured === 0 ? 0.5 : decode / measured;
    return {
      read: rest.read,
      decode: decode + work * decoding,
      transform: transform + work * (1 - decoding),
      sockets: rest.sockets,
      waitForLane: rest.waitForLane,
      statements: rest.statements,
      limited: rest.limited,
      execute: this.execute.total(),
      commit: this.commit.total(),
    };
  }
}

function mapped(times: Record<Timed, number>, how: (ms: number) => number): SyncTimes {
  return Object.fromEntries(
    Object.entries(times).map(([phase, ms]) => [phase, how(ms)]),
  ) as unknown as SyncTimes;
}
