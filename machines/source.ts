/**
 * One source on the worker that it is placed on. `binding` lasts while the actors of its subtasks are
 * loaded, `releasing` until every one of their threads has ended, so that a source is never let go while
 * something here still reads it.
 */
import { assign, setup } from 'xstate';

export interface SourceInput {
  readonly source: string;
}

export interface SourceContext {
  readonly source: string;
  readonly worker: string;
  readonly epoch: number;
  /** Why the last binding failed; '' = it did not. */
  readonly error: string;
  readonly attempt: number;
}

export type SourceEvent =
  | { type: 'PLACED'; worker: string; epoch: number }
  | { type: 'BOUND' }
  | { type: 'BIND_FAILED'; message: string }
  | { type: 'RETRY_BIND' }
  /** The placement has gone elsewhere, or this node is leaving. */
  | { type: 'RELEASE' }
  | { type: 'RELEASED' };

const MAX_RETRY_MS = 30_000;

const chart = setup({
  types: {} as { context: SourceContext; events: SourceEvent; input: SourceInput },
  actions: {
    bind: (_, _p: { epoch: number }) => undefined,
    release: (_, _p: { epoch: number }) => undefined,
    setDeadline: (_, _p: { name: string; ms: number; event: SourceEvent }) => undefined,
    clearDeadline: (_, _p: { name: string }) => undefined,
    notePlaced: assign(({ event }) =>
      event.type === 'PLACED' ? { worker: event.worker, epoch: event.epoch, error: '', attempt: 0 } : {},
    ),
    noteFailure: assign(({ context, event }) =>
      event.type === 'BIND_FAILED' ? { error: event.message, attempt: context.attempt + 1 } : {},
    ),
    noteBound: assign({ error: '', attempt: 0 }),
    noteReleased: assign({ worker: '' }),
  },
});

export const sourceMachine = chart.createMachine({
  id: 'source',
  initial: 'unbound',
  context: ({ input }) => ({ source: input.source, worker: '', epoch: 0, error: '', attempt: 0 }),
  // Answers that came too late.
  on: { BOUND: {}, BIND_FAILED: {}, RETRY_BIND: {}, RELEASED: {} },
  states: {
    unbound: {
      on: {
        PLACED: { target: 'binding', actions: 'notePlaced' },
        RELEASE: {},
        RETRY_BIND: { guard: ({ context }) => context.worker !== '', target: 'binding' },
      },
      exit: { type: 'clearDeadline', params: { name: 'retry' } },
    },
    binding: {
      entry: { type: 'bind', params: ({ context }) => ({ epoch: context.epoch }) },
      on: {
        PLACED: { target: 'binding', reenter: true, actions: 'notePlaced' },
        BOUND: { target: 'bound', actions: 'noteBound' },
        BIND_FAILED: {
          target: 'unbound',
          actions: [
            'noteFailure',
            {
              type: 'setDeadline',
              params: ({ context }) => ({
                name: 'retry',
                ms: Math.min(1000 * 2 ** Math.min(context.attempt, 10), MAX_RETRY_MS),
                event: { type: 'RETRY_BIND' as const },
              }),
            },
          ],
        },
        RELEASE: { target: 'releasing' },
      },
    },
    bound: {
      on: {
        // The same worker under a higher epoch, or a worker that was started again.
        PLACED: { target: 'binding', actions: 'notePlaced' },
        RELEASE: { target: 'releasing' },
      },
    },
    releasing: {
      entry: { type: 'release', params: ({ context }) => ({ epoch: context.epoch }) },
      on: {
        RELEASED: { target: 'unbound', actions: 'noteReleased' },
        RELEASE: {},
        // Only a restored actor sees this: the process that was releasing is gone, and its threads with it.
        PLACED: { target: 'binding', actions: 'notePlaced' },
      },
    },
  },
});
