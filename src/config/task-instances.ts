/** The `mysql-instances` of a task file, with the rules that each refers to. */
import type {
  BlockAllowRules,
  DumpConfig,
  EventFilterRule,
  ExpressionFilterRule,
  LoadConfig,
  RouteRule,
  StartMeta,
  SyncConfig,
} from '../model/subtask-config.js';
import type { TaskMode } from '../model/stage.js';
import { CODES } from '../errors/codes.js';
import type { ErrorCode } from '../errors/dm-error.js';
import { formatPlace } from './config-node.js';
import { didYouMean } from './nearest.js';
import type { Section } from './section.js';
import type { RuleSets } from './task-config.js';
import {
  defaultDump,
  defaultLoad,
  defaultSync,
  readDump,
  readLoad,
  readSync,
  readValidator,
} from './task-units.js';

export interface TaskInstance {
  sourceId: string;
  meta?: StartMeta;
  blockAllow: BlockAllowRules;
  routes: RouteRule[];
  filters: EventFilterRule[];
  expressionFilters: ExpressionFilterRule[];
  dump: DumpConfig;
  load: LoadConfig;
  sync: SyncConfig;
}

interface InstanceContext {
  taskMode: TaskMode;
  sets: RuleSets;
  warnings: string[];
  /** `--start-time` says where replication begins: a meta is not needed, and not used. */
  startsAtTime?: boolean;
}

export function readInstances(top: Section, context: InstanceContext): TaskInstance[] {
  const sections = top.items('mysql-instances');
  if (sections.length === 0) {
    throw top.missing(
      CODES.configInstancesAtLeastOne,
      'must specify at least one mysql-instances',
      'mysql-instances',
    );
  }
  const used = new Set<string>();
  const seen = new Map<string, number>();
  const instances = sections.map((section, i) => {
    const instance = readInstance(section, i, { ...context, used });
    const other = seen.get(instance.sourceId);
    if (other !== undefined) {
      throw section.error(
        CODES.configInstancesSameSourceId,
        `mysql-instance (${other}) and (${i}) have same source-id (${instance.sourceId})`,
        'source-id',
      );
    }
    seen.set(instance.sourceId, i);
    return instance;
  });
  refuseUnused(top, context.sets, used);
  return instances;
}

interface OneContext extends InstanceContext {
  /** `routes.rule-1`: what some instance refers to. */
  used: Set<string>;
}

function readInstance(section: Section, index: number, context: OneContext): TaskInstance {
  const { sets, used } = context;
  const sourceId = section.string('source-id');
  if (sourceId === '') {
    throw section.missing(
      CODES.configEmptySourceId,
      `mysql-instance(${index}): empty source-id not valid`,
      'source-id',
    );
  }
  const refer = new References(section, index, used);
  const newName = section.string('block-allow-list');
  const listKey =
    newName !== '' || !section.has('black-white-list') ? 'block-allow-list' : 'black-white-list';
  section.ignore('black-white-list');
  const blockAllow = refer.one(listKey, sets.blockAllow, {
    set: 'block-allow-list',
    kind: CODES.configBaListNotFound,
    what: 'list',
    where: 'block allow list',
  });
  const routes = refer.many('route-rules', sets.routes, {
    set: 'routes',
    kind: CODES.configRouteRuleNotFound,
    what: 'route-rules',
    where: 'routes',
  });
  refuseSameRoutes(section, routes);
  const filters = refer.many('filter-rules', sets.filters, {
    set: 'filters',
    kind: CODES.configFilterRuleNotFound,
    what: 'filter-rules',
    where: 'filters',
  });
  const expressionFilters = refer.many('expression-filters', sets.expressionFilters, {
    set: 'expression-filter',
    kind: CODES.configExprFilterNotFound,
    what: 'expression-filters',
    where: 'expression-filter',
  });
  const columnMappings = section.strings('column-mapping-rules');
  if (columnMappings[0] !== undefined) {
    throw section.error(
      CODES.configColumnMappingNotFound,
      `mysql-instance(${index})'s column-mapping-rules ${columnMappings[0]} not exist in column-mapping`,
      'column-mapping-rules',
    );
  }
  const units = readUnits(section, refer, sets);
  const meta = readMeta(section, index, context);
  section.end();
  return {
    sourceId,
    ...(meta ? { meta } : {}),
    blockAllow: blockAllow ?? { doDbs: [], doTables: [], ignoreDbs: [], ignoreTables: [] },
    routes,
    filters,
    expressionFilters,
    ...units,
  };
}

function readUnits(
  section: Section,
  refer: References,
  sets: RuleSets,
): Pick<TaskInstance, 'dump' | 'load' | 'sync'> {
  const dump = {
    ...unit(section, refer, 'mydumper', sets.dumps, readDump, {
      notFound: CODES.configMydumperNotFound,
      conflict: CODES.configMydumperConflict,
      fallback: defaultDump,
    }),
  };
  const load = {
    ...unit(section, refer, 'loader', sets.loads, readLoad, {
      notFound: CODES.configLoaderNotFound,
      conflict: CODES.configLoaderConflict,
      fallback: defaultLoad,
    }),
  };
  const sync = {
    ...unit(section, refer, 'syncer', sets.syncs, readSync, {
      notFound: CODES.configSyncerNotFound,
      conflict: CODES.configSyncerConflict,
      fallback: defaultSync,
    }),
  };
  dump.threads = section.int('mydumper-thread', 0, { max: 1024 }) || dump.threads;
  load.poolSize = section.int('loader-thread', 0, { max: 1024 }) || load.poolSize;
  sync.workerCount = section.int('syncer-thread', 0, { max: 1024 }) || sync.workerCount;
  refer.one('validator-config-name', sets.validators, {
    set: 'validators',
    kind: CODES.configValidatorNotFound,
    what: 'continuous validator config',
    where: 'validators',
  });
  const validator = section.section('validator');
  if (validator) readValidator(validator);
  return { dump, load, sync };
}

