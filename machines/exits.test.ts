/** Every state of every machine is left by something that an operator can do. */
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine, EventObject } from 'xstate';
import { DEFAULT_CHECKER, subtaskMachine } from './subtask.js';
import { nodeMachine } from './node.js';
import { sourceMachine } from './source.js';
import { supervisorMachine } from './supervisor.js';
import { taskMachine } from './task.js';
import { at, REFUSED, step } from './transition-table.js';

interface Operable {
  readonly machine: AnyStateMachine;
  readonly context: object;
  /** What the commands send; where a command is no event of its own, what it brings about. */
  readonly commands: Record<string, EventObject>;
  /** A command that is passed on to other actors counts though the state stays. */
  readonly forwards?: boolean;
}

const subtaskContext = {
  epoch: 1,
  run: 1,
  seq: 0,
  isCanceled: false,
  errors: [],
  checker: DEFAULT_CHECKER,
  attempt: 0,
  fencedBy: 0,
};

const MACHINES: Operable[] = [
  {
    machine: subtaskMachine,
    context: subtaskContext,
    commands: {
      'start-task': { type: 'START', seq: 1, removeMeta: false } as EventObject,
      'pause-task': { type: 'PAUSE', seq: 1 } as EventObject,
      'resume-task': { type: 'RESUME', seq: 1 } as EventObject,
      'stop-task': { type: 'STOP', seq: 1 } as EventObject,
    },
  },
  {
    machine: sourceMachine,
    context: { source: 's', worker: 'w', epoch: 1, error: '', attempt: 0 },
    commands: {
      'operate-source stop': { type: 'RELEASE' },
      'operate-source create, or a restart of the worker': {
        type: 'PLACED',
        worker: 'w',
        epoch: 2,
      } as EventObject,
    },
  },
  {
    machine: nodeMachine,
    context: { name: 'n', session: 'a', source: '', epoch: 0 },
    commands: {
      'start the process': { type: 'START', session: 'b' } as EventObject,
      'stop the process': { type: 'DRAIN' },
    },
  },
  {
    machine: supervisorMachine,
    context: { name: 'n', epoch: 1 },
    commands: {
      'start the process': { type: 'START' },
      'stop the process': { type: 'RESIGN' },
      'operate-leader evict': { type: 'EVICT' },
      'operate-leader cancel-evict': { type: 'CANCEL_EVICT' },
    },
  },
  {
    machine: taskMachine,
    context: { task: 't', subtasks: 1 },
    forwards: true,
    commands: {
      'start-task': { type: 'START' },
      'pause-task': { type: 'PAUSE' },
      'resume-task': { type: 'RESUME' },
      'stop-task': { type: 'STOP' },
    },
  },
];

describe.each(MACHINES.map((one) => [one.machine.id, one] as const))('%s', (_id, operable) => {
  const { machine, context, commands, forwards } = operable;
  it.each(Object.keys(machine.states))('%s has an exit', (state) => {
    const exits = Object.entries(commands).filter(([, event]) => {
      const { to, effects } = step(at(machine, state, context), event);
      if (to === REFUSED) return false;
      return to !== state || effects.length > 0 || (forwards ?? false);
    });
    expect(exits.map(([command]) => command)).not.toEqual([]);
  });
});
