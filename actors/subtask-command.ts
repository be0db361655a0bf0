/** What became of a command to a subtask, read from what is expected and what is observed. Pure. */
import { subtaskMachine, type SubtaskContext, type SubtaskEvent } from '../machines/subtask.js';
import { DmError } from '../src/errors/dm-error.js';
import type { ExpectedStage, Stage } from '../src/model/stage.js';
import { restoreSnapshot } from '../src/runtime/host/actor.js';
import type { ActorDocument } from '../src/runtime/host/document.js';
import { accepts, refusal } from '../src/runtime/host/refusal.js';
import type { SubtaskDocument } from './documents.js';

export interface CommandView {
  readonly expected: SubtaskDocument | null;
  readonly observed: ActorDocument | null;
  /** '' = the source has no worker. */
  readonly worker: string;
}

const EVENTS = { Running: 'RESUME', Paused: 'PAUSE', Stopped: 'STOP' } as const;

/** Why the subtask refuses to be brought to the stage; null when it does not, as far as can be seen. */
export function refusalOf(
  observed: ActorDocument | null,
  document: SubtaskDocument,
  stage: ExpectedStage,
): string | null {
  if (!observed || (observed.context as SubtaskContext).start !== document.start) return null;
  // An earlier command is still on its way: the subtask itself will judge the one after it.
  if ((observed.context as SubtaskContext).seq < document.seq) return null;
  const snapshot = restoreSnapshot(subtaskMachine, observed);
  const event: SubtaskEvent = { type: EVENTS[stage], seq: document.seq + 1 };
  return accepts(snapshot, event) ? null : refusal(subtaskMachine, snapshot, event).toString();
}

/** The number of the last command that the subtask has taken up. */
export function seqOf({ observed }: CommandView): number {
  return (observed?.context as SubtaskContext | undefined)?.seq ?? -1;
}

export interface Outcome {
  readonly result: boolean;
  readonly msg: string;
}

/** The outcome of the command `document`; null while there is none yet. */
export function outcomeOf(view: CommandView, document: SubtaskDocument): Outcome | null {
  const { expected, observed, worker } = view;
  if (!expected || expected.start !== document.start) {
    return document.stage === 'Stopped'
      ? done
      : { result: false, msg: 'the subtask has been stopped meanwhile' };
  }
  if (document.stage === 'Stopped') return null;
  if (worker === '') {
    return { result: true, msg: 'noted; the source has no worker, it takes effect as soon as it has one' };
  }
  const context = observed?.context as SubtaskContext | undefined;
  if (!observed || !context || context.start !== document.start || context.seq < document.seq) return null;
  if (context.refusal?.seq === document.seq) return { result: false, msg: context.refusal.message };
  const stage = observed.value as Stage;
  switch (stage) {
    case 'New':
    case 'Resuming':
    case 'Pausing':
    case 'Stopping':
      return null;
    case 'Running':
      return document.stage === 'Running' ? done : null;
    case 'Finished':
    case 'Stopped':
      return done;
    case 'Paused':
      if (document.stage === 'Paused' || context.isCanceled) return done;
      return { result: false, msg: errorsOf(context) };
  }
}

const done: Outcome = { result: true, msg: '' };

function errorsOf(context: SubtaskContext): string {
  return context.errors.map((error) => DmError.fromProcessError(error).toString()).join('\n');
}
