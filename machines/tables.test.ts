/** Transition tables of the smaller machines. A missing cell does not compile. */
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine, EventObject } from 'xstate';
import { nodeMachine, type NodeEvent } from './node.js';
import { sourceMachine, type SourceEvent } from './source.js';
import { supervisorMachine, type SupervisorEvent } from './supervisor.js';
import { deriveTaskState, TASK_STATES, taskMachine, type TaskState } from './task.js';
import { at, REFUSED, step } from './transition-table.js';

type Table<State extends string, Event extends string> = Record<State, Record<Event, string>>;

function expectTable<State extends string, Event extends string>(
  machine: AnyStateMachine,
  context: object,
  events: Record<Event, EventObject>,
  table: Table<State, Event>,
): void {
  expect(Object.keys(table).sort()).toEqual(Object.keys(machine.states).sort());
  for (const state of Object.keys(table) as State[]) {
    const found = Object.fromEntries(
      Object.entries<EventObject>(events).map(([name, event]) => {
        const { to, effects } = step(at(machine, state, context), event);
        return [name, [to, ...effects.filter((effect) => !effect.endsWith('Deadline'))].join(' ')];
      }),
    );
    expect({ [state]: found }).toEqual({ [state]: table[state] });
  }
}

const sourceEvents = {
  PLACED: { type: 'PLACED', worker: 'w', epoch: 2 },
  BOUND: { type: 'BOUND' },
  BIND_FAILED: { type: 'BIND_FAILED', message: 'no' },
  RETRY_BIND: { type: 'RETRY_BIND' },
  RELEASE: { type: 'RELEASE' },
  RELEASED: { type: 'RELEASED' },
} satisfies Record<SourceEvent['type'], SourceEvent>;

const nodeEvents = {
  START: { type: 'START', session: 'b' },
  JOINED: { type: 'JOINED' },
  BOUND: { type: 'BOUND', source: 's', epoch: 1 },
  UNBOUND: { type: 'UNBOUND' },
  RELAY_ON: { type: 'RELAY_ON', source: 's' },
  RELAY_OFF: { type: 'RELAY_OFF' },
  LEASE_LOST: { type: 'LEASE_LOST' },
  DRAIN: { type: 'DRAIN' },
  DRAINED: { type: 'DRAINED' },
} satisfies Record<NodeEvent['type'], NodeEvent>;

const supervisorEvents = {
  START: { type: 'START' },
  ELECTED: { type: 'ELECTED', epoch: 2 },
  LOST: { type: 'LOST' },
  RESIGN: { type: 'RESIGN' },
  EVICT: { type: 'EVICT' },
  CANCEL_EVICT: { type: 'CANCEL_EVICT' },
} satisfies Record<SupervisorEvent['type'], SupervisorEvent>;

