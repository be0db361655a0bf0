/**
 * What the command handlers (src/api) need of the cluster. The actors implement it on the leader's node
 * (actors/); the handlers parse and validate what a user typed and shape the JSON answers.
 */
import type { SubtaskOperation } from '../model/operation.js';
import type { ProcessError, SourceStatus, SubTaskStatus } from '../model/status.js';
import type { ExpectedStage, Stage } from '../model/stage.js';

/** One line of `sources` in most answers. */
export interface SourceResult {
  result: boolean;
  msg: string;
  source: string;
  worker: string;
}

/** A source as it is kept: the validated YAML text (passwords as typed) and its placement. */
export interface SourceRecord {
  readonly sourceId: string;
  readonly yaml: string;
  /** '' while no worker is bound. */
  readonly worker: string;
}

/** A task as it is kept: the validated YAML text and the sources it runs on. */
export interface TaskRecord {
  readonly name: string;
  readonly yaml: string;
  readonly sources: readonly string[];
}

export interface MasterMember {
  name: string;
  alive: boolean;
  peerURLs: string[];
  clientURLs: string[];
}

export interface WorkerMember {
  name: string;
  addr: string;
  stage: 'free' | 'bound' | 'relay' | 'offline';
  source: string;
}

export interface SubtaskView {
  readonly source: SourceStatus;
  readonly subtasks: readonly SubTaskStatus[];
  /** Why the source or its worker could not be asked; '' when it was. */
  readonly msg: string;
}

/** What is kept of a subtask beside its status. Times are ms since 1970 by the clocks of the cluster, 0 = unknown. */
export interface SubtaskState {
  readonly task: string;
  readonly stage: Stage;
  readonly since: number;
  /** What the operator wants, and whether the subtask has taken that up. */
  readonly wanted: ExpectedStage;
  readonly taken: boolean;
  /** Paused by the operator. */
  readonly canceled: boolean;
  readonly errors: readonly ProcessError[];
  readonly autoResume: {
    /** `checker.check-enable` of the source. */
    readonly enabled: boolean;
    /** Next try; 0 = none is planned. */
    readonly nextAt: number;
    /** Tries that have not lasted. */
    readonly tries: number;
    /** Why trying again is of no use, in words that follow `because`; '' = it may be. */
    readonly hopeless: string;
  };
  /** Another owner has taken the target over. */
  readonly fenced: boolean;
  /** The last command that it refused, and why; '' = none. */
  readonly refusal: string;
}

/** Why the subtasks of one source are where they are. */
export interface SourceExplanation {
  readonly view: SubtaskView;
  readonly states: readonly SubtaskState[];
  /** ms since 1970. */
  readonly now: number;
  /** The worker that had the source last; '' = none ever. */
  readonly lastWorker: string;
  /** All workers of the cluster. */
  readonly workers: readonly WorkerMember[];
}

export interface StartTaskOptions {
  /** Only on these sources; empty = all of the task. */
  readonly sources: readonly string[];
  readonly removeMeta: boolean;
  /** `--start-time`, checked for its form; absent = where the checkpoint or `meta` says. */
  readonly startTime?: string;
  /** `--safe-mode-time-duration`: how long safe mode is on whenever replication begins, ms. */
  readonly safeModeTimeMs?: number;
}

/** Methods reject with DmError; SourceResult carries failures that concern one source. */
export interface Cluster {
  listSources(): Promise<SourceRecord[]>;
  /** Places a new source; 46xxx when it exists. Answers once a worker has it or none is free. */
  createSource(sourceId: string, yaml: string): Promise<SourceResult>;
  /** Replaces the configuration of a source that has no running task. */
  updateSource(sourceId: string, yaml: string): Promise<SourceResult>;
  /** 46010 while tasks use it, 46002 when it does not exist. */
  stopSource(sourceId: string): Promise<SourceResult>;

  listTasks(): Promise<TaskRecord[]>;
  /** Creates the subtasks and waits until each has left New. 46014 where one exists already. */
  startTask(name: string, yaml: string, options: StartTaskOptions): Promise<SourceResult[]>;
  /**
   * Waits until each subtask has reached the stage or failed to. 46018 when there is no such task. `again`:
   * the command may have been carried out already, so what it has done is no reason to refuse it.
   */
  operateTask(
    name: string,
    stage: ExpectedStage,
    sources: readonly string[],
    again: boolean,
  ): Promise<SourceResult[]>;
  /**
   * Carries out an operation on the task's subtasks, and resumes those whose answer wants it. 46018 when
   * there is no such task.
   */
  operateSubtasks(
    name: string,
    operation: SubtaskOperation,
    sources: readonly string[],
  ): Promise<SourceResult[]>;
  /** Status of the subtasks of the named task ('' = all tasks) on the named sources (empty = all). */
  queryStatus(task: string, sources: readonly string[]): Promise<SubtaskView[]>;
  /** As `queryStatus`, with what tells why. */
  explain(task: string, sources: readonly string[]): Promise<SourceExplanation[]>;

  leader(): Promise<{ name: string; addr: string }>;
  masters(): Promise<MasterMember[]>;
  workers(): Promise<WorkerMember[]>;
  /** Forgets a member; 46004 when there is none of the name, 46005 while it is alive. */
  offlineMember(kind: 'master' | 'worker', name: string): Promise<void>;
  /** Text of the configuration a process was started with (passwords masked). */
  memberConfig(kind: 'master' | 'worker', name: string): Promise<string | null>;
}
