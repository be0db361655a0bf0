/** A master process: campaigns for the lease `supervisor`, and while it has it, leads and serves commands. */
import { supervisorMachine } from '../machines/supervisor.js';
import { createHandlers, createLeaderHandler } from '../src/api/handlers.js';
import type { Handler, HandlerDeps } from '../src/api/handler-deps.js';
import type { JsonObject } from '../src/api/request.js';
import { must } from '../src/model/assert.js';
import { createCodec } from '../src/nats/codec.js';
import { TERM_COMMAND, actorSubject, commandSubject, escapeKey } from '../src/nats/subjects.js';
import { HostedActor, type Transition } from '../src/runtime/host/actor.js';
import { encodeJson } from '../src/runtime/host/document.js';
import type { Bus, Ports, Stop } from '../src/runtime/ports.js';
import type { Service } from '../src/runtime/service.js';
import { announce } from './announce.js';
import { LeaderCluster } from './cluster.js';
import type { ClusterStore } from './cluster-store.js';
import { keys, type MemberDocument } from './documents.js';
import { Leader } from './leader.js';
import type { LeaseHandle, LeaseObserver, Leases } from './leases.js';
import { Membership, type SupervisorQuestion } from './membership.js';
import { parseCommand } from './parse-command.js';
import { SubtaskIndex } from './subtask-index.js';
import { TaskBoard } from './task-board.js';

export interface MasterOptions {
  readonly name: string;
  readonly addr: string;
  readonly peerUrls: readonly string[];
  /** Text of the configuration, passwords masked. */
  readonly config: string;
  /** How long commands wait for workers. */
  readonly rpcTimeoutMs: number;
  readonly leaseMs: number;
  readonly ports: Ports;
  readonly bus: Bus;
  readonly store: ClusterStore;
  readonly leases: Leases;
  readonly handlers: Pick<HandlerDeps, 'secrets' | 'check' | 'probeSource'>;
  readonly inspect: (transition: Transition) => void;
}

interface Term {
  readonly leader: Leader;
  readonly board: TaskBoard;
  readonly subtasks: SubtaskIndex;
  readonly stops: Stop[];
}

export class MasterNode implements Service {
  readonly id: string;
  readonly session: string;
  readonly #options: MasterOptions;
  readonly #supervisor: HostedActor<typeof supervisorMachine>;
  /** The lease of the lead, while this master asks for it or has it. */
  #crown: LeaseHandle | null = null;
  readonly #presence: LeaseHandle;
  #observer: LeaseObserver | null = null;
  readonly #stopServing: Stop[] = [];
  #term: Term | null = null;
  /** Taking up and laying down the lead follow each other; they never overlap. */
  #turn: Promise<void> = Promise.resolve();
  #stopping = false;
  #finish: () => void = () => undefined;
  readonly #finished: Promise<void>;

