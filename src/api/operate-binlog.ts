/** `binlog` (and `handle-error`, its name up to DM 5): decides what becomes of single statements of the sources. */
import { z } from 'zod';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { BINLOG_OPS, type BinlogOperation } from '../model/operation.js';
import { splitText } from '../schema/split-text.js';
import type { SourceResult } from './cluster.js';
import type { Handler, HandlerDeps } from './handler-deps.js';
import { parseRequest, sourcesField, taskField, taskName, type JsonObject } from './request.js';

const schema = z.object({
  op: z.enum(BINLOG_OPS, `must be one of ${BINLOG_OPS.join(', ')}`),
  task: taskField,
  sources: sourcesField,
  /** `file:pos`; '' or absent = the statement that the subtask is paused at. */
  binlogPos: z.string().optional(),
  /** The statements of replace and inject: one text with semicolons, or a list. */
  sqls: z.union([z.string(), z.array(z.string())]).optional(),
});

export function operateBinlog(deps: HandlerDeps): Handler {
  return async (request): Promise<JsonObject> => {
    const { op, task, sources, binlogPos, sqls } = parseRequest(schema, request);
    const name = taskName(task);
    const operation: BinlogOperation = {
      kind: 'binlog',
      op,
      binlogPos: binlogPos ?? '',
      sqls: [sqls ?? []].flat().flatMap(statements),
    };
    const known = (await deps.cluster.listTasks()).find((one) => one.name === name);
    if (!known) {
      throw new DmError(
        CODES.schedulerTaskNotExist,
        `task ${name} has no source or not exist, please check the task name and status`,
      );
    }
    const strangers = sources.filter((source) => !known.sources.includes(source));
    const asked = sources.filter((source) => known.sources.includes(source));
    const results: SourceResult[] = strangers.map((source) => ({
      result: false,
      msg: new DmError(
        CODES.schedulerOpSourceNotExist,
        `source ${source} relevant worker-client not found: the task ${name} has [${known.sources.join(' ')}]`,
      ).toString(),
      source,
      worker: '',
    }));
    if (sources.length === 0 || asked.length > 0) {
      results.push(...(await deps.cluster.operateSubtasks(name, operation, asked)));
    }
    return {
      result: results.every((one) => one.result),
      msg: '',
      sources: results.map(({ result, msg, source, worker }) => ({ result, msg, source, worker })),
    };
  };
}

function statements(text: string): string[] {
  return splitText(text, {
    flavor: 'mysql',
    serverVersion: '',
    ansiQuotes: false,
    noBackslashEscapes: false,
  });
}
