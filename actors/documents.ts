/**
 * What the cluster keeps in KV, and under which keys. Expected state is written by the leader alone,
 * members by themselves, actor documents by whoever hosts the actor.
 */
import type { ExpectedStage } from '../src/model/stage.js';
import { escapeKey } from '../src/nats/subjects.js';

export const BUCKETS = {
  /** Sources, tasks, expected stages, placements. */
  expected: 'dm_expected',
  /** Durable documents of the actors: what is observed. */
  actors: 'dm_actors',
  /** Who is part of the cluster, as the processes say themselves. */
  members: 'dm_members',
  leases: 'dm_leases',
} as const;

export interface SourceDocument {
  readonly type: 'source';
  readonly sourceId: string;
  readonly yaml: string;
}

export interface TaskDocument {
  readonly type: 'task';
  readonly name: string;
  readonly yaml: string;
  /**
   * Subtasks of a start that has been decided and is being carried out: written with the task in one
   * write, so a start happens for all sources or for none, whoever leads at the end of it.
   */
  readonly starting: readonly SubtaskDocument[];
}

export interface SubtaskDocument {
  readonly type: 'subtask';
  readonly task: string;
  readonly source: string;
  readonly stage: ExpectedStage;
  /** Grows with every command of the operator; the actor keeps the last one that it has handled. */
  readonly seq: number;
  /** Another start of a task of the same name is another one. */
  readonly start: string;
  readonly removeMeta: boolean;
  /** Replication begins at this time, once for this `start`. */
  readonly startTime?: string;
  /** Whenever replication begins, safe mode is on for so long, ms. */
  readonly safeModeTimeMs?: number;
}

export interface PlacementDocument {
  readonly type: 'placement';
  readonly source: string;
  /** '' = no worker has it. `lastWorker` is where it was last. */
  readonly worker: string;
  /** Session of the worker's process: a worker that was started again has to be placed anew. */
  readonly session: string;
  readonly epoch: number;
  readonly lastWorker: string;
}

export type ExpectedDocument = SourceDocument | TaskDocument | SubtaskDocument | PlacementDocument;

export interface MemberDocument {
  readonly kind: 'master' | 'worker';
  readonly name: string;
  readonly session: string;
  readonly addr: string;
  readonly peerUrls: readonly string[];
  /** Of workers: false while the process is leaving and takes nothing new. */
  readonly accepting: boolean;
  /** Configuration that the process was started with, passwords masked. */
  readonly config: string;
}

export const keys = {
  source: (sourceId: string) => `source.${escapeKey(sourceId)}`,
  task: (task: string) => `task.${escapeKey(task)}`,
  subtask: (source: string, task: string) => `subtask.${escapeKey(source)}.${escapeKey(task)}`,
  subtasksOf: (source: string) => `subtask.${escapeKey(source)}.`,
  placement: (source: string) => `placement.${escapeKey(source)}`,
  member: (kind: 'master' | 'worker', name: string) => `${kind}.${escapeKey(name)}`,
  lease: (kind: 'master' | 'worker', name: string) => `${kind}.${escapeKey(name)}`,
  supervisorLease: 'supervisor',
  /** Key of an actor within its kind. */
  subtaskActor: (source: string, task: string) => `${escapeKey(source)}.${escapeKey(task)}`,
} as const;
