import { parseWorkerConfig, type WorkerConfig } from '../config/process-config.js';
import type { FlagSpec } from './go-flags.js';
import { COMMON_FLAGS, parseProcessArgs, type ProcessArgs } from './process-args.js';
import { WORKER_SAMPLE } from './sample-configs.js';

const FLAGS: readonly FlagSpec[] = [
  { name: 'name', key: 'name', value: 'name', help: 'name of this worker (default "{advertise-addr}")' },
  {
    name: 'worker-addr',
    key: 'worker-addr',
    value: 'addr',
    help: 'address of this worker (default ":8262")',
  },
  {
    name: 'advertise-addr',
    key: 'advertise-addr',
    value: 'addr',
    help: 'address that others reach it at (default "{worker-addr}")',
  },
  { name: 'join', key: 'join', value: 'list', help: 'addresses of the masters' },
  { name: 'data-dir', key: 'data-dir', value: 'dir', help: 'folder that dump files go to (default ".")' },
  {
    name: 'keepalive-ttl',
    key: 'keepalive-ttl',
    value: 'seconds',
    help: 'silence after which the worker counts as dead (default 60)',
  },
  {
    name: 'relay-keepalive-ttl',
    key: 'relay-keepalive-ttl',
    value: 'seconds',
    help: 'the same for a worker with relay log (default 1800)',
  },
  {
    name: 'metrics-addr',
    key: 'metrics-addr',
    value: 'addr',
    help: 'address that /metrics is served at (default "{worker-addr}")',
  },
  ...COMMON_FLAGS,
];

/** The command line of dm-worker, without the program's name. Rejects with a config error. */
export function parseWorkerArgs(argv: readonly string[]): ProcessArgs<WorkerConfig> {
  return parseProcessArgs(argv, {
    name: 'dm-worker',
    flags: FLAGS,
    sample: WORKER_SAMPLE,
    read: parseWorkerConfig,
  });
}
