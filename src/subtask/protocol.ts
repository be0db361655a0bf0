/**
 * Messages between a subtask actor (main thread) and its worker thread. Both ends are ours and of one
 * build, so the types are the validation; everything is structured-clonable plain data.
 */
import type { OperationAnswer, OperationContext, SubtaskOperation } from '../model/operation.js';
import type { ProcessError, SubTaskStatus, SyncFigures } from '../model/status.js';
import type { UnitName } from '../model/stage.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import type { StartTime } from '../sync/start/start-time.js';

export interface SubtaskStart {
  readonly config: SubtaskConfig;
  /** Of the placement and the run (`unitEpoch` of machines/subtask.ts); enforced in the target (design, section 5). */
  readonly epoch: number;
  /** Drop the task's meta data of this source first (start-task --remove-meta). */
  readonly removeMeta: boolean;
  /** `start-task --start-time` of this start of the task. */
  readonly startTime?: StartTime;
  readonly workerName: string;
  /** Folder for dump files of this subtask, made when missing. */
  readonly dataDir: string;
  readonly log: { readonly level: string; readonly file: string; readonly format: 'text' | 'json' };
}

export type ToThread =
  | { readonly type: 'start'; readonly start: SubtaskStart }
  /** Ends the unit's work at the next safe place and answers with `ended`; the thread then exits. */
  | { readonly type: 'end'; readonly reason: 'pause' | 'stop' | 'handover' }
  | { readonly type: 'query-status'; readonly id: number }
  | {
      readonly type: 'operate';
      readonly id: number;
      readonly operation: SubtaskOperation;
      readonly context: OperationContext;
    };

/** How a run of the units came to its end. */
export type SubtaskEnd =
  | { readonly outcome: 'ended' }
  /** task-mode full (or dump) is done. */
  | { readonly outcome: 'finished' }
  | { readonly outcome: 'failed'; readonly unit: UnitName; readonly errors: ProcessError[] }
  /** Another owner has a higher epoch in the target: this one must not write any more. */
  | { readonly outcome: 'fenced'; readonly seenEpoch: number };

/** Part of SubTaskStatus that the thread knows. */
export type UnitStatus = Pick<SubTaskStatus, 'unit' | 'dump' | 'load' | 'sync'> & {
  readonly figures?: SyncFigures;
};

export type FromThread =
  | { readonly type: 'unit'; readonly unit: UnitName }
  | { readonly type: 'status'; readonly id: number; readonly status: UnitStatus }
  | { readonly type: 'operated'; readonly id: number; readonly answer: OperationAnswer }
  /** `status` is the last there is of this run. */
  | { readonly type: 'end'; readonly end: SubtaskEnd; readonly status: UnitStatus };
