/** Stages of a subtask as the manual names them (4.4.4.4), with the ones on the way. */
export const STAGES = [
  'New',
  'Running',
  'Paused',
  'Stopped',
  'Finished',
  'Pausing',
  'Resuming',
  'Stopping',
] as const;
export type Stage = (typeof STAGES)[number];

/** What the operator wants of a subtask; the supervisor writes it, the subtask actor follows it. */
export type ExpectedStage = 'Running' | 'Paused' | 'Stopped';

/** Processing units in their order. `InvalidUnit` is shown while no unit could be chosen. */
export type UnitName = 'Check' | 'Dump' | 'Load' | 'Sync' | 'InvalidUnit';

export const TASK_MODES = ['full', 'incremental', 'all', 'dump', 'load&sync'] as const;
export type TaskMode = (typeof TASK_MODES)[number];

export type Flavor = 'mysql' | 'mariadb';
