/**
 * What the leading master does, for as long as it leads: keeps every source placed, and clears away what
 * has been stopped. All writes are compare-and-set on what was looked at, so a leader that does not know
 * yet that it has lost the lease can only fail.
 */
import type { SubtaskContext } from '../machines/subtask.js';
import type { SourceContext } from '../machines/source.js';
import { unescapeKey } from '../src/nats/subjects.js';
import type { Log, Ports } from '../src/runtime/ports.js';
import type { ActorDocument } from '../src/runtime/host/document.js';
import type { ClusterStore } from './cluster-store.js';
import { DirtyLoop } from './dirty-loop.js';
import { keys, type PlacementDocument, type SubtaskDocument, type TaskDocument } from './documents.js';
import type { KvView } from './kv-view.js';
import type { LeaseObserver } from './leases.js';
import { reconcilePlacements, type PlaceableWorker } from './placement.js';
import { subtaskActorKey } from './source.js';

export interface LeaderOptions {
  readonly ports: Ports;
  readonly store: ClusterStore;
  readonly observed: KvView<ActorDocument>;
  readonly leases: LeaseObserver;
}

const RECONCILE_MS = 10_000;
const PARALLEL_WRITES = 16;

export class Leader {
  readonly #options: LeaderOptions;
  readonly #log: Log;
  readonly #loop: DirtyLoop;
  readonly #unwatch: (() => void)[] = [];

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
    const kick = (): void => this.#loop.kick();
    this.#unwatch.push(store.expected.onChange(kick), store.members.onChange(kick));
    this.#unwatch.push(
      observed.onChange((key, now, before) => {
        if (key.startsWith('subtask.') && (now === null || now.value !== before?.value)) kick();
      }),
    );
    this.#unwatch.push(leases.onChange(kick));
    kick();
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

  async #reconcile(): Promise<void> {
    await this.#finishStarts();
    await this.#place();
    await this.#clearStopped();
  }

  async #finishStarts(): Promise<void> {
    const { expected } = this.#options.store;
    const tasks = [...expected.values('task.')].filter(
      (document): document is TaskDocument => document.type === 'task' && document.starting.length > 0,
    );
    await this.#inParallel(tasks, async (task) => {
      const key = keys.task(task.name);
      for (const document of task.starting) {
        const subtask = keys.subtask(document.source, document.task);
        const present = expected.get(subtask) ?? (await expected.refresh(subtask));
        if (present) continue;
        await expected.create(subtask, document).catch(async (error: unknown) => {
          await expected.refresh(subtask);
          throw error;
        });
      }
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
    for (const document of expected.values()) {
      if (document.type === 'source') sources.push(document.sourceId);
      else if (document.type === 'placement') placements.set(document.source, document);
    }
    const known = new Set(sources);
    const writes: PlacementDocument[] = [];
    for (const placement of placements.values()) {
      // Kept after the source is gone: the epoch must never go down.
      if (known.has(placement.source) || placement.worker === '') continue;
      writes.push({ ...placement, worker: '', session: '', lastWorker: '' });
    }
    const seen = this.#seenEpochs();
    writes.push(
      ...reconcilePlacements({
        sources,
        placements,
        workers: this.workers(),
        seenEpoch: (source) => seen.get(source) ?? 0,
      }),
    );
    await this.#inParallel(writes, async (placement) => {
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

  /** Placement epochs that subtasks found in the target, or that actors were hosted under. */
  #seenEpochs(): Map<string, number> {
    const seen = new Map<string, number>();
    const note = (source: string, epoch: number): void => {
      if (epoch > (seen.get(source) ?? 0)) seen.set(source, epoch);
    };
    const { observed } = this.#options;
    for (const document of observed.values('subtask.')) {
      const context = document.context as SubtaskContext;
      if (context.fencedBy > 0) note(context.source, context.fencedBy);
      note(context.source, document.epoch);
    }
    for (const document of observed.values('source.')) {
      note((document.context as SourceContext).source, document.epoch);
    }
    // An epoch that is its placement's own is no reason to move: only what is above it counts.
    return seen;
  }

  async #clearStopped(): Promise<void> {
    const { store, observed } = this.#options;
    const stopped: SubtaskDocument[] = [];
    const tasks = new Set<string>();
    for (const document of store.expected.values('subtask.')) {
      if (document.type !== 'subtask') continue;
      if (document.stage === 'Stopped' && this.#isOver(document)) stopped.push(document);
      else tasks.add(document.task);
    }
    await this.#inParallel(stopped, async (document) => {
      const key = keys.subtask(document.source, document.task);
      await store.expected.delete(key).catch(async (error: unknown) => {
        await store.expected.refresh(key);
        throw error;
      });
      this.#log.info('a subtask is stopped and gone', { task: document.task, source: document.source });
    });
    for (const task of [...store.expected.values('task.')]) {
      if (task.type !== 'task' || task.starting.length > 0 || tasks.has(task.name)) continue;
      const key = keys.task(task.name);
      await store.expected.delete(key).catch(async (error: unknown) => {
        await store.expected.refresh(key);
        throw error;
      });
    }
    const orphans: SubtaskContext[] = [];
    for (const document of observed.values('subtask.')) {
      const context = document.context as SubtaskContext;
      if (!store.expected.get(keys.subtask(context.source, context.task))) orphans.push(context);
    }
    await this.#inParallel(orphans, async ({ source, task }) => {
      // The view may have missed something: the store has the last word before anything is thrown away.
      if (await store.expected.refresh(keys.subtask(source, task))) return;
      const key = subtaskActorKey(source, task);
      await observed.delete(key).catch(async (error: unknown) => {
        await observed.refresh(key);
        throw error;
      });
    });
  }

  /** True when nothing of the subtask runs any more, or nobody is there to run it. */
  #isOver(document: SubtaskDocument): boolean {
    const placement = this.#options.store.expected.get(keys.placement(document.source));
    if (placement?.type !== 'placement' || placement.worker === '') return true;
    const actor = this.#options.observed.get(subtaskActorKey(document.source, document.task));
    if (!actor) return false;
    const context = actor.context as SubtaskContext;
    return context.start === document.start && context.seq >= document.seq && actor.value === 'Stopped';
  }

  async #inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const queue = items.values();
    const failures: unknown[] = [];
    await Promise.all(
      Array.from({ length: Math.min(PARALLEL_WRITES, items.length) }, async () => {
        for (const item of queue) await work(item).catch((error: unknown) => failures.push(error));
      }),
    );
    if (failures.length > 0) throw failures[0];
  }
}

/** The name in a member's key: `worker.<escaped>`. */
export function nameOfKey(key: string): string {
  return unescapeKey(key.slice(key.indexOf('.') + 1));
}