  constructor(options: MasterOptions) {
    const { ports, name, store, leases } = options;
    this.id = `master ${name}`;
    this.session = ports.ids.next();
    this.#options = {
      ...options,
      ports: { ...ports, log: ports.log.child({ component: 'master', master: name }) },
    };
    this.#supervisor = new HostedActor(
      {
        kind: 'supervisor',
        key: escapeKey(name),
        machine: supervisorMachine,
        input: { name },
        epoch: 0,
        owner: this.session,
        effects: {
          campaign: () => this.#campaign(),
          lead: () => this.#then(() => this.#lead()),
          stepDown: () => this.#then(() => this.#stepDown()),
          withdraw: () => this.#withdraw(),
        },
      },
      { ...ports, kv: store.actors, inspect: options.inspect },
    );
    this.#presence = leases.request({
      key: `${keys.lease('master', name)}.${this.session}`,
      owner: this.session,
      leaseMs: options.leaseMs,
      ephemeral: true,
      onHeld: () => undefined,
      onLost: () => undefined,
    });
    this.#finished = new Promise((resolve) => (this.#finish = resolve));
  }

  get leading(): boolean {
    return this.#term !== null;
  }

  async run(): Promise<void> {
    const { name, addr, peerUrls, config, store, leases } = this.#options;
    this.#observer = await leases.observe();
    const { clock, log } = this.#options.ports;
    const member: MemberDocument = {
      ...{ name, session: this.session, addr, peerUrls, config },
      kind: 'master',
      accepting: true,
    };
    await announce(store.members, member, clock);
    const forgotten = store.members.onChange(
      (_, now) => {
        if (now !== null || this.#stopping) return;
        // A master that lives is never taken off the list: NATS has lost its last writes.
        log.warn('the cluster does not know this master any more: it registers again');
        announce(store.members, member, clock).catch((error: unknown) => {
          log.warn('could not register', { error: String(error) });
        });
      },
      keys.member('master', name),
    );
    this.#stopServing.push(() => Promise.resolve(forgotten()));
    await this.#serve();
    this.#presence.start();
    await this.#supervisor.open();
    await this.#supervisor.send({ type: 'START' });
    await this.#finished;
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    const { log } = this.#options.ports;
    await this.#then(() => this.#stepDown());
    for (const release of [this.#withdraw(), this.#presence.release()]) {
      await release.catch((error: unknown) => {
        log.warn('a lease could not be given back', { error: String(error) });
      });
    }
    await Promise.all(this.#stopServing.map((stop) => stop()));
    await this.#supervisor.close();
    await this.#observer?.stop();
    this.#finish();
  }

  /** What every master answers, leading or not. */
  async #serve(): Promise<void> {
    const { bus, name, store, ports } = this.#options;
    const codec = createCodec();
    const membership = new Membership({
      bus,
      store,
      observed: must(store.observed, 'the view of the actors on a master'),
      leases: must(this.#observer, 'lease observer'),
    });
    const handler = createLeaderHandler(membership, ports.log.child({ component: 'api' }));
    this.#stopServing.push(
      await bus.serve(actorSubject('supervisor', name), async ({ data }) => {
        await this.#supervisor.send(codec.decode(data) as SupervisorQuestion);
        return new Uint8Array(0);
      }),
      await this.#serveCommand('operate-leader', handler),
    );
  }

  #serveCommand(command: string, handler: Handler): Promise<Stop> {
    const { bus, ports } = this.#options;
    return bus.serve(
      commandSubject(command),
      async ({ data }) => {
        const request: JsonObject | string = parseCommand(data);
        if (typeof request === 'string') return encodeJson({ result: false, msg: request });
        ports.log.info('command', { command });
        return encodeJson(await handler(request));
      },
      { queue: 'dm-ctl' },
    );
  }

  #campaign(): void {
    if (this.#crown || this.#stopping) return;
    const { leases, leaseMs, name } = this.#options;
    this.#crown = leases.request({
      key: keys.supervisorLease,
      owner: name,
      leaseMs,
      onHeld: (epoch) => this.#supervisor.tell({ type: 'ELECTED', epoch }),
      onLost: () => {
        // At once, not after the transition is stored: the store may be what has been lost.
        void this.#then(() => this.#stepDown());
        this.#supervisor.tell({ type: 'LOST' });
      },
    });
    this.#crown.start();
  }

  async #withdraw(): Promise<void> {
    const crown = this.#crown;
    this.#crown = null;
    await crown?.release();
  }

  #then(step: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(step).catch((error: unknown) => {
      this.#options.ports.log.error('changing the lead failed', { error: String(error) });
    });
    return this.#turn;
  }

  async #lead(): Promise<void> {
    if (this.#term || this.#stopping || !this.#crown?.held) return;
    const { ports, store, bus, handlers, rpcTimeoutMs, name, addr } = this.#options;
    const observed = must(store.observed, 'the view of the actors on a master');
    const observer = must(this.#observer, 'lease observer');
    const subtasks = new SubtaskIndex(store.expected);
    const leader = new Leader({ ports, store, observed, leases: observer, subtasks });
    const stops: Stop[] = [];
    const board = new TaskBoard({
      ports: { ...ports, kv: store.actors, inspect: this.#options.inspect },
      store,
      observed,
      subtasks,
      epoch: this.#supervisor.snapshot.context.epoch,
      session: this.session,
    });
    this.#term = { leader, board, subtasks, stops };
    leader.start();
    board.start();
    const cluster = new LeaderCluster({
      ports,
      store,
      observed,
      bus,
      leader,
      subtasks,
      leases: observer,
      rpcTimeoutMs,
      name,
      addr,
    });
    const { epoch } = this.#supervisor.snapshot.context;
    stops.push(
      await bus.serve(
        commandSubject(TERM_COMMAND),
        async () => encodeJson({ result: true, msg: '', leader: name, epoch, session: this.session }),
        {
          queue: 'dm-ctl',
        },
      ),
    );
    const commands = createHandlers({ ...handlers, cluster, log: ports.log.child({ component: 'api' }) });
    for (const [command, handler] of Object.entries(commands)) {
      stops.push(await this.#serveCommand(command, handler));
    }
    ports.log.info('leading the cluster', { epoch: this.#supervisor.snapshot.context.epoch });
  }

  async #stepDown(): Promise<void> {
    const term = this.#term;
    if (!term) return;
    this.#term = null;
    await Promise.all(term.stops.map((stop) => stop()));
    await Promise.all([term.leader.stop(), term.board.stop()]);
    term.subtasks.stop();
    this.#options.ports.log.info('no longer leading the cluster');
  }
}
