/** query-status: asks all source actors at once, each with a time-out; what cannot be asked says why. */
import type { SubtaskView } from '../src/api/cluster.js';
import { CODES } from '../src/errors/codes.js';
import { DmError } from '../src/errors/dm-error.js';
import type { SubTaskStatus } from '../src/model/status.js';
import { createCodec } from '../src/nats/codec.js';
import { actorSubject } from '../src/nats/subjects.js';
import { BusError, type Bus } from '../src/runtime/ports.js';
import type { ActorDocument } from '../src/runtime/host/document.js';
import type { SubtaskContext } from '../machines/subtask.js';
import { keys, type SubtaskDocument } from './documents.js';
import type { KvView } from './kv-view.js';
import type { SourceAnswer, SourceQuestion } from './source.js';
import { statusOf } from './subtask.js';

export interface StatusQuery {
  readonly bus: Bus;
  readonly observed: KvView<ActorDocument>;
  /** '' = all tasks. */
  readonly task: string;
  readonly sources: readonly {
    readonly source: string;
    readonly worker: string;
    readonly subtasks: readonly SubtaskDocument[];
  }[];
}

const THREAD_MS = 2_000;
/** More than a thread may take, so that a stuck thread does not make its whole worker look gone. */
const WORKER_MS = 4_000;

export async function askSources(query: StatusQuery): Promise<SubtaskView[]> {
  const codec = createCodec();
  const question: SourceQuestion = { type: 'status', task: query.task, timeoutMs: THREAD_MS };
  const bytes = codec.encode(question);
  return Promise.all(
    query.sources.map(async ({ source, worker, subtasks }): Promise<SubtaskView> => {
      const head = { source, worker, result: null, relayStatus: null };
      const stored = (): SubTaskStatus[] => subtasks.map((one) => storedStatus(query.observed, one));
      if (worker === '') return { source: head, subtasks: stored(), msg: noWorker(source) };
      try {
        const answer = await query.bus.request(actorSubject('source', source), bytes, {
          timeoutMs: WORKER_MS,
        });
        const known = codec.decode(answer) as SourceAnswer;
        const missing = subtasks.filter((one) => !known.subtasks.some(({ name }) => name === one.task));
        const all = [...known.subtasks, ...missing.map((one) => storedStatus(query.observed, one))];
        return { source: head, subtasks: all.sort((a, b) => (a.name < b.name ? -1 : 1)), msg: '' };
      } catch (error) {
        if (!(error instanceof BusError)) throw error;
        return { source: head, subtasks: stored(), msg: unreachable(source, worker, error) };
      }
    }),
  );
}

/** The last known state of a subtask whose actor cannot be asked. */
function storedStatus(observed: KvView<ActorDocument>, document: SubtaskDocument): SubTaskStatus {
  const actor = observed.get(`subtask.${keys.subtaskActor(document.source, document.task)}`);
  const context = actor?.context as SubtaskContext | undefined;
  if (actor && context?.start === document.start) {
    return statusOf(document.task, { value: actor.value, context }, null);
  }
  return { name: document.task, stage: 'New', unit: 'InvalidUnit', result: null, unresolvedDDLLockID: '' };
}

function noWorker(source: string): string {
  return new DmError(
    CODES.schedulerSourcesUnbound,
    `sources [${source}] have not bound: source relevant worker-client not found`,
  ).toString();
}

function unreachable(source: string, worker: string, cause: BusError): string {
  return new DmError(CODES.masterWorkerTimeout, `worker ${worker} of source ${source} does not answer`, {
    cause,
  }).toString();
}
