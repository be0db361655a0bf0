import fc from 'fast-check';
import { initialTransition, type AnyMachineSnapshot } from 'xstate';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../src/model/stage.js';
import { STAGES } from '../src/model/stage.js';
import type { ProcessError } from '../src/model/status.js';
import {
  DEFAULT_CHECKER,
  placementOf,
  subtaskMachine,
  unitEpoch,
  type SubtaskContext,
  type SubtaskEvent,
} from './subtask.js';
import { at, REFUSED, step } from './transition-table.js';

const error: ProcessError = {
  ErrCode: 10001,
  ErrClass: 'database',
  ErrScope: 'downstream',
  ErrLevel: 'high',
  Message: 'lost',
  RawCause: '',
  Workaround: '',
};

const base: SubtaskContext = {
  task: 't',
  source: 's',
  start: 'a',
  epoch: 3,
  run: 5,
  seq: 1,
  isCanceled: false,
  unit: 'Sync',
  errors: [],
  checker: DEFAULT_CHECKER,
  attempt: 0,
  fencedBy: 0,
  removeMeta: false,
  refusal: null,
};

/** One sample of each kind of event; ENDED in each of its outcomes, and of an earlier run. */
const EVENTS = {
  PLACED: { type: 'PLACED', epoch: 4, checker: DEFAULT_CHECKER, lastRun: 0 },
  START: { type: 'START', seq: 2, removeMeta: false },
  PAUSE: { type: 'PAUSE', seq: 2 },
  RESUME: { type: 'RESUME', seq: 2 },
  STOP: { type: 'STOP', seq: 2 },
  REFUSED: { type: 'REFUSED', seq: 2, message: 'no' },
  UNIT: { type: 'UNIT', run: 5, unit: 'Sync' },
  'UNIT stale': { type: 'UNIT', run: 4, unit: 'Sync' },
  'ENDED ended': { type: 'ENDED', run: 5, end: { outcome: 'ended' } },
  'ENDED finished': { type: 'ENDED', run: 5, end: { outcome: 'finished' } },
  'ENDED failed': { type: 'ENDED', run: 5, end: { outcome: 'failed', unit: 'Sync', errors: [error] } },
  'ENDED fenced by the next placement': {
    type: 'ENDED',
    run: 5,
    end: { outcome: 'fenced', seenEpoch: unitEpoch(4, 1) },
  },
  'ENDED fenced by our own placement': {
    type: 'ENDED',
    run: 5,
    end: { outcome: 'fenced', seenEpoch: unitEpoch(3, 9) },
  },
  'ENDED stale': { type: 'ENDED', run: 4, end: { outcome: 'failed', unit: 'Sync', errors: [error] } },
  AUTO_RESUME: { type: 'AUTO_RESUME' },
  HEALTHY: { type: 'HEALTHY' },
  END_TIMEOUT: { type: 'END_TIMEOUT' },
} as const satisfies Record<string, SubtaskEvent>;

type EventName = keyof typeof EVENTS;
/** The next state, then the effects that matter. */
type Cell = string;

const same = (state: Stage): Cell => state;

