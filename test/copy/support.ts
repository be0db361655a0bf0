/** What the tests of the copy share: configurations that point at test servers. */
import type { DbConfig, SubtaskConfig } from '../../src/model/subtask-config.js';
import type { Flavor } from '../../src/model/stage.js';
import type { Log } from '../../src/runtime/ports.js';

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export function dbConfig(server: Address, extra: Partial<DbConfig> = {}): DbConfig {
  return {
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    maxAllowedPacket: 0,
    session: {},
    ...extra,
  };
}

export function subtaskConfig(
  from: Address & { readonly flavor: Flavor },
  to: Address,
  extra: Partial<SubtaskConfig> = {},
): SubtaskConfig {
  return {
    task: 'copy',
    taskMode: 'all',
    shardMode: '',
    strictOptimisticShardMode: false,
    sourceId: 'source-1',
    flavor: from.flavor,
    enableGtid: false,
    serverId: 4_000_001,
    from: dbConfig(from),
    to: dbConfig(to),
    metaSchema: 'dm_meta',
    timezone: '',
    caseSensitive: false,
    collationCompatible: 'loose',
    blockAllow: { doDbs: [], doTables: [], ignoreDbs: [], ignoreTables: [] },
    routes: [],
    filters: [],
    expressionFilters: [],
    onlineDdl: false,
    shadowTableRules: [],
    trashTableRules: [],
    ignoreCheckingItems: [],
    cleanDumpFile: true,
    dump: {
      threads: 4,
      chunkFilesize: 64 * 1024 * 1024,
      rows: 0,
      statementSize: 1_000_000,
      consistency: 'auto',
      skipTzUtc: false,
      maxBytesPerSecond: 0,
      sourceLatencyBudgetMs: 0,
    },
    load: { poolSize: 4, dir: '', importMode: 'logical', onDuplicate: 'replace' },
    sync: {
      workerCount: 4,
      batch: 100,
      queueSize: 1024,
      checkpointFlushIntervalMs: 30_000,
      compact: false,
      multipleRows: true,
      maxRetry: 10,
      safeMode: false,
      safeModeDurationMs: 60_000,
      enableAnsiQuotes: false,
      disableDetect: false,
      onTableError: 'stop',
      isolateMaxBytes: 1024 * 1024 * 1024,
      maxRowsPerSecond: 0,
      maxBytesPerSecond: 0,
      targetLatencyBudgetMs: 0,
    },
    ...extra,
  };
}

export const silentLog: Log = {
  child: () => silentLog,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A log whose warnings and errors a test can look at. */
export function collectingLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const note = (message: string, fields?: Record<string, unknown>) => {
    lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };
  const log = { lines, child: () => log, debug: () => undefined, info: note, warn: note, error: note };
  return log;
}
