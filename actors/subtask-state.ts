/** What the stored document of a subtask's actor says beyond its status, for `query-status --why`. Pure. */
import { canAutoResume, type SubtaskContext } from '../machines/subtask.js';
import { hopelessReason } from '../machines/resumable.js';
import type { SubtaskState } from '../src/api/cluster.js';
import type { Stage } from '../src/model/stage.js';
import type { ActorDocument } from '../src/runtime/host/document.js';
import type { SubtaskDocument } from './documents.js';

export function subtaskState(expected: SubtaskDocument, observed: ActorDocument | undefined): SubtaskState {
  const wanted = { task: expected.task, wanted: expected.stage };
  const context = observed?.context as SubtaskContext | undefined;
  if (!observed || context?.start !== expected.start) {
    return {
      ...wanted,
      stage: 'New',
      since: 0,
      taken: expected.seq === 0,
      canceled: false,
      errors: [],
      autoResume: { enabled: true, nextAt: 0, tries: 0, hopeless: '' },
      fenced: false,
      refusal: '',
    };
  }
  const next = observed.deadlines.find(({ name }) => name === 'resume');
  const hopeless = context.errors.map(hopelessReason).find((reason) => reason !== null) ?? '';
  return {
    ...wanted,
    stage: observed.value as Stage,
    since: observed.since ?? 0,
    taken: context.seq >= expected.seq,
    canceled: context.isCanceled,
    errors: context.errors,
    autoResume: {
      enabled: context.checker.enabled,
      nextAt: next !== undefined && canAutoResume(context) ? next.at : 0,
      tries: context.attempt,
      hopeless,
    },
    fenced: context.fencedBy > 0,
    refusal: context.refusal?.message ?? '',
  };
}
