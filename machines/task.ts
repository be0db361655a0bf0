/**
 * A task is what its subtasks are. Its state is derived from theirs by the rules of the manual's
 * query-status list (4.4.4.2) and moves by OBSERVED alone; commands go to the subtasks.
 */
import { assign, setup } from 'xstate';
import type { Stage } from '../src/model/stage.js';

export interface SubtaskObservation {
  readonly stage: Stage;
  readonly isCanceled: boolean;
  readonly hasErrors: boolean;
}

export const TASK_STATES = ['New', 'Running', 'Paused', 'Stopped', 'Finished', 'Error'] as const;
export type TaskState = (typeof TASK_STATES)[number];

/**
 * Error when some subtask is Paused by an error; else the stage that asks for attention first: a paused
 * one makes the task Paused, Finished and Stopped need all of them.
 */
export function deriveTaskState(subtasks: readonly SubtaskObservation[]): TaskState {
  if (subtasks.length === 0) return 'Stopped';
  if (subtasks.some((s) => s.stage === 'Paused' && s.hasErrors && !s.isCanceled)) return 'Error';
  if (subtasks.some((s) => s.stage === 'Paused' || s.stage === 'Pausing')) return 'Paused';
  if (subtasks.every((s) => s.stage === 'New')) return 'New';
  if (subtasks.every((s) => s.stage === 'Finished')) return 'Finished';
  if (subtasks.every((s) => s.stage === 'Stopped' || s.stage === 'Stopping')) return 'Stopped';
  return 'Running';
}

export interface TaskInput {
  readonly task: string;
}

export interface TaskContext {
  readonly task: string;
  readonly subtasks: number;
}

/** START, PAUSE, RESUME and STOP pass the command on to the subtasks; which may refuse it. */
export type TaskEvent =
  | { type: 'OBSERVED'; state: TaskState; subtasks: number }
  | { type: 'START' }
  | { type: 'PAUSE' }
  | { type: 'RESUME' }
  | { type: 'STOP' };

const chart = setup({
  types: {} as { context: TaskContext; events: TaskEvent; input: TaskInput },
  actions: {
    forward: (_, _p: { command: 'START' | 'PAUSE' | 'RESUME' | 'STOP' }) => undefined,
    noteObserved: assign(({ event }) => (event.type === 'OBSERVED' ? { subtasks: event.subtasks } : {})),
  },
  guards: {
    is: ({ event }, params: { state: TaskState }) =>
      event.type === 'OBSERVED' && event.state === params.state,
  },
});

const observed = TASK_STATES.map((state) => ({
  guard: { type: 'is' as const, params: { state } },
  target: `.${state}` as const,
  actions: 'noteObserved' as const,
}));

function forward<C extends 'START' | 'PAUSE' | 'RESUME' | 'STOP'>(command: C) {
  return { actions: { type: 'forward' as const, params: { command } } };
}

export const taskMachine = chart.createMachine({
  id: 'task',
  initial: 'New',
  context: ({ input }) => ({ task: input.task, subtasks: 0 }),
  on: { OBSERVED: observed, STOP: forward('STOP') },
  states: {
    New: { on: { START: forward('START'), PAUSE: forward('PAUSE') } },
    Running: { on: { PAUSE: forward('PAUSE') } },
    Paused: { on: { RESUME: forward('RESUME'), PAUSE: forward('PAUSE') } },
    Error: { on: { RESUME: forward('RESUME'), PAUSE: forward('PAUSE') } },
    Finished: {},
    Stopped: { on: { START: forward('START') } },
  },
});
