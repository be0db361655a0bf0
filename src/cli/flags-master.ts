import { parseMasterConfig, type MasterConfig } from '../config/process-config.js';
import type { FlagSpec } from './go-flags.js';
import { COMMON_FLAGS, parseProcessArgs, type ProcessArgs } from './process-args.js';
import { MASTER_SAMPLE } from './sample-configs.js';

const FLAGS: readonly FlagSpec[] = [
  { name: 'name', key: 'name', value: 'name', help: 'name of this master (default "dm-master-{hostname}")' },
  { name: 'master-addr', key: 'master-addr', value: 'addr', help: 'address for clients (default ":8261")' },
  {
    name: 'advertise-addr',
    key: 'advertise-addr',
    value: 'addr',
    help: 'address that others reach it at (default "{master-addr}")',
  },
  {
    name: 'peer-urls',
    key: 'peer-urls',
    value: 'url',
    help: 'address for other masters (default "http://127.0.0.1:8291")',
  },
  {
    name: 'advertise-peer-urls',
    key: 'advertise-peer-urls',
    value: 'url',
    help: 'address that other masters reach it at (default "{peer-urls}")',
  },
  {
    name: 'initial-cluster',
    key: 'initial-cluster',
    value: 'list',
    help: 'the masters that the cluster begins with, name=url,...',
  },
  { name: 'join', key: 'join', value: 'list', help: 'addresses of the masters of a cluster to join' },
  {
    name: 'data-dir',
    key: 'data-dir',
    value: 'dir',
    help: 'folder of the stored state (default "default.{name}")',
  },
  {
    name: 'nats-server',
    key: 'nats-server',
    value: 'file',
    help: 'the nats-server to run (default: found in PATH)',
  },
  {
    name: 'rpc-timeout',
    key: 'rpc-timeout',
    value: 'duration',
    help: 'time limit of requests to workers (default 30s)',
  },
  {
    name: 'metrics-addr',
    key: 'metrics-addr',
    value: 'addr',
    help: 'address that /metrics is served at (default: not served)',
  },
  ...COMMON_FLAGS,
];

/** The command line of dm-master, without the program's name. Rejects with a config error. */
export function parseMasterArgs(argv: readonly string[]): ProcessArgs<MasterConfig> {
  return parseProcessArgs(argv, {
    name: 'dm-master',
    flags: FLAGS,
    sample: MASTER_SAMPLE,
    read: parseMasterConfig,
  });
}
