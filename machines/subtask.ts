/**
 * One subtask (task x source) as the operator sees it: manual 4.4.4.4. The worker thread that moves the
 * rows is outside; it is started and ended by actions and tells what became of it by UNIT and ENDED.
 *
 * `run` numbers the starts of the thread and never goes down, so an answer of an earlier thread is known
 * as such and ignored. Together with the placement's epoch it makes the epoch that the target enforces:
 * see `unitEpoch`.
 */
import { assign, setup } from 'xstate';
import type { ProcessError } from '../src/model/status.js';
import type { UnitName } from '../src/model/stage.js';
import { isResumable, resumeDelayMs } from './resumable.js';

/** The source's `checker:` block. */
export interface ResumeChecker {
  readonly enabled: boolean;
  /** After this long without an error the back-off goes back by one step. */
  readonly rollbackMs: number;
  /** Pause before the first resumption, and the longest. */
  readonly minMs: number;
  readonly maxMs: number;
  readonly factor: number;
  /** Pauses are drawn between `minMs` and their length, so that tasks that failed together part ways. */
  readonly jitter: boolean;
}

export const DEFAULT_CHECKER: ResumeChecker = {
  enabled: true,
  rollbackMs: 300_000,
  minMs: 1_000,
  maxMs: 300_000,
  factor: 2,
  jitter: true,
};

/** How a run of the thread ended; same shape as SubtaskEnd of src/subtask/protocol.ts. */
export type UnitEnd =
  | { readonly outcome: 'ended' }
  | { readonly outcome: 'finished' }
  | { readonly outcome: 'failed'; readonly unit: UnitName; readonly errors: ProcessError[] }
  | { readonly outcome: 'fenced'; readonly seenEpoch: number };

export interface SubtaskInput {
  readonly task: string;
  readonly source: string;
  /** Tells this start of the task from an earlier one of the same name. */
  readonly start: string;
  readonly removeMeta: boolean;
}

export interface SubtaskContext {
  readonly task: string;
  readonly source: string;
  readonly start: string;
  /** Placement epoch under which it runs; 0 before the first placement. */
  readonly epoch: number;
  readonly run: number;
  /** Number of the last operator command that was handled; commands carry their own. */
  readonly seq: number;
  /** Paused by the operator, so never resumed but by the operator. */
  readonly isCanceled: boolean;
  readonly unit: UnitName;
  readonly errors: readonly ProcessError[];
  readonly checker: ResumeChecker;
  /** Automatic resumptions that have not lasted; the exponent of the back-off. */
  readonly attempt: number;
  /** Placement epoch of the owner that fenced this one off; 0 = nobody. */
  readonly fencedBy: number;
  /** The first run shall drop the task's meta data of this source. */
  readonly removeMeta: boolean;
  /** The last command that was refused, and why. */
  readonly refusal: { readonly seq: number; readonly message: string } | null;
}

export type SubtaskEvent =
  /** The subtask's source is placed here and this node has loaded the actor: no thread of it is alive here. */
  /**
   * `lastRun` is the highest run that this process has started of it: a placement epoch belongs to one
   * process, so no number is used twice even where the document has been lost or begun anew.
   */
  | { type: 'PLACED'; epoch: number; checker: ResumeChecker; lastRun: number }
  | { type: 'START'; seq: number; removeMeta: boolean }
  | { type: 'PAUSE'; seq: number }
  | { type: 'RESUME'; seq: number }
  | { type: 'STOP'; seq: number }
  | { type: 'REFUSED'; seq: number; message: string }
  | { type: 'UNIT'; run: number; unit: UnitName }
  | { type: 'ENDED'; run: number; end: UnitEnd }
  | { type: 'AUTO_RESUME' }
  | { type: 'HEALTHY' }
  | { type: 'END_TIMEOUT' };

/** Room for the runs of one placement. */
const RUNS_PER_EPOCH = 2 ** 20;

/** The epoch that the target enforces: higher for every later run of every later placement. */
export function unitEpoch(epoch: number, run: number): number {
  return epoch * RUNS_PER_EPOCH + run;
}

