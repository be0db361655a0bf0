/**
 * The control plane as it runs in production, over the simulated ports: masters, workers, and a client. Units are
 * faked by something that only notes when it ran, as the data plane's fences are tested with real servers.
 */
import { BUCKETS } from '../../actors/documents.js';
import { createMaster, createWorker } from '../../actors/run-processes.js';
import type { MasterNode } from '../../actors/master-node.js';
import type { RunningUnit, UnitListener, UnitRunner } from '../../actors/unit-runner.js';
import type { WorkerNode } from '../../actors/worker-node.js';
import { createSecrets } from '../../src/config/secret.js';
import type { OperationAnswer } from '../../src/model/operation.js';
import { decodeDocument } from '../../src/runtime/host/document.js';
import { commandSubject } from '../../src/nats/subjects.js';
import type { SubtaskEnd, SubtaskStart, UnitStatus } from '../../src/subtask/protocol.js';
import type { Kernel } from '../kernel/kernel.js';
import type { SimCluster, SimNode } from '../kernel/sim-cluster.js';

/** One run of one subtask: when, where, under which epoch. `to` is Infinity while it lasts. */
export interface RunRecord {
  readonly subtask: string;
  readonly node: SimNode;
  readonly epoch: number;
  readonly from: number;
  to: number;
  readonly fail: (end: SubtaskEnd) => void;
}

const LEASE_MS = 2_000;

export class SimRunner implements UnitRunner {
  readonly #node: SimNode;
  readonly #kernel: Kernel;
  readonly #runs: RunRecord[];

  constructor(node: SimNode, runs: RunRecord[]) {
    this.#node = node;
    this.#kernel = node.cluster.kernel;
    this.#runs = runs;
  }

  start(start: SubtaskStart, listener: UnitListener): RunningUnit {
    let over = false;
    const finish = (end: SubtaskEnd): void => {
      if (over) return;
      over = true;
      record.to = this.#kernel.now;
      listener.ended(end);
    };
    const record: RunRecord = {
      subtask: `${start.config.sourceId}/${start.config.task}`,
      node: this.#node,
      epoch: start.epoch,
      from: this.#kernel.now,
      to: Infinity,
      fail: finish,
    };
    this.#runs.push(record);
    this.#node.clock.after(20, () => {
      if (!over) listener.unit('Sync');
    });
    return {
      end: () => void this.#node.clock.after(50, () => finish({ outcome: 'ended' })),
      kill: async () => finish({ outcome: 'ended' }),
      status: async (): Promise<UnitStatus> => ({ unit: 'Sync' }),
      operate: async () => ({ result: true, msg: 'running' }),
    };
  }

  async operate(): Promise<OperationAnswer> {
    return { result: true, msg: 'not running' };
  }
}

export interface SimMaster {
  readonly sim: SimNode;
  readonly node: MasterNode;
}

export interface SimWorker {
  readonly sim: SimNode;
  readonly node: WorkerNode;
}

export class SimControlPlane {
  readonly cluster: SimCluster;
  readonly masters = new Map<string, SimMaster>();
  readonly workers = new Map<string, SimWorker>();
  readonly runs: RunRecord[] = [];
  readonly #client: SimNode;

  constructor(cluster: SimCluster) {
    this.cluster = cluster;
    this.#client = cluster.node('client');
  }

  async addMaster(name: string): Promise<SimMaster> {
    const sim = this.cluster.node(name);
    const { node } = await createMaster(
      { ports: sim, bus: sim.bus, kvStore: sim.store },
      {
        name,
        addr: `${name}:8261`,
        peerUrls: [],
        config: '',
        rpcTimeoutMs: 30_000,
        leaseMs: LEASE_MS,
        handlers: {
          secrets: createSecrets(),
          check: async () => [],
          probeSource: async () => ({ flavor: 'mysql' }),
        },
      },
    );
    void node.run();
    const master = { sim, node };
    this.masters.set(name, master);
    return master;
  }

