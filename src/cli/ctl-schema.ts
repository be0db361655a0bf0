/** `operate-schema` and `binlog-schema`: the structures that rows of the source are decoded by. */
import {
  sources,
  taskArgument,
  usageError,
  type CtlCommand,
  type CtlInput,
  type CtlOption,
} from './ctl-command.js';
import type { JsonObject } from '../api/request.js';

const OPTIONS: readonly CtlOption[] = [
  { flags: '--flush', type: '', help: 'flush the table info and checkpoint immediately (default true)' },
  { flags: '--from-source', type: '', help: 'use the schema of the table in the source as it is now' },
  { flags: '--from-target', type: '', help: 'use the schema of the table in the target as it is now' },
  {
    flags: '--sync',
    type: '',
    help: 'sync the table info to master to resolve shard ddl lock, only for optimistic mode now',
  },
];

function request(input: CtlInput, named: { op: string; task: string; file?: string }): JsonObject {
  const { options, files } = input;
  return {
    op: named.op,
    task: taskArgument(named.task, files),
    sources: sources(input),
    schema: named.file === undefined ? undefined : files.read(named.file),
    fromSource: options['fromSource'],
    fromTarget: options['fromTarget'],
    flush: options['flush'],
    sync: options['sync'],
  };
}

export const operateSchema: CtlCommand = {
  name: 'operate-schema',
  usage:
    'operate-schema <operate-type> <-s source ...> <task-name | task-file> <-d database> <-t table> [schema-file] [--flush] [--sync] [--from-source] [--from-target]',
  summary: '`get`/`set`/`remove`/`list` the schema for an upstream table.',
  description: '`get`/`set`/`remove`/`list` the schema for an upstream table.',
  options: [
    { flags: '-d, --database <name>', type: 'string', help: 'database name of the table' },
    { flags: '-t, --table <name>', type: 'string', help: 'table name' },
    ...OPTIONS,
  ],
  request(input) {
    const [op, task, file, ...rest] = input.args;
    if (op === undefined || task === undefined || rest.length > 0) throw usageError(operateSchema);
    if (op !== 'set' && file !== undefined) throw usageError(operateSchema);
    const { database, table } = input.options;
    return { ...request(input, { op, task, ...(file === undefined ? {} : { file }) }), database, table };
  },
};

export const binlogSchema: CtlCommand = {
  name: 'binlog-schema',
  usage:
    'binlog-schema <list/update/delete> <task-name | task-file> [-s source ...] <database> <table> [schema-file] [--flush] [--sync] [--from-source] [--from-target]',
  summary: 'Manages or shows table schema in schema tracker.',
  description: `Manages or shows table schema in schema tracker.

  list     shows the schema of a table; without one, the tables of which a schema is kept
  update   sets it, from a file or from the table as it is now in the source or the target
  delete   removes it, so that it is looked for anew`,
  options: [...OPTIONS],
  request(input) {
    const [word, task, database, table, file, ...rest] = input.args;
    if (word === undefined) return 'help';
    if (task === undefined || rest.length > 0) throw usageError(binlogSchema);
    if (word !== 'update' && file !== undefined) throw usageError(binlogSchema);
    const op = word === 'list' && table !== undefined ? 'get' : word;
    return { ...request(input, { op, task, ...(file === undefined ? {} : { file }) }), database, table };
  },
};
