/** dmctl as its users run it: a process, its output and its exit code, over a real NATS. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/api/request.js';
import { createSecrets } from '../../src/config/secret.js';
import { createLog } from '../../src/log/create-log.js';
import { connectBus, type NatsBus } from '../../src/nats/connect.js';
import { commandSubject } from '../../src/nats/subjects.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { RealIds } from '../../src/runtime/real/ids.js';
import { startNats } from '../servers/index.js';
import { freePort } from '../servers/ports.js';

const DMCTL = path.join(process.cwd(), 'dist/src/bin/dmctl.js');

interface Run {
  code: number;
  out: string;
  err: string;
}

function dmctl(args: string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'], HOME: folder, ...env }, timeout: 60_000 };
    execFile(process.execPath, [DMCTL, ...args], options, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, out, err });
    });
  });
}

/** The interactive mode, fed from a pipe. */
function shell(input: string, args: string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [DMCTL, ...args], {
      env: { PATH: process.env['PATH'], HOME: folder },
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, out, err }));
    child.stdin.end(input);
  });
}

let folder: string;
let nats: Awaited<ReturnType<typeof startNats>>;
let bus: NatsBus;
let asked: { command: string; request: JsonObject }[];

/** What the masters would answer. */
const ANSWERS: Record<string, JsonObject> = {
  'query-status': { result: true, msg: '', tasks: [] },
  'operate-source': { result: true, msg: '', sources: [] },
  'start-task': { result: false, msg: '[code=46014:class=scheduler]', sources: [] },
  'pause-task': { op: 'Pause', result: true, msg: '', sources: [] },
  'get-config': { result: true, msg: '', cfg: 'name: test\n' },
  'list-member': { result: true, msg: '', members: [] },
  encrypt: { result: true, msg: '', ciphertext: 'from-the-master' },
};

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'dmctl-'));
  nats = await startNats();
  const clock = new RealClock();
  const log = createLog({ level: 'error', file: '', format: 'text', clock });
  bus = await connectBus({ servers: [nats.url], name: 'master', clock, ids: new RealIds(), log });
  asked = [];
  for (const [command, answer] of Object.entries(ANSWERS)) {
    await bus.serve(commandSubject(command), (message) => {
      asked.push({ command, request: JSON.parse(new TextDecoder().decode(message.data)) as JsonObject });
      return Promise.resolve(new TextEncoder().encode(JSON.stringify(answer)));
    });
  }
});

