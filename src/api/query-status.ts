import { z } from 'zod';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { SubTaskStatus } from '../model/status.js';
import type { SubtaskView } from './cluster.js';
import type { Handler, HandlerDeps } from './handler-deps.js';
import { refuseUnknown } from './operate-task.js';
import { explain } from './why.js';
import { parseRequest, sourcesField, taskName, type JsonObject } from './request.js';

const schema = z.object({
  /** Name or text of the file; '' or absent = all tasks, as a list. */
  task: z.string().optional(),
  sources: sourcesField,
  /** Details of all tasks instead of the list. */
  more: z.boolean().optional(),
  /** With each subtask why it is where it is, and what leads out (why.ts). */
  why: z.boolean().optional(),
});

/** The list of tasks, or with a task, a source or `more` the detailed form (manual 4.4.4). */
export function queryStatus(deps: HandlerDeps): Handler {
  return async (request) => {
    const { task, sources, more, why } = parseRequest(schema, request);
    const name = task === undefined ? '' : taskName(task);
    if (name !== '') await refuseUnknown(deps, name, sources);
    if (why === true) return explained(deps, name, sources);
    const views = await deps.cluster.queryStatus(name, sources);
    if (name === '' && sources.length === 0 && more !== true) return list(deps, views);
    return { result: true, msg: '', sources: [...views, ...strangers(sources, views)].map(detail) };
  };
}

/** Sources that are asked for and that nobody has added. */
function strangers(asked: readonly string[], views: readonly SubtaskView[]): SubtaskView[] {
  const known = new Set(views.map((view) => view.source.source));
  return [...new Set(asked)]
    .filter((source) => !known.has(source))
    .map((source) => ({
      source: { source, worker: '', result: null, relayStatus: null },
      subtasks: [],
      msg: new DmError(
        CODES.schedulerOpSourceNotExist,
        `source ${source} relevant worker-client not found: there is no such source`,
      ).toString(),
    }));
}

async function explained(deps: HandlerDeps, task: string, sources: readonly string[]): Promise<JsonObject> {
  const explanations = await deps.cluster.explain(task, sources);
  return {
    result: true,
    msg: '',
    sources: explanations.map((one) => ({
      ...detail(one.view),
      subTaskStatus: one.view.subtasks.map((status) => ({ ...status, why: explain(one, status) })),
    })),
  };
}

function detail(view: SubtaskView): JsonObject {
  return {
    result: view.msg === '',
    msg: view.msg,
    sourceStatus: view.source,
    subTaskStatus: view.subtasks,
  };
}

async function list(deps: HandlerDeps, views: readonly SubtaskView[]): Promise<JsonObject> {
  const tasks = await deps.cluster.listTasks();
  return {
    result: true,
    msg: '',
    tasks: tasks.map(({ name, sources }) => {
      const subtasks = views.flatMap((view) => view.subtasks.filter((subtask) => subtask.name === name));
      const unasked = views.some((view) => view.msg !== '' && sources.includes(view.source.source));
      return { taskName: name, taskStatus: taskStatus(name, subtasks, unasked), sources: [...sources] };
    }),
  };
}

/** Manual 4.4.4.2. A source that could not be asked counts as an error of its subtask. */
export function taskStatus(name: string, subtasks: readonly SubTaskStatus[], unasked = false): string {
  const paused = subtasks.filter((subtask) => subtask.stage === 'Paused');
  if (unasked || paused.some((subtask) => (subtask.result?.errors.length ?? 0) > 0)) {
    return `Error - Some error occurred in subtask. Please run \`query-status ${name}\` to get more details.`;
  }
  if (paused.length > 0) return 'Paused';
  for (const stage of ['New', 'Finished', 'Stopped'] as const) {
    if (subtasks.length > 0 && subtasks.every((subtask) => subtask.stage === stage)) return stage;
  }
  const aside = subtasks.reduce((sum, { sync }) => sum + (sync?.isolatedTables?.length ?? 0), 0);
  if (aside === 0) return 'Running';
  const tables = aside === 1 ? '1 table is' : `${aside} tables are`;
  return `Running - ${tables} set aside after an error. Please run \`query-status ${name}\` to get more details.`;
}
