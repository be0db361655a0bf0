import type {
  BlockAllowRules,
  DbConfig,
  EventFilterRule,
  ExpressionFilterRule,
  RouteRule,
} from '../model/subtask-config.js';
import type { TaskMode } from '../model/stage.js';
import { CODES } from '../errors/codes.js';
import { checksForeignKeys } from '../mysql/connect.js';
import { checkRule, DEFAULT_SHADOW_RULE, DEFAULT_TRASH_RULE, invalidRule } from '../online-ddl/rules.js';
import { readDbConfig } from './db-config.js';
import { readEventFilter } from './filter-rule.js';
import { TASK_MODES_NOT_YET, TASK_NOT_YET } from './not-yet.js';
import { Section } from './section.js';
import { readInstances, type TaskInstance } from './task-instances.js';
import { readBlockAllow, readExpressionFilter, readRoute } from './task-rules.js';
import { readDump, readLoad, readSync, readValidator } from './task-units.js';
import { parseYamlTree } from './yaml-tree.js';

/** A task file, defaults filled in as DM does, rules resolved for each instance, passwords as typed. */
export interface TaskConfig {
  name: string;
  taskMode: TaskMode;
  shardMode: '' | 'pessimistic' | 'optimistic';
  strictOptimisticShardMode: boolean;
  ignoreCheckingItems: string[];
  metaSchema: string;
  /** The old key of task files; the command's flag does the same. */
  removeMeta: boolean;
  timezone: string;
  caseSensitive: boolean;
  collationCompatible: 'loose' | 'strict';
  target: DbConfig;
  onlineDdl: boolean;
  shadowTableRules: string[];
  trashTableRules: string[];
  cleanDumpFile: boolean;
  ansiQuotes: boolean;
  instances: TaskInstance[];
  /** What is odd and does no harm; each with its place. */
  warnings: string[];
}

/** All rule sets of a file by name, as the instances refer to them. */
export interface RuleSets {
  blockAllow: Map<string, BlockAllowRules>;
  routes: Map<string, RouteRule>;
  filters: Map<string, EventFilterRule>;
  expressionFilters: Map<string, ExpressionFilterRule>;
  dumps: Map<string, ReturnType<typeof readDump>>;
  loads: Map<string, ReturnType<typeof readLoad>>;
  syncs: Map<string, ReturnType<typeof readSync>>;
  validators: Map<string, true>;
}

/** Names of the precheck's items; the manual's and the later ones. */
const CHECKING_ITEMS = [
  'all',
  'dump_privilege',
  'dump_privileges',
  'replication_privilege',
  'target_privilege',
  'version',
  'server_id',
  'binlog_enable',
  'binlog_format',
  'binlog_row_image',
  'table_schema',
  'schema_of_shard_tables',
  'auto_increment_ID',
  'online_ddl',
  'binlog_db',
  'meta_position',
  'connection_number',
  'conn_number',
  'primary_key',
  'foreign_key',
] as const;

/** Rejects with a config error (20xxx, or 60001 for what is not supported yet) naming file:line:column. */
export function parseTaskConfig(
  text: string,
  fileName: string,
  options: { readonly startsAtTime?: boolean } = {},
): TaskConfig {
  const top = new Section(parseYamlTree(text, fileName), {
    formCode: CODES.configYamlTransform,
    notYet: TASK_NOT_YET,
  });
  const warnings: string[] = [];
  const name = top.string('name');
  if (name === '') throw top.missing(CODES.configTaskNameEmpty, 'task name should not be empty', 'name');
  const taskMode = readTaskMode(top);
  top.bool('is-sharding', false);
  top.bool('enable-heartbeat', false);
  top.int('heartbeat-update-interval', 1);
  top.int('heartbeat-report-interval', 10);
  if (top.has('column-mapping')) {
    throw top.error(
      CODES.configColumnMappingDeprecated,
      'column-mapping is not supported since v6.6.0',
      'column-mapping',
    );
  }
  const experimental = top.section('experimental');
  experimental?.bool('async-checkpoint-flush', false);
  experimental?.end();
  const settings = readSettings(top);
  const sets = readRuleSets(top);
  const targetSection = top.section('target-database');
  if (!targetSection) {
    throw top.missing(CODES.configNeedTargetDb, 'must specify target-database', 'target-database');
  }
  const target = readDbConfig(targetSection, { port: 4000 });
  const instances = readInstances(top, { taskMode, sets, warnings, ...options });
  refuseWithForeignKeys(targetSection, target, instances);
  top.end();
  return { name, taskMode, ...settings, target, instances, warnings };
}

/** As DM: merged changes do not keep the order in which rows came to refer to each other. */
function refuseWithForeignKeys(section: Section, target: DbConfig, instances: readonly TaskInstance[]): void {
  if (!checksForeignKeys(target)) return;
  for (const { sync, sourceId } of instances) {
    const key = sync.compact ? 'compact' : sync.multipleRows ? 'multiple-rows' : '';
    if (key === '') continue;
    throw section.error(
      CODES.configForeignKeysConflict,
      `\`foreign_key_checks\` of the target's session conflicts with \`${key}: true\` of the syncer of ${sourceId}`,
      'session',
    );
  }
}

