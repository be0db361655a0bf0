/**
 * A durable actor: an XState machine with a mailbox and a document.
 *
 *   event -> refused? -> transition -> document saved (compare-and-set) -> effects started -> answer
 *
 * Nothing that an effect does can be seen before the state that asked for it is stored. When the process
 * dies between the two, the effect is lost; so whoever loads an actor sends it the event that begins its
 * work here (PLACED, START), and effects are idempotent. Effects report by sending events; one that throws
 * becomes the event that `onEffectError` makes of it: an actor never dies of a failing action.
 */
import {
  initialTransition,
  transition,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventFrom,
  type EventObject,
  type InputFrom,
  type SnapshotFrom,
} from 'xstate';
import type { Clock, Ids, Kv, Log, Random } from '../ports.js';
import { Deadlines } from './deadlines.js';
import type { ActorDocument } from './document.js';
import { DurableSlot, SupersededError } from './durable-slot.js';
import { accepts, refusal } from './refusal.js';

/** Starts what the machine asked for. It may return a promise, which is watched but not waited for. */
export type Effect = (params: never) => void | Promise<void>;

export interface ActorSpec<M extends AnyStateMachine> {
  readonly kind: string;
  /** Token for subjects and KV keys (see escapeKey of src/nats/subjects.ts). */
  readonly key: string;
  readonly machine: M;
  readonly input: InputFrom<M>;
  readonly effects: Readonly<Record<string, Effect>>;
  readonly epoch: number;
  readonly owner: string;
  /** True for a stored context that belongs to something earlier of the same key: begin anew. */
  readonly isOutdated?: (context: unknown) => boolean;
  /** The event to send when an effect failed; null = log only. */
  readonly onEffectError?: (action: string, error: unknown) => EventFrom<M> | null;
  /** Called once when another process has taken the document. */
  readonly onSuperseded?: () => void;
  readonly onTransition?: (snapshot: SnapshotFrom<M>) => void;
}

export interface Transition {
  readonly kind: string;
  readonly key: string;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly durationMs: number;
  readonly epoch: number;
  readonly owner: string;
  readonly at: number;
}

/** Of the action `setDeadline` of every machine. With `earliestMs` the time is drawn between it and `ms`. */
interface DeadlineParams {
  readonly name: string;
  readonly ms: number;
  readonly earliestMs?: number;
  readonly event: { type: string };
}

export interface ActorPorts {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
  readonly inspect: (transition: Transition) => void;
}

export function documentKey(kind: string, key: string): string {
  return `${kind}.${key}`;
}

export function stateText(snapshot: AnyMachineSnapshot): string {
  return typeof snapshot.value === 'string' ? snapshot.value : JSON.stringify(snapshot.value);
}

/** The snapshot that a document holds. */
export function restoreSnapshot<M extends AnyStateMachine>(
  machine: M,
  document: ActorDocument,
): SnapshotFrom<M> {
  return machine.resolveState({
    value: document.value,
    context: document.context as Record<string, unknown>,
  }) as SnapshotFrom<M>;
}

export class HostedActor<M extends AnyStateMachine> {
  readonly spec: ActorSpec<M>;
  readonly #ports: ActorPorts;
  readonly #slot: DurableSlot;
  readonly #deadlines: Deadlines;
  readonly #abort = new AbortController();
  readonly #log: Log;
  #snapshot!: AnyMachineSnapshot;
  #mailbox: Promise<unknown> = Promise.resolve();
  #superseded = false;
  #since = 0;

