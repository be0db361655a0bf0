/** The Cluster port of the command handlers (src/api/cluster.ts), as the leader carries it out. */
import { parseTaskConfig } from '../src/config/task-config.js';
import { CODES } from '../src/errors/codes.js';
import { DmError } from '../src/errors/dm-error.js';
import type {
  Cluster,
  MasterMember,
  SourceExplanation,
  SourceRecord,
  SourceResult,
  StartTaskOptions,
  SubtaskView,
  TaskRecord,
  WorkerMember,
} from '../src/api/cluster.js';
import type { SubtaskOperation } from '../src/model/operation.js';
import type { ExpectedStage } from '../src/model/stage.js';
import { KvError, type Bus, type Ports } from '../src/runtime/ports.js';
import type { ActorDocument } from '../src/runtime/host/document.js';
import { waitUntil, type ClusterStore } from './cluster-store.js';
import { keys, type ExpectedDocument, type SubtaskDocument } from './documents.js';
import type { KvView } from './kv-view.js';
import type { Leader } from './leader.js';
import type { LeaseObserver } from './leases.js';
import { Membership } from './membership.js';
import { askOperation } from './operation-query.js';
import { subtaskActorKey } from './source.js';
import { askSources } from './status-query.js';
import type { SubtaskIndex } from './subtask-index.js';
import { subtaskState } from './subtask-state.js';
import { outcomeOf, refusalOf, seqOf, type CommandView, type Outcome } from './subtask-command.js';
import { asDmUnavailable } from './unavailable.js';

export interface LeaderClusterOptions {
  readonly ports: Ports;
  readonly store: ClusterStore;
  readonly observed: KvView<ActorDocument>;
  readonly bus: Bus;
  readonly leader: Leader;
  readonly subtasks: SubtaskIndex;
  readonly leases: LeaseObserver;
  readonly rpcTimeoutMs: number;
  readonly name: string;
  readonly addr: string;
}

/** What DM says where a source has no worker (manual 4.3.2.3). */
export const NO_FREE_WORKER = 'source is added but there is no free worker to bound';
/** How long a new source may wait for its first placement before it counts as waiting for a worker. */
const PLACE_MS = 5_000;
const WRITE_TRIES = 5;

type Expected<T extends ExpectedDocument['type']> = Extract<ExpectedDocument, { type: T }>;

export class LeaderCluster implements Cluster {
  readonly #options: LeaderClusterOptions;
  readonly #membership: Membership;

  constructor(options: LeaderClusterOptions) {
    this.#options = options;
    this.#membership = new Membership(options);
  }

