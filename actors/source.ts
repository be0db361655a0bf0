/**
 * The actor of one source on the worker that it is placed on: holds the actors of its subtasks, and answers
 * for all of them under `dm.actor.source.<id>`.
 */
import { sourceMachine } from '../machines/source.js';
import { CODES } from '../src/errors/codes.js';
import { DmError } from '../src/errors/dm-error.js';
import type { OperationAnswer, SubtaskOperation } from '../src/model/operation.js';
import { unreachable } from '../src/model/assert.js';
import type { SubTaskStatus } from '../src/model/status.js';
import type { MeasuredSubtask } from '../src/metrics/subtask-metrics.js';
import { createCodec } from '../src/nats/codec.js';
import { actorSubject, escapeKey } from '../src/nats/subjects.js';
import { HostedActor, type ActorPorts } from '../src/runtime/host/actor.js';
import type { Bus, Stop } from '../src/runtime/ports.js';
import { keys, type PlacementDocument, type SubtaskDocument } from './documents.js';
import { SubtaskActor, type SubtaskDeps } from './subtask.js';

export interface SourceDeps {
  readonly ports: ActorPorts;
  readonly bus: Bus;
  readonly session: string;
  readonly runs: Map<string, number>;
  /** The subtasks that are expected of this source now. */
  readonly expected: () => SubtaskDocument[];
  /** What an actor of this subtask is given. */
  readonly subtask: (document: SubtaskDocument) => Omit<SubtaskDeps, 'ports' | 'session' | 'epoch' | 'runs'>;
}

/** A question to a source actor. */
export type SourceQuestion =
  | {
      readonly type: 'status';
      /** '' = all tasks. */
      readonly task: string;
      readonly timeoutMs: number;
    }
  /** Answered by an OperationAnswer. */
  | {
      readonly type: 'operate';
      readonly task: string;
      readonly operation: SubtaskOperation;
      readonly timeoutMs: number;
    };

export interface SourceAnswer {
  readonly worker: string;
  readonly epoch: number;
  readonly subtasks: SubTaskStatus[];
}

/** How long an operation waits for a subtask that the leader knows of and that is not loaded here yet. */
const APPEAR_MS = 5_000;
const APPEAR_EVERY_MS = 50;

export class SourceActor {
  readonly source: string;
  readonly epoch: number;
  readonly #deps: SourceDeps;
  readonly #worker: string;
  readonly #actor: HostedActor<typeof sourceMachine>;
  readonly #subtasks = new Map<string, SubtaskActor>();
  #stopServing: Stop | null = null;
  #detached = false;
  #following: Promise<void> = Promise.resolve();

  constructor(placement: PlacementDocument, deps: SourceDeps) {
    this.source = placement.source;
    this.epoch = placement.epoch;
    this.#worker = placement.worker;
    this.#deps = deps;
    this.#actor = new HostedActor(
      {
        kind: 'source',
        key: escapeKey(placement.source),
        machine: sourceMachine,
        input: { source: placement.source },
        epoch: placement.epoch,
        owner: deps.session,
        // handOver releases and tells when it is done; a restored 'releasing' goes on by PLACED.
        effects: { bind: () => this.#bind() },
        onEffectError: (action, error) =>
          action === 'bind' ? { type: 'BIND_FAILED', message: String(error) } : null,
        onSuperseded: () => void this.fence(),
      },
      deps.ports,
    );
  }

  async open(): Promise<void> {
    await this.#actor.open();
    await this.#actor.send({ type: 'PLACED', worker: this.#worker, epoch: this.epoch });
  }

  /** Brings the subtasks in line with what is expected of them now. Calls are carried out one by one. */
  follow(): Promise<void> {
    const done = this.#following.then(() => this.#reconcile());
    this.#following = done.catch(() => undefined);
    return done;
  }

  /** Ends all threads at safe places, then lets go of the source. */
  async handOver(): Promise<void> {
    if (!this.#actor.closed) {
      this.#detached = true;
      await this.#following;
      await this.#actor.send({ type: 'RELEASE' });
      await this.#release();
      await this.#actor.send({ type: 'RELEASED' });
    }
    await this.#close();
  }

