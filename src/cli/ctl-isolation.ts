/** `isolation`: what becomes of tables that are set aside after an error. */
import { ISOLATION_OPS } from '../model/operation.js';
import { sources, taskArgument, usageError, type CtlCommand } from './ctl-command.js';

export const isolation: CtlCommand = {
  name: 'isolation',
  usage: 'isolation <list/retry/drop> <task-name | task-file> [-s source ...] [--table db.t]',
  summary: 'Shows or manages the tables that are set aside after an error.',
  description: `Shows or manages the tables that are set aside after an error (on-table-error: isolate).

  list     lists them with their error and how much is kept of their changes
  retry    lets a table (without --table: all) catch up after you have corrected what was wrong
  drop     gives up what is kept of a table: it goes on from now, without those changes`,
  options: [{ flags: '--table <name>', type: 'string', help: 'the table in the target, as db.table' }],
  request(input) {
    const [op, task, ...rest] = input.args;
    if (op === undefined || !ISOLATION_OPS.some((one) => one === op)) return 'help';
    if (task === undefined || rest.length > 0) throw usageError(isolation);
    return {
      op,
      task: taskArgument(task, input.files),
      sources: sources(input),
      table: input.options['table'],
    };
  },
};
