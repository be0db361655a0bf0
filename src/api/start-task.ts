/** `check-task` and `start-task`: everything is validated before anything is created. */
import { z } from 'zod';
import { checkDetail, checkFailure, type CheckResult } from '../check/types.js';
import { parseSourceConfig, type SourceConfig } from '../config/source-config.js';
import { resolveSubtasks } from '../config/subtasks.js';
import { parseDuration } from '../config/units.js';
import { parseTaskConfig, type TaskConfig } from '../config/task-config.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { isStartTime } from '../sync/start/start-place.js';
import type { Handler, HandlerDeps } from './handler-deps.js';
import { parseRequest, sourcesAnswer, sourcesField, taskField } from './request.js';

const startSchema = z.object({
  task: taskField,
  /** Name of the file, for messages. */
  file: z.string().optional(),
  sources: sourcesField,
  removeMeta: z.boolean().optional(),
  startTime: z.string().optional(),
  safeModeTimeDuration: z.string().optional(),
});

const checkSchema = z.object({
  task: taskField,
  file: z.string().optional(),
  /** At most so many failures and warnings are listed. */
  errCnt: z.number().int().min(0).optional(),
  warnCnt: z.number().int().min(0).optional(),
});

/** DM's own word for it. */
const CHECK_PASS = 'check pass!!!';

export function checkTask(deps: HandlerDeps): Handler {
  return async (request) => {
    const { task: text, file, errCnt, warnCnt } = parseRequest(checkSchema, request);
    const limits = { error: errCnt ?? 10, warn: warnCnt ?? 10 };
    const task = parseTaskConfig(text, file ?? 'task.yaml');
    const results = await checkAll(deps, await resolve(deps, task, []), task.removeMeta);
    const failure = checkFailure(results, limits);
    if (failure) throw failure;
    const detail = checkDetail(results, limits);
    return { result: true, msg: detail === '' ? CHECK_PASS : `${CHECK_PASS}\n detail: ${detail}` };
  };
}

export function startTask(deps: HandlerDeps): Handler {
  return async (request) => {
    const parsed = parseRequest(startSchema, request);
    const { task: text, sources } = parsed;
    const startTime = parsed.startTime === '' ? undefined : parsed.startTime;
    const task = parseTaskConfig(text, parsed.file ?? 'task.yaml', { startsAtTime: startTime !== undefined });
    if (startTime !== undefined) checkStartTime(startTime, task);
    const safeModeTimeMs = safeModeTime(parsed.safeModeTimeDuration);
    const subtasks = await resolve(deps, task, sources);
    await refuseExisting(
      deps,
      task.name,
      subtasks.map((subtask) => subtask.sourceId),
    );
    const removeMeta = (parsed.removeMeta ?? false) || task.removeMeta;
    const results = await checkAll(deps, subtasks, removeMeta);
    const failure = checkFailure(results);
    if (failure) throw failure;
    for (const warning of [...task.warnings, ...warningsOf(results)]) {
      deps.log.warn('task starts with a warning', { task: task.name, warning });
    }
    const options = {
      sources,
      removeMeta,
      ...(startTime === undefined ? {} : { startTime }),
      ...(safeModeTimeMs === undefined ? {} : { safeModeTimeMs }),
    };
    return sourcesAnswer(await deps.cluster.startTask(task.name, text, options));
  };
}

function safeModeTime(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const ms = parseDuration(text);
  if (ms !== null && ms >= 0) return ms;
  throw new DmError(
    CODES.masterRequestInvalid,
    `invalid safe-mode-time-duration "${text}": expected a duration such as 60s or 1h30m`,
  );
}

/** Whether the time has come is for the source to say: 20057 is an error of the subtask. */
function checkStartTime(startTime: string, task: TaskConfig): void {
  if (!isStartTime(startTime)) {
    throw new DmError(
      CODES.masterRequestInvalid,
      `invalid start-time "${startTime}": must be a time of the source such as "2021-10-21 00:01:00" or 2021-10-21T00:01:00`,
    );
  }
  if (task.taskMode === 'incremental') return;
  throw new DmError(
    CODES.masterRequestInvalid,
    `start-time is only for tasks with task-mode incremental, and that of ${task.name} is ${task.taskMode}`,
    {
      workaround:
        'Please leave `--start-time` out, or set `task-mode: incremental` where the tables have been copied before.',
    },
  );
}

/** The subtasks on the named sources (all of the task when none is named). */
async function resolve(
  deps: HandlerDeps,
  task: TaskConfig,
  sources: readonly string[],
): Promise<SubtaskConfig[]> {
  const own = task.instances.map((instance) => instance.sourceId);
  const stranger = sources.find((id) => !own.includes(id));
  if (stranger !== undefined) {
    throw new DmError(
      CODES.schedulerOpSourceNotExist,
      `sources [${stranger}] not exist in the task ${task.name}; it has [${own.join(' ')}]`,
    );
  }
  const chosen = sources.length === 0 ? own : sources;
  const known = new Map<string, SourceConfig>();
  for (const { sourceId, yaml } of await deps.cluster.listSources()) {
    if (chosen.includes(sourceId)) known.set(sourceId, parseSourceConfig(yaml, `source ${sourceId}`));
  }
  const instances = task.instances.filter((instance) => chosen.includes(instance.sourceId));
  return resolveSubtasks({ ...task, instances }, known, deps.secrets);
}

async function refuseExisting(deps: HandlerDeps, name: string, sources: readonly string[]): Promise<void> {
  const running = (await deps.cluster.listTasks()).find((task) => task.name === name);
  const existing = sources.filter((source) => running?.sources.includes(source));
  if (existing.length === 0) return;
  throw new DmError(
    CODES.schedulerSubtaskExist,
    `subtasks with name ${name} for sources [${existing.join(' ')}] already exist`,
  );
}

async function checkAll(
  deps: HandlerDeps,
  subtasks: readonly SubtaskConfig[],
  anew: boolean,
): Promise<CheckResult[]> {
  const lists = await Promise.all(subtasks.map((subtask) => deps.check(subtask, anew)));
  return lists.flat().map((result, id) => ({ ...result, id }));
}

function warningsOf(results: readonly CheckResult[]): string[] {
  return results.filter(({ state }) => state === 'warn').map(({ name, errorMsg }) => `${name}: ${errorMsg}`);
}