  async addWorker(name: string): Promise<SimWorker> {
    const sim = this.cluster.node(name);
    const { node } = await createWorker(
      { ports: sim, bus: sim.bus, kvStore: sim.store },
      {
        name,
        addr: `${name}:8262`,
        config: '',
        keepaliveTtlMs: LEASE_MS,
        dataDir: '.',
        log: { level: 'info', file: '', format: 'text' },
        secrets: createSecrets(),
        runner: new SimRunner(sim, this.runs),
      },
    );
    void node.run();
    const worker = { sim, node };
    this.workers.set(name, worker);
    return worker;
  }

  /** SIGKILL: what ran there runs no more. */
  kill(sim: SimNode): void {
    sim.kill();
    for (const run of this.runs)
      if (run.node === sim && run.to === Infinity) run.to = this.cluster.kernel.now;
  }

  /** As a NATS that has lost its last writes: the key is gone, and nobody was asked. */
  async lose(bucket: string, key: string): Promise<void> {
    const kv = await this.#client.store.bucket(bucket);
    await kv.delete(key);
  }

  /** One command, asked again until somebody answers it. */
  async command(name: string, request: object, timeoutMs = 120_000): Promise<Record<string, unknown>> {
    const { bus, clock } = this.#client;
    const deadline = clock.monotonic() + timeoutMs;
    const bytes = new TextEncoder().encode(JSON.stringify(request));
    for (;;) {
      try {
        const answer = await bus.request(commandSubject(name), bytes, { timeoutMs: 15_000 });
        return JSON.parse(new TextDecoder().decode(answer)) as Record<string, unknown>;
      } catch (error) {
        if (clock.monotonic() > deadline) throw error;
        await clock.sleep(200);
      }
    }
  }

  async until(
    what: string,
    condition: () => boolean | Promise<boolean>,
    timeoutMs = 240_000,
    everyMs = 100,
  ): Promise<void> {
    const { clock } = this.#client;
    const deadline = clock.monotonic() + timeoutMs;
    while (!(await condition())) {
      if (clock.monotonic() > deadline) throw new Error(`in vain: ${what}\n${await this.describe()}`);
      await clock.sleep(everyMs);
    }
  }

  /** State of the task's actor; null = it has none. */
  async taskState(task: string): Promise<unknown> {
    const kv = await this.#client.store.bucket(BUCKETS.actors);
    const entry = await kv.get(`task.${task}`);
    return entry ? decodeDocument(entry.value).value : null;
  }

  /** What the commands show and what runs, for failures. */
  async describe(): Promise<string> {
    const shown = {
      members: await this.command('list-member', { worker: true }),
      status: await this.command('query-status', { more: true }),
      runs: this.runs.map(({ subtask, node, epoch, from, to }) => [subtask, node.name, epoch, from, to]),
      errors: this.cluster.kernel.trace.filter((line) => / (warn|error) /.test(line)).slice(-40),
    };
    return JSON.stringify(shown, null, 1);
  }

  sleep(ms: number): Promise<void> {
    return this.#client.clock.sleep(ms);
  }

  /** Runs that last, of this subtask. */
  running(subtask: string): RunRecord[] {
    return this.runs.filter((run) => run.subtask === subtask && run.to === Infinity);
  }

  async workerOf(source: string): Promise<string> {
    const { sources } = await this.command('operate-source', { op: 'show' });
    const found = (sources as { source: string; worker: string }[]).find((one) => one.source === source);
    return found?.worker ?? '';
  }
}

export function sourceYaml(id: string): string {
  return `source-id: ${id}\nfrom:\n  host: h\n  user: root\n  password: ""\n`;
}

export function taskYaml(name: string, sources: readonly string[]): string {
  const instances = sources.map((source) => `  - source-id: ${source}\n`).join('');
  return `name: ${name}\ntask-mode: all\ntarget-database:\n  host: t\n  port: 4000\n  user: root\n  password: ""\nmysql-instances:\n${instances}`;
}