/** Total: a missing cell does not compile. */
const TABLE: Record<Stage, Record<EventName, Cell>> = {
  New: {
    PLACED: 'New startUnit',
    START: REFUSED,
    PAUSE: 'Pausing endUnit',
    RESUME: REFUSED,
    STOP: 'Stopping endUnit',
    REFUSED: same('New'),
    UNIT: 'Running',
    'UNIT stale': same('New'),
    'ENDED ended': 'Paused',
    'ENDED finished': 'Finished',
    'ENDED failed': 'Paused',
    'ENDED fenced by the next placement': 'Paused',
    'ENDED fenced by our own placement': 'New startUnit',
    'ENDED stale': same('New'),
    AUTO_RESUME: same('New'),
    HEALTHY: same('New'),
    END_TIMEOUT: same('New'),
  },
  Running: {
    PLACED: 'Running startUnit',
    START: REFUSED,
    PAUSE: 'Pausing endUnit',
    RESUME: REFUSED,
    STOP: 'Stopping endUnit',
    REFUSED: same('Running'),
    UNIT: same('Running'),
    'UNIT stale': same('Running'),
    'ENDED ended': 'Paused',
    'ENDED finished': 'Finished',
    'ENDED failed': 'Paused',
    'ENDED fenced by the next placement': 'Paused',
    'ENDED fenced by our own placement': 'Resuming startUnit',
    'ENDED stale': same('Running'),
    AUTO_RESUME: same('Running'),
    HEALTHY: same('Running'),
    END_TIMEOUT: same('Running'),
  },
  Pausing: {
    PLACED: 'Paused',
    START: REFUSED,
    PAUSE: same('Pausing'),
    RESUME: REFUSED,
    STOP: 'Stopping endUnit',
    REFUSED: same('Pausing'),
    UNIT: same('Pausing'),
    'UNIT stale': same('Pausing'),
    'ENDED ended': 'Paused',
    'ENDED finished': 'Finished',
    'ENDED failed': 'Paused',
    'ENDED fenced by the next placement': 'Paused',
    'ENDED fenced by our own placement': 'Paused',
    'ENDED stale': same('Pausing'),
    AUTO_RESUME: same('Pausing'),
    HEALTHY: same('Pausing'),
    END_TIMEOUT: 'Paused killUnit',
  },
  Paused: {
    PLACED: same('Paused'),
    START: REFUSED,
    PAUSE: same('Paused'),
    RESUME: 'Resuming startUnit',
    STOP: 'Stopped',
    REFUSED: same('Paused'),
    UNIT: same('Paused'),
    'UNIT stale': same('Paused'),
    'ENDED ended': same('Paused'),
    'ENDED finished': same('Paused'),
    'ENDED failed': same('Paused'),
    'ENDED fenced by the next placement': same('Paused'),
    'ENDED fenced by our own placement': same('Paused'),
    'ENDED stale': same('Paused'),
    AUTO_RESUME: same('Paused'),
    HEALTHY: same('Paused'),
    END_TIMEOUT: same('Paused'),
  },
  Resuming: {
    PLACED: 'Resuming startUnit',
    START: REFUSED,
    PAUSE: 'Pausing endUnit',
    RESUME: REFUSED,
    STOP: 'Stopping endUnit',
    REFUSED: same('Resuming'),
    UNIT: 'Running',
    'UNIT stale': same('Resuming'),
    'ENDED ended': 'Paused',
    'ENDED finished': 'Finished',
    'ENDED failed': 'Paused',
    'ENDED fenced by the next placement': 'Paused',
    'ENDED fenced by our own placement': 'Resuming startUnit',
    'ENDED stale': same('Resuming'),
    AUTO_RESUME: same('Resuming'),
    HEALTHY: same('Resuming'),
    END_TIMEOUT: same('Resuming'),
  },
  Stopping: {
    PLACED: 'Stopped',
    START: REFUSED,
    PAUSE: REFUSED,
    RESUME: REFUSED,
    STOP: 'Stopped killUnit',
    REFUSED: same('Stopping'),
    UNIT: same('Stopping'),
    'UNIT stale': same('Stopping'),
    'ENDED ended': 'Stopped',
    'ENDED finished': 'Stopped',
    'ENDED failed': 'Stopped',
    'ENDED fenced by the next placement': 'Stopped',
    'ENDED fenced by our own placement': 'Stopped',
    'ENDED stale': same('Stopping'),
    AUTO_RESUME: same('Stopping'),
    HEALTHY: same('Stopping'),
    END_TIMEOUT: 'Stopped killUnit',
  },
  Stopped: {
    PLACED: same('Stopped'),
    START: 'New',
    PAUSE: REFUSED,
    RESUME: REFUSED,
    STOP: same('Stopped'),
    REFUSED: same('Stopped'),
    UNIT: same('Stopped'),
    'UNIT stale': same('Stopped'),
    'ENDED ended': same('Stopped'),
    'ENDED finished': same('Stopped'),
    'ENDED failed': same('Stopped'),
    'ENDED fenced by the next placement': same('Stopped'),
    'ENDED fenced by our own placement': same('Stopped'),
    'ENDED stale': same('Stopped'),
    AUTO_RESUME: same('Stopped'),
    HEALTHY: same('Stopped'),
    END_TIMEOUT: same('Stopped'),
  },
  Finished: {
    PLACED: same('Finished'),
    START: REFUSED,
    PAUSE: REFUSED,
    RESUME: REFUSED,
    STOP: 'Stopped',
    REFUSED: same('Finished'),
    UNIT: same('Finished'),
    'UNIT stale': same('Finished'),
    'ENDED ended': same('Finished'),
    'ENDED finished': same('Finished'),
    'ENDED failed': same('Finished'),
    'ENDED fenced by the next placement': same('Finished'),
    'ENDED fenced by our own placement': same('Finished'),
    'ENDED stale': same('Finished'),
    AUTO_RESUME: same('Finished'),
    HEALTHY: same('Finished'),
    END_TIMEOUT: same('Finished'),
  },
};

const UNIT_EFFECTS = new Set(['startUnit', 'endUnit', 'killUnit']);

function cell(state: Stage, event: SubtaskEvent, context: Partial<SubtaskContext> = {}): Cell {
  const { to, effects } = step(at(subtaskMachine, state, { ...base, ...context }), event);
  return [to, ...effects.filter((effect) => UNIT_EFFECTS.has(effect))].join(' ');
}

