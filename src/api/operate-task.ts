/** `pause-task`, `resume-task`, `stop-task`. */
import { z } from 'zod';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { ExpectedStage } from '../model/stage.js';
import type { Handler, HandlerDeps } from './handler-deps.js';
import {
  asDmError,
  parseRequest,
  sourcesAnswer,
  sourcesField,
  taskField,
  taskName,
  type JsonObject,
} from './request.js';

/** `again`: the answer to the same command was lost (dmctl says so when the lead has changed). */
const schema = z.object({ task: taskField, sources: sourcesField, again: z.boolean().default(false) });

/** The word of the answer's `op` (manual 4.4.5-4.4.7). */
export type TaskOp = 'Pause' | 'Resume' | 'Stop';

const STAGE: Record<TaskOp, ExpectedStage> = { Pause: 'Paused', Resume: 'Running', Stop: 'Stopped' };

export function operateTask(deps: HandlerDeps, op: TaskOp): Handler {
  return async (request): Promise<JsonObject> => {
    try {
      const { task, sources, again } = parseRequest(schema, request);
      const name = taskName(task);
      await refuseUnknown(deps, name, sources);
      return { op, ...sourcesAnswer(await deps.cluster.operateTask(name, STAGE[op], sources, again)) };
    } catch (error) {
      return { op, result: false, msg: asDmError(error).toString(), sources: [] };
    }
  };
}

/** 46018 for a task that is not there, 46017 for a source that it does not have. */
export async function refuseUnknown(
  deps: HandlerDeps,
  name: string,
  sources: readonly string[],
): Promise<void> {
  const task = (await deps.cluster.listTasks()).find((one) => one.name === name);
  if (!task) throw new DmError(CODES.schedulerTaskNotExist, `task with name ${name} not exist`);
  const stranger = sources.find((source) => !task.sources.includes(source));
  if (stranger !== undefined) {
    throw new DmError(
      CODES.schedulerOpSourceNotExist,
      `sources [${stranger}] not exist in the task ${name}; it has [${task.sources.join(' ')}]`,
    );
  }
}
