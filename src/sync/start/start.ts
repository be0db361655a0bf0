/** Where sync begins, and with which structures: start time over checkpoint over full copy over `meta` over now. */
import { GtidSyntaxError, parseGtidSet } from '../../binlog/gtid.js';
import { loadCheckpoint } from '../../checkpoint/points.js';
import type { MetaTables } from '../../checkpoint/tables.js';
import { currentLocation } from '../../dump/snapshot.js';
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import type { ChunkPositions } from '../../load/chunk-positions.js';
import { dumpedSchemas, readChunkPositions } from '../../load/positions.js';
import { NO_LOCATION, type BinlogLocation } from '../../model/location.js';
import type { SubtaskConfig } from '../../model/subtask-config.js';
import type { Session } from '../../mysql/session.js';
import { SchemaTracker } from '../../schema/apply.js';
import { createTableFromSql } from '../../schema/build-table.js';
import {
  dialectOf,
  fetchSchemaDefaults,
  fetchTrackerOptions,
  listSchemas,
  type NameFilter,
} from '../../schema/fetch.js';
import type { TableSchema } from '../../schema/table.js';
import type { TableName } from '../../model/table-name.js';
import { settleSchemaDefaults } from './schema-defaults.js';
import type { PlaceFinder } from './start-place.js';
import { startAtTime, type StartTime } from './start-time.js';

export interface StartPoint {
  readonly from: BinlogLocation;
  readonly tracker: SchemaTracker;
  /** Structures that no checkpoint holds yet. */
  readonly unsaved: TableSchema[];
  readonly copied: ChunkPositions | null;
  /** Changes up to here may have been applied before: NO_LOCATION when none. */
  readonly safeModeExit: BinlogLocation;
  /** There was a checkpoint (ours, or DM's own). */
  readonly resumed: boolean;
  /** The checkpoint is DM's, from after our last one. */
  readonly foreign: boolean;
  /** Tables whose saved structures do not hold at `from`. */
  readonly outdated: readonly TableName[];
  /** The start time that was used just now, to be noted (start-time.ts). */
  readonly begun: StartTime | null;
}

export interface StartInput {
  readonly config: SubtaskConfig;
  readonly tables: MetaTables;
  readonly source: Session;
  readonly target: Session;
  readonly filter: NameFilter;
  readonly finder: PlaceFinder;
  readonly startTime?: StartTime;
}

export async function chooseStart(input: StartInput): Promise<StartPoint> {
  const { config, source, target, filter, finder, startTime } = input;
  if (startTime !== undefined) {
    const timed = await startAtTime({ ...input, startTime, sourceId: config.sourceId });
    if (timed !== null) {
      const tracker = await newTracker(source, filter);
      return {
        ...timed,
        tracker,
        unsaved: [],
        copied: null,
        resumed: false,
        foreign: false,
        begun: startTime,
      };
    }
  }
  const saved = await loadCheckpoint(target, input.tables, config.sourceId);
  const copied = config.taskMode === 'incremental' ? null : await readChunkPositions(target, config);
  const tracker = await newTracker(source, filter);
  const unsaved: TableSchema[] = [];
  for (const table of saved?.tables ?? []) tracker.set(table);
  if (copied !== null) {
    const dialect = dialectOf(source);
    await settleSchemaDefaults({ config, tracker, source, target, resumed: saved !== null });
    for (const dumped of await dumpedSchemas(target, config)) {
      if (tracker.get(dumped.source) !== undefined || saved !== null) continue;
      const table = createTableFromSql(dumped.createSql, dumped.source.schema, dialect);
      const named = { ...table, table: dumped.source.table };
      tracker.set(named);
      unsaved.push(named);
    }
  }
  const from =
    saved?.global ?? (copied !== null && copied.min.name !== '' ? copied.min : await given(config, source));
  return {
    from: await finder.withGtids(from),
    tracker,
    unsaved,
    copied: copied !== null && copied.min.name !== '' ? copied : null,
    safeModeExit: saved?.safeModeExit ?? copied?.safeModeUntil ?? NO_LOCATION,
    resumed: saved !== null,
    foreign: saved?.foreign ?? false,
    outdated: [],
    begun: null,
  };
}

async function newTracker(source: Session, filter: NameFilter): Promise<SchemaTracker> {
  const tracker = new SchemaTracker(await fetchTrackerOptions(source));
  const schemas = await listSchemas(source, filter);
  for (const [schema, pair] of await fetchSchemaDefaults(source, schemas)) tracker.setSchema(schema, pair);
  return tracker;
}

async function given(config: SubtaskConfig, source: Session): Promise<BinlogLocation> {
  const { meta } = config;
  if (meta === undefined || (meta.binlogName === '' && meta.binlogGtid === '')) {
    return currentLocation(source, config);
  }
  try {
    parseGtidSet(config.flavor, meta.binlogGtid);
  } catch (error) {
    if (!(error instanceof GtidSyntaxError)) throw error;
    throw new DmError(
      CODES.configMetaInvalid,
      `binlog-gtid '${meta.binlogGtid}' of meta is no GTID set of a ${config.flavor} source: ${error.message}`,
    );
  }
  return { name: meta.binlogName, pos: meta.binlogPos, gtidSet: meta.binlogGtid };
}