describe('subtask: transition table', () => {
  for (const state of STAGES) {
    it(state, () => {
      const found = Object.fromEntries(
        Object.entries(EVENTS).map(([name, event]) => [name, cell(state, event)]),
      );
      expect(found).toEqual(TABLE[state]);
    });
  }
});

describe('subtask: pauses', () => {
  it('is resumed by itself after an error that can go away, with growing delays', () => {
    let snapshot = at(subtaskMachine, 'Running', base);
    for (let attempt = 0; attempt < 4; attempt++) {
      const { run } = snapshot.context as SubtaskContext;
      const failed = step(snapshot, { ...EVENTS['ENDED failed'], run } as SubtaskEvent);
      expect(failed.to).toBe('Paused');
      expect((failed.snapshot.context as SubtaskContext).attempt).toBe(attempt);
      const resumed = step(failed.snapshot, EVENTS.AUTO_RESUME);
      expect(resumed.to).toBe('Resuming');
      const next = (resumed.snapshot.context as SubtaskContext).run;
      snapshot = step(resumed.snapshot, { type: 'UNIT', run: next, unit: 'Sync' }).snapshot;
      expect(snapshot.value).toBe('Running');
      expect((snapshot.context as SubtaskContext).errors).toEqual([]);
    }
  });

  it('is never resumed by itself against the operator, also when an error came first', () => {
    const paused = at(subtaskMachine, 'Paused', { ...base, errors: [error] });
    expect(step(paused, EVENTS.AUTO_RESUME).to).toBe('Resuming');
    const canceled = step(paused, EVENTS.PAUSE).snapshot;
    expect(step(canceled, EVENTS.AUTO_RESUME).to).toBe('Paused');
    expect(step(canceled, EVENTS.PLACED).to).toBe('Paused');
    expect(step(canceled, EVENTS.RESUME).to).toBe('Resuming');
  });

  it('keeps the mark of the operator when the unit fails while it is being paused', () => {
    const pausing = step(at(subtaskMachine, 'Running', base), EVENTS.PAUSE).snapshot;
    const paused = step(pausing, EVENTS['ENDED failed']).snapshot;
    expect(paused.context).toMatchObject({ isCanceled: true, errors: [error] });
  });

  it('does not resume what trying again cannot help', () => {
    const hopeless = { ...error, ErrCode: 10006, RawCause: "Error 1062: Duplicate entry '1'" };
    const paused = at(subtaskMachine, 'Paused', { ...base, errors: [hopeless] });
    expect(step(paused, EVENTS.AUTO_RESUME).to).toBe('Paused');
    expect(step(paused, EVENTS.RESUME).to).toBe('Resuming');
  });

  it('goes on after being fenced off only under a placement above the one that did it', () => {
    const fenced = step(
      at(subtaskMachine, 'Running', base),
      EVENTS['ENDED fenced by the next placement'],
    ).snapshot;
    expect(step(fenced, EVENTS.PLACED).to).toBe('Paused');
    expect(step(fenced, { ...EVENTS.PLACED, epoch: 5 }).to).toBe('Resuming');
  });
});

describe('subtask: invariants over random histories', () => {
  it('starts every run under a higher number, and never while a command forbids it', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Object.values(EVENTS)), { maxLength: 60 }), (events) => {
        const [first] = initialTransition(subtaskMachine, {
          task: 't',
          source: 's',
          start: 'a',
          removeMeta: false,
        });
        let snapshot = first as AnyMachineSnapshot;
        let placement = 0;
        let highest = 0;
        let byOperator = false;
        for (const sample of events) {
          const before = snapshot.context as SubtaskContext;
          const current = 'run' in sample ? { ...sample, run: before.run + sample.run - 5 } : sample;
          const event: SubtaskEvent =
            current.type === 'PLACED' ? { ...current, epoch: (placement += 1) } : current;
          const { snapshot: next, to, effects } = step(snapshot, event);
          const context = next.context as SubtaskContext;
          if (effects.includes('startUnit')) {
            const epoch = unitEpoch(context.epoch, context.run);
            expect(epoch).toBeGreaterThan(highest);
            expect(placementOf(epoch)).toBe(context.epoch);
            expect(byOperator && event.type !== 'RESUME').toBe(false);
            highest = epoch;
          }
          if (to !== REFUSED && (event.type === 'PAUSE' || event.type === 'STOP')) byOperator = true;
          if (to !== REFUSED && (event.type === 'RESUME' || event.type === 'START')) byOperator = false;
          snapshot = next;
        }
      }),
    );
  });
});
