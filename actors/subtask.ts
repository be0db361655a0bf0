/**
 * The actor of one subtask on the worker that holds its source. It follows the expected stage (a document
 * of the leader) by turning each new command into an event of the machine, and drives the thread.
 *
 * Handing over and being fenced off are no events of the machine: the stage stays what it is, and the next
 * worker that loads the document goes on from there (PLACED).
 */
import {
  subtaskMachine,
  type ResumeChecker,
  type SubtaskContext,
  type SubtaskEvent,
} from '../machines/subtask.js';
import { CODES } from '../src/errors/codes.js';
import { DmError } from '../src/errors/dm-error.js';
import type { OperationAnswer, SubtaskOperation } from '../src/model/operation.js';
import type { Stage } from '../src/model/stage.js';
import type { SubTaskStatus } from '../src/model/status.js';
import type { SubtaskConfig } from '../src/model/subtask-config.js';
import type { MeasuredSubtask } from '../src/metrics/subtask-metrics.js';
import { HostedActor, type ActorPorts } from '../src/runtime/host/actor.js';
import type { SubtaskEnd, SubtaskStart, UnitStatus } from '../src/subtask/protocol.js';
import { keys, type SubtaskDocument } from './documents.js';
import type { RunningUnit, UnitRunner } from './unit-runner.js';

export interface SubtaskDeps {
  readonly ports: ActorPorts;
  readonly runner: UnitRunner;
  readonly session: string;
  readonly epoch: number;
  readonly checker: ResumeChecker;
  /** Highest run that this session has started, by actor key; shared by all that the session hosts. */
  readonly runs: Map<string, number>;
  /** Merges task and source file; rejects with DmError. */
  readonly resolve: () => SubtaskConfig;
  readonly environment: Pick<SubtaskStart, 'workerName' | 'dataDir' | 'log'>;
}

/** How long a thread may take to end when its source is handed over. */
const HANDOVER_MS = 10_000;
/** How long an operation waits for a subtask that was just resumed by itself. */
const SETTLE_MS = 2_000;
/** Connecting, and coming to the error again, may take long on a busy machine. */
const ERROR_AGAIN_MS = 6_000;
const SETTLE_EVERY_MS = 50;
const COMMANDS = { Running: 'RESUME', Paused: 'PAUSE', Stopped: 'STOP' } as const;

interface Run {
  readonly number: number;
  readonly unit: RunningUnit;
  readonly gone: Promise<void>;
}

export class SubtaskActor {
  readonly #deps: SubtaskDeps;
  readonly #expected: SubtaskDocument;
  readonly #actor: HostedActor<typeof subtaskMachine>;
  #run: Run | null = null;
  /** True once the placement is leaving: what the thread reports is of no interest any more. */
  #detached = false;
  #opened = false;
  #lastStatus: UnitStatus | null = null;
  /** Runs that have failed here, by unit. */
  readonly #failures = new Map<string, number>();

