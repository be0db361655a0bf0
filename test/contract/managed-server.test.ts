import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectBus, type NatsBus } from '../../src/nats/connect.js';
import { ManagedNatsServer, type ManagedServerOptions } from '../../src/nats/managed-server.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { RealIds } from '../../src/runtime/real/ids.js';
import { freePort } from '../servers/ports.js';
import { bytes, text, until } from './harness.js';
import { silentLog } from './real-harness.js';

const clock = new RealClock();
let folder: string;
let options: ManagedServerOptions;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'managed-nats-'));
  options = {
    clientListen: `127.0.0.1:${await freePort()}`,
    dataDir: path.join(folder, 'data'),
    serverName: 'master-1',
    clusterName: 'test',
    log: silentLog,
    clock,
  };
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function connect(): Promise<NatsBus> {
  return connectBus({
    servers: [options.clientListen],
    name: 'test',
    log: silentLog,
    clock,
    ids: new RealIds(),
  });
}

async function serverPid(): Promise<number> {
  return Number(await readFile(path.join(options.dataDir, 'nats-server.pid'), 'utf8'));
}

/** Neither gone nor a zombie that nobody reaps. */
function alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat[stat.lastIndexOf(')') + 2] !== 'Z';
  } catch {
    return false;
  }
}

test('starts, keeps its data over a stop, ends with stop', async () => {
  const first = await ManagedNatsServer.start(options);
  const pid = await serverPid();
  let bus = await connect();
  expect(bus.connection.info?.max_payload).toBe(8 * 1024 * 1024);
  await (await bus.kvStore().bucket('b')).create('k', bytes('kept'));
  await bus.close();
  await first.stop();
  expect(alive(pid)).toBe(false);

  await using _second = await ManagedNatsServer.start(options);
  bus = await connect();
  expect(text((await (await bus.kvStore().bucket('b')).get('k'))!.value)).toBe('kept');
  await bus.close();
});

test('a server that dies comes back, clients and their watches with it', async () => {
  await using _server = await ManagedNatsServer.start(options);
  const bus = await connect();
  const kv = await bus.kvStore().bucket('b');
  const heard: string[] = [];
  await kv.watch((change) => heard.push(change.type === 'put' ? text(change.entry.value) : change.type));
  const revision = await kv.create('k', bytes('before'));
  await until(clock, 'the first put', () => heard.includes('before'));
  const pid = await serverPid();
  process.kill(pid, 'SIGKILL');
  // Written while the server is away: waits for it within the call's budget.
  expect(await kv.update('k', bytes('after'), revision)).toBeGreaterThan(revision);
  await until(clock, 'the second put', () => heard.includes('after'));
  expect(await serverPid()).not.toBe(pid);
  expect(text((await kv.get('k'))!.value)).toBe('after');
  await bus.close();
});

async function parent(script: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, options.clientListen, options.dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

async function parentScript(): Promise<string> {
  const outfile = path.join(folder, 'parent.mjs');
  const nothing =
    'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';
  await build({
    entryPoints: [path.join(import.meta.dirname, 'managed-parent.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: nothing },
    outfile,
    logLevel: 'error',
  });
  return outfile;
}

test('kill -9 of the parent ends the server; the next parent starts one', async () => {
  const script = await parentScript();
  const first = await parent(script);
  const pid = await serverPid();
  first.kill('SIGKILL');
  await until(clock, 'the end of the orphan', () => !alive(pid));
  const second = await parent(script);
  const bus = await connect();
  await (await bus.kvStore().bucket('b')).create('k', bytes('v'));
  await bus.close();
  const next = await serverPid();
  expect(next).not.toBe(pid);
  second.kill('SIGKILL');
  await until(clock, 'the end of the second orphan', () => !alive(next));
});

test('an orphan that survived its guard is ended by the next start', async () => {
  const script = await parentScript();
  const first = await parent(script);
  const orphan = await serverPid();
  // The guard shell is the server's parent; without it nothing ends the server.
  const stat = await readFile(`/proc/${orphan}/stat`, 'utf8');
  const guard = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  const children = await readFile(`/proc/${guard}/task/${guard}/children`, 'utf8');
  const reader = children
    .trim()
    .split(' ')
    .map(Number)
    .find((pid) => pid !== orphan)!;
  first.kill('SIGSTOP');
  process.kill(guard, 'SIGKILL');
  process.kill(reader, 'SIGKILL');
  first.kill('SIGKILL');
  await once(first, 'exit');
  expect(alive(orphan)).toBe(true);

  await using _server = await ManagedNatsServer.start(options);
  expect(alive(orphan)).toBe(false);
  const bus = await connect();
  expect(bus.connected).toBe(true);
  await bus.close();
});

test('says what is missing or wrong', async () => {
  await expect(ManagedNatsServer.start({ ...options, binary: '/no/such/nats-server' })).rejects.toMatchObject(
    {
      code: 60301,
      workaround: expect.stringContaining('package `nats-server`') as unknown,
    },
  );
  await using _server = await ManagedNatsServer.start(options);
  const other = { ...options, dataDir: path.join(folder, 'other'), serverName: 'master-2' };
  await expect(ManagedNatsServer.start(other)).rejects.toMatchObject({
    code: 60302,
    rawCause: expect.stringContaining('address already in use') as unknown,
  });
});
