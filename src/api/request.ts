import { z } from 'zod';
import { parseYamlTree } from '../config/yaml-tree.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { SourceResult } from './cluster.js';

/** Requests and answers of commands: plain JSON. */
export type JsonObject = Record<string, unknown>;

/** Checks a request. Rejects with 38004 naming the field. */
export function parseRequest<T>(schema: z.ZodType<T>, request: JsonObject): T {
  const parsed = schema.safeParse(request);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  const message = `invalid request${field === '' ? '' : `, field "${field}"`}: ${issue?.message ?? 'wrong form'}`;
  throw new DmError(CODES.masterRequestInvalid, message);
}

/** `-s` of most commands; one text is a list of one. */
export const sourcesField = z
  .union([z.array(z.string()), z.string().transform((one) => (one === '' ? [] : [one]))])
  .optional()
  .transform((list) => list ?? []);

/** A task by name, or the text of its file. */
export const taskField = z.string().min(1, 'must be a task name or the text of a task file');

/** The name in a `taskField`. */
export function taskName(nameOrText: string): string {
  if (!nameOrText.includes('\n')) return nameOrText.trim();
  const name = parseYamlTree(nameOrText, 'task').entries.get('name')?.value;
  if (name?.kind !== 'scalar' || name.text === '') {
    throw new DmError(CODES.configTaskNameEmpty, 'task name should not be empty');
  }
  return name.text;
}

/** What an error looks like in `msg`: with code, message and workaround. */
export function errorText(error: unknown): string {
  return asDmError(error).toString();
}

export function asDmError(error: unknown): DmError {
  if (error instanceof DmError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new DmError(CODES.notSet, message, { cause: error });
}

/** The common end of commands that work source by source: true only when all went well. */
export function sourcesAnswer(sources: readonly SourceResult[]): JsonObject {
  const failed = sources.find((source) => !source.result);
  return {
    result: failed === undefined,
    msg: failed?.msg ?? '',
    sources: sources.map(({ result, msg, source, worker }) => ({ result, msg, source, worker })),
  };
}
