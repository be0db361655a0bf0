/**
 * The control plane with many sources: real master, nodes and nats-server, and a data plane that only says
 * that it runs. Nodes hold 100 workers each; each source has five subtasks. Costs per source are compared
 * with those of a tenth of the sources. `npm run bench -- control [--smoke] [--only N]`.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from '@nats-io/transport-node';
import { temporaryFolder } from '../test/servers/cache.js';
import { Child } from '../test/servers/child.js';
import { startNats } from '../test/servers/index.js';
import { waitFor } from '../test/support/wait-for.js';
import { cpuOf, memory } from './harness/measure.js';
import { benchOptions } from './harness/options.js';
import { report, type CaseResult } from './harness/report.js';

const options = benchOptions();
/** `--only 100,2000`: these numbers of sources. */
const SIZES =
  options.only !== '' ? options.only.split(',').map(Number) : options.smoke ? [4, 8] : [100, 200, 400, 1_000];
const TASKS = 5;
const KEEPALIVE_S = options.smoke ? 2 : 10;
/** How long the idle cluster is looked at. */
const IDLE_MS = options.smoke ? 300 : 3_000;
const WAIT_MS = 600_000;
/** Costs per source may be a fifth above those of the fewest sources. */
const FLAT = 1 / 1.2;
/** A question that is lost with a change of leader is asked again. */
const QUESTION_MS = 10_000;
const entry = path.join(path.dirname(fileURLToPath(import.meta.url)), 'harness/control-process.js');

interface Figures {
  /** Seconds from the first command to all subtasks' running, of sources and of tasks. */
  readonly sources: number;
  readonly tasks: number;
  /** Processor seconds of both, of all processes and the nats-server, less what they cost idle. */
  readonly cpu: number;
  /** Processor seconds a second of the idle cluster: nothing but leases. */
  readonly idle: number;
  readonly queryMs: number;
  readonly failOver: number;
  readonly masterMb: number;
  readonly nodeMb: number;
}

interface Status {
  readonly sources?: {
    readonly sourceStatus?: { readonly worker?: string };
    readonly subTaskStatus?: { readonly stage?: string }[];
  }[];
}

/** Where it is, for whoever waits. */
const stage = (count: number, text: string): void => {
  process.stdout.write(`  ${count} sources: ${text}\n`);
};

const seconds = (since: number): number => (performance.now() - since) / 1000;

