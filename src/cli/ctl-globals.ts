/** The global options of dmctl: command line over environment over dmctl.toml. */
import { CODES } from '../errors/codes.js';
import { withHost, withoutScheme } from '../config/process-config.js';
import { Section, splitCommas } from '../config/section.js';
import { parseTomlTree } from '../config/toml-tree.js';
import { parseDuration } from '../config/units.js';
import { DmError } from '../errors/dm-error.js';

export interface CtlGlobals {
  /** `host:port` of NATS servers: the masters' or the user's own. Empty = not said. */
  servers: string[];
  rpcTimeoutMs: number;
  secretKeyPath: string;
  ssl: { ca: string; cert: string; key: string };
  version: boolean;
  encrypt?: string;
  decrypt?: string;
}

const VALUE_OPTIONS = [
  'master-addr',
  'nats-url',
  'rpc-timeout',
  'config',
  'secret-key-path',
  'ssl-ca',
  'ssl-cert',
  'ssl-key',
  'encrypt',
  'decrypt',
] as const;
type ValueOption = (typeof VALUE_OPTIONS)[number];

const DEFAULT_RPC_TIMEOUT_MS = 600_000;

/**
 * Takes the global options off the words before the command (and after it, where no command has one of
 * that name). The rest is the command with its arguments.
 */
export function parseGlobals(
  words: readonly string[],
  env: Record<string, string | undefined>,
  read: (file: string) => string,
): { globals: CtlGlobals; rest: string[] } {
  const given = new Map<ValueOption, string>();
  const rest: string[] = [];
  let version = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (rest.length === 0 && /^--?(V|version)$/.test(word)) {
      version = true;
      continue;
    }
    const match = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(word);
    const name = VALUE_OPTIONS.find((option) => option === match?.[1]);
    if (name === undefined || !match) {
      rest.push(word);
      continue;
    }
    const value = match[2] ?? words[++i];
    if (value === undefined)
      throw new DmError(CODES.ctlInvalidArguments, `flag needs an argument: --${name}`);
    given.set(name, value);
  }
  const fileName = given.get('config') ?? '';
  const file = fileName === '' ? new Map<ValueOption, string>() : readFile(read(fileName), fileName);
  const value = (name: ValueOption) => given.get(name) ?? file.get(name) ?? '';
  const master = given.get('master-addr') ?? env['DM_MASTER_ADDR'] ?? file.get('master-addr') ?? '';
  const nats = value('nats-url');
  return {
    globals: {
      servers: splitCommas(nats === '' ? master : nats).map((one) => withHost(withoutScheme(one))),
      rpcTimeoutMs: readTimeout(value('rpc-timeout')),
      secretKeyPath: value('secret-key-path'),
      ssl: { ca: value('ssl-ca'), cert: value('ssl-cert'), key: value('ssl-key') },
      version,
      ...(given.has('encrypt') ? { encrypt: given.get('encrypt') ?? '' } : {}),
      ...(given.has('decrypt') ? { decrypt: given.get('decrypt') ?? '' } : {}),
    },
    rest,
  };
}

function readFile(text: string, fileName: string): Map<ValueOption, string> {
  const top = new Section(parseTomlTree(text, fileName), { formCode: CODES.configTomlTransform, notYet: [] });
  const result = new Map<ValueOption, string>();
  for (const key of [
    'master-addr',
    'rpc-timeout',
    'secret-key-path',
    'ssl-ca',
    'ssl-cert',
    'ssl-key',
  ] as const) {
    const text = top.optionalString(key);
    if (text !== undefined) result.set(key, text);
  }
  const nats = top.stringsOrCommas('nats-url');
  if (nats) result.set('nats-url', nats.join(','));
  top.end();
  return result;
}

function readTimeout(text: string): number {
  if (text === '') return DEFAULT_RPC_TIMEOUT_MS;
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  throw new DmError(
    CODES.ctlInvalidArguments,
    `rpc-timeout: expected a duration such as 30s or 10m, not "${text}"`,
  );
}
