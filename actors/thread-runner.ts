/** One worker thread a run (src/subtask/thread.ts). A thread that dies is a failed run, which can be resumed. */
import { Worker } from 'node:worker_threads';
import { CODES } from '../src/errors/codes.js';
import { DmError } from '../src/errors/dm-error.js';
import { unreachable } from '../src/model/assert.js';
import type { OperationAnswer, OperationContext, SubtaskOperation } from '../src/model/operation.js';
import type { UnitName } from '../src/model/stage.js';
import type { Clock, Log } from '../src/runtime/ports.js';
import type { SubtaskConfig } from '../src/model/subtask-config.js';
import { operateSubtask } from '../src/subtask/operate.js';
import type { FromThread, SubtaskEnd, SubtaskStart, ToThread, UnitStatus } from '../src/subtask/protocol.js';
import type { RunningUnit, UnitListener, UnitRunner } from './unit-runner.js';

export interface ThreadRunnerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The thread's entry, as a built JavaScript file. */
  readonly entry: URL;
}

export class ThreadRunner implements UnitRunner {
  readonly #options: ThreadRunnerOptions;

  constructor(options: ThreadRunnerOptions) {
    this.#options = options;
  }

  start(start: SubtaskStart, listener: UnitListener): RunningUnit {
    return new ThreadRun(start, listener, this.#options);
  }

  operate(
    config: SubtaskConfig,
    operation: SubtaskOperation,
    context: OperationContext,
  ): Promise<OperationAnswer> {
    const log = this.#options.log.child({ component: 'operate', task: config.task });
    return operateSubtask(operation, context, { config, syncer: null, isolating: null, log });
  }
}

interface Question {
  resolve(answer: UnitStatus | OperationAnswer): void;
  reject(error: Error): void;
}

class ThreadRun implements RunningUnit {
  readonly #worker: Worker;
  readonly #listener: UnitListener;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #questions = new Map<number, Question>();
  readonly #gone: Promise<void>;
  #nextQuestion = 1;
  #unit: UnitName = 'InvalidUnit';
  /** What the thread said of its end; told on once the thread has exited, so that two never overlap. */
  #end: SubtaskEnd | null = null;
  #lastStatus: UnitStatus | null = null;
  #ending = false;

  constructor(start: SubtaskStart, listener: UnitListener, options: ThreadRunnerOptions) {
    this.#listener = listener;
    this.#clock = options.clock;
    this.#log = options.log.child({ component: 'thread', task: start.config.task });
    this.#worker = new Worker(options.entry, {
      name: `${start.config.task}/${start.config.sourceId}`,
    });
    this.#worker.on('message', (message: FromThread) => this.#take(message));
    this.#worker.on('error', (error: Error) => this.#crashed(error));
    this.#gone = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#exited(code);
        resolve();
      });
    });
    this.#post({ type: 'start', start });
  }

  end(reason: 'pause' | 'stop' | 'handover'): void {
    this.#ending = true;
    this.#post({ type: 'end', reason });
  }

  async kill(): Promise<void> {
    this.#ending = true;
    await this.#worker.terminate();
    await this.#gone;
  }

  status(timeoutMs: number): Promise<UnitStatus> {
    return this.#ask((id) => ({ type: 'query-status', id }), timeoutMs) as Promise<UnitStatus>;
  }

  operate(
    operation: SubtaskOperation,
    context: OperationContext,
    timeoutMs: number,
  ): Promise<OperationAnswer> {
    const question = (id: number): ToThread => ({ type: 'operate', id, operation, context });
    return this.#ask(question, timeoutMs) as Promise<OperationAnswer>;
  }

  /** The answer has the type that belongs to the question. */
  #ask(question: (id: number) => ToThread, timeoutMs: number): Promise<UnitStatus | OperationAnswer> {
    const id = this.#nextQuestion++;
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(timeoutMs, () => settle(() => reject(new Error('no answer in time'))));
      const settle = (how: () => void): void => {
        timer.cancel();
        this.#questions.delete(id);
        how();
      };
      this.#questions.set(id, {
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
      });
      this.#post(question(id));
    });
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #take(message: FromThread): void {
    switch (message.type) {
      case 'unit':
        this.#unit = message.unit;
        this.#listener.unit(message.unit);
        break;
      case 'status':
        this.#questions.get(message.id)?.resolve(message.status);
        break;
      case 'operated':
        this.#questions.get(message.id)?.resolve(message.answer);
        break;
      case 'end':
        this.#end = message.end;
        this.#lastStatus = message.status;
        break;
      default:
        unreachable(message);
    }
  }

  #crashed(error: Error): void {
    this.#log.error('the thread of the subtask died', { error: error.stack ?? String(error) });
    this.#end ??= this.#failed(`the thread of the subtask died: ${error.message}`);
  }

  #exited(code: number): void {
    for (const question of [...this.#questions.values()]) question.reject(new Error('the thread has ended'));
    this.#end ??= this.#ending
      ? { outcome: 'ended' }
      : this.#failed(`the thread of the subtask exited with code ${code}`);
    this.#listener.ended(this.#end, this.#lastStatus);
  }

  #failed(message: string): SubtaskEnd {
    const error = new DmError(CODES.unitThreadDied, message);
    return { outcome: 'failed', unit: this.#unit, errors: [error.toProcessError()] };
  }
}