/** The placement epoch inside `unitEpoch`. */
export function placementOf(unitEpochSeen: number): number {
  return Math.floor(unitEpochSeen / RUNS_PER_EPOCH);
}

/** How long an ending thread may take before it is killed. */
export const END_TIMEOUT_MS = 15_000;

const NOT_PAUSED: Partial<SubtaskContext> = { isCanceled: false, errors: [], fencedBy: 0 };

const chart = setup({
  types: {} as { context: SubtaskContext; events: SubtaskEvent; input: SubtaskInput },
  actions: {
    startUnit: (_, _p: { run: number; epoch: number; removeMeta: boolean }) => undefined,
    endUnit: (_, _p: { run: number; reason: 'pause' | 'stop' }) => undefined,
    killUnit: (_, _p: { run: number }) => undefined,
    /** With `earliestMs` the host draws the time between it and `ms`. */
    setDeadline: (_, _p: { name: string; ms: number; earliestMs?: number; event: SubtaskEvent }) => undefined,
    clearDeadline: (_, _p: { name: string }) => undefined,
    nextRun: assign(({ context }) => ({ run: context.run + 1 })),
    notePlaced: assign(({ context, event }) =>
      event.type === 'PLACED'
        ? { epoch: event.epoch, checker: event.checker, run: Math.max(context.run, event.lastRun) }
        : {},
    ),
    noteSeq: assign(({ event }) => ('seq' in event ? { seq: event.seq } : {})),
    noteRefusal: assign(({ event }) =>
      event.type === 'REFUSED' ? { seq: event.seq, refusal: { seq: event.seq, message: event.message } } : {},
    ),
    noteUnit: assign(({ event }) => (event.type === 'UNIT' ? { unit: event.unit } : {})),
    noteMetaRemoved: assign({ removeMeta: false }),
    noteErrors: assign(({ event }) =>
      event.type === 'ENDED' && event.end.outcome === 'failed'
        ? { errors: event.end.errors, unit: event.end.unit }
        : {},
    ),
    noteFence: assign(({ event }) =>
      event.type === 'ENDED' && event.end.outcome === 'fenced'
        ? { fencedBy: placementOf(event.end.seenEpoch) }
        : {},
    ),
    /** The same placement has run under a higher number that this document has lost: go above it. */
    skipSeenRuns: assign(({ context, event }) =>
      event.type === 'ENDED' && event.end.outcome === 'fenced'
        ? { run: Math.max(context.run, event.end.seenEpoch % RUNS_PER_EPOCH) }
        : {},
    ),
    noteCanceled: assign({ isCanceled: true }),
    noteNotPaused: assign(NOT_PAUSED),
    /** Not beyond the longest pause: HEALTHY takes back one step at a time. */
    countAttempt: assign(({ context: { attempt, checker } }) => ({
      attempt: resumeDelayMs(attempt, checker) < checker.maxMs && attempt < 30 ? attempt + 1 : attempt,
    })),
    stepBack: assign(({ context }) => ({ attempt: Math.max(context.attempt - 1, 0) })),
    noteStart: assign(({ event }) =>
      event.type === 'START'
        ? { ...NOT_PAUSED, seq: event.seq, removeMeta: event.removeMeta, attempt: 0, refusal: null }
        : {},
    ),
  },
  guards: {
    current: ({ context, event }) => 'run' in event && event.run === context.run,
    finished: ({ context, event }) =>
      event.type === 'ENDED' && event.run === context.run && event.end.outcome === 'finished',
    failed: ({ context, event }) =>
      event.type === 'ENDED' && event.run === context.run && event.end.outcome === 'failed',
    fencedByNext: ({ context, event }) =>
      event.type === 'ENDED' &&
      event.run === context.run &&
      event.end.outcome === 'fenced' &&
      placementOf(event.end.seenEpoch) > context.epoch,
    /** Fenced by an earlier run of the placement that is ours: ours is the right to go on. */
    fencedByOwn: ({ context, event }) =>
      event.type === 'ENDED' &&
      event.run === context.run &&
      event.end.outcome === 'fenced' &&
      placementOf(event.end.seenEpoch) <= context.epoch,
    hasRun: ({ context }) => context.epoch > 0,
    placedAboveFence: ({ context, event }) =>
      event.type === 'PLACED' &&
      context.fencedBy > 0 &&
      event.epoch > context.fencedBy &&
      !context.isCanceled,
    resumable: ({ context }) => canAutoResume(context),
  },
});

