/** The commands of dmctl: texts of the manual, and how each command line becomes a request. */
import { COMMANDS_NOT_YET } from '../api/handlers.js';
import { binlog, handleError } from './ctl-binlog.js';
import { isolation } from './ctl-isolation.js';
import { formatWhy } from './why-text.js';
import { binlogSchema, operateSchema } from './ctl-schema.js';
import { sources, taskArgument, usageError, type CtlCommand } from './ctl-command.js';

export const SOURCE_SAMPLE = `source-id: "mysql-replica-01"

# Whether to enable GTID.
enable-gtid: false

from:
  host: "127.0.0.1"
  port: 3306
  user: "root"
  password: "" # It is recommended to use a password encrypted with dmctl.
  # security: # The TLS configuration of the upstream database
  #   ssl-ca: "/path/to/ca.pem"
  #   ssl-cert: "/path/to/cert.pem"
  #   ssl-key: "/path/to/key.pem"

# checker:
#   check-enable: true
#   backoff-rollback: 5m0s
#   backoff-max: 5m0s # The maximum value of backoff, should be larger than 1s
`;

function taskCommand(
  name: 'pause-task' | 'resume-task' | 'stop-task',
  summary: string,
  description: string,
): CtlCommand {
  const command: CtlCommand = {
    name,
    usage: `${name} [-s source ...] <task-name | task-file>`,
    summary,
    description,
    options: [],
    completes: 'task',
    request(input) {
      const [task, ...rest] = input.args;
      if (task === undefined || rest.length > 0) throw usageError(command);
      return { task: taskArgument(task, input.files), sources: sources(input) };
    },
  };
  return command;
}

function count(value: unknown): number | undefined {
  return value === undefined ? undefined : Number(value);
}

const checkTask: CtlCommand = {
  name: 'check-task',
  usage: 'check-task <config-file> [--error count] [--warn count]',
  summary: 'Checks the configuration file of the task.',
  description: 'Checks the configuration file of the task',
  options: [
    { flags: '-e, --error <count>', type: 'int', help: 'max count of errors to display (default 10)' },
    { flags: '-w, --warn <count>', type: 'int', help: 'max count of warns to display (default 10)' },
  ],
  completes: 'file',
  request({ args, options, files }) {
    const [file, ...rest] = args;
    if (file === undefined || rest.length > 0) throw usageError(checkTask);
    return { task: files.read(file), file, errCnt: count(options['error']), warnCnt: count(options['warn']) };
  },
};

const getConfig: CtlCommand = {
  name: 'get-config',
  usage: 'get-config <task | master | worker | source> <name> [--file filename]',
  summary: 'Gets the configuration.',
  description: 'Gets the configuration',
  options: [{ flags: '-f, --file <filename>', type: 'string', help: 'write config to file' }],
  completes: 'get-config',
  request({ args }) {
    const [type, name, ...rest] = args;
    if (type === undefined || name === undefined || rest.length > 0) throw usageError(getConfig);
    return { type, name };
  },
};

const listMember: CtlCommand = {
  name: 'list-member',
  usage: 'list-member [--leader] [--master] [--worker] [--name master-name/worker-name ...]',
  summary: 'Lists member information.',
  description: 'Lists member information',
  options: [
    { flags: '-l, --leader', type: '', help: 'only to list the leader information' },
    { flags: '-m, --master', type: '', help: 'only to list the master information' },
    { flags: '-w, --worker', type: '', help: 'only to list the worker information' },
    { flags: '-n, --name <names...>', type: 'strings', help: 'specify member names in choosing type' },
  ],
  request({ args, options }) {
    if (args.length > 0) throw usageError(listMember);
    const names = ((options['name'] as string[] | undefined) ?? []).flatMap((one) => one.split(','));
    return { leader: options['leader'], master: options['master'], worker: options['worker'], names };
  },
};

const offlineMember: CtlCommand = {
  name: 'offline-member',
  usage: 'offline-member <--master/--worker> <--name master-name/worker-name>',
  summary: 'Offlines member which has been closed.',
  description: 'Offlines member which has been closed',
  options: [
    { flags: '-m, --master', type: '', help: 'to offline a master' },
    { flags: '-w, --worker', type: '', help: 'to offline a worker' },
    { flags: '-n, --name <name>', type: 'string', help: 'specify member name for choosing type' },
  ],
  request({ args, options }) {
    const { name, master, worker } = options;
    if (args.length > 0 || name === undefined) throw usageError(offlineMember);
    return { master, worker, name };
  },
};

const operateLeader: CtlCommand = {
  name: 'operate-leader',
  usage: 'operate-leader <operate-type>',
  summary: '`evict`/`cancel-evict` the leader.',
  description: '`evict`/`cancel-evict` the leader.',
  options: [],
  request({ args }) {
    const [op, ...rest] = args;
    if (op === undefined || rest.length > 0) throw usageError(operateLeader);
    return { op };
  },
};

