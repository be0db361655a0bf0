/** The port to what moves the rows: a worker thread in the product, anything that answers in tests. */
import type { OperationAnswer, OperationContext, SubtaskOperation } from '../src/model/operation.js';
import type { UnitName } from '../src/model/stage.js';
import type { SubtaskConfig } from '../src/model/subtask-config.js';
import type { SubtaskEnd, SubtaskStart, UnitStatus } from '../src/subtask/protocol.js';

export interface UnitListener {
  unit(name: UnitName): void;
  /** Called exactly once, when nothing of the run is left; with the last status, where there is one. */
  ended(end: SubtaskEnd, status?: UnitStatus | null): void;
}

export interface RunningUnit {
  /** Asks for the end at the next safe place; `ended` tells when it is there. */
  end(reason: 'pause' | 'stop' | 'handover'): void;
  /** Ends it now. Resolves when it is gone; `ended` has been called by then. */
  kill(): Promise<void>;
  /** Rejects when there is no answer in time. */
  status(timeoutMs: number): Promise<UnitStatus>;
  /** Rejects when there is no answer in time. */
  operate(
    operation: SubtaskOperation,
    context: OperationContext,
    timeoutMs: number,
  ): Promise<OperationAnswer>;
}

export interface UnitRunner {
  start(start: SubtaskStart, listener: UnitListener): RunningUnit;
  /** An operation on a subtask that nothing runs of. Never rejects. */
  operate(
    config: SubtaskConfig,
    operation: SubtaskOperation,
    context: OperationContext,
  ): Promise<OperationAnswer>;
}
