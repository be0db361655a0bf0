/** A cluster of real processes (dist/src/bin), as a user runs it, in a folder of its own. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../servers/cache.js';
import { Child, type ChildOptions } from '../servers/child.js';
import { natsBinary } from '../servers/nats.js';
import { freePort } from '../servers/ports.js';
import { waitFor } from './wait-for.js';

/** The checkout: where package.json is. */
export function projectRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json'))) {
    const above = path.dirname(folder);
    if (above === folder) throw new Error('package.json is not above this file');
    folder = above;
  }
  return folder;
}

/** What a run of dmctl has said. */
export class DmctlResult {
  constructor(
    readonly args: readonly string[],
    readonly code: number,
    readonly stdout: string,
    readonly stderr: string,
  ) {}

  /** The JSON answer. Throws with all that dmctl has said where standard output is none. */
  // The answers' shapes are what the tests check: they look into them freely.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  get json(): any {
    try {
      return JSON.parse(this.stdout);
    } catch (cause) {
      throw new Error(`${this.describe()}\nis not JSON`, { cause });
    }
  }

  /** Whether the answer is JSON that says so. */
  get result(): boolean {
    return /^\s*\{/.test(this.stdout) && this.json.result === true;
  }

  describe(): string {
    return `dmctl ${this.args.join(' ')} ended with ${this.code}\nstdout: ${this.stdout}\nstderr: ${this.stderr}`;
  }
}

export interface ClusterOptions {
  readonly workers?: number;
  readonly masters?: number;
  /** Seconds without a sign of life after which a worker's sources move. */
  readonly keepaliveTtl?: number;
  /** An own NATS in place of the one that the master runs. */
  readonly natsUrl?: string;
  /** The nats-server that masters run; default: the machine's. */
  readonly natsServer?: string;
  readonly logLevel?: string;
  readonly folder?: string;
  readonly unready?: boolean;
}

/** A dm-master or dm-worker process. */
export class DmProcess {
  readonly #launch: ChildOptions;
  #child: Child;

  constructor(
    readonly name: string,
    readonly addr: string,
    launch: ChildOptions,
  ) {
    this.#launch = launch;
    this.#child = new Child(launch);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.running;
  }

  /** Exit code once it has ended by itself or was stopped; undefined while it runs. */
  get exitCode(): number | null | undefined {
    return this.#child.exit?.code;
  }

  get command(): string {
    return [
      'node',
      ...this.#launch.args.map((arg) => (path.isAbsolute(arg) ? path.relative(projectRoot(), arg) : arg)),
    ].join(' ');
  }

  get logFile(): string {
    return this.#launch.logFile;
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    await this.#child.signal(signal);
  }

  /** Starts again with the same arguments, gracefully ending the process first when it runs. */
  async restart(): Promise<void> {
    if (this.#child.running) await this.#child.stop(20_000);
    this.#child = new Child(this.#launch);
  }

  async stop(graceMs = 20_000): Promise<void> {
    await this.#child.stop(graceMs);
  }

  /** Resolves when it has ended by itself. */
  async ended(): Promise<void> {
    await this.#child.exited;
  }

  describe(): string {
    return `${this.name}: ${this.#child.describe()}`;
  }
}

export class TestCluster implements AsyncDisposable {
  readonly folder: string;
  readonly masters: DmProcess[] = [];
  readonly workers: DmProcess[] = [];
  readonly #options: ClusterOptions;
  readonly #bin = path.join(projectRoot(), 'dist/src/bin');

  private constructor(folder: string, options: ClusterOptions) {
    this.folder = folder;
    this.#options = options;
  }