  /** Ends all threads at safe places, while there is no store to note anything in. */
  async endThreads(): Promise<void> {
    this.#detached = true;
    await Promise.all([...this.#subtasks.values()].map((subtask) => subtask.endThread()));
  }

  /** Ends all threads at once. */
  async fence(): Promise<void> {
    this.#detached = true;
    await Promise.all([...this.#subtasks.values()].map((subtask) => subtask.fence()));
    await this.#following;
    await Promise.all([...this.#subtasks.values()].map((subtask) => subtask.fence()));
    this.#subtasks.clear();
    await this.#close();
  }

  async #close(): Promise<void> {
    const stop = this.#stopServing;
    this.#stopServing = null;
    await stop?.();
    await this.#actor.close();
  }

  async #bind(): Promise<void> {
    if (this.#detached) return;
    const codec = createCodec();
    this.#stopServing ??= await this.#deps.bus.serve(actorSubject('source', this.source), async ({ data }) =>
      codec.encode(await this.#answer(codec.decode(data) as SourceQuestion)),
    );
    await this.follow();
    if (!this.#detached) await this.#actor.send({ type: 'BOUND' });
  }

  async #release(): Promise<void> {
    const subtasks = [...this.#subtasks.values()];
    this.#subtasks.clear();
    await Promise.all(subtasks.map((subtask) => subtask.handOver()));
  }

  async #reconcile(): Promise<void> {
    if (this.#detached) return;
    const expected = new Map(this.#deps.expected().map((document) => [document.task, document]));
    for (const [task, actor] of [...this.#subtasks]) {
      if (expected.get(task)?.start === actor.start) continue;
      this.#subtasks.delete(task);
      await actor.handOver();
    }
    await Promise.all(
      [...expected.values()].map(async (document) => {
        if (this.#detached) return;
        const known = this.#subtasks.get(document.task);
        if (known) {
          await known.follow(document);
          return;
        }
        const actor = new SubtaskActor(document, {
          ...this.#deps.subtask(document),
          ports: this.#deps.ports,
          session: this.#deps.session,
          epoch: this.epoch,
          runs: this.#deps.runs,
        });
        this.#subtasks.set(document.task, actor);
        try {
          await actor.open();
        } catch (error) {
          if (this.#subtasks.get(document.task) === actor) this.#subtasks.delete(document.task);
          await actor.fence();
          throw error;
        }
      }),
    );
  }

  /** What metrics are made of. */
  measured(timeoutMs: number): Promise<MeasuredSubtask[]> {
    const { source } = this;
    return Promise.all(
      [...this.#subtasks.values()].map(async (subtask) => ({
        source,
        worker: this.#worker,
        ...(await subtask.measured(timeoutMs)),
      })),
    );
  }

  #answer(question: SourceQuestion): Promise<SourceAnswer | OperationAnswer> {
    switch (question.type) {
      case 'status':
        return this.#status(question);
      case 'operate':
        return this.#operate(question);
      default:
        return unreachable(question);
    }
  }

  async #operate(question: Extract<SourceQuestion, { type: 'operate' }>): Promise<OperationAnswer> {
    const { task, operation, timeoutMs } = question;
    const { clock } = this.#deps.ports;
    const giveUp = clock.monotonic() + timeoutMs;
    const end = clock.monotonic() + Math.min(APPEAR_MS, timeoutMs * 0.5);
    // The leader asks for what it knows to be there. Messages come as soon as NATS knows that we serve, which
    // is before the subtasks are loaded; and the leader may hear of a new one before we do.
    for (;;) {
      const subtask = this.#subtasks.get(task);
      if (subtask) return subtask.operate(operation, giveUp - clock.monotonic());
      if (this.#detached || clock.monotonic() >= end) break;
      await clock.sleep(APPEAR_EVERY_MS);
    }
    const message = `the subtask ${task} of source ${this.source} is not on its worker yet`;
    return { result: false, msg: new DmError(CODES.eventRefused, message).toString() };
  }

  async #status(question: Extract<SourceQuestion, { type: 'status' }>): Promise<SourceAnswer> {
    const asked = [...this.#subtasks].filter(([task]) => question.task === '' || task === question.task);
    const subtasks = await Promise.all(asked.map(([, actor]) => actor.status(question.timeoutMs)));
    subtasks.sort((a, b) => (a.name < b.name ? -1 : 1));
    return { worker: this.#worker, epoch: this.epoch, subtasks };
  }
}

/** Key of the document of a source's actor within the actors' bucket. */
export function sourceActorKey(source: string): string {
  return `source.${escapeKey(source)}`;
}

/** Key of the document of a subtask's actor within the actors' bucket. */
export function subtaskActorKey(source: string, task: string): string {
  return `subtask.${keys.subtaskActor(source, task)}`;
}
