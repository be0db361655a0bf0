import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ProcessInput } from '../config/process-config.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { flagsHelp, parseGoFlags, type FlagSpec } from './go-flags.js';
import { versionText } from './version.js';

/** What a process is to do: run with a configuration, or print a text and exit with 0. */
export type ProcessArgs<T> = { config: T } | { print: string };

export interface ProcessProgram<T> {
  name: string;
  flags: readonly FlagSpec[];
  sample: string;
  read: (input: ProcessInput) => T;
}

/** Flags that every process has. */
export const COMMON_FLAGS: readonly FlagSpec[] = [
  { name: 'config', key: '', value: 'file', help: 'path of the configuration file' },
  {
    name: 'L',
    key: 'log-level',
    value: 'level',
    help: 'log level: debug, info, warn, error, fatal (default "info")',
  },
  { name: 'log-level', key: 'log-level', value: 'level', help: 'the same as -L' },
  { name: 'log-file', key: 'log-file', value: 'file', help: 'log file; standard output without one' },
  {
    name: 'log-format',
    key: 'log-format',
    value: 'form',
    help: 'form of the log: text or json (default "text")',
  },
  {
    name: 'nats-url',
    key: 'nats-url',
    value: 'list',
    help: 'addresses of your own NATS; without them dm-master runs one',
  },
  {
    name: 'secret-key-path',
    key: 'secret-key-path',
    value: 'file',
    help: 'file with the key of encrypted passwords (64 hex digits)',
  },
  { name: 'ssl-ca', key: 'ssl-ca', value: 'file', help: 'trusted certificate authorities' },
  { name: 'ssl-cert', key: 'ssl-cert', value: 'file', help: 'certificate of this process' },
  { name: 'ssl-key', key: 'ssl-key', value: 'file', help: 'key of the certificate' },
  { name: 'cert-allowed-cn', key: 'cert-allowed-cn', value: 'list', help: 'common names that are let in' },
  { name: 'print-sample-config', key: '', value: '', help: 'print a sample configuration file and exit' },
  { name: 'V', key: '', value: '', help: 'print the version and exit' },
  { name: 'h', key: '', value: '', help: 'print this help and exit' },
  { name: 'help', key: '', value: '', help: 'print this help and exit' },
];

export function parseProcessArgs<T>(argv: readonly string[], program: ProcessProgram<T>): ProcessArgs<T> {
  const { values, others } = parseGoFlags(argv, program.flags);
  const isOn = (name: string) => others.get(name) === 'true';
  if (isOn('h') || isOn('help')) return { print: flagsHelp(program.name, program.flags) };
  if (isOn('V')) return { print: versionText() };
  if (isOn('print-sample-config')) return { print: program.sample };
  const fileName = others.get('config') ?? '';
  const text = fileName === '' ? '' : readText(fileName);
  return { config: program.read({ text, fileName, flags: values, hostname: hostname() }) };
}

/** Rejects with 20018 when the file cannot be read. */
export function readText(fileName: string): string {
  try {
    return readFileSync(fileName, 'utf8');
  } catch (cause) {
    throw new DmError(CODES.configReadFile, `read config file ${fileName}`, { cause });
  }
}
