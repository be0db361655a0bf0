/**
 * The loop of a sync unit: reads events and gives them out in turns of bounded size, between which sockets are
 * served, and waits where there is a reason to.
 */
import type { Applier } from './applier.js';
import type { EventStream } from './event-stream.js';
import type { LaneSet } from './lanes/lane-set.js';
import type { SyncLimits } from './limits.js';
import type { Parking } from './parking.js';
import type { SyncTime } from './sync-time.js';
import { unlessAborted, type IdleWait } from './waits.js';

export interface TurnsOptions {
  readonly stream: EventStream;
  readonly applier: Applier;
  readonly lanes: () => LaneSet;
  readonly parking: () => Parking | null;
  readonly idle: IdleWait;
  readonly limits: SyncLimits;
  readonly time: SyncTime;
  readonly nextTurn: () => Promise<void>;
  /** Called after each turn that ends between two transactions, where it returns a promise. */
  readonly afterTurn: () => Promise<void> | undefined;
  readonly signal: AbortSignal;
}

/**
 * A turn is some milliseconds of work: lanes get nothing new while it lasts, but the more it gives them
 * at once the fewer packets they need.
 */
const EVENTS_A_TURN = 2048;
const CHANGES_A_TURN = 2048;
/** While lanes have enough to do, answers of the target must not wait for a long turn. */
const CHANGES_BEHIND = 256;

/** Never resolves; rejects with the signal's reason or what has failed. */
export async function runTurns(options: TurnsOptions): Promise<never> {
  const { stream, applier, lanes, limits, time, nextTurn, signal } = options;
  for (;;) {
    signal.throwIfAborted();
    let idle = false;
    const measured = time.beginTurn();
    const lastChange = lanes().seq + limits.turn(lanes().behind ? CHANGES_BEHIND : CHANGES_A_TURN);
    for (let i = 0; i < EVENTS_A_TURN; i++) {
      if (measured) time.enter('decode');
      const event = stream.poll();
      if (measured) time.enter('transform');
      if (event === null) {
        idle = true;
        break;
      }
      const waiting = applier.handle(event);
      if (waiting !== undefined) await time.during('statements', unlessAborted(waiting, signal));
      const { seq, overloaded } = lanes();
      const full = limits.any && limits.read(event.header.eventSize);
      if (overloaded || full || seq >= lastChange || isAtBoundary(options)) break;
    }
    lanes().pump();
    if (limits.any && limits.charge(lanes().seq)) await time.during('limited', limits.settled(signal));
    if (lanes().overloaded) await time.during('waitForLane', unlessAborted(lanes().room(), signal));
    else if (isAtBoundary(options)) {
      await time.during('waitForLane', unlessAborted(options.parking()?.atBoundary(), signal));
    } else if (idle) await time.during('read', options.idle.ready(stream, signal));
    else await time.during('sockets', nextTurn());
    if (applier.between) await options.afterTurn();
  }
}

/** Between two transactions, and a table that was set aside waits for it to rejoin. */
function isAtBoundary({ applier, parking }: TurnsOptions): boolean {
  return parking()?.wantsBoundary === true && applier.between;
}
