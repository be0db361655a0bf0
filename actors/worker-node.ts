/**
 * A worker process: registers, keeps its lease, and holds the source that the leader has placed on it.
 *
 * The lease is of one session, and its key as well, so a worker that is started again is back at once while
 * the lease of the process before it runs out by itself. A session without its lease ends all threads
 * before anybody may take the lease for expired; placements name the session that they are for.
 */
import { nodeMachine } from '../machines/node.js';
import { DEFAULT_CHECKER, type ResumeChecker } from '../machines/subtask.js';
import type { Secrets } from '../src/config/secret.js';
import { resolveSubtasks } from '../src/config/subtasks.js';
import { CODES } from '../src/errors/codes.js';
import { DmError } from '../src/errors/dm-error.js';
import type { SubtaskConfig } from '../src/model/subtask-config.js';
import type { MeasuredSubtask } from '../src/metrics/subtask-metrics.js';
import { escapeKey } from '../src/nats/subjects.js';
import { atMost } from '../src/runtime/at-most.js';
import { HostedActor, type ActorPorts, type Transition } from '../src/runtime/host/actor.js';
import type { Bus, Ports } from '../src/runtime/ports.js';
import type { Service } from '../src/runtime/service.js';
import type { SubtaskStart } from '../src/subtask/protocol.js';
import { announce } from './announce.js';
import type { ClusterStore } from './cluster-store.js';
import { DirtyLoop } from './dirty-loop.js';
import {
  keys,
  type ExpectedDocument,
  type MemberDocument,
  type PlacementDocument,
  type SubtaskDocument,
} from './documents.js';
import type { LeaseHandle, Leases } from './leases.js';
import { SourceActor } from './source.js';
import type { UnitRunner } from './unit-runner.js';

export interface WorkerOptions {
  readonly name: string;
  readonly addr: string;
  /** Text of the configuration, passwords masked. */
  readonly config: string;
  readonly keepaliveTtlMs: number;
  readonly dataDir: string;
  readonly log: SubtaskStart['log'];
  readonly ports: Ports;
  readonly bus: Bus;
  readonly store: ClusterStore;
  readonly leases: Leases;
  readonly runner: UnitRunner;
  readonly secrets: Secrets;
  readonly inspect: (transition: Transition) => void;
}

const RECONCILE_MS = 10_000;
/** Longer than a thread may take to end at a safe place. */
const DRAIN_MS = 12_000;
/** A worker that leaves waits this long for a NATS that does not answer; a change of its leader is shorter. */
const ANNOUNCE_MS = 6_000;

export class WorkerNode implements Service {
  readonly id: string;
  readonly session: string;
  readonly #options: WorkerOptions;
  readonly #actorPorts: ActorPorts;
  readonly #loop: DirtyLoop;
  readonly #lease: LeaseHandle;
  readonly #runs = new Map<string, number>();
  /** Keys of the placements that name this worker, of whichever session. */
  readonly #placements = new Set<string>();
  #unfollow: (() => void) | null = null;
  #node: HostedActor<typeof nodeMachine> | null = null;
  #source: SourceActor | null = null;
  #mayWork = false;
  #draining = false;
  #fencing: Promise<void> = Promise.resolve();
  #finish: () => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;
  readonly #finished: Promise<void>;
  readonly #unwatch: (() => void)[] = [];

