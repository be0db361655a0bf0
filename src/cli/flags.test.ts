import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseMasterConfig, parseWorkerConfig } from '../config/process-config.js';
import { parseGlobals } from './ctl-globals.js';
import { doubleDashes, parseCommand } from './ctl-program.js';
import { parseMasterArgs } from './flags-master.js';
import { parseWorkerArgs } from './flags-worker.js';
import { MASTER_SAMPLE, WORKER_SAMPLE } from './sample-configs.js';

describe('process flags', () => {
  test('one dash or two, with = or without; flags win over the file', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'flags-'));
    try {
      const file = path.join(folder, 'dm-master.toml');
      writeFileSync(file, 'name = "from-file"\nlog-level = "warn"\nmaster-addr = ":9001"\n');
      const args = parseMasterArgs(['-config', file, '--name=m1', '-L', 'debug', '--data-dir', '/d']);
      expect(args).toMatchObject({
        config: { name: 'm1', masterAddr: ':9001', dataDir: '/d', log: { level: 'debug' } },
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a worker', () => {
    const args = parseWorkerArgs(['--name', 'w1', '--join', 'http://a:8261,b:8261', '--keepalive-ttl', '3']);
    expect(args).toMatchObject({ config: { name: 'w1', join: ['a:8261', 'b:8261'], keepaliveTtlMs: 3000 } });
  });

  test.each([['-V'], ['--V'], ['--help'], ['-h'], ['--print-sample-config']])('%s prints', (flag) => {
    expect(parseMasterArgs([flag])).toHaveProperty('print');
    expect(parseWorkerArgs([flag])).toHaveProperty('print');
  });

  test('the help names every flag of the manual (8.2.1)', () => {
    const args = parseMasterArgs(['--help']);
    const text = 'print' in args ? args.print : '';
    for (const name of [
      '--advertise-addr',
      '--advertise-peer-urls',
      '--config',
      '--data-dir',
      '--initial-cluster',
      '--join',
      '--log-file',
      '-L',
      '--master-addr',
      '--name',
      '--peer-urls',
    ]) {
      expect(text).toContain(`${name} `);
    }
  });

  test('the samples are configurations', () => {
    const input = { flags: [], fileName: 'sample.toml', hostname: 'h' };
    expect(parseMasterConfig({ ...input, text: MASTER_SAMPLE })).toMatchObject({ name: 'dm-master' });
    expect(parseWorkerConfig({ ...input, text: WORKER_SAMPLE })).toMatchObject({ name: 'worker1' });
  });

  test.each([
    [['--nam', 'x'], /flag provided but not defined: --nam, did you mean "name"\?/],
    [['--name'], /flag needs an argument: --name/],
    [['extra'], /'extra' is an invalid flag/],
    [
      ['--master-addr', 'nowhere'],
      /command line:1:1: master-addr: expected host:port or :port, not "nowhere"/,
    ],
    [['--config', '/no/such.toml'], /read config file \/no\/such\.toml/],
  ])('%j is refused', (argv, message) => {
    expect(() => parseMasterArgs(argv)).toThrow(message);
  });
});

describe('dmctl words', () => {
  const none = { read: () => '', isFile: () => false };
  const globals = (words: string[], env = {}) => parseGlobals(words, env, none.read);

  test('global options stand before or after the command', () => {
    const before = globals(['--master-addr', ':8261', 'query-status', 'x']);
    const after = globals(['query-status', 'x', '-master-addr=:8261', '--rpc-timeout', '5s']);
    expect(before.rest).toEqual(['query-status', 'x']);
    expect(after.rest).toEqual(['query-status', 'x']);
    expect(before.globals.servers).toEqual(['127.0.0.1:8261']);
    expect(after.globals).toMatchObject({ servers: ['127.0.0.1:8261'], rpcTimeoutMs: 5000 });
    expect(() => globals(['--rpc-timeout', 'soon', 'x'])).toThrow(/rpc-timeout/);
  });

  test('the command line wins over the environment, nats-url over both', () => {
    const env = { DM_MASTER_ADDR: 'a:1,b:2' };
    expect(globals(['x'], env).globals.servers).toEqual(['a:1', 'b:2']);
    expect(globals(['--master-addr', 'c:3', 'x'], env).globals.servers).toEqual(['c:3']);
    expect(globals(['--nats-url', 'nats://d:4', 'x'], env).globals.servers).toEqual(['d:4']);
  });

  test('words with one dash', () => {
    expect(doubleDashes(['-remove-meta', '-s', 'a', '--more', '-file=x'])).toEqual([
      '--remove-meta',
      '-s',
      'a',
      '--more',
      '--file=x',
    ]);
  });

  test('a source flag takes one value, so a file may follow it', () => {
    expect(parseCommand(['pause-task', '-s', 'a', 'test'], none)).toEqual({
      type: 'send',
      command: 'pause-task',
      request: { task: 'test', sources: ['a'] },
    });
  });
});