const operateSource: CtlCommand = {
  name: 'operate-source',
  usage: 'operate-source <operate-type> [config-file ...] [--print-sample-config]',
  summary: '`create`/`update`/`stop`/`show` upstream MySQL/MariaDB source.',
  description: '`create`/`update`/`stop`/`show` upstream MySQL/MariaDB source.',
  options: [{ flags: '-p, --print-sample-config', type: '', help: 'print sample config file of source' }],
  completes: 'operate-source',
  request(input) {
    const { args, options, files } = input;
    if (options['printSampleConfig'] === true) return { print: SOURCE_SAMPLE };
    const [op, ...given] = args;
    if (op === undefined) throw usageError(operateSource);
    // `stop` takes ids as well as files: what is no file is an id.
    const isConfig = (name: string) => op !== 'stop' || files.isFile(name);
    const configs = given.filter(isConfig);
    const ids = given.filter((name) => !isConfig(name));
    return {
      op,
      config: configs.map((name) => files.read(name)),
      files: configs,
      sourceID: [...ids, ...sources(input)],
    };
  },
};

const queryStatus: CtlCommand = {
  name: 'query-status',
  usage: 'query-status [-s source ...] [task-name | task-file] [--more] [--why]',
  summary: 'Queries task status.',
  description: 'Queries task status',
  options: [
    { flags: '--more', type: '', help: 'whether to print the detailed task information' },
    { flags: '--why', type: '', help: 'tell why each subtask is where it is, and what leads out' },
  ],
  completes: 'task',
  request(input) {
    const [task, ...rest] = input.args;
    if (rest.length > 0) throw usageError(queryStatus);
    const name = task === undefined ? undefined : taskArgument(task, input.files);
    const { more, why } = input.options;
    return { task: name, sources: sources(input), more, ...(why === undefined ? {} : { why }) };
  },
  format: (request, answer) => (request['why'] === true ? formatWhy(answer) : undefined),
};

const startTask: CtlCommand = {
  name: 'start-task',
  usage:
    'start-task [-s source ...] [--remove-meta] [--start-time time] [--safe-mode-time-duration duration] <config-file>',
  summary: 'Starts a task as defined in the configuration file.',
  description: 'Starts a task as defined in the configuration file',
  options: [
    { flags: '--remove-meta', type: '', help: "whether to remove task's metadata" },
    {
      flags: '--start-time <time>',
      type: 'string',
      help: "specify the start time of binlog replication, e.g. '2021-10-21 00:01:00' or 2021-10-21T00:01:00",
    },
    {
      flags: '--safe-mode-time-duration <duration>',
      type: 'string',
      help: 'specify how long safe mode is on from the begin of replication, e.g. 60s or 1h30m',
    },
  ],
  completes: 'file',
  request(input) {
    const [file, ...rest] = input.args;
    if (file === undefined || rest.length > 0) throw usageError(startTask);
    return {
      task: input.files.read(file),
      file,
      sources: sources(input),
      removeMeta: input.options['removeMeta'] ?? false,
      startTime: input.options['startTime'],
      safeModeTimeDuration: input.options['safeModeTimeDuration'],
    };
  },
};

const SUMMARIES_NOT_YET: Record<(typeof COMMANDS_NOT_YET)[number], string> = {
  config: 'Commands to import/export config.',
  'pause-relay': "Pauses DM-worker's relay unit.",
  'purge-relay': 'Purges relay log files of the DM-worker according to the specified filename.',
  'resume-relay': "Resumes DM-worker's relay unit.",
  'shard-ddl-lock': 'maintain or show shard-ddl locks information',
  'show-ddl-locks': 'Shows un-resolved DDL locks.',
  'start-relay': 'Starts workers pulling relay log for a source.',
  'stop-relay': 'Stops workers pulling relay log for a source.',
  'transfer-source': 'Transfers an upstream MySQL/MariaDB source to a free worker.',
  'unlock-ddl-lock': 'Unlocks DDL lock forcefully.',
  validation: 'Starts, stops or shows the data validation of a task.',
};

/** In the order of the list that `help` prints. */
export const CTL_COMMANDS: readonly CtlCommand[] = [
  binlog,
  binlogSchema,
  checkTask,
  getConfig,
  handleError,
  isolation,
  listMember,
  offlineMember,
  operateLeader,
  operateSchema,
  operateSource,
  taskCommand('pause-task', 'Pauses a specified running task.', 'pause a specified running task'),
  queryStatus,
  taskCommand('resume-task', 'Resumes a specified paused task.', 'resume a specified paused task'),
  startTask,
  taskCommand('stop-task', 'Stops a specified task.', 'stop a specified task'),
];

/** Commands of DM that are known and answered with 60001. */
export const CTL_COMMANDS_NOT_YET: readonly { name: string; summary: string }[] = COMMANDS_NOT_YET.map(
  (name) => ({ name, summary: SUMMARIES_NOT_YET[name] }),
);