async function measure(count: number): Promise<Figures> {
  const perNode = Math.min(100, count / 2);
  const nodes = count / perNode;
  await using nats = await startNats({ config: ['max_payload: 8MB'] });
  const folder = await temporaryFolder('control');
  const children: Child[] = [];
  const start = (name: string, args: string[]): Child => {
    const child = new Child({
      command: process.execPath,
      args: ['--enable-source-maps', entry, ...args],
      logFile: path.join(folder, `${name}.log`),
    });
    children.push(child);
    return child;
  };
  const client = await connect({ servers: nats.url });
  const ask = async <T extends object>(command: string, request: object, timeout = WAIT_MS): Promise<T> => {
    const answer = await client.request(`dm.ctl.${command}`, JSON.stringify(request), { timeout });
    const json = answer.json<T & { result?: boolean; msg?: string }>();
    if (json.result !== true) throw new Error(`${command}: ${JSON.stringify(json).slice(0, 2_000)}`);
    return json;
  };
  const allRun = (): void => {
    const dead = children.find((child) => !child.running);
    if (dead) throw new Error(dead.describe());
  };
  const describe = (): string => children.map((child) => child.describe()).join('\n');
  try {
    const master = start('master', ['master', nats.url]);
    const status = (): Promise<Status> =>
      ask<Status>('query-status', { task: `task${TASKS - 1}` }, QUESTION_MS);
    const joined = (workers: number): Promise<unknown> =>
      waitFor(
        async () => {
          allRun();
          const answer = await ask('list-member', { worker: true }, QUESTION_MS).catch(() => null);
          return (JSON.stringify(answer).match(/"stage":"free"/g) ?? []).length >= workers;
        },
        { timeoutMs: WAIT_MS, intervalMs: 200, what: `${workers} workers`, details: describe },
      );
    const spare = start('spare', ['node', nats.url, 'spare', String(perNode), String(KEEPALIVE_S * 1000)]);
    for (let i = 0; i < nodes; i++) {
      start(`n${i}`, ['node', nats.url, `n${i}`, String(perNode), String(KEEPALIVE_S * 1000)]);
      // Not all at once: two processors would be starting processes while leases run out.
      await joined((i + 1) * perNode);
    }
    await joined(count + perNode);
    stage(count, `${count + perNode} workers have joined`);
    const names = Array.from({ length: count }, (_, i) => `source-${i}`);
    const cpuNow = (): number =>
      [nats.pid, ...children.map((child) => child.pid)].reduce((sum, pid) => sum + cpuOf(pid), 0);
    const cpuIdle = cpuNow();
    await sleep(IDLE_MS);
    const idle = ((cpuNow() - cpuIdle) * 1000) / IDLE_MS;
    stage(count, `idle, the cluster takes ${(idle * 100).toFixed(0)} % of a processor`);
    const cpuBefore = cpuNow();
    const busySince = performance.now();
    let began = performance.now();
    const from = 'from: { host: 127.0.0.1, port: 3306, user: root }';
    const config = names.map((name) => `source-id: ${name}\nflavor: mariadb\n${from}\n`);
    await ask('operate-source', { op: 'create', config });
    const sources = seconds(began);
    stage(count, `created in ${sources.toFixed(1)} s`);
    began = performance.now();
    const instances = names.map((name) => `  - source-id: ${name}\n`).join('');
    for (let i = 0; i < TASKS; i++) {
      const task = `name: task${i}\ntask-mode: all\ntarget-database: { host: 127.0.0.1, port: 4000, user: root }\nmysql-instances:\n${instances}`;
      await ask('start-task', { task });
      stage(count, `task ${i + 1} of ${TASKS} started at ${seconds(began).toFixed(1)} s`);
    }
    const untilAll = (what: string, holds: (s: Status) => boolean): Promise<unknown> =>
      waitFor(async () => holds(await status().catch(() => ({}))), {
        timeoutMs: WAIT_MS,
        intervalMs: 250,
        what,
        details: describe,
      });
    const running = (s: Status): number =>
      (s.sources ?? []).filter((one) => one.subTaskStatus?.[0]?.stage === 'Running').length;
    await untilAll('all subtasks to run', (s) => running(s) === count);
    const tasks = seconds(began);
    const cpu = cpuNow() - cpuBefore - idle * seconds(busySince);
    began = performance.now();
    await status();
    const queryMs = seconds(began) * 1000;
    stage(count, `all subtasks run after ${tasks.toFixed(1)} s, query-status takes ${queryMs.toFixed(0)} ms`);
    const masterMb = memory(master.pid);
    const nodeMb = memory(children[2]!.pid);
    // The node with most sources dies; each of its sources has to run elsewhere.
    const holders = ((await status()).sources ?? []).map((one) => one.sourceStatus?.worker ?? '');
    const prefixes = ['spare', ...Array.from({ length: nodes }, (_, i) => `n${i}`)];
    const held = prefixes.map((prefix) => holders.filter((holder) => holder.startsWith(`${prefix}-`)).length);
    const victim = held.indexOf(Math.max(...held));
    const dead = prefixes[victim]!;
    began = performance.now();
    await (victim === 0 ? spare : children[victim + 1]!).signal('SIGKILL');
    await untilAll(
      'the sources to move',
      (s) =>
        running(s) === count &&
        (s.sources ?? []).every((one) => !(one.sourceStatus?.worker ?? '').startsWith(`${dead}-`)),
    );
    const failOver = seconds(began);
    stage(count, `${held[victim]} moved in ${failOver.toFixed(1)} s`);
    return { sources, tasks, cpu, idle, queryMs, failOver, masterMb, nodeMb };
  } finally {
    await client.close();
    await Promise.all(children.map((child) => child.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

function line(
  name: string,
  unit: string,
  ours: number,
  theirs: number,
  peer: string,
  must?: number,
): CaseResult {
  const ratio = theirs / ours;
  return {
    case: name,
    peer,
    unit,
    ours,
    theirs,
    ratio: { min: ratio, median: ratio, max: ratio },
    equal: true,
    ...(must === undefined ? {} : { must }),
  };
}

// Each child is listened to.
process.setMaxListeners(100);
const all: CaseResult[] = [];
let base: Figures | null = null;
for (const count of SIZES) {
  const found = await measure(count);
  base ??= found;
  const per = (value: number): number => (value * 1000) / count;
  const first = (value: number): number => (value * 1000) / SIZES[0]!;
  const peer = `${SIZES[0]} sources`;
  all.push(
    line(`${count}: create a source`, 'ms each', per(found.sources), first(base.sources), peer, FLAT),
    line(`${count}: start ${TASKS} subtasks`, 'ms a source', per(found.tasks), first(base.tasks), peer, FLAT),
    line(`${count}: processor time of both`, 'ms a source', per(found.cpu), first(base.cpu), peer, FLAT),
    line(`${count}: idle`, 'ms/s a source', per(found.idle), first(base.idle), peer),
    line(`${count}: query-status`, 'ms', found.queryMs, 1_000, 'limit of 1 s', 1),
    line(`${count}: fail-over of a node`, 's', found.failOver, KEEPALIVE_S * 1.25 + 3, 'lease + 3 s', 1),
    line(`${count}: master memory`, 'MB', found.masterMb, base.masterMb, peer),
    line(`${count}: node memory`, 'MB', found.nodeMb, base.nodeMb, peer),
  );
}
process.exitCode = report('control', all, options);
process.exit();