describe('transition tables', () => {
  it('source', () => {
    const context = { source: 's', worker: 'w', epoch: 1, error: '', attempt: 0 };
    expectTable(sourceMachine, context, sourceEvents, {
      unbound: {
        PLACED: 'binding bind',
        BOUND: 'unbound',
        BIND_FAILED: 'unbound',
        RETRY_BIND: 'binding bind',
        RELEASE: 'unbound',
        RELEASED: 'unbound',
      },
      binding: {
        PLACED: 'binding bind',
        BOUND: 'bound',
        BIND_FAILED: 'unbound',
        RETRY_BIND: 'binding',
        RELEASE: 'releasing release',
        RELEASED: 'binding',
      },
      bound: {
        PLACED: 'binding bind',
        BOUND: 'bound',
        BIND_FAILED: 'bound',
        RETRY_BIND: 'bound',
        RELEASE: 'releasing release',
        RELEASED: 'bound',
      },
      releasing: {
        PLACED: 'binding bind',
        BOUND: 'releasing',
        BIND_FAILED: 'releasing',
        RETRY_BIND: 'releasing',
        RELEASE: 'releasing',
        RELEASED: 'unbound',
      },
    });
  });

  it('node', () => {
    const context = { name: 'n', session: 'a', source: '', epoch: 0 };
    expectTable(nodeMachine, context, nodeEvents, {
      offline: {
        START: 'joining join',
        JOINED: 'offline',
        BOUND: REFUSED,
        UNBOUND: 'offline',
        RELAY_ON: REFUSED,
        RELAY_OFF: 'offline',
        LEASE_LOST: 'offline',
        DRAIN: 'offline',
        DRAINED: 'offline',
      },
      joining: {
        START: 'joining join',
        JOINED: 'free',
        BOUND: REFUSED,
        UNBOUND: 'joining',
        RELAY_ON: REFUSED,
        RELAY_OFF: 'joining',
        LEASE_LOST: 'joining',
        DRAIN: 'offline leave',
        DRAINED: 'joining',
      },
      free: {
        START: 'joining join',
        JOINED: 'free',
        BOUND: 'bound',
        UNBOUND: 'free',
        RELAY_ON: 'relay',
        RELAY_OFF: 'free',
        LEASE_LOST: 'joining fence join',
        DRAIN: 'draining handOver',
        DRAINED: 'free',
      },
      bound: {
        START: 'joining join',
        JOINED: 'bound',
        BOUND: 'bound',
        UNBOUND: 'free',
        RELAY_ON: 'relay',
        RELAY_OFF: 'bound',
        LEASE_LOST: 'joining fence join',
        DRAIN: 'draining handOver',
        DRAINED: 'bound',
      },
      relay: {
        START: 'joining join',
        JOINED: 'relay',
        BOUND: 'bound',
        UNBOUND: 'relay',
        RELAY_ON: REFUSED,
        RELAY_OFF: 'free',
        LEASE_LOST: 'joining fence join',
        DRAIN: 'draining handOver',
        DRAINED: 'relay',
      },
      draining: {
        START: 'joining join',
        JOINED: 'draining',
        BOUND: REFUSED,
        UNBOUND: 'draining',
        RELAY_ON: REFUSED,
        RELAY_OFF: 'draining',
        LEASE_LOST: 'offline fence leave',
        DRAIN: 'offline fence leave',
        DRAINED: 'offline leave',
      },
    });
  });

  it('supervisor', () => {
    expectTable(supervisorMachine, { name: 'm', epoch: 1 }, supervisorEvents, {
      follower: {
        START: 'campaigning campaign',
        ELECTED: 'follower',
        LOST: 'follower',
        RESIGN: 'follower',
        EVICT: 'evicted',
        CANCEL_EVICT: 'follower',
      },
      campaigning: {
        START: 'campaigning campaign',
        ELECTED: 'leading lead',
        LOST: 'campaigning',
        RESIGN: 'follower withdraw',
        EVICT: 'evicted withdraw',
        CANCEL_EVICT: 'campaigning',
      },
      leading: {
        START: 'campaigning stepDown campaign',
        ELECTED: 'leading',
        LOST: 'campaigning stepDown campaign',
        RESIGN: 'follower stepDown withdraw',
        EVICT: 'evicted stepDown withdraw',
        CANCEL_EVICT: 'leading',
      },
      evicted: {
        START: 'evicted',
        ELECTED: 'evicted',
        LOST: 'evicted',
        RESIGN: 'evicted',
        EVICT: 'evicted',
        CANCEL_EVICT: 'campaigning campaign',
      },
    });
  });

  it('task: moves to whatever is observed, and forwards what can make sense', () => {
    const commands: Record<TaskState, Record<'START' | 'PAUSE' | 'RESUME' | 'STOP', boolean>> = {
      New: { START: true, PAUSE: true, RESUME: false, STOP: true },
      Running: { START: false, PAUSE: true, RESUME: false, STOP: true },
      Paused: { START: false, PAUSE: true, RESUME: true, STOP: true },
      Error: { START: false, PAUSE: true, RESUME: true, STOP: true },
      Finished: { START: false, PAUSE: false, RESUME: false, STOP: true },
      Stopped: { START: true, PAUSE: false, RESUME: false, STOP: true },
    };
    for (const state of TASK_STATES) {
      const snapshot = at(taskMachine, state, { task: 't', subtasks: 1 });
      for (const to of TASK_STATES) {
        expect(step(snapshot, { type: 'OBSERVED', state: to, subtasks: 2 } as EventObject).to).toBe(to);
      }
      for (const [type, taken] of Object.entries(commands[state])) {
        const found = step(snapshot, { type });
        expect([state, type, found.to, found.effects]).toEqual(
          taken ? [state, type, state, ['forward']] : [state, type, REFUSED, []],
        );
      }
    }
  });
});

describe('deriveTaskState', () => {
  const stage = (name: Parameters<typeof deriveTaskState>[0][number]['stage'], extra: object = {}) => ({
    stage: name,
    isCanceled: false,
    hasErrors: false,
    ...extra,
  });
  it.each([
    [[], 'Stopped'],
    [[stage('New'), stage('New')], 'New'],
    [[stage('New'), stage('Running')], 'Running'],
    [[stage('Running'), stage('Paused', { isCanceled: true })], 'Paused'],
    [[stage('Running'), stage('Paused', { hasErrors: true })], 'Error'],
    [[stage('Paused', { hasErrors: true, isCanceled: true })], 'Paused'],
    [[stage('Finished'), stage('Running')], 'Running'],
    [[stage('Finished'), stage('Finished')], 'Finished'],
    [[stage('Stopped'), stage('Stopping')], 'Stopped'],
  ] as const)('%j is %s', (subtasks, expected) => {
    expect(deriveTaskState(subtasks)).toBe(expected);
  });
});