afterAll(async () => {
  await bus?.close();
  await nats?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('without a cluster', () => {
  test('--help lists all commands, each has a help of its own', async () => {
    const { code, out } = await dmctl(['--help']);
    expect(code).toBe(0);
    const names = [...out.matchAll(/^ {2}([a-z]+-[a-z-]+) /gm)].map((match) => match[1] ?? '');
    expect(names).toEqual(
      expect.arrayContaining(['check-task', 'start-task', 'query-status', 'handle-error']),
    );
    const help = await dmctl(['start-task', '--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toMatch(
      /^Starts a task as defined in the configuration file\n\nUsage:\n {2}dmctl start-task /,
    );
    expect((await dmctl(['help', 'start-task'])).out).toBe(help.out);
  });

  test('encrypt and decrypt, as flags with one or two dashes and as commands', async () => {
    for (const args of [
      ['--encrypt', '123456'],
      ['-encrypt', '123456'],
      ['encrypt', '123456'],
    ]) {
      const { out } = await dmctl(args);
      expect(createSecrets().decrypt(out.trim())).toBe('123456');
    }
    const cipher = 'fCxfQ9XKCezSzuCD0Wf5dUD+LsKegSg=';
    for (const args of [
      ['--decrypt', cipher],
      ['-decrypt', cipher],
      ['decrypt', cipher],
    ]) {
      expect(await dmctl(args)).toMatchObject({ code: 0, out: '123456\n' });
    }
    const wrong = await dmctl(['decrypt', '123456']);
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain('[code=20010');
  });

  test('-V and the sample configuration', async () => {
    expect((await dmctl(['-V'])).out).toMatch(/^Release Version: v\d+\.\d+\.\d+\n/);
    expect((await dmctl(['operate-source', '--print-sample-config'])).out).toMatch(
      /^source-id: "mysql-replica-01"\n/,
    );
  });

  test.each([
    [['query-statu'], 48003, 'did you mean "query-status"?'],
    [['pause-task'], 48003, 'usage: dmctl pause-task [-s source ...] <task-name | task-file>'],
    [['query-status', '--mor'], 48003, "unknown option '--mor'"],
    [['start-task', 'none.yaml'], 20018, 'read config file none.yaml'],
    [['unlock-ddl-lock', 'test'], 60001, 'not supported yet'],
    [['query-status'], 48001, '--master-addr'],
  ])('%j is refused', async (args, code, text) => {
    const run = await dmctl(args);
    expect(run.code).toBe(1);
    expect(run.err).toContain(`[code=${code}:`);
    expect(run.err).toContain(text);
  });

  test('nobody listens: 48001', async () => {
    const run = await dmctl([`-master-addr=127.0.0.1:${await freePort()}`, 'query-status']);
    expect(run).toMatchObject({ code: 1, out: '' });
    expect(run.err).toMatch(
      /^\[code=48001:class=dmctl:scope=internal:level=high\], Message: can't connect to 127/,
    );
  });
});

describe('with a cluster', () => {
  const master = () => ['--master-addr', `${nats.host}:${nats.port}`];

  test('prints the answer indented by four spaces', async () => {
    const run = await dmctl([...master(), 'query-status']);
    expect(run).toEqual({
      code: 0,
      err: '',
      out: '{\n    "result": true,\n    "msg": "",\n    "tasks": []\n}\n',
    });
  });

  test('the address from the environment, from a file, and as nats-url', async () => {
    const address = `${nats.host}:${nats.port}`;
    expect((await dmctl(['list-member'], { DM_MASTER_ADDR: `127.0.0.1:1,${address}` })).code).toBe(0);
    const file = path.join(folder, 'dmctl.toml');
    writeFileSync(file, `master-addr = "${address}"\nrpc-timeout = "20s"\n`);
    expect((await dmctl(['--config', file, 'list-member', '--worker', '-n', 'w1'])).code).toBe(0);
    expect(asked.at(-1)).toEqual({ command: 'list-member', request: { worker: true, names: ['w1'] } });
    expect((await dmctl([`--nats-url=nats://${address}`, 'list-member'])).code).toBe(0);
  });

  test('files travel as text; a failing answer is exit code 1', async () => {
    const file = path.join(folder, 'task.yaml');
    writeFileSync(file, 'name: test\n');
    const run = await dmctl([...master(), 'start-task', '-s', 'a', '-s', 'b,c', file, '--remove-meta']);
    expect(run.code).toBe(1);
    expect(run.out).toContain('46014');
    expect(asked.at(-1)?.request).toEqual({
      task: 'name: test\n',
      file,
      sources: ['a', 'b', 'c'],
      removeMeta: true,
    });
    await dmctl([...master(), 'pause-task', file]);
    expect(asked.at(-1)?.request).toEqual({ task: 'name: test\n', sources: [] });
    await dmctl([...master(), 'pause-task', 'test']);
    expect(asked.at(-1)?.request).toEqual({ task: 'test', sources: [] });
  });

  test('operate-source takes files to create and ids or files to stop', async () => {
    const file = path.join(folder, 'source.yaml');
    writeFileSync(file, 'source-id: a\n');
    await dmctl([...master(), 'operate-source', 'create', file]);
    expect(asked.at(-1)?.request).toEqual({
      op: 'create',
      config: ['source-id: a\n'],
      files: [file],
      sourceID: [],
    });
    await dmctl([...master(), 'operate-source', 'stop', 'b', file]);
    expect(asked.at(-1)?.request).toMatchObject({ op: 'stop', files: [file], sourceID: ['b'] });
  });

  test('get-config --file writes the configuration', async () => {
    const file = path.join(folder, 'saved.yaml');
    const { out } = await dmctl([...master(), 'get-config', 'task', 'test', '--file', file]);
    expect(out).toBe(`write config to file ${file} succeed\n`);
    expect(readFileSync(file, 'utf8')).toBe('name: test\n');
  });

  test("encrypt uses the cluster's key", async () => {
    expect((await dmctl([...master(), 'encrypt', 'x'])).out).toBe('from-the-master\n');
  });

  test('a command that no master serves is 48001', async () => {
    const run = await dmctl([...master(), 'check-task', path.join(folder, 'task.yaml')]);
    expect(run.code).toBe(1);
    expect(run.err).toContain('no dm-master answers there');
  });

  test('the interactive mode goes on after a mistake and ends with exit', async () => {
    const run = await shell('query-status\n\nnonsense\npause-task "test"\nexit\nlist-member\n', master());
    expect(run.code).toBe(0);
    expect(run.out).toMatch(/^Welcome to dmctl\nRelease Version: /);
    expect(run.out).toContain('"tasks": []');
    expect(run.out).toContain('"op": "Pause"');
    expect(run.out).not.toContain('members');
    expect(run.err).toContain('unknown command "nonsense"');
  });
});