  constructor(options: WorkerOptions) {
    const { ports, name, store } = options;
    this.id = `worker ${name}`;
    this.#options = {
      ...options,
      ports: { ...ports, log: ports.log.child({ component: 'worker', worker: name }) },
    };
    this.session = ports.ids.next();
    this.#actorPorts = { ...ports, kv: store.actors, inspect: options.inspect };
    this.#loop = new DirtyLoop({
      clock: ports.clock,
      log: this.#options.ports.log,
      name: 'following the placement',
      work: () => this.#reconcile(),
      everyMs: RECONCILE_MS,
    });
    this.#lease = options.leases.request({
      key: `${keys.lease('worker', name)}.${this.session}`,
      owner: this.session,
      leaseMs: options.keepaliveTtlMs,
      ephemeral: true,
      onHeld: () => this.#joined(),
      onLost: () => this.#lost(),
    });
    this.#finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    // Whoever awaits run() hears of it; until then it must not count as unhandled.
    this.#finished.catch(() => undefined);
  }

  /** Source that this worker holds now; '' = none. */
  get source(): string {
    return this.#source?.source ?? '';
  }

  /** What metrics are made of: the subtasks that run here. */
  measured(timeoutMs: number): Promise<MeasuredSubtask[]> {
    return this.#source?.measured(timeoutMs) ?? Promise.resolve([]);
  }

  /** Resolves after a stop; rejects with 60205 when another process has joined under this name. */
  async run(): Promise<void> {
    const { name, store } = this.#options;
    const node = new HostedActor(
      {
        kind: 'node',
        key: escapeKey(name),
        machine: nodeMachine,
        input: { name, session: this.session },
        // A document of the process itself: the latest start of the name owns it.
        epoch: 0,
        owner: this.session,
        effects: {},
      },
      this.#actorPorts,
    );
    await node.open();
    this.#node = node;
    await node.send({ type: 'START', session: this.session });
    this.#unwatch.push(
      store.expected.onChange((key, now, before) => this.#placementChanged(key, now, before), 'placement.'),
      store.members.onChange((_, now) => this.#memberChanged(now), keys.member('worker', name)),
    );
    for (const document of store.expected.values('placement.')) {
      if (document.type === 'placement' && document.worker === name) {
        this.#placements.add(keys.placement(document.source));
      }
    }
    this.#lease.start();
    await this.#finished;
  }

  /** Hands the source over, then leaves. */
  async drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    const { log } = this.#options.ports;
    const node = this.#node;
    if (node && !(await this.#announceLeave())) {
      log.warn('NATS does not answer: the source moves when the lease has expired');
      this.#mayWork = false;
      await this.#source?.endThreads();
      this.#finish();
      // What waits for the store ends when its calls give up.
      void Promise.all([this.#loop.stop(), this.#source?.fence(), this.#leave()]).catch((error: unknown) => {
        log.debug('leaving without NATS', { error: String(error) });
      });
      return;
    }
    if (node) {
      node.tell({ type: 'DRAIN' });
      await this.#loop.stop();
      await this.#fencing;
      const source = this.#source;
      // Without the store nothing can be handed over in order; the next placement's epoch keeps data safe.
      const late = this.#options.ports.clock.after(DRAIN_MS, () => {
        log.warn('handing over takes too long: all work ends now');
        void source?.fence();
      });
      await source?.handOver().catch((error: unknown) => {
        log.warn('the source could not be handed over in order', { error: String(error) });
        return source.fence();
      });
      late.cancel();
      this.#source = null;
      await node.send({ type: 'DRAINED' }).catch((error: unknown) => {
        log.warn('the leave could not be noted', { error: String(error) });
      });
    }
    await this.#leave();
    this.#finish();
  }

  async stop(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    this.#mayWork = false;
    await this.#source?.fence();
    await this.#loop.stop();
    await this.#source?.fence();
    this.#source = null;
    await this.#leave();
    this.#finish();
  }

  /** False when the cluster cannot be told. */
  async #announceLeave(): Promise<boolean> {
    const { bus, ports } = this.#options;
    if (!bus.connected) return false;
    try {
      return await atMost(ports.clock, ANNOUNCE_MS, this.#register(false));
    } catch (error) {
      ports.log.warn('could not announce the leave', { error: String(error) });
      return false;
    }
  }

  async #leave(): Promise<void> {
    for (const stop of this.#unwatch) stop();
    this.#unfollow?.();
    await this.#lease.release().catch((error: unknown) => {
      this.#options.ports.log.warn('the lease could not be given back', { error: String(error) });
    });
    await this.#node?.close();
  }

  #joined(): void {
    if (this.#draining) return;
    this.#register(true)
      .then(() => this.#node?.send({ type: 'JOINED' }))
      .then(() => {
        this.#mayWork = this.#lease.held;
        this.#options.ports.log.info('joined the cluster', { session: this.session });
        this.#loop.kick();
      })
      .catch((error: unknown) => {
        this.#options.ports.log.warn('could not register', { error: String(error) });
        if (!this.#lease.held || this.#draining) return;
        this.#options.ports.clock.after(500, () => {
          if (this.#lease.held && !this.#mayWork) this.#joined();
        });
      });
  }

  #lost(): void {
    this.#mayWork = false;
    this.#options.ports.log.error('the lease could not be renewed in time: all work ends');
    const source = this.#source;
    this.#fencing = this.#fencing.then(async () => {
      await source?.fence();
      if (this.#source === source) this.#source = null;
    });
    this.#node?.tell({ type: 'LEASE_LOST' });
  }

  async #register(accepting: boolean): Promise<void> {
    const { name, addr, config, store } = this.#options;
    const member: MemberDocument = {
      kind: 'worker',
      name,
      session: this.session,
      addr,
      peerUrls: [],
      accepting,
      config,
    };
    await announce(store.members, member, this.#options.ports.clock);
  }

  #memberChanged(now: MemberDocument | null): void {
    const { name } = this.#options;
    if (!this.#mayWork || now?.session === this.session) return;
    if (now === null) {
      if (this.#draining) return;
      // A worker that lives is never taken off the list: NATS has lost its last writes.
      const { log } = this.#options.ports;
      log.warn('the cluster does not know this worker any more: it registers again');
      this.#register(true).catch((error: unknown) =>
        log.warn('could not register', { error: String(error) }),
      );
      return;
    }
    this.#fail(
      new DmError(CODES.memberNameTaken, `another worker of the name ${name} has joined the cluster`),
    );
  }

  #placementChanged(key: string, now: ExpectedDocument | null, before: ExpectedDocument | null): void {
    const { name } = this.#options;
    if (now?.type === 'placement' && now.worker === name) this.#placements.add(key);
    else if (before?.type !== 'placement' || before.worker !== name) return;
    else this.#placements.delete(key);
    this.#loop.kick();
  }

  #placement(): PlacementDocument | null {
    for (const key of this.#placements) {
      const document = this.#options.store.expected.get(key);
      if (document?.type === 'placement' && document.session === this.session) return document;
    }
    return null;
  }

  async #reconcile(): Promise<void> {
    await this.#fencing;
    if (!this.#mayWork || this.#draining) return;
    const placement = this.#placement();
    const held = this.#source;
    if (held && (held.source !== placement?.source || held.epoch !== placement.epoch)) {
      this.#options.ports.log.info('letting go of a source', { source: held.source, epoch: held.epoch });
      await held.handOver();
      this.#source = null;
      await this.#node?.send({ type: 'UNBOUND' });
    }
    if (!placement || !this.#mayWork) return;
    if (this.#source) {
      await this.#source.follow();
      return;
    }
    const source = new SourceActor(placement, {
      ports: this.#actorPorts,
      bus: this.#options.bus,
      session: this.session,
      runs: this.#runs,
      expected: () => this.#expectedOf(placement.source),
      subtask: (document) => ({
        runner: this.#options.runner,
        checker: this.#checker(placement.source),
        resolve: () => this.#resolve(document),
        environment: {
          workerName: this.#options.name,
          dataDir: this.#options.dataDir,
          log: this.#options.log,
        },
      }),
    });
    this.#source = source;
    this.#unfollow?.();
    this.#unfollow = this.#options.store.expected.onChange(
      () => this.#loop.kick(),
      keys.subtasksOf(placement.source),
    );
    this.#options.ports.log.info('taking a source', { source: placement.source, epoch: placement.epoch });
    try {
      await source.open();
    } catch (error) {
      await source.fence();
      if (this.#source === source) this.#source = null;
      throw error;
    }
    await this.#node?.send({ type: 'BOUND', source: placement.source, epoch: placement.epoch });
  }

  #expectedOf(source: string): SubtaskDocument[] {
    return [...this.#options.store.expected.values(keys.subtasksOf(source))].filter(
      (document) => document.type === 'subtask',
    );
  }

  #checker(source: string): ResumeChecker {
    const document = this.#options.store.expected.get(keys.source(source));
    if (document?.type !== 'source') return DEFAULT_CHECKER;
    const { checker } = this.#options.store.configs.source(document);
    return {
      enabled: checker.checkEnable,
      rollbackMs: checker.backoffRollbackMs,
      // Nothing is polled here; an interval longer than the usual one says how often is often enough.
      minMs: Math.max(checker.backoffMinMs, longerInterval(checker.checkIntervalMs)),
      maxMs: Math.max(checker.backoffMaxMs, longerInterval(checker.checkIntervalMs)),
      factor: checker.backoffFactor,
      jitter: checker.backoffJitter,
    };
  }

  #resolve({ task, source }: SubtaskDocument): SubtaskConfig {
    const { store, secrets } = this.#options;
    const taskDocument = store.expected.get(keys.task(task));
    const sourceDocument = store.expected.get(keys.source(source));
    if (taskDocument?.type !== 'task') {
      throw new DmError(CODES.schedulerTaskNotExist, `task with name ${task} not exist`);
    }
    if (sourceDocument?.type !== 'source') {
      throw new DmError(CODES.schedulerSourceNotExist, `source config with ID ${source} not exists`);
    }
    const config = store.configs.taskOn(taskDocument, source);
    const sources = new Map([[source, store.configs.source(sourceDocument)]]);
    const [resolved] = resolveSubtasks(config, sources, secrets);
    if (!resolved) {
      throw new DmError(CODES.schedulerOpSourceNotExist, `sources [${source}] not exist in the task ${task}`);
    }
    return resolved;
  }
}

/** DM's default of `check-interval`. */
const CHECK_INTERVAL_MS = 5_000;

function longerInterval(checkIntervalMs: number): number {
  return checkIntervalMs > CHECK_INTERVAL_MS ? checkIntervalMs : 0;
}
