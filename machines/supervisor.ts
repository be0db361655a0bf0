/**
 * One master: at most one of all masters leads, by the lease `supervisor`. Evicted masters do not
 * campaign until the eviction is cancelled, also over restarts.
 */
import { assign, setup } from 'xstate';

export interface SupervisorInput {
  readonly name: string;
}

export interface SupervisorContext {
  readonly name: string;
  /** Epoch of the lease while leading, else of the last time; 0 = never led. */
  readonly epoch: number;
}

export type SupervisorEvent =
  /** The process has begun. */
  | { type: 'START' }
  | { type: 'ELECTED'; epoch: number }
  | { type: 'LOST' }
  | { type: 'RESIGN' }
  | { type: 'EVICT' }
  | { type: 'CANCEL_EVICT' };

const chart = setup({
  types: {} as { context: SupervisorContext; events: SupervisorEvent; input: SupervisorInput },
  actions: {
    campaign: () => undefined,
    lead: (_, _p: { epoch: number }) => undefined,
    /** Stop acting as the leader. The lease is gone or will be given back. */
    stepDown: () => undefined,
    /** Give up the lease and stop asking for it. */
    withdraw: () => undefined,
    noteEpoch: assign(({ event }) => (event.type === 'ELECTED' ? { epoch: event.epoch } : {})),
  },
});

export const supervisorMachine = chart.createMachine({
  id: 'supervisor',
  initial: 'follower',
  context: ({ input }) => ({ name: input.name, epoch: 0 }),
  on: { LOST: {}, ELECTED: {}, RESIGN: {}, CANCEL_EVICT: {} },
  states: {
    follower: {
      on: { START: { target: 'campaigning' }, EVICT: { target: 'evicted' } },
    },
    campaigning: {
      entry: 'campaign',
      on: {
        START: { target: 'campaigning', reenter: true },
        ELECTED: { target: 'leading', actions: 'noteEpoch' },
        RESIGN: { target: 'follower', actions: 'withdraw' },
        EVICT: { target: 'evicted', actions: 'withdraw' },
      },
    },
    leading: {
      entry: { type: 'lead', params: ({ context }) => ({ epoch: context.epoch }) },
      exit: 'stepDown',
      on: {
        // A restored document: whatever it led is over.
        START: { target: 'campaigning' },
        LOST: { target: 'campaigning' },
        RESIGN: { target: 'follower', actions: 'withdraw' },
        EVICT: { target: 'evicted', actions: 'withdraw' },
      },
    },
    evicted: {
      on: { START: {}, EVICT: {}, CANCEL_EVICT: { target: 'campaigning' } },
    },
  },
});