/** Whether a Paused subtask will be resumed without the operator. */
export function canAutoResume(context: SubtaskContext): boolean {
  return (
    !context.isCanceled &&
    context.fencedBy === 0 &&
    context.checker.enabled &&
    context.errors.length > 0 &&
    isResumable(context.errors)
  );
}

const startUnit = [
  'nextRun',
  {
    type: 'startUnit',
    params: ({ context }: { context: SubtaskContext }) => ({
      run: context.run,
      epoch: unitEpoch(context.epoch, context.run),
      removeMeta: context.removeMeta,
    }),
  },
] as const;

const killUnit = {
  type: 'killUnit',
  params: ({ context }: { context: SubtaskContext }) => ({ run: context.run }),
} as const;

function endUnit(reason: 'pause' | 'stop') {
  return [
    {
      type: 'endUnit',
      params: ({ context }: { context: SubtaskContext }) => ({ run: context.run, reason }),
    },
    {
      type: 'setDeadline',
      params: { name: 'end', ms: END_TIMEOUT_MS, event: { type: 'END_TIMEOUT' } as SubtaskEvent },
    },
  ] as const;
}

const clearEnd = { type: 'clearDeadline', params: { name: 'end' } } as const;

export const subtaskMachine = chart.createMachine({
  id: 'subtask',
  initial: 'New',
  context: ({ input }) => ({
    task: input.task,
    source: input.source,
    start: input.start,
    epoch: 0,
    run: 0,
    seq: 0,
    isCanceled: false,
    unit: 'InvalidUnit',
    errors: [],
    checker: DEFAULT_CHECKER,
    attempt: 0,
    fencedBy: 0,
    removeMeta: input.removeMeta,
    refusal: null,
  }),
  // What a state does not take up itself: answers of earlier threads and timers that came too late.
  on: {
    REFUSED: { actions: 'noteRefusal' },
    UNIT: {},
    ENDED: {},
    AUTO_RESUME: {},
    HEALTHY: {},
    END_TIMEOUT: {},
  },
  states: {
    New: {
      on: {
        PLACED: { actions: ['notePlaced', ...startUnit] },
        UNIT: { guard: 'current', target: 'Running', actions: ['noteUnit', 'noteMetaRemoved'] },
        ENDED: [
          { guard: 'finished', target: 'Finished' },
          { guard: 'failed', target: 'Paused', actions: 'noteErrors' },
          { guard: 'fencedByOwn', actions: ['skipSeenRuns', ...startUnit] },
          { guard: 'fencedByNext', target: 'Paused', actions: 'noteFence' },
          { guard: 'current', target: 'Paused' },
        ],
        PAUSE: [
          { guard: 'hasRun', target: 'Pausing', actions: 'noteSeq' },
          { target: 'Paused', actions: ['noteSeq', 'noteCanceled'] },
        ],
        STOP: [
          { guard: 'hasRun', target: 'Stopping', actions: 'noteSeq' },
          { target: 'Stopped', actions: 'noteSeq' },
        ],
      },
    },
    Running: {
      entry: [
        'noteNotPaused',
        {
          type: 'setDeadline',
          params: ({ context }) => ({
            name: 'healthy',
            ms: context.checker.rollbackMs,
            event: { type: 'HEALTHY' },
          }),
        },
      ],
      exit: { type: 'clearDeadline', params: { name: 'healthy' } },
      on: {
        PLACED: { actions: ['notePlaced', ...startUnit] },
        UNIT: { guard: 'current', actions: ['noteUnit', 'noteMetaRemoved'] },
        ENDED: [
          { guard: 'finished', target: 'Finished' },
          { guard: 'failed', target: 'Paused', actions: 'noteErrors' },
          { guard: 'fencedByOwn', target: 'Resuming', actions: 'skipSeenRuns' },
          { guard: 'fencedByNext', target: 'Paused', actions: 'noteFence' },
          { guard: 'current', target: 'Paused' },
        ],
        HEALTHY: { target: 'Running', reenter: true, actions: 'stepBack' },
        PAUSE: { target: 'Pausing', actions: 'noteSeq' },
        STOP: { target: 'Stopping', actions: 'noteSeq' },
      },
    },
    Pausing: {
      entry: endUnit('pause'),
      exit: [clearEnd, 'noteCanceled'],
      on: {
        PLACED: { target: 'Paused', actions: 'notePlaced' },
        ENDED: [
          { guard: 'finished', target: 'Finished' },
          { guard: 'failed', target: 'Paused', actions: 'noteErrors' },
          { guard: 'current', target: 'Paused' },
        ],
        UNIT: { guard: 'current', actions: ['noteUnit', 'noteMetaRemoved'] },
        END_TIMEOUT: { target: 'Paused', actions: killUnit },
        PAUSE: { actions: 'noteSeq' },
        STOP: { target: 'Stopping', actions: 'noteSeq' },
      },
    },
    Paused: {
      entry: {
        type: 'setDeadline',
        params: ({ context }) => ({
          name: 'resume',
          // A deadline of -1 ms is none.
          ms: canAutoResume(context) ? resumeDelayMs(context.attempt, context.checker) : -1,
          ...(context.checker.jitter ? { earliestMs: context.checker.minMs } : {}),
          event: { type: 'AUTO_RESUME' },
        }),
      },
      exit: { type: 'clearDeadline', params: { name: 'resume' } },
      on: {
        PLACED: [
          { guard: 'placedAboveFence', target: 'Resuming', actions: 'notePlaced' },
          { target: 'Paused', reenter: true, actions: 'notePlaced' },
        ],
        AUTO_RESUME: { guard: 'resumable', target: 'Resuming', actions: 'countAttempt' },
        PAUSE: { target: 'Paused', reenter: true, actions: ['noteSeq', 'noteCanceled'] },
        RESUME: { target: 'Resuming', actions: ['noteSeq', 'noteNotPaused'] },
        STOP: { target: 'Stopped', actions: 'noteSeq' },
      },
    },
    Resuming: {
      entry: startUnit,
      on: {
        PLACED: { target: 'Resuming', reenter: true, actions: 'notePlaced' },
        UNIT: { guard: 'current', target: 'Running', actions: ['noteUnit', 'noteMetaRemoved'] },
        ENDED: [
          { guard: 'finished', target: 'Finished' },
          { guard: 'failed', target: 'Paused', actions: 'noteErrors' },
          { guard: 'fencedByOwn', target: 'Resuming', reenter: true, actions: 'skipSeenRuns' },
          { guard: 'fencedByNext', target: 'Paused', actions: 'noteFence' },
          { guard: 'current', target: 'Paused' },
        ],
        PAUSE: { target: 'Pausing', actions: 'noteSeq' },
        STOP: { target: 'Stopping', actions: 'noteSeq' },
      },
    },
    Stopping: {
      entry: endUnit('stop'),
      exit: clearEnd,
      on: {
        PLACED: { target: 'Stopped', actions: 'notePlaced' },
        ENDED: { guard: 'current', target: 'Stopped' },
        END_TIMEOUT: { target: 'Stopped', actions: killUnit },
        // Asked a second time: the operator does not want to wait.
        STOP: { target: 'Stopped', actions: ['noteSeq', killUnit] },
      },
    },
    Stopped: {
      on: {
        PLACED: { actions: 'notePlaced' },
        STOP: { actions: 'noteSeq' },
        START: { target: 'New', actions: 'noteStart' },
      },
    },
    Finished: {
      entry: 'noteNotPaused',
      on: {
        PLACED: { actions: 'notePlaced' },
        STOP: { target: 'Stopped', actions: 'noteSeq' },
      },
    },
  },
});
