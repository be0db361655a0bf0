/**
 * What one subtask (task x source) needs to run: the task file and the source file merged, defaults
 * filled in, passwords in plain text. It crosses a thread and a process border, so it is plain data.
 * Durations are milliseconds, sizes bytes. `src/config` builds it; nothing else does.
 */
import type { Flavor, TaskMode } from './stage.js';

export interface SecurityConfig {
  sslCa?: string;
  sslCert?: string;
  sslKey?: string;
  certAllowedCn?: string[];
  sslCaBase64?: string;
  sslCertBase64?: string;
  sslKeyBase64?: string;
}

export interface DbConfig {
  host: string;
  port: number;
  user: string;
  password: string;
  /** 0 = the server's own. */
  maxAllowedPacket: number;
  session: Record<string, string>;
  security?: SecurityConfig;
}

export interface TablePattern {
  dbName: string;
  tblName: string;
}

export interface BlockAllowRules {
  doDbs: string[];
  doTables: TablePattern[];
  ignoreDbs: string[];
  ignoreTables: TablePattern[];
}

export interface ExtractRule {
  tableRegexp?: string;
  schemaRegexp?: string;
  sourceRegexp?: string;
  targetColumn: string;
}

export interface RouteRule {
  schemaPattern: string;
  tablePattern: string;
  targetSchema: string;
  targetTable: string;
  extractTable?: ExtractRule;
  extractSchema?: ExtractRule;
  extractSource?: ExtractRule;
}

export interface EventFilterRule {
  schemaPattern: string;
  tablePattern: string;
  events: string[];
  sqlPattern: string[];
  action: 'Do' | 'Ignore' | 'Error';
}

export interface ExpressionFilterRule {
  schema: string;
  table: string;
  insertValueExpr?: string;
  updateOldValueExpr?: string;
  updateNewValueExpr?: string;
  deleteValueExpr?: string;
}

export interface DumpConfig {
  threads: number;
  /** Bytes per file. */
  chunkFilesize: number;
  /** Rows per chunk; 0 = not split inside tables. */
  rows: number;
  statementSize: number;
  consistency: 'auto' | 'flush' | 'lock' | 'snapshot' | 'none';
  skipTzUtc: boolean;
  /** What all connections together may write to files; 0 = no limit. */
  maxBytesPerSecond: number;
  /** Reading slows down while the source answers a ping more slowly; 0 = it does not. */
  sourceLatencyBudgetMs: number;
  /** Unparsed remainder of extra-args, already validated. */
  where?: string;
}

export interface LoadConfig {
  poolSize: number;
  dir: string;
  importMode: 'logical' | 'physical';
  onDuplicate: 'replace' | 'error' | 'ignore';
}

export interface SyncConfig {
  workerCount: number;
  batch: number;
  queueSize: number;
  checkpointFlushIntervalMs: number;
  compact: boolean;
  multipleRows: boolean;
  maxRetry: number;
  safeMode: boolean;
  safeModeDurationMs: number;
  /** `start-task --safe-mode-time-duration`, ms from each begin of the unit; absent: as the checkpoint says. */
  safeModeTimeMs?: number;
  enableAnsiQuotes: boolean;
  disableDetect: boolean;
  /** What an error that concerns one table does: pause the task, or set that table aside. */
  onTableError: 'stop' | 'isolate';
  /** Bytes of changes that are kept for tables set aside, beyond which the task pauses. */
  isolateMaxBytes: number;
  /** Row changes given to the target; 0 = no limit. */
  maxRowsPerSecond: number;
  /** Bytes of binlog; 0 = no limit. */
  maxBytesPerSecond: number;
  /** Giving out slows down while the target takes longer to execute a packet; 0 = it does not. */
  targetLatencyBudgetMs: number;
}

export interface StartMeta {
  binlogName: string;
  binlogPos: number;
  binlogGtid: string;
}

export interface SubtaskConfig {
  task: string;
  taskMode: TaskMode;
  shardMode: '' | 'pessimistic' | 'optimistic';
  strictOptimisticShardMode: boolean;
  sourceId: string;
  flavor: Flavor;
  enableGtid: boolean;
  /** Slave id for the binlog connection, unique in the replication topology. */
  serverId: number;
  from: DbConfig;
  to: DbConfig;
  metaSchema: string;
  /** '' = the target's own zone. */
  timezone: string;
  caseSensitive: boolean;
  collationCompatible: 'loose' | 'strict';
  meta?: StartMeta;
  blockAllow: BlockAllowRules;
  routes: RouteRule[];
  filters: EventFilterRule[];
  expressionFilters: ExpressionFilterRule[];
  onlineDdl: boolean;
  shadowTableRules: string[];
  trashTableRules: string[];
  ignoreCheckingItems: string[];
  cleanDumpFile: boolean;
  dump: DumpConfig;
  load: LoadConfig;
  sync: SyncConfig;
}
