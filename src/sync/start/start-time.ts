/**
 * `start-task --start-time`: replication begins anew at a time, whatever the checkpoint says; once for each
 * start of the task. That it has begun is noted in the target, in a row of the owner table, after the
 * checkpoint and before the first change: a subtask that is resumed or moves to another worker goes on.
 */
import { loadCheckpoint } from '../../checkpoint/points.js';
import { text, type MetaTables } from '../../checkpoint/tables.js';
import type { BinlogLocation } from '../../model/location.js';
import type { TableName } from '../../model/table-name.js';
import type { Session } from '../../mysql/session.js';
import type { PlaceFinder } from './start-place.js';

export interface StartTime {
  /** As typed; a time of the source, in its time zone. */
  readonly time: string;
  /** Names the start of the task that it was given to. */
  readonly id: string;
}

export interface TimedStart {
  readonly from: BinlogLocation;
  /** Changes up to here may be in the target: from an earlier run, or from a dump that is older. */
  readonly safeModeExit: BinlogLocation;
  /** Tables whose saved structure is of another time. */
  readonly outdated: readonly TableName[];
}

export interface StartTimeInput {
  readonly tables: MetaTables;
  readonly sourceId: string;
  readonly target: Session;
  readonly finder: PlaceFinder;
  readonly startTime: StartTime;
}

const STREAM = 'start-time';

/** Null where this start has begun before. Rejects with 20057 for a time that has not come yet. */
export async function startAtTime(input: StartTimeInput): Promise<TimedStart | null> {
  const { tables, sourceId, target, finder, startTime } = input;
  const [row] = await target.query(
    `SELECT ddl_location AS started FROM ${tables.owner} WHERE id=${text(sourceId)} AND stream=${text(STREAM)}`,
  );
  if (row?.started === startTime.id) return null;
  const { from, end } = await finder.byTime(startTime.time);
  const saved = await loadCheckpoint(target, tables, sourceId);
  return { from, safeModeExit: end, outdated: saved?.tables ?? [] };
}

/** To be called when the checkpoint stands at the new place and nothing has been applied from it. */
export async function noteStarted(
  session: Session,
  tables: MetaTables,
  sourceId: string,
  startTime: StartTime,
): Promise<void> {
  await session.execute(
    `INSERT INTO ${tables.owner} (id, stream, epoch, run, lane_count, ddl_location)` +
      ` VALUES (${text(sourceId)}, ${text(STREAM)}, 0, 0, 0, ${text(startTime.id)})` +
      ' ON DUPLICATE KEY UPDATE ddl_location=VALUES(ddl_location)',
  );
}
