/** `operate-schema`, and `binlog-schema`, its name since DM 6: the structures that rows of the source are decoded by. */
import { z } from 'zod';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { SCHEMA_OPS, type SchemaOperation, type SchemaOp } from '../model/operation.js';
import type { Handler, HandlerDeps } from './handler-deps.js';
import { refuseUnknown } from './operate-task.js';
import {
  parseRequest,
  sourcesAnswer,
  sourcesField,
  taskField,
  taskName,
  type JsonObject,
} from './request.js';

/** Both commands' words. */
const WORDS: Readonly<Record<string, SchemaOp>> = {
  ...Object.fromEntries(SCHEMA_OPS.map((op) => [op, op])),
  update: 'set',
  delete: 'remove',
};

const schema = z.object({
  op: z.string(),
  task: taskField,
  sources: sourcesField,
  database: z.string().optional(),
  table: z.string().optional(),
  /** A CREATE TABLE statement. */
  schema: z.string().optional(),
  fromSource: z.boolean().optional(),
  fromTarget: z.boolean().optional(),
  /** A paused subtask holds nothing but its checkpoint: what is set is always written there. */
  flush: z.boolean().optional(),
  /** Of optimistic shard merging only. */
  sync: z.boolean().optional(),
});

export function operateSchema(deps: HandlerDeps): Handler {
  return async (request): Promise<JsonObject> => {
    const { op: word, task, sources, database, table, ...rest } = parseRequest(schema, request);
    const op = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
    if (op === undefined) {
      throw invalid(`"op" is "${word}", and should be one of ${Object.keys(WORDS).join(', ')}`);
    }
    if (op !== 'list' && ((database ?? '') === '' || (table ?? '') === '')) {
      throw invalid(`${word} needs the database and the table in the source`);
    }
    if (op === 'set' && sources.length === 0) {
      throw invalid('set needs the sources that it is meant for (`-s`)');
    }
    const given = [rest.schema !== undefined, rest.fromSource === true, rest.fromTarget === true];
    const origins = given.filter(Boolean).length;
    if (origins > 1) throw invalid('only one of a schema, `--from-source` and `--from-target` can be meant');
    if (op === 'set' && origins === 0) {
      throw invalid('set needs a file with a CREATE TABLE statement, `--from-source` or `--from-target`');
    }
    const name = taskName(task);
    await refuseUnknown(deps, name, sources);
    const operation: SchemaOperation = {
      kind: 'schema',
      op,
      database: database ?? '',
      table: table ?? '',
      schema: rest.schema ?? '',
      from: rest.fromSource === true ? 'source' : rest.fromTarget === true ? 'target' : '',
    };
    return sourcesAnswer(await deps.cluster.operateSubtasks(name, operation, sources));
  };
}

function invalid(why: string): DmError {
  return new DmError(CODES.masterRequestInvalid, `invalid request: ${why}`);
}
