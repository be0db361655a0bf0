/** Codes of the control plane: dm-master, dm-worker, scheduler, dmctl, and ours for commands. */
import { define } from './define.js';
import type { ErrorCode } from './dm-error.js';

function scheduler(code: number, workaround = ''): ErrorCode {
  return define(code, 'scheduler', 'internal', 'medium', workaround);
}

export const CONTROL_CODES = {
  /** The request of a command lacks something or has a wrong form; the message says which field. */
  masterRequestInvalid: define(
    38004,
    'dm-master',
    'internal',
    'medium',
    'Please check the arguments of the command; `--help` shows them.',
  ),
  /** The worker that has the source did not answer in time; it may have done what was asked. */
  masterWorkerTimeout: define(
    38033,
    'dm-master',
    'internal',
    'medium',
    'Please use `query-status` to see what the worker does.',
  ),
  /** `binlog revert` names a statement about which nothing has been decided, or which has passed. */
  syncOperatorNotExist: define(
    36065,
    'sync-unit',
    'internal',
    'low',
    'Please see with `binlog list` what has been decided.',
  ),
  /** A subtask is asked to pause and is in no stage that can be paused. */
  workerNotRunning: define(
    40050,
    'dm-worker',
    'internal',
    'medium',
    'Please use `query-status` to check the stage.',
  ),
  /** A subtask is asked to resume and is not paused. */
  workerNotPaused: define(
    40051,
    'dm-worker',
    'internal',
    'medium',
    'Please use `query-status` to check the stage.',
  ),
  /** The operation is one of replication, and the subtask is in another unit. */
  workerSyncUnitOnly: define(
    40056,
    'dm-worker',
    'internal',
    'high',
    'Please wait until the subtask replicates; `query-status` shows its unit.',
  ),
  /** A worker of that name is registered with another address. */
  schedulerWorkerExist: scheduler(46003),
  /** No worker of that name is known. */
  schedulerWorkerNotExist: scheduler(46004, 'Please check the names with `list-member`.'),
  /** The command is for an offline worker and this one is online. */
  schedulerWorkerOnline: scheduler(46005, 'Please shut it down first.'),
  /** A source of that id is in the cluster already. */
  schedulerSourceExist: scheduler(
    46007,
    'If you want to overwrite the configuration of the source, please use `operate-source update`.',
  ),
  /** The cluster has no source of that id. */
  schedulerSourceNotExist: scheduler(46008, 'Please check the id with `operate-source show`.'),
  /** The sources have no worker. Start one, or wait until one is free. */
  schedulerSourcesUnbound: scheduler(46009, 'Please check the workers with `list-member`.'),
  /** A source cannot be stopped or updated while tasks use it. */
  schedulerSourceHasTasks: scheduler(46010, 'Please stop the tasks of the source first, with `stop-task`.'),
  /** The task runs on this source already. */
  schedulerSubtaskExist: scheduler(
    46014,
    'Please use `query-status` to see the existing subtasks, and `stop-task` before you start them anew.',
  ),
  /** A stage was asked for that subtasks cannot be asked for. */
  schedulerInvalidStage: scheduler(46015),
  /** The task does not run on the named source. */
  schedulerOpSourceNotExist: scheduler(46017, 'Please use `query-status` to see the sources of the task.'),
  /** There is no such task. */
  schedulerTaskNotExist: scheduler(46018, 'Please use `query-status` to see the tasks.'),
  /** dmctl cannot reach a master. */
  ctlGrpcConnect: define(48001, 'dmctl', 'internal', 'high', 'Please check your network connection.'),
  /** dmctl was called in a wrong way. */
  ctlInvalidArguments: define(
    48003,
    'dmctl',
    'internal',
    'medium',
    'Please check the arguments; `--help` shows them.',
  ),
  /** A key or a command of DM that this version knows and cannot do yet. Nothing was changed. */
  notSupportedYet: define(
    60001,
    'functional',
    'internal',
    'medium',
    'Please remove it or set it to its default value.',
  ),
  /** What `binlog` or `handle-error` asks for cannot be done to this subtask now; the message says why. */
  binlogOperationInvalid: define(
    60208,
    'dm-worker',
    'internal',
    'medium',
    'Please see `query-status` for the error, and docs/handle-error.md for what can be decided about it.',
  ),
  /** An actor was sent what its state does not take. A mistake of this program: please report it. */
  eventRefused: define(60201, 'dm-worker', 'internal', 'medium', 'Please check the stage and try again.'),
  /** The thread that moves the rows of a subtask died; the subtask is resumed by itself. */
  unitThreadDied: define(60202, 'dm-worker', 'internal', 'high', 'Please see the log of the worker.'),
  /** Another worker applies this subtask's changes; this one stops until the source is placed anew. */
  subtaskFenced: define(
    60203,
    'dm-worker',
    'internal',
    'high',
    'The source will be placed anew by itself. If it does not, please run `resume-task`.',
  ),
  /** The masters or the NATS servers cannot be reached, or none of the masters leads. */
  clusterUnavailable: define(
    60204,
    'dm-master',
    'internal',
    'high',
    'Please check that the masters run and can be reached, then try again.',
  ),
  /** A worker or master was started with the name of another that is running. */
  memberNameTaken: define(
    60205,
    'dm-master',
    'internal',
    'high',
    'Please give every worker a name of its own.',
  ),
  /** The address that metrics are to be served at cannot be listened on. */
  metricsAddress: define(
    60210,
    'functional',
    'internal',
    'high',
    'Please give `metrics-addr` an address of this machine that is free.',
  ),
  /** A master can join only masters whose NATS servers are a cluster. */
  masterCannotJoin: define(
    60206,
    'dm-master',
    'internal',
    'high',
    'Please begin the cluster with `initial-cluster` naming at least two masters, or let all masters use a NATS cluster of your own (`nats-url`).',
  ),
  /** The leader is to be evicted, and no other master is alive and not evicted itself. */
  masterCannotEvict: define(
    60207,
    'dm-master',
    'internal',
    'medium',
    'Please start another master, or run `operate-leader cancel-evict`.',
  ),
  /** The master that carried out a command does not lead any more: its answer will not come. */
  leaderChanged: define(
    60209,
    'dm-master',
    'internal',
    'medium',
    'Please see with `query-status` or `operate-source show` what has become of it, and give the command again where it has not been carried out.',
  ),
} as const satisfies Record<string, ErrorCode>;