  constructor(expected: SubtaskDocument, deps: SubtaskDeps) {
    this.#deps = deps;
    this.#expected = expected;
    this.#actor = new HostedActor(
      {
        kind: 'subtask',
        key: keys.subtaskActor(expected.source, expected.task),
        machine: subtaskMachine,
        input: {
          task: expected.task,
          source: expected.source,
          start: expected.start,
          removeMeta: expected.removeMeta,
        },
        epoch: deps.epoch,
        owner: deps.session,
        isOutdated: (context) => (context as SubtaskContext).start !== expected.start,
        effects: {
          startUnit: (params: { run: number; epoch: number; removeMeta: boolean }) => this.#startUnit(params),
          endUnit: (params: { run: number; reason: 'pause' | 'stop' }) => this.#endUnit(params),
          killUnit: () => this.#kill(),
        },
        onSuperseded: () => void this.fence(),
      },
      deps.ports,
    );
  }

  get start(): string {
    return this.#expected.start;
  }

  get stage(): Stage {
    return this.#actor.snapshot.value;
  }

  /** Loads the document, catches up with the commands that came while nobody had it, and begins to work. */
  async open(): Promise<void> {
    await this.#actor.open();
    this.#opened = true;
    await this.follow(this.#expected);
    const { epoch, checker, runs } = this.#deps;
    const lastRun = runs.get(this.#actor.spec.key) ?? 0;
    await this.#actor.send({ type: 'PLACED', epoch, checker, lastRun });
  }

  /** Carries out the command of the expected stage, once. What the stage refuses is noted for the leader. */
  async follow(expected: SubtaskDocument): Promise<void> {
    const { seq } = expected;
    if (seq <= this.#actor.snapshot.context.seq) return;
    const event: SubtaskEvent = { type: COMMANDS[expected.stage], seq };
    try {
      await this.#actor.send(event);
    } catch (error) {
      if (!(error instanceof DmError)) throw error;
      await this.#actor.send({ type: 'REFUSED', seq, message: error.toString() });
    }
  }

  /** What metrics are made of. */
  async measured(timeoutMs: number): Promise<Pick<MeasuredSubtask, 'status' | 'figures' | 'failures'>> {
    const status = await this.status(timeoutMs);
    const figures = this.#run !== null && status.sync ? this.#lastStatus?.figures : undefined;
    return { status, failures: this.#failures, ...(figures ? { figures } : {}) };
  }

  async status(timeoutMs: number): Promise<SubTaskStatus> {
    const run = this.#run;
    if (run) {
      this.#lastStatus = await run.unit.status(timeoutMs).catch((error: unknown) => {
        this.#deps.ports.log.debug('the thread gave no status', { error: String(error) });
        return this.#lastStatus;
      });
    }
    return statusOf(this.#expected.task, this.#actor.snapshot, this.#lastStatus);
  }

  /** Hands the operation to the thread, or carries it out here while the subtask rests. Never rejects. */
  async operate(operation: SubtaskOperation, timeoutMs: number): Promise<OperationAnswer> {
    if (!(await this.#untilSettled(concernsError(operation)))) {
      const message = 'the subtask is being taken over by its worker';
      return { result: false, msg: new DmError(CODES.eventRefused, message).toString() };
    }
    const { context, value: stage } = this.#actor.snapshot;
    const known = { stage, unit: context.unit, errors: context.errors };
    const refused = (msg: string): OperationAnswer => ({ result: false, msg });
    try {
      if (this.#run !== null) return await this.#run.unit.operate(operation, known, timeoutMs);
      if (stage === 'Paused') return await this.#deps.runner.operate(this.#deps.resolve(), operation, known);
      return refused(
        new DmError(CODES.workerNotPaused, `current stage is ${stage} but not paused, invalid`).toString(),
      );
    } catch (error) {
      return refused(error instanceof DmError ? error.toString() : String(error));
    }
  }

  /**
   * Waits while the subtask is being loaded or its thread begins. One that is resumed by itself again and
   * again works for moments in between: what concerns its error waits for it to be there again. False when it has not even been loaded by then.
   */
  async #untilSettled(concernsError: boolean): Promise<boolean> {
    const { clock } = this.#deps.ports;
    const end = clock.monotonic() + (concernsError ? ERROR_AGAIN_MS : SETTLE_MS);
    for (;;) {
      if (this.#opened) {
        const { context, value } = this.#actor.snapshot;
        const starts = this.#run === null && !RESTING.includes(value);
        const retried = (value === 'Running' || value === 'Resuming') && context.attempt > 0;
        if (!starts && !(retried && concernsError)) return true;
      }
      if (this.#detached || clock.monotonic() >= end) return this.#opened;
      await clock.sleep(SETTLE_EVERY_MS);
    }
  }

  /** Ends the thread at a safe place and lets go of the document as it is. */
  async handOver(): Promise<void> {
    await this.endThread();
    await this.#actor.close();
  }

  /** Ends the thread at a safe place; needs no store. Nothing is started any more. */
  async endThread(): Promise<void> {
    this.#detached = true;
    const run = this.#run;
    if (!run) return;
    run.unit.end('handover');
    const late = this.#deps.ports.clock.after(HANDOVER_MS, () => void this.#kill());
    await run.gone;
    late.cancel();
  }

  /** Ends the thread at once: the right to write is gone or will be in a moment. */
  async fence(): Promise<void> {
    this.#detached = true;
    await this.#kill();
    await this.#actor.close();
  }

  async #startUnit(params: { run: number; epoch: number; removeMeta: boolean }): Promise<void> {
    await this.#kill();
    if (this.#detached) return;
    const { runner, environment, resolve, runs } = this.#deps;
    runs.set(this.#actor.spec.key, params.run);
    const { start, startTime: time, safeModeTimeMs } = this.#expected;
    const startTime = time === undefined ? undefined : { time, id: start };
    let config: SubtaskConfig;
    try {
      config = resolve();
      if (safeModeTimeMs !== undefined) config = { ...config, sync: { ...config.sync, safeModeTimeMs } };
    } catch (error) {
      const shown =
        error instanceof DmError ? error : new DmError(CODES.notSet, String(error), { cause: error });
      this.#tellEnded(params.run, {
        outcome: 'failed',
        unit: 'InvalidUnit',
        errors: [shown.toProcessError()],
      });
      return;
    }
    let ended: () => void = () => undefined;
    const gone = new Promise<void>((done) => (ended = done));
    const unit = runner.start(
      { config, epoch: params.epoch, removeMeta: params.removeMeta, startTime, ...environment },
      {
        unit: (name) => {
          if (!this.#detached) this.#actor.tell({ type: 'UNIT', run: params.run, unit: name });
        },
        ended: (end, status) => {
          if (this.#run?.number === params.run) {
            this.#run = null;
            this.#lastStatus = status ?? this.#lastStatus;
          }
          ended();
          this.#tellEnded(params.run, end);
        },
      },
    );
    this.#run = { number: params.run, unit, gone };
  }

  #tellEnded(run: number, end: SubtaskEnd): void {
    if (end.outcome === 'failed') this.#failures.set(end.unit, (this.#failures.get(end.unit) ?? 0) + 1);
    if (!this.#detached) this.#actor.tell({ type: 'ENDED', run, end });
  }

  async #endUnit({ run, reason }: { run: number; reason: 'pause' | 'stop' }): Promise<void> {
    const current = this.#run;
    if (!current) {
      this.#tellEnded(run, { outcome: 'ended' });
      return;
    }
    if (reason === 'pause') await this.status(1_000);
    current.unit.end(reason);
  }

  async #kill(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    await run.unit.kill();
    await run.gone;
  }
}

/** Stages in which no thread is expected. */
const RESTING: readonly Stage[] = ['Paused', 'Stopped', 'Finished'];

/** It is about what the subtask is paused at, wherever that is. */
function concernsError(operation: SubtaskOperation): boolean {
  return operation.kind === 'binlog' && operation.binlogPos === '' && operation.op !== 'list';
}

const WORKING: readonly Stage[] = ['New', 'Running', 'Pausing', 'Resuming', 'Stopping'];

/** What query-status shows of a subtask in this state; `last` is what its thread told last. */
export function statusOf(
  task: string,
  snapshot: { value: unknown; context: SubtaskContext },
  last: UnitStatus | null,
): SubTaskStatus {
  const { context } = snapshot;
  const stage = snapshot.value as Stage;
  const name = (WORKING.includes(stage) ? last?.unit : undefined) ?? context.unit;
  // A thread that was killed may have told nothing of its last unit.
  const unit = last?.unit === name ? last : null;
  const errors =
    stage === 'Paused' && context.fencedBy > 0 ? [...context.errors, fencedError(context)] : context.errors;
  return {
    name: task,
    stage,
    unit: name,
    result:
      stage === 'Paused' || stage === 'Finished' || stage === 'Stopped'
        ? { isCanceled: context.isCanceled, errors: [...errors], detail: null }
        : null,
    unresolvedDDLLockID: '',
    ...(unit?.dump ? { dump: unit.dump } : {}),
    ...(unit?.load ? { load: unit.load } : {}),
    ...(unit?.sync ? { sync: unit.sync } : {}),
  };
}

function fencedError(context: SubtaskContext) {
  return new DmError(
    CODES.subtaskFenced,
    `the target has been taken over by another owner with placement epoch ${context.fencedBy}, this one has ${context.epoch}`,
  ).toProcessError();
}