  constructor(spec: ActorSpec<M>, ports: ActorPorts) {
    this.spec = spec;
    this.#ports = ports;
    this.#log = ports.log.child({ component: spec.kind, key: spec.key });
    this.#slot = new DurableSlot({
      kv: ports.kv,
      key: documentKey(spec.kind, spec.key),
      epoch: spec.epoch,
      owner: spec.owner,
      clock: ports.clock,
      ids: ports.ids,
      log: this.#log,
      signal: this.#abort.signal,
    });
    this.#deadlines = new Deadlines(ports.clock, (event) => this.tell(event as EventFrom<M>));
  }

  get snapshot(): SnapshotFrom<M> {
    return this.#snapshot as SnapshotFrom<M>;
  }

  get closed(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Restores the document, or begins with the machine's initial state. */
  async open(): Promise<void> {
    const document = await this.#slot.load();
    if (document && !this.spec.isOutdated?.(document.context)) {
      this.#snapshot = restoreSnapshot(this.spec.machine, document) as AnyMachineSnapshot;
      this.#deadlines.restore(document.deadlines);
      this.#since = document.since ?? this.#ports.clock.wall();
    } else {
      const [snapshot, actions] = initialTransition(this.spec.machine, this.spec.input);
      this.#snapshot = snapshot as AnyMachineSnapshot;
      this.#since = this.#ports.clock.wall();
      const effects = this.#takeDeadlines(actions);
      await this.#save();
      this.#start(effects);
    }
    this.#deadlines.arm();
  }

  /** True when the present state takes the event up (also when it takes it up by ignoring it). */
  can(event: EventFrom<M>): boolean {
    return accepts(this.#snapshot, event);
  }

  /**
   * Resolves with the state after the event, once it is stored. Rejects with a DmError when the state
   * refuses it, with SupersededError when another process owns the actor.
   */
  send(event: EventFrom<M>): Promise<SnapshotFrom<M>> {
    const done = this.#mailbox.then(() => this.#process(event));
    this.#mailbox = done.catch(() => undefined);
    return done;
  }

  /** As `send`, for events that nobody waits for; what goes wrong is logged. */
  tell(event: EventFrom<M>): void {
    this.send(event).catch((error: unknown) => {
      if (this.closed) return;
      this.#log.warn('event was not taken', { event: (event as EventObject).type, error: String(error) });
    });
  }

  /** Ends timers and writes; the document stays as it is. Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#deadlines.stop();
    this.#abort.abort(new Error(`actor ${this.spec.kind} ${this.spec.key} is closed`));
    await this.#mailbox;
  }

  /** Deletes the document of a closed actor. */
  async remove(): Promise<void> {
    await this.close();
    await this.#slot.remove();
  }

  async #process(event: EventFrom<M>): Promise<SnapshotFrom<M>> {
    this.#abort.signal.throwIfAborted();
    const before = this.#snapshot;
    if (!accepts(before, event)) throw refusal(this.spec.machine, before, event);
    const began = this.#ports.clock.monotonic();
    const [next, actions] = transition(this.spec.machine, before as SnapshotFrom<M>, event) as unknown as [
      AnyMachineSnapshot,
      readonly { type: string; params?: unknown }[],
    ];
    if (next === before && actions.length === 0) return this.snapshot;
    const armed = this.#deadlines.list();
    const since = this.#since;
    if (stateText(next) !== stateText(before)) this.#since = this.#ports.clock.wall();
    this.#snapshot = next;
    const effects = this.#takeDeadlines(actions);
    try {
      await this.#save();
    } catch (error) {
      this.#snapshot = before;
      this.#since = since;
      this.#deadlines.stop();
      this.#deadlines.restore(armed);
      throw error;
    }
    this.#deadlines.arm();
    this.#ports.inspect({
      kind: this.spec.kind,
      key: this.spec.key,
      event: (event as EventObject).type,
      from: stateText(before),
      to: stateText(next),
      durationMs: this.#ports.clock.monotonic() - began,
      epoch: this.spec.epoch,
      owner: this.spec.owner,
      at: this.#ports.clock.wall(),
    });
    this.#log.debug('transition', {
      event: (event as EventObject).type,
      from: stateText(before),
      to: stateText(next),
    });
    this.spec.onTransition?.(this.snapshot);
    this.#start(effects);
    return this.snapshot;
  }

  #takeDeadlines(actions: readonly { type: string; params?: unknown }[]) {
    return actions.filter(({ type, params }) => {
      if (type === 'setDeadline') {
        const { name, ms, earliestMs, event } = params as DeadlineParams;
        const early = earliestMs === undefined ? 0 : Math.max(ms - earliestMs, 0) * this.#ports.random.next();
        this.#deadlines.set(name, ms - early, event);
        return false;
      }
      if (type === 'clearDeadline') {
        this.#deadlines.clear((params as { name: string }).name);
        return false;
      }
      return type in this.spec.effects;
    });
  }

  async #save(): Promise<void> {
    try {
      await this.#slot.save({
        v: 1,
        machine: this.spec.machine.id,
        value: this.#snapshot.value,
        context: this.#snapshot.context,
        deadlines: this.#deadlines.list(),
        since: this.#since,
      });
    } catch (error) {
      if (error instanceof SupersededError && !this.#superseded) {
        this.#superseded = true;
        this.#log.warn('superseded', { error: error.message });
        this.spec.onSuperseded?.();
      }
      throw error;
    }
  }

  #start(effects: readonly { type: string; params?: unknown }[]): void {
    for (const { type, params } of effects) {
      const failed = (error: unknown): void => {
        this.#log.error('effect failed', { effect: type, error: String(error) });
        const event = this.spec.onEffectError?.(type, error);
        if (event) this.tell(event);
      };
      try {
        const running = this.spec.effects[type]!(params as never);
        if (running) running.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}