  /** Starts the processes and waits until all workers are listed (`unready`: only starts them). */
  static async start(options: ClusterOptions = {}): Promise<TestCluster> {
    const folder = options.folder ?? (await temporaryFolder('cluster'));
    await mkdir(folder, { recursive: true });
    const cluster = new TestCluster(folder, options);
    if (!existsSync(path.join(cluster.#bin, 'dm-master.js'))) {
      throw new Error('dist/src/bin/dm-master.js is missing: run npm run build');
    }
    try {
      await cluster.#startMasters(options.masters ?? 1);
      const count = options.workers ?? 1;
      await Promise.all(Array.from({ length: count }, (_, i) => cluster.#startWorker(`worker${i + 1}`)));
      if (!options.unready) await cluster.ready();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** What `--master-addr` takes. */
  get masterAddr(): string {
    return this.masters.map((master) => master.addr).join(',');
  }

  /** Waits until the masters answer and every worker that runs is listed as alive. */
  async ready(timeoutMs?: number): Promise<void> {
    await waitFor(
      async () => {
        const dead = [...this.masters, ...this.workers].find((one) => !one.running);
        if (dead) throw new Error(dead.describe());
        const listed = await this.workerStages();
        return this.workers.every((worker) => ['free', 'bound'].includes(listed.get(worker.name) ?? ''));
      },
      { timeoutMs, what: 'the cluster to be up', intervalMs: 200, details: () => this.describe() },
    );
  }

  /** Stage by worker name, as list-member tells. */
  async workerStages(): Promise<Map<string, string>> {
    const answer = await this.dmctl(['list-member', '--worker']);
    const stages = new Map<string, string>();
    for (const member of answer.json?.members ?? []) {
      for (const worker of member.worker?.workers ?? []) stages.set(worker.name, worker.stage);
    }
    return stages;
  }

  async addWorker(name = `worker${this.workers.length + 1}`): Promise<DmProcess> {
    const worker = await this.#startWorker(name);
    await this.ready();
    return worker;
  }

  /** Starts a master that joins the masters at `join`; it may not become ready. */
  async joinMaster(name: string, join = this.masterAddr): Promise<DmProcess> {
    return this.#startMaster(name, { client: await freePort(), peer: await freePort() }, [`--join=${join}`]);
  }

  worker(name: string): DmProcess {
    const found = this.workers.find((worker) => worker.name === name);
    if (!found) throw new Error(`no worker ${name}`);
    return found;
  }

  /** Runs dmctl as a process with `--master-addr` (of all masters unless said otherwise) and the arguments. */
  dmctl(
    args: readonly string[],
    options: { timeoutMs?: number; masterAddr?: string } = {},
  ): Promise<DmctlResult> {
    const address = this.#options.natsUrl
      ? ['--nats-url', this.#options.natsUrl]
      : ['--master-addr', options.masterAddr ?? this.masterAddr];
    return runDmctl(this.#bin, [...address, ...args], options.timeoutMs ?? 90_000);
  }

  /** As `dmctl`, and throws with the answer unless it says `result: true`. */
  async must(
    args: readonly string[],
    options: { timeoutMs?: number; masterAddr?: string } = {},
  ): Promise<DmctlResult> {
    const answer = await this.dmctl(args, options);
    if (!answer.result) throw new Error(`${answer.describe()}\n${this.describe()}`);
    return answer;
  }

  /** Writes a configuration file into the cluster's folder and gives its path. */
  async file(name: string, text: string): Promise<string> {
    const file = path.join(this.folder, name);
    await writeFile(file, text);
    return file;
  }

  describe(): string {
    return [...this.masters, ...this.workers].map((one) => one.describe()).join('\n\n');
  }

  /** Ends all processes and removes the folder (which is kept where the options named it). */
  async stop(): Promise<void> {
    await Promise.all([...this.workers, ...this.masters].map((one) => one.signal('SIGCONT')));
    await Promise.all(this.workers.map((worker) => worker.stop(5_000)));
    await Promise.all(this.masters.map((master) => master.stop(5_000)));
    if (!this.#options.folder) await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #startMasters(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, i) => `master${i + 1}`);
    const ports = await Promise.all(
      names.map(async () => ({ client: await freePort(), peer: await freePort() })),
    );
    const initial = names.map((name, i) => `${name}=http://127.0.0.1:${ports[i]!.peer}`).join(',');
    for (const [i, name] of names.entries()) {
      await this.#startMaster(name, ports[i]!, [`--initial-cluster=${initial}`]);
    }
  }

  async #startMaster(
    name: string,
    { client, peer }: { client: number; peer: number },
    how: readonly string[],
  ): Promise<DmProcess> {
    const server = this.#options.natsUrl ? '' : (this.#options.natsServer ?? (await natsBinary()));
    const addr = `127.0.0.1:${client}`;
    const master = this.#spawn('dm-master', name, addr, [
      `--name=${name}`,
      `--master-addr=${addr}`,
      `--peer-urls=http://127.0.0.1:${peer}`,
      `--data-dir=${path.join(this.folder, name)}`,
      ...how,
      ...(server ? [`--nats-server=${server}`] : []),
      ...this.#commonArgs(),
    ]);
    this.masters.push(master);
    return master;
  }

  async #startWorker(name: string): Promise<DmProcess> {
    const addr = `127.0.0.1:${await freePort()}`;
    const worker = this.#spawn('dm-worker', name, addr, [
      `--name=${name}`,
      `--worker-addr=${addr}`,
      `--join=${this.masterAddr}`,
      `--data-dir=${path.join(this.folder, name)}`,
      `--keepalive-ttl=${this.#options.keepaliveTtl ?? 3}`,
      ...this.#commonArgs(),
    ]);
    this.workers.push(worker);
    return worker;
  }

  #commonArgs(): string[] {
    return [
      `-L=${this.#options.logLevel ?? 'info'}`,
      ...(this.#options.natsUrl ? [`--nats-url=${this.#options.natsUrl}`] : []),
    ];
  }

  #spawn(program: string, name: string, addr: string, args: readonly string[]): DmProcess {
    return new DmProcess(name, addr, {
      command: process.execPath,
      args: ['--enable-source-maps', path.join(this.#bin, `${program}.js`), ...args],
      logFile: path.join(this.folder, `${name}.log`),
      cwd: this.folder,
    });
  }
}

/** Starts dm-master and dm-workers as real processes. */
export function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  return TestCluster.start(options);
}

function runDmctl(bin: string, args: readonly string[], timeoutMs: number): Promise<DmctlResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(bin, 'dmctl.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(new DmctlResult(args, code ?? 137, stdout, stderr));
    });
  });
}
