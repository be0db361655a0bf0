/**
 * What the leading master does, for as long as it leads: keeps every source placed, and clears away what
 * has been stopped. All writes are compare-and-set on what was looked at, so a leader that does not know
 * yet that it has lost the lease can only fail.
 *
 * A change marks what it may concern, and only that is looked at: a subtask among ten thousand costs what it
 * costs among ten. Every now and then, and after a failure, everything is looked at.
 */
import type { SubtaskContext } from '../machines/subtask.js';
import { inParallel } from '../src/runtime/in-parallel.js';
import type { Log, Ports } from '../src/runtime/ports.js';
import type { ActorDocument } from '../src/runtime/host/document.js';
import type { ClusterStore } from './cluster-store.js';
import { DirtyLoop } from './dirty-loop.js';
import {
  keys,
  type ExpectedDocument,
  type PlacementDocument,
  type SubtaskDocument,
  type TaskDocument,
} from './documents.js';
import type { KvView } from './kv-view.js';
import type { LeaseObserver } from './leases.js';
import { reconcilePlacements, type PlaceableWorker } from './placement.js';
import { SeenEpochs } from './seen-epochs.js';
import type { SubtaskIndex } from './subtask-index.js';

export interface LeaderOptions {
  readonly ports: Ports;
  readonly store: ClusterStore;
  readonly observed: KvView<ActorDocument>;
  readonly leases: LeaseObserver;
  readonly subtasks: SubtaskIndex;
}

/** What may have to be done. */
interface Marks {
  places: boolean;
  starts: boolean;
  /** Keys of subtasks, the same in what is expected and in what is observed. */
  readonly subtasks: Set<string>;
  readonly tasks: Set<string>;
}

const RECONCILE_MS = 10_000;
const PARALLEL_WRITES = 32;

