/** `isolation`: the tables of a task that are set aside after an error (docs/isolation.md). */
import { z } from 'zod';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { ISOLATION_OPS, type IsolationOperation } from '../model/operation.js';
import type { IsolatedTable } from '../model/status.js';
import type { Handler, HandlerDeps } from './handler-deps.js';
import { refuseUnknown } from './operate-task.js';
import { parseRequest, sourcesField, taskField, taskName, type JsonObject } from './request.js';

const schema = z.object({
  op: z.enum(ISOLATION_OPS, `must be one of ${ISOLATION_OPS.join(', ')}`),
  task: taskField,
  sources: sourcesField,
  /** `schema.table` of the target; '' or absent = all that are set aside. */
  table: z.string().optional(),
});

export function operateIsolation(deps: HandlerDeps): Handler {
  return async (request): Promise<JsonObject> => {
    const { op, task, sources, table } = parseRequest(schema, request);
    const name = taskName(task);
    await refuseUnknown(deps, name, sources);
    if (op === 'drop' && (table ?? '') === '') {
      throw new DmError(
        CODES.masterRequestInvalid,
        'invalid request, field "table": `drop` gives kept changes up for good and must name the table',
      );
    }
    const operation: IsolationOperation = { kind: 'isolation', op, table: table ?? '' };
    const results = await deps.cluster.operateSubtasks(name, operation, sources);
    // A table is set aside by one source and not by another: one that has it is enough.
    const anyone = results.some((one) => one.result);
    const relevant =
      op === 'list' || !anyone ? results : results.filter((one) => one.result || !isNotFound(one.msg));
    return {
      result: relevant.every((one) => one.result),
      msg: '',
      sources: relevant.map(({ result, msg, source, worker }) => {
        if (op !== 'list' || !result) return { result, msg, source, worker };
        return { result, msg: '', source, worker, isolatedTables: JSON.parse(msg) as IsolatedTable[] };
      }),
    };
  };
}

function isNotFound(msg: string): boolean {
  return msg.includes(`code=${CODES.isolationNotFound.code}:`);
}
