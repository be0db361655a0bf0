/**
 * A simulated cluster: nodes (processes) with their ports, one bus and one KV between them, and the faults.
 *
 *     const cluster = new SimCluster(new Kernel({ seed: 1 }), NASTY);
 *     const a = cluster.node('a');           // a.clock, a.random, a.ids, a.log, a.bus, a.store
 *     cluster.kvServer.loseLeader(6_000);    // and a.kill(), a.pause(ms), a.unlink(ms)
 *     await cluster.kernel.run(async () => { ... });
 */
import type { Log, LogFields, Ports } from '../../src/runtime/ports.js';
import { NO_FAULTS, type Faults } from './faults.js';
import { SimClock, type Kernel } from './kernel.js';
import { SimBus } from './sim-bus.js';
import { SimKvServer } from './sim-kv-server.js';
import { SimKvStore } from './sim-kv.js';
import type { SimRandom } from './sim-random.js';
import { SimIds } from './sim-random.js';

export class SimCluster {
  readonly kernel: Kernel;
  readonly random: SimRandom;
  readonly nodes: SimNode[] = [];
  readonly kvServer: SimKvServer;
  /** Of all buses; only they know its members. */
  readonly subscriptions: Set<unknown> = new Set();
  /** May be changed at any time. */
  faults: Faults;

  constructor(kernel: Kernel, faults: Faults = NO_FAULTS) {
    this.kernel = kernel;
    this.random = kernel.random.fork();
    this.faults = faults;
    this.kvServer = new SimKvServer(this);
  }

  /** A process; `rate` is the speed of its monotonic clock. */
  node(name: string, options: { rate?: number } = {}): SimNode {
    const node = new SimNode(this, `${name}${this.nodes.length}`, options.rate ?? 1);
    this.nodes.push(node);
    return node;
  }

  /** How long one hop takes, by the faults of now. */
  latency(): number {
    const { latencyMs, spike, spikeMs } = this.faults;
    if (this.random.chance(spike)) return this.random.between(latencyMs[1], spikeMs);
    return this.random.between(latencyMs[0], latencyMs[1]);
  }
}

export class SimNode implements Ports {
  readonly name: string;
  readonly cluster: SimCluster;
  readonly clock: SimClock;
  readonly random: SimRandom;
  readonly ids: SimIds;
  readonly log: Log;
  readonly bus: SimBus;
  readonly store: SimKvStore;
  #linkedAt = 0;

  constructor(cluster: SimCluster, name: string, rate: number) {
    this.cluster = cluster;
    this.name = name;
    this.clock = new SimClock(cluster.kernel, rate, Math.floor(cluster.random.next() * 1_000_000));
    this.random = cluster.random.fork();
    this.ids = new SimIds(name);
    this.log = new SimLog(cluster.kernel, name);
    this.bus = new SimBus(this);
    this.store = new SimKvStore(this);
  }

  /** Connected to the servers. */
  get linked(): boolean {
    return !this.clock.dead && this.cluster.kernel.now >= this.#linkedAt;
  }

  /** Cut off from the servers for `ms`. */
  unlink(ms: number): void {
    const { kernel } = this.cluster;
    const was = this.linked;
    this.#linkedAt = Math.max(this.#linkedAt, kernel.now + ms);
    kernel.record(this.name, `cut off for ${ms.toFixed(0)} ms`);
    if (was) this.clock.after(0, () => this.bus.linkChanged(false));
    const until = this.#linkedAt;
    kernel.schedule(until - kernel.now, () => {
      if (until === this.#linkedAt) this.clock.after(0, () => this.bus.linkChanged(true));
    });
  }

  /** SIGSTOP for `ms`. */
  pause(ms: number): void {
    this.cluster.kernel.record(this.name, `paused for ${ms.toFixed(0)} ms`);
    this.clock.pause(ms);
  }

  /** SIGKILL. */
  kill(): void {
    this.cluster.kernel.record(this.name, 'killed');
    this.clock.kill();
  }
}

/** Writes into the trace. */
class SimLog implements Log {
  readonly #kernel: Kernel;
  readonly #name: string;
  readonly #fields: LogFields;

  constructor(kernel: Kernel, name: string, fields: LogFields = {}) {
    this.#kernel = kernel;
    this.#name = name;
    this.#fields = fields;
  }

  child(fields: LogFields): Log {
    return new SimLog(this.#kernel, this.#name, { ...this.#fields, ...fields });
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  #write(level: string, message: string, fields?: LogFields): void {
    this.#kernel.record(this.#name, `${level} ${message} ${JSON.stringify({ ...this.#fields, ...fields })}`);
  }
}
