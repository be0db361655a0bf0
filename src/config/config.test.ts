import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DmError } from '../errors/dm-error.js';
import { nearestWord } from './nearest.js';
import { parseMasterConfig, parseWorkerConfig } from './process-config.js';
import { createSecrets, loadSecrets } from './secret.js';
import { formatSourceConfig } from './show-config.js';
import { formatMasterConfig, formatWorkerConfig } from './show-process.js';
import { parseSourceConfig } from './source-config.js';
import { formatDuration, parseDuration, parseSize } from './units.js';

describe('secrets', () => {
  test("the manual's sample with DM's public key", () => {
    expect(createSecrets().decrypt('fCxfQ9XKCezSzuCD0Wf5dUD+LsKegSg=')).toBe('123456');
  });

  test('what is encrypted comes back, differs each time, and is nothing to another key', () => {
    const secrets = createSecrets();
    const [one, two] = [secrets.encrypt('abc!@#123 ü'), secrets.encrypt('abc!@#123 ü')];
    expect(one).not.toBe(two);
    expect(secrets.reveal(one)).toBe('abc!@#123 ü');
    expect(createSecrets(Buffer.alloc(32, 7)).reveal(one)).not.toBe('abc!@#123 ü');
  });

  test.each(['', '123456', 'abc!@#123', 'AAAAAAAAAAAAAAAAAAAAAAAA'])('plain text stays: %j', (text) => {
    expect(createSecrets().reveal(text)).toBe(text);
    expect(createSecrets().decrypt(text)).toBeNull();
  });

  test('a key file of 64 hex digits, anything else is 20067', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'secret-'));
    try {
      const file = path.join(folder, 'key');
      writeFileSync(file, `${'ab'.repeat(32)}\n`);
      const secrets = loadSecrets(file);
      expect(secrets.reveal(secrets.encrypt('x'))).toBe('x');
      expect(createSecrets().reveal(secrets.encrypt('longer text'))).not.toBe('longer text');
      writeFileSync(file, 'short');
      expect(() => loadSecrets(file)).toThrow(DmError);
      expect(() => loadSecrets(path.join(folder, 'none'))).toThrow(/invalid secret-key-path/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test.each([
  ['30s', 30_000],
  ['5m0s', 300_000],
  ['1.5h', 5_400_000],
  ['1h30m', 5_400_000],
  ['100ms', 100],
  ['0', 0],
  ['0s', 0],
  ['5', null],
  ['5 m', null],
  ['m5', null],
  ['', null],
])('duration %j', (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

test('durations are shown as Go shows them', () => {
  expect([300_000, 1500, 30_000, 3_600_000, 50, 0].map(formatDuration)).toEqual([
    '5m0s',
    '1.5s',
    '30s',
    '1h0m0s',
    '50ms',
    '0s',
  ]);
});

test('sizes', () => {
  expect(parseSize('64', 1024 * 1024)).toBe(67_108_864);
  expect(parseSize('64MiB')).toBe(67_108_864);
  expect(parseSize('1GB')).toBe(1_000_000_000);
  expect(parseSize('x')).toBeNull();
});

test('the nearest word', () => {
  const known = ['do-dbs', 'do-tables', 'ignore-dbs', 'ignore-tables'];
  expect(nearestWord('do-db', known)).toBe('do-dbs');
  expect(nearestWord('ignore_tables', known)).toBe('ignore-tables');
  expect(nearestWord('od-dbs', known)).toBe('do-dbs');
  expect(nearestWord('something-else', known)).toBeNull();
});

test('a source that is shown reads back as the same', () => {
  const text = `source-id: "a b"
enable-gtid: true
flavor: mariadb
server-id: 101
case-sensitive: true
relay-dir: ./other
from: {host: "::1", port: 3307, user: root, password: "'x: #", session: {sql_mode: ""}, max-allowed-packet: 5,
  security: {ssl-ca: /ca, ssl-key-base64: abc, cert-allowed-cn: [dm]}}
purge: {expires: 24}
checker: {check-enable: false, backoff-max: 1h}
`;
  const config = parseSourceConfig(text, 's.yaml');
  expect(parseSourceConfig(formatSourceConfig(config), 's.yaml')).toEqual(config);
  const shown = formatSourceConfig(config, { mask: true });
  expect(shown).toContain("password: '*****'");
  expect(shown).not.toContain('abc');
});

test.each([
  ['source-id: ""', 20005],
  [`source-id: ${'x'.repeat(33)}`, 20006],
  ['source-id: a\nenable-relay: true', 60001],
  ['source-id: a\nfrom: {host: h, port: 99999}', 20003],
  ['source-id: a\nfrom: {host: h, port: "3306"}', 20003],
  ['source-id: a\nfrom: {hots: h}', 20003],
  ['source-id: a', 20003],
  ['source-id: a\nfrom: {host: h}\nchecker: {backoff-max: 100ms}', 20043],
])('a wrong source: %j', (text, code) => {
  expect(() => parseSourceConfig(text, 's.yaml')).toThrow(expect.objectContaining({ code }));
});

describe('process files', () => {
  const input = (text: string, flags: [string, string][] = []) => ({
    text,
    fileName: 'dm.toml',
    flags: flags.map(([key, value], i) => ({ key, text: value, word: 2 * i + 1 })),
    hostname: 'here',
  });

  test('flags win over the file, defaults come last', () => {
    const config = parseMasterConfig(input('name = "m"\nlog-level = "warn"\n', [['log-level', 'debug']]));
    expect(config).toMatchObject({
      name: 'm',
      log: { level: 'debug', file: '', format: 'text' },
      masterAddr: ':8261',
      advertiseAddr: '127.0.0.1:8261',
      dataDir: 'default.m',
      natsServer: 'nats-server',
      initialCluster: [{ name: 'm', url: 'http://127.0.0.1:8291' }],
    });
    expect(parseMasterConfig(input('')).name).toBe('dm-master-here');
  });

  test.each([
    ['name = ', '20002 dm.toml:1:'],
    [
      'name = "m"\nlog-leve = "info"\n',
      '20002 dm.toml:2:1: unknown key "log-leve", did you mean "log-level"?',
    ],
    ['log-level = "loud"\n', '20002 dm.toml:1:1: log-level: expected one of'],
    ['master-addr = "8261"\n', '20002 dm.toml:1:1: master-addr: expected host:port or :port, not "8261"'],
    ['openapi = true\n', '60001 dm.toml:1:1: "openapi: true" is not supported yet'],
  ])('a wrong master file: %j', (text, expected) => {
    try {
      parseMasterConfig(input(text));
      expect.unreachable();
    } catch (error) {
      expect(error instanceof DmError ? `${error.code} ${error.message}` : error).toContain(expected);
    }
  });

  test('a worker needs somebody to join', () => {
    expect(() => parseWorkerConfig(input('name = "w"\n'))).toThrow(/join must be set/);
    expect(() => parseWorkerConfig(input('name = "w"\nworkeraddr = ":1"\n'))).toThrow(
      /:2:1: unknown key "workeraddr".*did you mean "worker-addr"/,
    );
    const config = parseWorkerConfig(
      input('nats-url = ["a:4222", "b:4222"]\n', [
        ['worker-addr', '0.0.0.0:9000'],
        ['keepalive-ttl', '5'],
      ]),
    );
    expect(config).toMatchObject({
      name: '127.0.0.1:9000',
      natsUrl: ['a:4222', 'b:4222'],
      keepaliveTtlMs: 5000,
    });
  });

  test('what is shown reads back as the same; passwords are not shown', () => {
    const master = parseMasterConfig(
      input('name = "m"\nrpc-timeout = "1m30s"\nssl-ca = "/ca"\ncert-allowed-cn = ["dm"]\n', [
        ['initial-cluster', 'm=http://a:1,n=http://b:2'],
      ]),
    );
    expect(parseMasterConfig(input(formatMasterConfig(master)))).toEqual(master);
    const worker = parseWorkerConfig(input('join = "a:1,b:2"\nlog-format = "json"\n'));
    expect(parseWorkerConfig(input(formatWorkerConfig(worker)))).toEqual(worker);
    const shown = formatWorkerConfig({ ...worker, natsUrl: ['nats://u:pw@h:1', 'token@h:2', 'h:3'] });
    expect(shown).toContain('[ "nats://u:*****@h:1", "*****@h:2", "h:3" ]');
  });
});
