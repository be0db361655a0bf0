import type { DbConfig, SubtaskConfig } from '../model/subtask-config.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { Secrets } from './secret.js';
import type { SourceConfig } from './source-config.js';
import type { TaskConfig } from './task-config.js';
import type { TaskInstance } from './task-instances.js';

/**
 * One subtask for each source of the task: task and source merged, passwords in plain text.
 * Rejects with 20031 for a source that `sources` lacks, 20011 for a meta that the source cannot use.
 */
export function resolveSubtasks(
  task: TaskConfig,
  sources: ReadonlyMap<string, SourceConfig>,
  secrets: Secrets,
): SubtaskConfig[] {
  return task.instances.map((instance) => {
    const source = sources.get(instance.sourceId);
    if (!source) {
      throw new DmError(
        CODES.configSourceIdNotFound,
        `source ${instance.sourceId} in deployment configuration not found`,
      );
    }
    checkMeta(instance, source);
    return resolveSubtask(task, instance, source, secrets);
  });
}

function resolveSubtask(
  task: TaskConfig,
  instance: TaskInstance,
  source: SourceConfig,
  secrets: Secrets,
): SubtaskConfig {
  return {
    task: task.name,
    taskMode: task.taskMode,
    shardMode: task.shardMode,
    strictOptimisticShardMode: task.strictOptimisticShardMode,
    sourceId: source.sourceId,
    flavor: source.flavor === '' ? 'mysql' : source.flavor,
    enableGtid: source.enableGtid,
    serverId: subtaskServerId(task.name, source.sourceId),
    from: reveal(source.from, secrets),
    to: reveal(task.target, secrets),
    metaSchema: task.metaSchema,
    timezone: task.timezone,
    caseSensitive: task.caseSensitive || source.caseSensitive,
    collationCompatible: task.collationCompatible,
    ...(instance.meta ? { meta: instance.meta } : {}),
    blockAllow: instance.blockAllow,
    routes: instance.routes,
    filters: [...instance.filters, ...source.filters],
    expressionFilters: instance.expressionFilters,
    onlineDdl: task.onlineDdl,
    shadowTableRules: task.shadowTableRules,
    trashTableRules: task.trashTableRules,
    ignoreCheckingItems: task.ignoreCheckingItems.map((item) => SAME_ITEM[item] ?? item),
    cleanDumpFile: task.cleanDumpFile,
    dump: instance.dump,
    load: instance.load,
    sync: {
      ...instance.sync,
      enableAnsiQuotes: instance.sync.enableAnsiQuotes || task.ansiQuotes,
    },
  };
}

/** Names that one item of the precheck has had; the manual uses both. */
const SAME_ITEM: Record<string, string> = {
  dump_privilege: 'dump_privileges',
  conn_number: 'connection_number',
};

function reveal(db: DbConfig, secrets: Secrets): DbConfig {
  return { ...db, password: secrets.reveal(db.password) };
}

function checkMeta(instance: TaskInstance, source: SourceConfig): void {
  if (!instance.meta) return;
  const { binlogName, binlogGtid } = instance.meta;
  // With GTIDs, the set of a position is worked out from the binlog.
  if (binlogName !== '' || (source.enableGtid && binlogGtid !== '')) return;
  throw new DmError(
    CODES.configMetaInvalid,
    `source ${source.sourceId}: must specify \`binlog-name\` without GTID enabled for the source or specify \`binlog-gtid\` with GTID enabled for the source`,
  );
}

const MIN_SERVER_ID = Math.ceil(2 ** 32 / 10);

/**
 * The slave id of a subtask's binlog connection. It comes from the names (FNV-1a), not from chance: the
 * same subtask on another worker then takes the place of a connection that was left behind, and two
 * tasks on one source do not throw each other out. The range is DM's.
 */
export function subtaskServerId(task: string, sourceId: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${task}\u0000${sourceId}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return MIN_SERVER_ID + (hash % (0xffffffff - MIN_SERVER_ID));
}
