/** Sends an operation to the worker that has the subtask's source. */
import { CODES } from '../src/errors/codes.js';
import { DmError } from '../src/errors/dm-error.js';
import type { OperationAnswer, SubtaskOperation } from '../src/model/operation.js';
import { createCodec } from '../src/nats/codec.js';
import { actorSubject } from '../src/nats/subjects.js';
import { BusError, type Bus, type Clock } from '../src/runtime/ports.js';
import type { SourceQuestion } from './source.js';

export interface OperationRequest {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly source: string;
  /** '' = the source has no worker. */
  readonly worker: string;
  readonly task: string;
  readonly operation: SubtaskOperation;
  readonly timeoutMs: number;
}

/** A worker that has just been given the source serves it a moment later. */
const NOBODY_MS = 5_000;
const NOBODY_EVERY_MS = 100;

/** Never rejects for a worker that cannot be asked: the answer says why. */
export async function askOperation(request: OperationRequest): Promise<OperationAnswer> {
  const { bus, clock, source, worker, task, operation, timeoutMs } = request;
  if (worker === '') {
    const message = `sources [${source}] have not bound: source relevant worker-client not found`;
    return { result: false, msg: new DmError(CODES.schedulerSourcesUnbound, message).toString() };
  }
  const codec = createCodec();
  // The thread's answer must be able to come before this one is given up.
  const question: SourceQuestion = { type: 'operate', task, operation, timeoutMs: timeoutMs * 0.9 };
  const bytes = codec.encode(question);
  const giveUp = clock.monotonic() + Math.min(NOBODY_MS, timeoutMs);
  for (;;) {
    try {
      const answer = await bus.request(actorSubject('source', source), bytes, { timeoutMs });
      return codec.decode(answer) as OperationAnswer;
    } catch (cause) {
      if (!(cause instanceof BusError)) throw cause;
      // Nothing was delivered, so asking again does no harm.
      if (cause.kind === 'no-responder' && clock.monotonic() < giveUp) {
        await clock.sleep(NOBODY_EVERY_MS);
        continue;
      }
      const message = `worker ${worker} of source ${source} does not answer, but may be successful`;
      return { result: false, msg: new DmError(CODES.masterWorkerTimeout, message, { cause }).toString() };
    }
  }
}
