/** The task actors, on the leader's node: each is fed with the states of its subtasks whenever one changes. */
import { deriveTaskState, taskMachine, type SubtaskObservation, type TaskContext } from '../machines/task.js';
import type { SubtaskContext } from '../machines/subtask.js';
import type { Stage } from '../src/model/stage.js';
import { escapeKey } from '../src/nats/subjects.js';
import { HostedActor, type ActorPorts } from '../src/runtime/host/actor.js';
import type { ActorDocument } from '../src/runtime/host/document.js';
import type { ClusterStore } from './cluster-store.js';
import { DirtyLoop } from './dirty-loop.js';
import { keys, type SubtaskDocument } from './documents.js';
import type { KvView } from './kv-view.js';
import type { SubtaskIndex } from './subtask-index.js';

export interface TaskBoardOptions {
  readonly ports: ActorPorts;
  readonly store: ClusterStore;
  readonly observed: KvView<ActorDocument>;
  readonly subtasks: SubtaskIndex;
  /** Epoch and session of the term: a later leader's board takes the documents over. */
  readonly epoch: number;
  readonly session: string;
}

const RECHECK_MS = 30_000;
/** Nobody waits for it: a task whose thousand subtasks begin is looked at now and then, not a thousand times. */
const REST_MS = 200;

export class TaskBoard {
  readonly #options: TaskBoardOptions;
  readonly #actors = new Map<string, { actor: HostedActor<typeof taskMachine>; shown: string }>();
  readonly #loop: DirtyLoop;
  readonly #unwatch: (() => void)[] = [];
  /** Tasks that may have changed since the last run; null = look at all. */
  #changed: Set<string> | null = null;

  constructor(options: TaskBoardOptions) {
    this.#options = options;
    this.#loop = new DirtyLoop({
      clock: options.ports.clock,
      log: options.ports.log,
      name: 'deriving the states of tasks',
      work: () => this.#update(),
      everyMs: RECHECK_MS,
      restMs: REST_MS,
    });
  }

  start(): void {
    const { store, observed } = this.#options;
    this.#unwatch.push(
      store.expected.onChange((_key, now, before) => {
        const document = now ?? before;
        if (document?.type === 'subtask') this.#mark(document.task);
      }),
      observed.onChange((_, now, before) => {
        if (now && now.value === before?.value) return;
        this.#mark(((now ?? before)!.context as SubtaskContext).task);
      }, 'subtask.'),
    );
    this.#loop.kick();
  }

  async stop(): Promise<void> {
    for (const stop of this.#unwatch) stop();
    for (const { actor } of this.#actors.values()) await actor.close();
    await this.#loop.stop();
    this.#actors.clear();
  }

  #mark(task: string): void {
    this.#changed?.add(task);
    this.#loop.kick();
  }

  async #update(): Promise<void> {
    const only = this.#changed;
    this.#changed = new Set();
    try {
      const { subtasks } = this.#options;
      for (const task of only ?? new Set([...subtasks.tasks(), ...this.#stored()])) {
        if (subtasks.has(task)) await this.#show(task, this.#observations(task));
        else await this.#remove(task);
      }
    } catch (error) {
      this.#changed = null;
      throw error;
    }
  }

  /** Tasks that have a document, also those that ended while nobody led. */
  #stored(): string[] {
    return [...this.#options.observed.values('task.')].map(({ context }) => (context as TaskContext).task);
  }

  #observations(task: string): SubtaskObservation[] {
    const { subtasks, observed } = this.#options;
    return subtasks
      .of(task)
      .map((document) => observe(document, observed.get(keys.subtask(document.source, task))));
  }

  async #show(task: string, subtasks: SubtaskObservation[]): Promise<void> {
    const state = deriveTaskState(subtasks);
    const shown = `${state} ${subtasks.length}`;
    let entry = this.#actors.get(task);
    if (entry?.shown === shown) return;
    if (!entry) {
      const { ports, epoch, session } = this.#options;
      const actor = new HostedActor(
        {
          kind: 'task',
          key: escapeKey(task),
          machine: taskMachine,
          input: { task },
          effects: {},
          epoch,
          owner: session,
        },
        ports,
      );
      await actor.open();
      entry = { actor, shown: '' };
      this.#actors.set(task, entry);
    }
    await entry.actor.send({ type: 'OBSERVED', state, subtasks: subtasks.length });
    entry.shown = shown;
  }

  async #remove(task: string): Promise<void> {
    const entry = this.#actors.get(task);
    this.#actors.delete(task);
    if (entry) await entry.actor.remove();
    else await this.#options.observed.kv.delete(`task.${escapeKey(task)}`);
  }
}

function observe(expected: SubtaskDocument, actor: ActorDocument | undefined): SubtaskObservation {
  const context = actor?.context as SubtaskContext | undefined;
  if (!actor || context?.start !== expected.start)
    return { stage: 'New', isCanceled: false, hasErrors: false };
  return {
    stage: actor.value as Stage,
    isCanceled: context.isCanceled,
    hasErrors: context.errors.length > 0 || context.fencedBy > 0,
  };
}
