/** What the table tests of the machines share: the machine as a total function of state and event. */
import { transition, type AnyMachineSnapshot, type AnyStateMachine, type AnyEventObject } from 'xstate';

export const REFUSED = 'refused';

export interface Step {
  /** The state after the event, or REFUSED. */
  readonly to: string;
  /** Names of the effects, without what concerns the context alone. */
  readonly effects: readonly string[];
  readonly snapshot: AnyMachineSnapshot;
}

/** The machine in a state with a context of the test's choice. */
export function at(machine: AnyStateMachine, value: string, context: object): AnyMachineSnapshot {
  return machine.resolveState({ value, context });
}

/** One step. REFUSED where the state has no answer at all to the event, not even to ignore it. */
export function step(snapshot: AnyMachineSnapshot, event: AnyEventObject): Step {
  const machine = snapshot.machine as AnyStateMachine;
  const taken = machine.getTransitionData(snapshot, event) as readonly unknown[] | undefined;
  if (!taken || taken.length === 0) return { to: REFUSED, effects: [], snapshot };
  const [next, actions] = transition(machine, snapshot, event) as unknown as [
    AnyMachineSnapshot,
    readonly { type: string }[],
  ];
  return { to: String(next.value), effects: actions.map(({ type }) => type), snapshot: next };
}