  async listSources(): Promise<SourceRecord[]> {
    const sources = this.#all('source').map(({ sourceId, yaml }) => ({
      sourceId,
      yaml,
      worker: this.#workerOf(sourceId),
    }));
    return sources.sort((a, b) => (a.sourceId < b.sourceId ? -1 : 1));
  }

  async createSource(sourceId: string, yaml: string): Promise<SourceResult> {
    await this.#addSource({ type: 'source', sourceId, yaml });
    const placement = keys.placement(sourceId);
    // Either a worker has it and has begun with it, or a placement without a worker says that none is free.
    await waitUntil(
      () => {
        const document = this.#get('placement', placement);
        if (!document) return false;
        return document.worker === '' ? this.#freeWorkers() === 0 : true;
      },
      [[this.#expected, 'placement.'], this.#options.store.members, this.#options.leases],
      this.#options.ports.clock,
      PLACE_MS,
    );
    const worker = this.#workerOf(sourceId);
    return { result: true, msg: worker === '' ? NO_FREE_WORKER : '', source: sourceId, worker };
  }

  async updateSource(sourceId: string, yaml: string): Promise<SourceResult> {
    this.#refuseUnknownSource(sourceId);
    this.#refuseBusySource(sourceId);
    await this.#rewrite<'source'>('source', keys.source(sourceId), (source) => ({ ...source, yaml }));
    return { result: true, msg: '', source: sourceId, worker: this.#workerOf(sourceId) };
  }

  async stopSource(sourceId: string): Promise<SourceResult> {
    this.#refuseUnknownSource(sourceId);
    this.#refuseBusySource(sourceId);
    const worker = this.#workerOf(sourceId);
    for (let attempt = 1; this.#get('source', keys.source(sourceId)); attempt++) {
      try {
        await this.#expected.delete(keys.source(sourceId));
      } catch (error) {
        if (!(error instanceof KvError) || attempt === WRITE_TRIES) throw asDmUnavailable(error);
        await this.#refresh(keys.source(sourceId));
      }
    }
    const free = await waitUntil(
      () => this.#workerOf(sourceId) === '',
      [[this.#expected, keys.placement(sourceId)]],
      this.#options.ports.clock,
      this.#options.rpcTimeoutMs,
    );
    return {
      result: true,
      msg: free ? '' : 'the worker has not let go of the source yet',
      source: sourceId,
      worker,
    };
  }

  async listTasks(): Promise<TaskRecord[]> {
    const sources = new Map<string, string[]>();
    for (const { task, source } of this.#subtasks()) {
      const list = sources.get(task);
      if (list) list.push(source);
      else sources.set(task, [source]);
    }
    return this.#all('task')
      .filter(({ name }) => sources.has(name))
      .map(({ name, yaml }) => ({ name, yaml, sources: (sources.get(name) ?? []).sort() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async startTask(name: string, yaml: string, options: StartTaskOptions): Promise<SourceResult[]> {
    const { startTime, safeModeTimeMs } = options;
    const config = parseTaskConfig(yaml, `task ${name}`, { startsAtTime: startTime !== undefined });
    const own = config.instances.map((instance) => instance.sourceId);
    const wanted = new Set(options.sources);
    const sources = wanted.size === 0 ? own : own.filter((id) => wanted.has(id));
    for (const source of sources) this.#refuseUnknownSource(source);
    const starting = sources.map((source): SubtaskDocument => ({
      type: 'subtask',
      task: name,
      source,
      stage: 'Running',
      seq: 0,
      start: this.#options.ports.ids.next(),
      removeMeta: options.removeMeta,
      ...(startTime === undefined ? {} : { startTime }),
      ...(safeModeTimeMs === undefined ? {} : { safeModeTimeMs }),
    }));
    // From here on the start is decided: this leader or the next one carries it out.
    await this.#decideStart(name, yaml, starting);
    const { clock } = this.#options.ports;
    const giveUp = clock.monotonic() + this.#options.rpcTimeoutMs;
    const starts = new Set(starting.map(({ start }) => start));
    const begun = await waitUntil(
      () => !this.#get('task', keys.task(name))?.starting.some(({ start }) => starts.has(start)),
      [[this.#expected, keys.task(name)]],
      clock,
      this.#options.rpcTimeoutMs,
    );
    if (!begun) return starting.map((document) => this.#resultOf(document, null));
    const left = Math.max(giveUp - clock.monotonic(), 0);
    return Promise.all(starting.map((document) => this.#await(document, left)));
  }

  async operateSubtasks(
    name: string,
    operation: SubtaskOperation,
    sources: readonly string[],
  ): Promise<SourceResult[]> {
    const chosen = await this.#subtasksOf(name, sources);
    const results = await Promise.all(chosen.map((document) => this.#carryOut(document, operation)));
    return results.sort((a, b) => (a.source < b.source ? -1 : 1));
  }

  async operateTask(
    name: string,
    stage: ExpectedStage,
    sources: readonly string[],
    again: boolean,
  ): Promise<SourceResult[]> {
    const chosen = await this.#subtasksOf(name, sources);
    const results = await Promise.all(chosen.map((document) => this.#operate(document, stage, again)));
    return results.sort((a, b) => (a.source < b.source ? -1 : 1));
  }

  async #subtasksOf(name: string, sources: readonly string[]): Promise<Expected<'subtask'>[]> {
    // A start that is being carried out comes before the command.
    await waitUntil(
      () => (this.#get('task', keys.task(name))?.starting.length ?? 0) === 0,
      [[this.#expected, keys.task(name)]],
      this.#options.ports.clock,
      this.#options.rpcTimeoutMs,
    );
    const own = this.#options.subtasks.of(name);
    if (own.length === 0) throw new DmError(CODES.schedulerTaskNotExist, `task with name ${name} not exist`);
    return sources.length === 0 ? own : own.filter(({ source }) => sources.includes(source));
  }

  async queryStatus(task: string, sources: readonly string[]): Promise<SubtaskView[]> {
    const asked = new Map<string, SubtaskDocument[]>();
    if (task === '') for (const { sourceId } of this.#all('source')) asked.set(sourceId, []);
    for (const document of task === '' ? this.#all('subtask') : this.#options.subtasks.of(task)) {
      const list = asked.get(document.source);
      if (list) list.push(document);
      else asked.set(document.source, [document]);
    }
    const only = new Set(sources);
    const chosen = [...asked]
      .filter(([source]) => only.size === 0 || only.has(source))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([source, subtasks]) => ({ source, worker: this.#workerOf(source), subtasks }));
    const { bus, observed } = this.#options;
    return askSources({ bus, observed, task, sources: chosen });
  }

  async explain(task: string, sources: readonly string[]): Promise<SourceExplanation[]> {
    const views = await this.queryStatus(task, sources);
    const workers = await this.workers();
    const { observed, ports } = this.#options;
    const own = new Map<string, SubtaskDocument[]>(views.map((view) => [view.source.source, []]));
    for (const one of this.#subtasks()) {
      if (task === '' || one.task === task) own.get(one.source)?.push(one);
    }
    return views.map((view) => {
      const { source } = view.source;
      return {
        view,
        states: own
          .get(source)!
          .map((one) => subtaskState(one, observed.get(subtaskActorKey(source, one.task)))),
        now: ports.clock.wall(),
        lastWorker: this.#get('placement', keys.placement(source))?.lastWorker ?? '',
        workers,
      };
    });
  }

  async leader(): Promise<{ name: string; addr: string }> {
    return { name: this.#options.name, addr: this.#options.addr };
  }

  async masters(): Promise<MasterMember[]> {
    return [...this.#options.store.members.values('master.')]
      .map((member) => ({
        name: member.name,
        alive: this.#membership.isAlive(member),
        peerURLs: [...member.peerUrls],
        clientURLs: [member.addr.includes('://') ? member.addr : `http://${member.addr}`],
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async workers(): Promise<WorkerMember[]> {
    const alive = this.#options.leader.workers();
    const bound = new Map<string, string>();
    for (const { worker, source, session } of this.#all('placement')) {
      if (worker !== '' && alive.get(worker)?.session === session) bound.set(worker, source);
    }
    return [...this.#options.store.members.values('worker.')]
      .map(({ name, addr }): WorkerMember => {
        const source = bound.get(name) ?? '';
        const stage = !alive.has(name) ? 'offline' : source === '' ? 'free' : 'bound';
        return { name, addr, stage, source };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  offlineMember(kind: 'master' | 'worker', name: string): Promise<void> {
    return this.#membership.offline(kind, name);
  }

  async memberConfig(kind: 'master' | 'worker', name: string): Promise<string | null> {
    return this.#options.store.members.get(keys.member(kind, name))?.config ?? null;
  }

  get #expected(): KvView<ExpectedDocument> {
    return this.#options.store.expected;
  }

  #all<T extends ExpectedDocument['type']>(type: T): Expected<T>[] {
    return [...this.#expected.values(`${type}.`)] as Expected<T>[];
  }

  #get<T extends ExpectedDocument['type']>(type: T, key: string): Expected<T> | null {
    const document = this.#expected.get(key);
    return document?.type === type ? (document as Expected<T>) : null;
  }

  /** Also those whose start is still being carried out. */
  #subtasks(): SubtaskDocument[] {
    const starting = this.#all('task').flatMap((task) => [...task.starting]);
    const known = this.#all('subtask');
    const keysKnown = new Set(known.map(({ source, task }) => keys.subtask(source, task)));
    return [...known, ...starting.filter(({ source, task }) => !keysKnown.has(keys.subtask(source, task)))];
  }

  #workerOf(source: string): string {
    return this.#get('placement', keys.placement(source))?.worker ?? '';
  }

  #freeWorkers(): number {
    const taken = new Set(this.#all('placement').map(({ worker }) => worker));
    return [...this.#options.leader.workers().values()].filter((one) => one.accepting && !taken.has(one.name))
      .length;
  }

  #refuseUnknownSource(sourceId: string): void {
    if (this.#get('source', keys.source(sourceId))) return;
    throw new DmError(CODES.schedulerSourceNotExist, `source config with ID ${sourceId} not exists`);
  }

  #refuseBusySource(sourceId: string): void {
    const tasks = this.#subtasks()
      .filter(({ source }) => source === sourceId)
      .map(({ task }) => task);
    if (tasks.length === 0) return;
    throw new DmError(
      CODES.schedulerSourceHasTasks,
      `source with name ${sourceId} need to operate has existing tasks [${tasks.sort().join(' ')}]`,
    );
  }

  /** Notes the command for the subtask and waits for what becomes of it. */
  async #operate(document: SubtaskDocument, stage: ExpectedStage, again: boolean): Promise<SourceResult> {
    const { source, task } = document;
    const view = this.#commandView(document);
    const refused = refusalOf(view.observed, document, stage);
    if (refused && again && document.stage === stage) return this.#await(document);
    if (refused) return { result: false, msg: refused, source, worker: this.#workerOf(source) };
    const written = await this.#rewrite<'subtask'>('subtask', keys.subtask(source, task), (now) => ({
      ...now,
      stage,
      seq: now.seq + 1,
    }));
    if (!written) return { result: stage === 'Stopped', msg: '', source, worker: this.#workerOf(source) };
    return this.#await(written);
  }

  /** What comes after the resumption is the subtask's affair: the answer does not wait for it. */
  async #carryOut(document: SubtaskDocument, operation: SubtaskOperation): Promise<SourceResult> {
    const { source, task } = document;
    const { bus, ports, observed, rpcTimeoutMs: timeoutMs } = this.#options;
    const answer = await askOperation({
      bus,
      clock: ports.clock,
      source,
      worker: this.#workerOf(source),
      task,
      operation,
      timeoutMs,
    });
    const { result, msg, resume } = answer;
    // The one that has answered: the source may have moved while it was asked.
    const worker = this.#workerOf(source);
    if (!result || resume !== true) return { result, msg, source, worker };
    const written = await this.#rewrite<'subtask'>('subtask', keys.subtask(source, task), (now) => ({
      ...now,
      stage: 'Running',
      seq: now.seq + 1,
    }));
    if (written) {
      const taken = () => seqOf(this.#commandView(document)) >= written.seq;
      await waitUntil(taken, [[observed, subtaskActorKey(source, task)]], ports.clock, timeoutMs);
    }
    return { result, msg, source, worker };
  }

  /** Waits for what becomes of the command; its subtask's document has been written. */
  async #await(document: SubtaskDocument, timeoutMs = this.#options.rpcTimeoutMs): Promise<SourceResult> {
    const { source, task } = document;
    const { ports, observed } = this.#options;
    await waitUntil(
      () => outcomeOf(this.#commandView(document), document) !== null,
      [
        [this.#expected, keys.subtask(source, task)],
        [this.#expected, keys.placement(source)],
        [observed, subtaskActorKey(source, task)],
      ],
      ports.clock,
      timeoutMs,
    );
    return this.#resultOf(document, outcomeOf(this.#commandView(document), document));
  }

  #resultOf({ source }: SubtaskDocument, known: Outcome | null): SourceResult {
    const outcome = known ?? {
      result: false,
      msg: new DmError(
        CODES.masterWorkerTimeout,
        `the worker of source ${source} has not finished in time, but may be successful`,
      ).toString(),
    };
    return { ...outcome, source, worker: this.#workerOf(source) };
  }

  #commandView({ source, task }: SubtaskDocument): CommandView {
    return {
      expected: this.#get('subtask', keys.subtask(source, task)),
      observed: this.#options.observed.get(`subtask.${keys.subtaskActor(source, task)}`) ?? null,
      worker: this.#workerOf(source),
    };
  }

  /** Of two that add a source at the same time one does; the other finds it and is refused. */
  async #addSource(source: Expected<'source'>): Promise<void> {
    const key = keys.source(source.sourceId);
    let unsure = false;
    for (let attempt = 1; ; attempt++) {
      const stored = this.#get('source', key);
      // A time-out may hide that the write got through.
      if (stored && unsure && JSON.stringify(stored) === JSON.stringify(source)) return;
      if (stored) {
        throw new DmError(
          CODES.schedulerSourceExist,
          `source config with ID ${source.sourceId} already exists`,
        );
      }
      try {
        await this.#expected.create(key, source);
        return;
      } catch (error) {
        if (!(error instanceof KvError) || attempt === WRITE_TRIES) throw asDmUnavailable(error);
        unsure ||= error.kind !== 'conflict';
        await this.#refresh(key);
      }
    }
  }

  /**
   * Writes the start down beside those that are still being carried out. Of starts of one subtask at the
   * same time one is written; the others find it and are refused.
   */
  async #decideStart(name: string, yaml: string, starting: readonly SubtaskDocument[]): Promise<void> {
    const key = keys.task(name);
    const wanted = new Map(starting.map((one) => [one.source, one.start]));
    for (let attempt = 1; ; attempt++) {
      const present = this.#subtasks().filter(({ task, source }) => task === name && wanted.has(source));
      // A time-out may hide that the write got through.
      if (present.some(({ source, start }) => wanted.get(source) === start)) return;
      if (present.length > 0)
        throw subtasksExist(
          name,
          present.map(({ source }) => source),
        );
      const earlier = this.#get('task', key)?.starting ?? [];
      try {
        await this.#expected.replace(key, { type: 'task', name, yaml, starting: [...earlier, ...starting] });
        return;
      } catch (error) {
        if (!(error instanceof KvError) || attempt === WRITE_TRIES) throw asDmUnavailable(error);
        await this.#refresh(key);
      }
    }
  }

  async #refresh(key: string): Promise<ExpectedDocument | null> {
    try {
      return await this.#expected.refresh(key);
    } catch (error) {
      throw asDmUnavailable(error);
    }
  }

  /** Changes the present document; null when it is not there (any more). */
  async #rewrite<T extends ExpectedDocument['type']>(
    type: T,
    key: string,
    change: (now: Expected<T>) => Expected<T>,
  ): Promise<Expected<T> | null> {
    for (let attempt = 1; ; attempt++) {
      const now = this.#get(type, key);
      if (!now) return null;
      const next = change(now);
      try {
        await this.#expected.replace(key, next);
        return next;
      } catch (error) {
        if (!(error instanceof KvError) || attempt === WRITE_TRIES) throw asDmUnavailable(error);
        const stored = await this.#refresh(key);
        // A time-out may hide that the write got through.
        if (error.kind === 'unknown-outcome' && JSON.stringify(stored) === JSON.stringify(next)) return next;
      }
    }
  }
}

function subtasksExist(name: string, sources: readonly string[]): DmError {
  return new DmError(
    CODES.schedulerSubtaskExist,
    `subtasks with name ${name} for sources [${sources.join(' ')}] already exist`,
  );
}
