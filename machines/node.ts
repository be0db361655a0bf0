/**
 * One worker process, as DM-master shows it in `list-member` (free, bound, relay, offline) and the ways
 * in and out of the cluster. The lease is kept outside; the machine learns of it by JOINED and LEASE_LOST.
 */
import { assign, setup } from 'xstate';

export interface NodeInput {
  readonly name: string;
  /** Identifies the process: another start of the same worker is another session. */
  readonly session: string;
}

export interface NodeContext {
  readonly name: string;
  readonly session: string;
  readonly source: string;
  readonly epoch: number;
}

export type NodeEvent =
  /** The process has begun, or begins again after it was offline. */
  | { type: 'START'; session: string }
  | { type: 'JOINED' }
  | { type: 'BOUND'; source: string; epoch: number }
  | { type: 'UNBOUND' }
  | { type: 'RELAY_ON'; source: string }
  | { type: 'RELAY_OFF' }
  /** The lease could not be renewed in time: all work must have ended before somebody may take it over. */
  | { type: 'LEASE_LOST' }
  /** SIGTERM, or offline by the operator: hand everything over, then leave. */
  | { type: 'DRAIN' }
  | { type: 'DRAINED' };

const chart = setup({
  types: {} as { context: NodeContext; events: NodeEvent; input: NodeInput },
  actions: {
    join: () => undefined,
    /** End everything at once; nothing may be written any more. */
    fence: () => undefined,
    handOver: () => undefined,
    leave: () => undefined,
    noteSession: assign(({ event }) =>
      event.type === 'START' ? { session: event.session, source: '', epoch: 0 } : {},
    ),
    noteBound: assign(({ event }) =>
      event.type === 'BOUND' ? { source: event.source, epoch: event.epoch } : {},
    ),
    noteRelay: assign(({ event }) => (event.type === 'RELAY_ON' ? { source: event.source } : {})),
    noteFree: assign({ source: '', epoch: 0 }),
  },
});

const start = { target: 'joining', actions: 'noteSession', reenter: true } as const;

export const nodeMachine = chart.createMachine({
  id: 'node',
  initial: 'offline',
  context: ({ input }) => ({ name: input.name, session: input.session, source: '', epoch: 0 }),
  // Told again, or too late.
  on: { JOINED: {}, UNBOUND: {}, LEASE_LOST: {}, DRAINED: {}, RELAY_OFF: {} },
  states: {
    offline: {
      entry: 'noteFree',
      on: { START: start, DRAIN: {} },
    },
    joining: {
      entry: 'join',
      on: {
        START: start,
        JOINED: { target: 'free' },
        DRAIN: { target: 'offline', actions: 'leave' },
      },
    },
    free: {
      entry: 'noteFree',
      on: {
        START: start,
        BOUND: { target: 'bound', actions: 'noteBound' },
        RELAY_ON: { target: 'relay', actions: 'noteRelay' },
        LEASE_LOST: { target: 'joining', actions: 'fence' },
        DRAIN: { target: 'draining' },
      },
    },
    bound: {
      on: {
        START: start,
        BOUND: { actions: 'noteBound' },
        UNBOUND: { target: 'free' },
        RELAY_ON: { target: 'relay', actions: 'noteRelay' },
        LEASE_LOST: { target: 'joining', actions: 'fence' },
        DRAIN: { target: 'draining' },
      },
    },
    relay: {
      on: {
        START: start,
        BOUND: { target: 'bound', actions: 'noteBound' },
        RELAY_OFF: { target: 'free' },
        LEASE_LOST: { target: 'joining', actions: 'fence' },
        DRAIN: { target: 'draining' },
      },
    },
    draining: {
      entry: 'handOver',
      on: {
        START: start,
        DRAINED: { target: 'offline', actions: 'leave' },
        LEASE_LOST: { target: 'offline', actions: ['fence', 'leave'] },
        // Asked a second time: do not wait for the handover.
        DRAIN: { target: 'offline', actions: ['fence', 'leave'] },
      },
    },
  },
});
