/** What a state does not take up is refused with a reason; nothing is dropped in silence. */
import { getNextTransitions, type AnyMachineSnapshot, type AnyStateMachine, type EventObject } from 'xstate';
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';

/**
 * As `snapshot.can`, but true also for an event that the state knowingly ignores, like an answer that came
 * too late.
 */
export function accepts(snapshot: AnyMachineSnapshot, event: EventObject): boolean {
  const taken = snapshot.machine.getTransitionData(snapshot, event) as readonly unknown[] | undefined;
  return taken !== undefined && taken.length > 0;
}

/** 40051 for RESUME, 40050 for PAUSE, as DM; 60201 for any other event, with what the state does take. */
export function refusal(machine: AnyStateMachine, snapshot: AnyMachineSnapshot, event: EventObject): DmError {
  const state = typeof snapshot.value === 'string' ? snapshot.value : JSON.stringify(snapshot.value);
  if (event.type === 'RESUME') {
    return new DmError(CODES.workerNotPaused, `current stage is ${state} but not paused, invalid`);
  }
  if (event.type === 'PAUSE') {
    return new DmError(CODES.workerNotRunning, `current stage is ${state} but not running, invalid`);
  }
  const known = [...new Set(getNextTransitions(snapshot).map((next) => next.eventType))].sort();
  return new DmError(
    CODES.eventRefused,
    `${machine.id} in state ${state} does not take ${event.type}; it takes ${known.join(', ')}`,
  );
}