interface UnitOptions<T> {
  notFound: ErrorCode;
  conflict: ErrorCode;
  fallback: () => T;
}

/** `x-config-name` refers to a global configuration, `x` holds one, and only one of them may be there. */
function unit<T>(
  section: Section,
  refer: References,
  name: 'mydumper' | 'loader' | 'syncer',
  all: Map<string, T>,
  read: (section: Section) => T,
  options: UnitOptions<T>,
): T {
  const key = `${name}-config-name`;
  const inline = section.section(name);
  if (inline && section.string(key) !== '') {
    throw section.error(options.conflict, `${key} and ${name} should only specify one`, key);
  }
  const what = `${name} config`;
  const where = name === 'syncer' ? 'syncer' : `${name}s`;
  const named = refer.one(key, all, { set: `${name}s`, kind: options.notFound, what, where });
  return inline ? read(inline) : (named ?? options.fallback());
}

interface Reference {
  set: string;
  kind: ErrorCode;
  /** Words of DM's message: `mysql-instance(0)'s <what> <name> not exist in <where>`. */
  what: string;
  where: string;
}

class References {
  readonly #section: Section;
  readonly #index: number;
  readonly #used: Set<string>;

  constructor(section: Section, index: number, used: Set<string>) {
    this.#section = section;
    this.#index = index;
    this.#used = used;
  }

  one<T>(key: string, all: Map<string, T>, reference: Reference): T | undefined {
    const name = this.#section.string(key);
    return name === '' ? undefined : this.#find(key, name, all, reference);
  }

  many<T>(key: string, all: Map<string, T>, reference: Reference): T[] {
    return this.#section.strings(key).map((name) => this.#find(key, name, all, reference));
  }

  #find<T>(key: string, name: string, all: Map<string, T>, { set, kind, what, where }: Reference): T {
    const found = all.get(name);
    if (found === undefined) {
      const hint = didYouMean(name, all.keys());
      const message = `mysql-instance(${this.#index})'s ${what} ${name} not exist in ${where}${hint}`;
      throw this.#section.error(kind, message, key);
    }
    this.#used.add(`${set}.${name}`);
    return found;
  }
}

/** Two rules with the same patterns match the same tables for certain; DM cannot build its router then. */
function refuseSameRoutes(section: Section, routes: readonly RouteRule[]): void {
  const seen = new Set<string>();
  for (const { schemaPattern, tablePattern } of routes) {
    const key = `${schemaPattern}\u0000${tablePattern}`;
    if (seen.has(key)) {
      const pattern = tablePattern === '' ? schemaPattern : `${schemaPattern}.${tablePattern}`;
      throw section.error(
        CODES.configGenTableRouter,
        `generate table router error: two routes match ${pattern}`,
        'route-rules',
      );
    }
    seen.add(key);
  }
}

function refuseUnused(top: Section, sets: RuleSets, used: ReadonlySet<string>): void {
  const all: [string, Map<string, unknown>][] = [
    ['routes', sets.routes],
    ['filters', sets.filters],
    ['block-allow-list', sets.blockAllow],
    ['mydumpers', sets.dumps],
    ['loaders', sets.loads],
    ['syncers', sets.syncs],
    ['expression-filter', sets.expressionFilters],
    ['validators', sets.validators],
  ];
  const unused = all.flatMap(([set, rules]) =>
    [...rules.keys()].map((name) => `${set}.${name}`).filter((name) => !used.has(name)),
  );
  const first = unused[0];
  if (first === undefined) return;
  unused.sort();
  throw top.error(
    CODES.configGlobalConfigsUnused,
    `The configurations as following [${unused.join(' ')}] are set in global configuration but instances don't use them`,
    first.slice(0, first.indexOf('.')),
  );
}

function readMeta(section: Section, index: number, context: OneContext): StartMeta | undefined {
  const inner = section.section('meta');
  if (!inner) {
    if (context.taskMode !== 'incremental' || context.startsAtTime === true) return undefined;
    throw section.missing(
      CODES.configMetadataNotSet,
      `mysql-instance(${index}) must set meta for task-mode ${context.taskMode}`,
      'meta',
    );
  }
  const meta: StartMeta = {
    binlogName: inner.string('binlog-name'),
    binlogPos: inner.int('binlog-pos', 0),
    binlogGtid: inner.string('binlog-gtid').replace(/\s+/g, ''),
  };
  inner.end();
  if (context.taskMode !== 'incremental') {
    context.warnings.push(
      `${formatPlace(inner.place)}: mysql-instance(${index})'s meta is not used with task-mode ${context.taskMode}`,
    );
    return undefined;
  }
  if (meta.binlogName === '' && meta.binlogGtid === '') {
    throw inner.error(
      CODES.configMetaInvalid,
      `mysql-instance(${index})'s meta must have at least one of binlog-name and binlog-gtid`,
    );
  }
  return meta;
}
