/** Which commands may be given again to the next leader when it is not known whether the one before did them. */
import type { JsonObject } from '../api/request.js';

/** They change nothing. */
const QUESTIONS: readonly string[] = ['query-status', 'list-member', 'get-config', 'check-task', 'encrypt'];

/** Commands of which some `op` change nothing. */
const QUESTIONS_BY_OP: Readonly<Record<string, readonly string[]>> = {
  'operate-source': ['show'],
  binlog: ['list'],
  'handle-error': ['list'],
  'operate-schema': ['get'],
  'binlog-schema': ['list', 'get'],
  isolation: ['list'],
};

/** Done twice they do what they do once, where the master knows that it may be the second time. */
const IDEMPOTENT: readonly string[] = ['pause-task', 'resume-task'];

/**
 * The request to repeat the command with; null where it must not be repeated: a second `stop-task` could stop
 * a task that was started in between, a second `binlog skip` deal with another statement.
 */
export function onceMore(command: string, request: JsonObject): JsonObject | null {
  if (QUESTIONS.includes(command)) return request;
  if (QUESTIONS_BY_OP[command]?.includes(String(request['op']))) return request;
  return IDEMPOTENT.includes(command) ? { ...request, again: true } : null;
}
