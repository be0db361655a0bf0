/** The port to what moves the rows: a worker thread in the product, anything that answers in tests. */
import type { UnitName } from '../src/model/stage.js';
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
}

export interface UnitRunner {
  start(start: SubtaskStart, listener: UnitListener): RunningUnit;
}
