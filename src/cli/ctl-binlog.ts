/** `binlog` and `handle-error`: what is to become of single statements of the sources. */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { BINLOG_OPS } from '../model/operation.js';
import type { JsonObject } from '../api/request.js';
import {
  sources,
  taskArgument,
  usageError,
  type CtlCommand,
  type CtlInput,
  type CtlOption,
} from './ctl-command.js';

const BINLOG_POS: CtlOption = {
  flags: '-b, --binlog-pos <pos>',
  type: 'string',
  help: 'position used to match binlog event if matched the binlog operation will be applied. The format like "mysql-bin.000003:3270"',
};

/** The statements behind the task, as one text: words that the shell has cut, or a file of that name. */
function statements(words: readonly string[], { files }: CtlInput): string {
  const [first, ...more] = words;
  return first !== undefined && more.length === 0 && files.isFile(first)
    ? files.read(first)
    : words.join(' ');
}

function request(op: string, task: string, words: readonly string[], input: CtlInput): JsonObject {
  return {
    op,
    task: taskArgument(task, input.files),
    sources: sources(input),
    binlogPos: input.options['binlogPos'],
    sqls: statements(words, input),
  };
}

export const binlog: CtlCommand = {
  name: 'binlog',
  usage:
    'binlog <skip/replace/revert/inject/list> <task-name | task-file> [-s source ...] [-b binlog-pos] [sql1;sql2; | sql-file]',
  summary: 'Manages or shows binlog operations.',
  description: `Manages or shows binlog operations.

  skip     skips the statement that the task is paused at, or the one at a position (binlog-pos)
  replace  runs other statements in its place
  inject   runs other statements before it
  revert   takes back what was decided and has not come to effect
  list     lists what has been decided, from a position (binlog-pos) on`,
  options: [BINLOG_POS],
  completes: 'binlog',
  request(input) {
    const [op, task, ...words] = input.args;
    if (op === undefined || !BINLOG_OPS.some((one) => one === op)) return 'help';
    if (task === undefined) throw usageError(binlog);
    return request(op, task, words, input);
  },
};

export const handleError: CtlCommand = {
  name: 'handle-error',
  usage:
    'handle-error <task-name | task-file> [-s source ...] [-b binlog-pos] <skip/replace/revert> [replace-sql1;replace-sql2;]',
  summary:
    '`skip`/`replace`/`revert` the current error event or a specific binlog position (binlog-pos) event.',
  description:
    '`skip`/`replace`/`revert` the current error event or a specific binlog position (binlog-pos) event. `binlog` can do more.',
  options: [BINLOG_POS],
  completes: 'task',
  request(input) {
    const [task, op, ...words] = input.args;
    if (task === undefined) return 'help';
    if (op === undefined) throw usageError(handleError);
    if (!BINLOG_OPS.some((one) => one === op)) {
      throw new DmError(
        CODES.ctlInvalidArguments,
        `invalid operation '${op}', please use \`skip\`, \`replace\` or \`revert\``,
      );
    }
    return request(op, task, words, input);
  },
};