function readTaskMode(top: Section): TaskMode {
  const text = top.string('task-mode');
  if (TASK_MODES_NOT_YET.includes(text)) {
    throw top.error(CODES.notSupportedYet, `task-mode "${text}" is not supported yet`, 'task-mode');
  }
  const modes = ['full', 'incremental', 'all'] as const;
  const mode = modes.find((one) => one === text);
  if (!mode) {
    throw top.missing(
      CODES.configInvalidTaskMode,
      `please specify right task-mode, support \`full\`, \`incremental\`, \`all\`${text === '' ? '' : `; not "${text}"`}`,
      'task-mode',
    );
  }
  return mode;
}

type Settings = Omit<TaskConfig, 'name' | 'taskMode' | 'target' | 'instances' | 'warnings'>;

function readSettings(top: Section): Settings {
  const scheme = top.string('online-ddl-scheme');
  if (!['', 'gh-ost', 'pt'].includes(scheme)) {
    throw top.error(
      CODES.configOnlineSchemeNotSupport,
      `online scheme ${scheme} not supported`,
      'online-ddl-scheme',
    );
  }
  const shardMode = top.string('shard-mode');
  const collation = top.string('collation_compatible', 'loose');
  return {
    shardMode: top.oneOf(
      'shard-mode',
      ['', 'pessimistic', 'optimistic'],
      '',
      CODES.configShardModeNotSupport,
      `shard mode ${shardMode} not supported`,
    ),
    strictOptimisticShardMode: top.bool('strict-optimistic-shard-mode', false),
    ignoreCheckingItems: readCheckingItems(top),
    metaSchema: top.string('meta-schema') || 'dm_meta',
    removeMeta: top.bool('remove-meta', false),
    timezone: readTimezone(top),
    caseSensitive: top.bool('case-sensitive', false),
    collationCompatible: top.oneOf(
      'collation_compatible',
      ['loose', 'strict'],
      'loose',
      CODES.configCollationNotSupport,
      `collation compatible ${collation} not supported`,
    ),
    onlineDdl: top.bool('online-ddl', false) || scheme !== '',
    shadowTableRules: readTableRules(top, 'shadow-table-rules', DEFAULT_SHADOW_RULE),
    trashTableRules: readTableRules(top, 'trash-table-rules', DEFAULT_TRASH_RULE),
    cleanDumpFile: top.bool('clean-dump-file', true),
    ansiQuotes: top.bool('ansi-quotes', false),
  };
}

function readTableRules(top: Section, key: string, fallback: string): string[] {
  const rules = top.strings(key);
  for (const rule of rules) {
    const problem = checkRule(rule);
    if (problem !== undefined) {
      throw top.error(CODES.configOnlineDdlInvalidRegex, invalidRule(key, rule, problem), key);
    }
  }
  return rules.length > 0 ? rules : [fallback];
}

function readCheckingItems(top: Section): string[] {
  const items = top.strings('ignore-checking-items');
  for (const item of items) {
    if (CHECKING_ITEMS.some((known) => known === item)) continue;
    throw top.error(
      CODES.configCheckItemNotSupport,
      `checking item ${item} is not supported; the items are ${CHECKING_ITEMS.join(', ')}`,
      'ignore-checking-items',
    );
  }
  return items;
}

/** An offset (`+08:00`, from -12:59 to +14:00 as the server has it) or a zone's name. */
function readTimezone(top: Section): string {
  const zone = top.string('timezone');
  if (zone === '' || isTimezone(zone)) return zone;
  const wanted = 'an offset such as +08:00 or a name such as Asia/Shanghai is expected';
  throw top.error(CODES.configInvalidTimezone, `invalid timezone string: ${zone}; ${wanted}`, 'timezone');
}

function isTimezone(zone: string): boolean {
  const offset = /^([+-])(\d{1,2}):(\d{2})$/.exec(zone);
  if (offset) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    return Number(offset[3]) < 60 && minutes <= (offset[1] === '+' ? 14 * 60 : 12 * 60 + 59);
  }
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    // The only way to ask whether a name is known.
    return false;
  }
}

function readRuleSets(top: Section): RuleSets {
  const lists = top.named('black-white-list');
  for (const [name, section] of top.named('block-allow-list')) lists.set(name, section);
  return {
    blockAllow: mapValues(lists, readBlockAllow),
    routes: mapValues(top.named('routes'), readRoute),
    filters: mapValues(top.named('filters'), readEventFilter),
    expressionFilters: mapValues(top.named('expression-filter'), readExpressionFilter),
    dumps: mapValues(top.named('mydumpers'), readDump),
    loads: mapValues(top.named('loaders'), readLoad),
    syncs: mapValues(top.named('syncers'), readSync),
    validators: mapValues(top.named('validators'), (section) => {
      readValidator(section);
      return true as const;
    }),
  };
}

function mapValues<A, B>(map: Map<string, A>, read: (value: A) => B): Map<string, B> {
  return new Map([...map].map(([key, value]) => [key, read(value)]));
}
