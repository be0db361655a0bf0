/**
 * Status documents as `query-status` prints them (manual 4.4.4.3). Key names and value forms are the
 * contract with scripts: numbers that DM prints as strings are strings here.
 */
import type { Stage, UnitName } from './stage.js';

/** One error of a unit, with the fields of DM's error system (manual 6.1.1). */
export interface ProcessError {
  ErrCode: number;
  ErrClass: string;
  ErrScope: string;
  ErrLevel: string;
  Message: string;
  RawCause: string;
  Workaround: string;
}

export interface ProcessResult {
  isCanceled: boolean;
  errors: ProcessError[];
  detail: null;
}

/** Shares (0..1) of the time of the connections that read. */
export interface DumpTimes {
  read: number;
  write: number;
  /** Files that are read wait to be loaded. */
  waitForLoad: number;
  limited: number;
}

/** Shares (0..1) of the time of the connections that load. */
export interface LoadTimes {
  waitForDump: number;
  execute: number;
  commit: number;
}

export interface DumpStatus {
  totalTables: string;
  completedTables: number;
  finishedBytes: number;
  finishedRows: number;
  estimateTotalRows: number;
  bps: string;
  progress: string;
  /** Of the last interval, as in a sync unit. */
  timeShares?: DumpTimes;
  /** The key of the task file that limits it. */
  limitedBy?: string;
}

export interface LoadStatus {
  finishedBytes: string;
  totalBytes: string;
  progress: string;
  metaBinlog: string;
  metaBinlogGTID: string;
  bps: string;
  timeShares?: LoadTimes;
}

export interface ShardingGroupStatus {
  target: string;
  DDLs: string[];
  firstPos: string;
  synced: string[];
  unsynced: string[];
}

/** A table that is set aside after an error while the others go on (`on-table-error: isolate`). */
export interface IsolatedTable {
  /** As `schema.table`, quoted. */
  table: string;
  target: string;
  /** UTC, `2021-10-21 00:01:00`. */
  since: string;
  state: 'parked' | 'catching-up';
  error: ProcessError;
  changesKept: number;
  bytes: number;
  /** Binlog places of the first and last change that are kept; '' when none is. */
  from: string;
  to: string;
}

/**
 * Where the time of a sync unit goes. All but the last two are of the one flow that reads the binlog and fill
 * its time; the last two are those in which at least one lane waits for the target, whatever else goes on.
 */
export interface SyncTimes {
  /** Waiting for events of the source. */
  read: number;
  decode: number;
  /** Filtering, routing, choosing lanes, writing SQL. */
  transform: number;
  /** Serving the connections between two turns. */
  sockets: number;
  /** Waiting for room in the lanes, or for all of them to commit. */
  waitForLane: number;
  /** DDL, and looking at tables of the servers. */
  statements: number;
  /** Kept back by a limit of the task. */
  limited: number;
  execute: number;
  commit: number;
}

/** `none`: it has all that the source has, or nothing to do. */
export type Bottleneck = 'none' | 'source' | 'worker' | 'target' | 'limit';

export interface SyncStatus {
  totalEvents: string;
  totalTps: string;
  recentTps: string;
  masterBinlog: string;
  masterBinlogGtid: string;
  syncerBinlog: string;
  syncerBinlogGtid: string;
  blockingDDLs: string[];
  unresolvedGroups: ShardingGroupStatus[];
  synced: boolean;
  binlogType: 'remote' | 'local';
  secondsBehindMaster: string;
  blockDDLOwner: string;
  conflictMsg: string;
  totalRows: string;
  totalRps: string;
  recentRps: string;
  /**
   * Tables of the target (quoted) in which safe mode has removed rows that held a unique value of a row that
   * was written, since the unit has begun. Absent where it has not.
   */
  replacedRows?: { table: string; rows: number }[];
  /** Shares (0..1) of the last interval of 5 s or more, from one question of the status to the next. */
  timeShares?: SyncTimes;
  /** Seconds since the unit has begun. */
  timeTotals?: SyncTimes;
  /** Who keeps it from going faster. */
  bottleneck?: Bottleneck;
  /** The key of the task file that does, where it is a limit. */
  limitedBy?: string;
  /** Absent while no table is. */
  isolatedTables?: IsolatedTable[];
}

/** What the metrics of a sync unit tell beyond its status; counted since the unit has begun. */
export interface SyncFigures {
  transactions: number;
  ddls: number;
  /** Of the source's binlog. */
  bytesRead: number;
  /** Statements that the target has not committed yet. */
  queuedBytes: number;
  /** Packets that the target has answered, and how long it took for them all together. */
  answers: number;
  answerSeconds: number;
}

export interface SubTaskStatus {
  name: string;
  stage: Stage;
  unit: UnitName;
  result: ProcessResult | null;
  unresolvedDDLLockID: string;
  dump?: DumpStatus;
  load?: LoadStatus;
  sync?: SyncStatus;
}

export interface SourceStatus {
  source: string;
  worker: string;
  result: ProcessResult | null;
  relayStatus: null;
}