export class Leader {
  readonly #options: LeaderOptions;
  readonly #log: Log;
  readonly #loop: DirtyLoop;
  readonly #unwatch: (() => void)[] = [];
  readonly #seen = new SeenEpochs();
  #marks: Marks = noMarks();
  /** On the monotonic clock: when everything is looked at again. */
  #allDue = 0;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#log = options.ports.log.child({ component: 'leader' });
    this.#loop = new DirtyLoop({
      clock: options.ports.clock,
      log: this.#log,
      name: 'placing the sources',
      work: () => this.#reconcile(),
      everyMs: RECONCILE_MS,
    });
  }

  start(): void {
    const { store, observed, leases } = this.#options;
    const place = (): void => {
      this.#marks.places = true;
      this.#loop.kick();
    };
    this.#unwatch.push(
      store.expected.onChange((key, now, before) => this.#expectedChanged(key, now ?? before!)),
      store.members.onChange(place, 'worker.'),
      leases.onChange(place),
      observed.onChange((key, now, before) => {
        if (now && this.#noteEpochs(now)) place();
        const expected = store.expected.get(key);
        const stopping = expected?.type === 'subtask' && expected.stage === 'Stopped';
        if (now !== null && now.value === before?.value && !stopping) return;
        this.#marks.subtasks.add(key);
        this.#loop.kick();
      }, 'subtask.'),
      observed.onChange((_, now) => {
        if (now && this.#noteEpochs(now)) place();
      }, 'source.'),
    );
    this.#loop.kick();
  }

  async stop(): Promise<void> {
    for (const stop of this.#unwatch) stop();
    await this.#loop.stop();
  }

  /** Workers with a live lease, by name. */
  workers(): Map<string, PlaceableWorker> {
    const alive = new Map<string, PlaceableWorker>();
    for (const member of this.#options.store.members.values('worker.')) {
      const lease = `${keys.lease('worker', member.name)}.${member.session}`;
      if (this.#options.leases.alive.has(lease)) alive.set(member.name, member);
    }
    return alive;
  }

  #expectedChanged(key: string, document: ExpectedDocument): void {
    const marks = this.#marks;
    switch (document.type) {
      case 'source':
        marks.places = true;
        break;
      case 'placement':
        marks.places = true;
        // What waits for nobody any more when nobody has the source.
        for (const [subtask] of this.#options.store.expected.entries(keys.subtasksOf(document.source))) {
          marks.subtasks.add(subtask);
        }
        break;
      case 'task':
        marks.starts = true;
        marks.tasks.add(document.name);
        break;
      case 'subtask':
        marks.subtasks.add(key);
        marks.tasks.add(document.task);
        break;
    }
    this.#loop.kick();
  }

  async #reconcile(): Promise<void> {
    const { clock } = this.#options.ports;
    if (clock.monotonic() >= this.#allDue) this.#markAll();
    const marks = this.#marks;
    this.#marks = noMarks();
    try {
      if (marks.starts) await this.#finishStarts();
      if (marks.places) await this.#place();
      await this.#clearStopped(marks.subtasks);
      await this.#clearTasks(new Set([...marks.tasks, ...this.#marks.tasks]));
    } catch (error) {
      this.#allDue = 0;
      throw error;
    }
  }

  #markAll(): void {
    const { clock } = this.#options.ports;
    const { store, observed } = this.#options;
    this.#allDue = clock.monotonic() + RECONCILE_MS;
    const marks = this.#marks;
    marks.places = true;
    marks.starts = true;
    for (const [key, document] of store.expected.entries('subtask.')) {
      if (document.type === 'subtask' && document.stage === 'Stopped') marks.subtasks.add(key);
    }
    for (const [key] of observed.entries('subtask.')) {
      if (!store.expected.get(key)) marks.subtasks.add(key);
    }
    for (const task of store.expected.values('task.')) if (task.type === 'task') marks.tasks.add(task.name);
    this.#seen.clear();
    for (const document of observed.values('subtask.')) this.#noteEpochs(document);
    for (const document of observed.values('source.')) this.#noteEpochs(document);
  }

  /** True when it says that a source is placed under too low an epoch. */
  #noteEpochs(document: ActorDocument): boolean {
    const { source, epoch } = this.#seen.note(document);
    const placement = this.#options.store.expected.get(keys.placement(source));
    return placement?.type === 'placement' && epoch > placement.epoch;
  }

  async #finishStarts(): Promise<void> {
    const { expected } = this.#options.store;
    const tasks = [...expected.values('task.')].filter(
      (document): document is TaskDocument => document.type === 'task' && document.starting.length > 0,
    );
    const missing = tasks
      .flatMap(({ starting }) => starting)
      .filter(({ source, task }) => expected.get(keys.subtask(source, task)) === undefined);
    await inParallel(missing, PARALLEL_WRITES, async (document) => {
      const key = keys.subtask(document.source, document.task);
      // The store refuses what is there already: another leader may have carried out a part of it.
      await expected.create(key, document).catch(async (error: unknown) => {
        if (!(await expected.refresh(key))) throw error;
      });
    });
    await inParallel(tasks, PARALLEL_WRITES, async (task) => {
      const key = keys.task(task.name);
      const now = expected.get(key);
      if (now?.type !== 'task') return;
      // Others may have been decided meanwhile: they stay for the next round.
      const done = new Set(task.starting.map(({ start }) => start));
      const starting = now.starting.filter(({ start }) => !done.has(start));
      await expected.replace(key, { ...now, starting }).catch(async (error: unknown) => {
        await expected.refresh(key);
        throw error;
      });
    });
  }

  async #place(): Promise<void> {
    const { expected } = this.#options.store;
    const sources: string[] = [];
    const placements = new Map<string, PlacementDocument>();
    for (const document of expected.values('source.')) {
      if (document.type === 'source') sources.push(document.sourceId);
    }
    for (const document of expected.values('placement.')) {
      if (document.type === 'placement') placements.set(document.source, document);
    }
    const known = new Set(sources);
    const writes: PlacementDocument[] = [];
    for (const placement of placements.values()) {
      // Kept after the source is gone: the epoch must never go down.
      if (known.has(placement.source) || placement.worker === '') continue;
      writes.push({ ...placement, worker: '', session: '', lastWorker: '' });
    }
    writes.push(
      ...reconcilePlacements({
        sources,
        placements,
        workers: this.workers(),
        seenEpoch: (source) => this.#seen.of(source),
      }),
    );
    await inParallel(writes, PARALLEL_WRITES, async (placement) => {
      await expected.replace(keys.placement(placement.source), placement).catch(async (error: unknown) => {
        await expected.refresh(keys.placement(placement.source));
        throw error;
      });
      this.#log.info(placement.worker === '' ? 'the source has no worker' : 'placed a source', {
        source: placement.source,
        worker: placement.worker,
        epoch: placement.epoch,
      });
    });
  }

  async #clearStopped(marked: ReadonlySet<string>): Promise<void> {
    const { store, observed } = this.#options;
    const stopped: [string, SubtaskDocument][] = [];
    for (const key of marked) {
      const document = store.expected.get(key);
      if (document?.type !== 'subtask') continue;
      if (document.stage === 'Stopped' && this.#isOver(key, document)) stopped.push([key, document]);
    }
    await inParallel(stopped, PARALLEL_WRITES, async ([key, document]) => {
      await store.expected.delete(key).catch(async (error: unknown) => {
        await store.expected.refresh(key);
        throw error;
      });
      this.#log.info('a subtask is stopped and gone', { task: document.task, source: document.source });
    });
    const orphans = [...marked].filter((key) => !store.expected.get(key) && observed.get(key));
    await inParallel(orphans, PARALLEL_WRITES, async (key) => {
      // The view may have missed something: the store has the last word before anything is thrown away.
      if (await store.expected.refresh(key)) return;
      await observed.delete(key).catch(async (error: unknown) => {
        await observed.refresh(key);
        throw error;
      });
    });
  }

  /** A task without subtasks is over. */
  async #clearTasks(marked: ReadonlySet<string>): Promise<void> {
    const { store, subtasks } = this.#options;
    for (const name of marked) {
      const key = keys.task(name);
      const task = store.expected.get(key);
      if (task?.type !== 'task' || task.starting.length > 0 || subtasks.has(name)) continue;
      await store.expected.delete(key).catch(async (error: unknown) => {
        await store.expected.refresh(key);
        throw error;
      });
    }
  }

  /** True when nothing of the subtask runs any more, or nobody is there to run it. */
  #isOver(key: string, document: SubtaskDocument): boolean {
    const placement = this.#options.store.expected.get(keys.placement(document.source));
    if (placement?.type !== 'placement' || placement.worker === '') return true;
    const actor = this.#options.observed.get(key);
    if (!actor) return false;
    const context = actor.context as SubtaskContext;
    return context.start === document.start && context.seq >= document.seq && actor.value === 'Stopped';
  }
}

function noMarks(): Marks {
  return { places: false, starts: false, subtasks: new Set(), tasks: new Set() };
}
