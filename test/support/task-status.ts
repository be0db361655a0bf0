/** Reading `query-status` answers. */
import { waitFor } from './wait-for.js';
import type { TestCluster } from './cluster.js';

export interface SubtaskState {
  readonly source: string;
  readonly worker: string;
  readonly stage: string;
  readonly unit: string;
  readonly errors: readonly string[];
  /** The unit's own part of the answer (`sync`, `load`, `dump`). */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The state of a task's subtasks, one a source. */
export async function subtaskStates(cluster: TestCluster, task: string): Promise<SubtaskState[]> {
  const answer = await cluster.dmctl(['query-status', task]);
  if (!answer.result) throw new Error(answer.describe());
  const states: SubtaskState[] = [];
  for (const source of answer.json.sources ?? []) {
    for (const subtask of source.subTaskStatus ?? []) {
      const unit = String(subtask.unit ?? '');
      states.push({
        source: String(source.sourceStatus?.source ?? ''),
        worker: String(source.sourceStatus?.worker ?? ''),
        stage: String(subtask.stage ?? ''),
        unit,
        errors: (subtask.result?.errors ?? []).map((error: { Message?: string; RawCause?: string }) =>
          [error.Message, error.RawCause].filter(Boolean).join(': '),
        ),
        detail: subtask[unit.toLowerCase()] ?? {},
      });
    }
  }
  return states;
}

export interface AwaitOptions {
  readonly what: string;
  readonly timeoutMs?: number | undefined;
  readonly onState?: (states: readonly SubtaskState[]) => void;
  /** Whether a Paused subtask is a failure (it is not while faults are injected). */
  readonly failOnPause?: boolean;
  readonly intervalMs?: number;
}

class TaskPaused extends Error {}

/** Polls query-status until `done` says so. */
export async function awaitStates(
  cluster: TestCluster,
  task: string,
  done: (states: readonly SubtaskState[]) => boolean,
  options: AwaitOptions,
): Promise<SubtaskState[]> {
  let last: SubtaskState[] = [];
  const paused: { error?: TaskPaused } = {};
  const states = await waitFor(
    async () => {
      last = await subtaskStates(cluster, task);
      options.onState?.(last);
      const stuck = last.find((state) => state.stage === 'Paused' && state.errors.length > 0);
      if (stuck && options.failOnPause !== false) {
        paused.error = new TaskPaused(
          `source ${stuck.source} is Paused in ${stuck.unit}: ${stuck.errors.join('; ')}`,
        );
        return last;
      }
      return done(last) ? last : false;
    },
    {
      what: options.what,
      timeoutMs: options.timeoutMs,
      intervalMs: options.intervalMs ?? 250,
      details: () => `last seen: ${JSON.stringify(last, undefined, 1)}`,
    },
  );
  if (paused.error) throw paused.error;
  return states;
}

/** All subtasks replicate and have nothing left to read. */
export function allSynced(states: readonly SubtaskState[], sources: number): boolean {
  return (
    states.length === sources &&
    states.every(
      (state) => state.stage === 'Running' && state.unit === 'Sync' && state.detail['synced'] === true,
    )
  );
}

/** All subtasks replicate. */
export function allReplicating(states: readonly SubtaskState[], sources: number): boolean {
  return (
    states.length === sources && states.every((state) => state.stage === 'Running' && state.unit === 'Sync')
  );
}
