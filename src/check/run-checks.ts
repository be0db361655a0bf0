/** The precheck of one subtask: the manual's list (4.4.2.2) for a single source, and its target. */
import type { SubtaskConfig } from '../model/subtask-config.js';
import { connectSession } from '../mysql/connect.js';
import { toDmError } from '../mysql/db-error.js';
import { SqlError, type Session } from '../mysql/session.js';
import { MigratedTables } from '../online-ddl/migrated-tables.js';
import { checkExpressionFilters } from './filter-checks.js';
import { hasAnywhere, hasGlobal, readGrants, type Grants } from './grants.js';
import { checkMetaPosition } from './meta-check.js';
import { checkOnlineDdl } from './online-ddl-check.js';
import { readVariable } from './probe-source.js';
import { checkTables } from './table-checks.js';
import type { CheckResult, Finding } from './types.js';

const SUCCESS: Finding = { state: 'success' };

interface SourceCheck {
  /** The element of `ignore-checking-items` that disables it. */
  readonly item: string;
  readonly name: string;
  readonly desc: string;
  /** Whether the task's mode needs it. */
  readonly for: (config: SubtaskConfig) => boolean;
  readonly run: (session: Session, config: SubtaskConfig, grants: Grants) => Promise<Finding>;
}

const replicates = ({ taskMode }: SubtaskConfig) => taskMode !== 'full' && taskMode !== 'dump';
const copies = ({ taskMode }: SubtaskConfig) => taskMode !== 'incremental';
const always = () => true;

const SOURCE_CHECKS: readonly SourceCheck[] = [
  {
    item: 'version',
    name: 'mysql_version',
    desc: 'check whether mysql version is satisfied',
    for: always,
    run: (session) => Promise.resolve(checkVersion(session)),
  },
  {
    item: 'server_id',
    name: 'mysql_server_id',
    desc: 'check whether mysql server_id has been greater than 0',
    for: replicates,
    run: async (session) =>
      Number(await readVariable(session, 'server_id')) > 0
        ? SUCCESS
        : fail(
            'server_id is 0 or not set',
            'Please set server_id greater than 0 in your MySQL configuration.',
          ),
  },
  {
    item: 'binlog_enable',
    name: 'mysql_binlog_enable',
    desc: 'check whether mysql binlog is enabled',
    for: replicates,
    run: async (session) =>
      isOn(await readVariable(session, 'log_bin'))
        ? SUCCESS
        : fail(
            'log_bin is OFF, and should be ON',
            'MySQL as source: please refer to the document to enable the binlog: set log_bin and restart.',
          ),
  },
  {
    item: 'binlog_format',
    name: 'mysql_binlog_format',
    desc: 'check whether mysql binlog_format is ROW',
    for: replicates,
    run: async (session) => {
      const format = await readVariable(session, 'binlog_format');
      // MySQL that has dropped the variable writes nothing but rows.
      if (format === null || format.toUpperCase() === 'ROW') return SUCCESS;
      return fail(
        `binlog_format is ${format}, and should be ROW`,
        "Please execute 'set global binlog_format=ROW;' and let the applications connect anew.",
      );
    },
  },
  {
    item: 'binlog_row_image',
    name: 'mysql_binlog_row_image',
    desc: 'check whether mysql binlog_row_image is FULL',
    for: replicates,
    run: async (session) => {
      const image = await readVariable(session, 'binlog_row_image');
      if (image === null || /^FULL/i.test(image)) return SUCCESS;
      return fail(
        `binlog_row_image is ${image}, and should be FULL`,
        "Please execute 'set global binlog_row_image = FULL;' and let the applications connect anew.",
      );
    },
  },
  {
    item: 'binlog_db',
    name: 'binlog_do_db/binlog_ignore_db check',
    desc: 'check whether all schemas to migrate are in the binlog',
    for: replicates,
    run: checkBinlogDb,
  },
  {
    item: 'replication_privilege',
    name: 'source db replication privilege checker',
    desc: 'check replication privileges of source DB',
    for: replicates,
    run: (_session, _config, grants) => Promise.resolve(checkReplicationPrivileges(grants)),
  },
  {
    item: 'dump_privileges',
    name: 'source db dump privilege checker',
    desc: 'check dump privileges of source DB',
    for: copies,
    run: (session, config, grants) => Promise.resolve(checkDumpPrivileges(session, config, grants)),
  },
  {
    item: 'table_schema',
    name: 'table structure compatibility check',
    desc: 'check compatibility of table structure',
    for: always,
    run: checkTables,
  },
  {
    item: 'online_ddl',
    name: 'online ddl checker',
    desc: 'check if in online ddl phase',
    for: (config) => replicates(config) && config.onlineDdl,
    run: checkOnlineDdl,
  },
  {
    // No element of `ignore-checking-items`: such a task could not run.
    item: 'expression_filter',
    name: 'expression filter check',
    desc: 'check whether expression filters can be evaluated exactly',
    for: (config) => replicates(config) && config.expressionFilters.length > 0,
    run: checkExpressionFilters,
  },
];

/**
 * Runs all checks of the subtask that `ignore-checking-items` leaves. Rejects with DmError 10001 where a
 * database cannot be reached. `anew`: the subtask's checkpoint does not count, it will be removed.
 */
export async function runChecks(
  config: SubtaskConfig,
  { signal, anew = false }: { readonly signal?: AbortSignal; readonly anew?: boolean } = {},
): Promise<CheckResult[]> {
  const ignored = new Set(config.ignoreCheckingItems);
  if (ignored.has('all')) return [];
  const results: CheckResult[] = [];
  const add = (name: string, desc: string, finding: Finding, db: SubtaskConfig['from']) => {
    results.push({
      id: results.length,
      name,
      desc,
      state: finding.state,
      errorMsg: finding.errorMsg ?? '',
      instruction: finding.instruction ?? '',
      extra: `address of db instance - ${db.host}:${db.port}`,
    });
  };
  const source = await open(config, 'upstream', signal);
  try {
    const grants = await readGrants(source);
    for (const check of SOURCE_CHECKS) {
      if (ignored.has(check.item) || !check.for(config)) continue;
      add(check.name, check.desc, await guarded(() => check.run(source, config, grants)), config.from);
    }
    const target = await open(config, 'downstream', signal);
    try {
      if (!ignored.has('meta_position') && config.taskMode === 'incremental' && config.meta !== undefined) {
        const finding = await guarded(() => checkMetaPosition(source, anew ? null : target, config));
        const desc = 'check whether the source has the place that meta names';
        add('meta position check', desc, finding, config.from);
      }
      if (!ignored.has('target_privilege')) {
        const finding = await guarded(async () => checkTargetPrivileges(await readGrants(target)));
        add('target db privilege checker', 'check privileges of target DB', finding, config.to);
      }
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
  return results;
}

async function open(
  config: SubtaskConfig,
  scope: 'upstream' | 'downstream',
  signal: AbortSignal | undefined,
): Promise<Session> {
  const upstream = scope === 'upstream';
  try {
    return await connectSession({
      db: upstream ? config.from : config.to,
      role: upstream ? 'source' : 'target',
      signal,
    });
  } catch (error) {
    throw toDmError(error, scope);
  }
}

/** A statement of a check that the server refuses is a finding, too. */
async function guarded(run: () => Promise<Finding>): Promise<Finding> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return fail(error.message, 'Please grant the user what the statement needs.');
  }
}

function fail(errorMsg: string, instruction: string): Finding {
  return { state: 'fail', errorMsg, instruction };
}

function isOn(value: string | null): boolean {
  return value === '1' || value?.toUpperCase() === 'ON';
}

function checkVersion(session: Session): Finding {
  const [major, minor, patch] = session.serverVersion.split(/[.-]/).map(Number);
  const number = major * 10_000 + minor * 100 + (patch || 0);
  const oldest = session.isMariaDb ? 100_102 : 50_600;
  if (number >= oldest) return SUCCESS;
  const kind = session.isMariaDb ? 'MariaDB' : 'MySQL';
  return fail(
    `version of ${kind} suggested to be at least ${session.isMariaDb ? '10.1.2' : '5.6.0'} but got ${session.serverVersion}`,
    `Please upgrade your ${kind}.`,
  );
}

function checkReplicationPrivileges(grants: Grants): Finding {
  const lack: string[] = [];
  if (!hasGlobal(grants, 'REPLICATION SLAVE', 'REPLICATION REPLICA')) lack.push('REPLICATION SLAVE');
  // MariaDB 10.5 renamed it.
  if (!hasGlobal(grants, 'REPLICATION CLIENT', 'BINLOG MONITOR', 'SUPER')) lack.push('REPLICATION CLIENT');
  return lacking(lack);
}

function checkDumpPrivileges(session: Session, config: SubtaskConfig, grants: Grants): Finding {
  const lack: string[] = [];
  if (!hasAnywhere(grants, 'SELECT')) lack.push('SELECT');
  const { consistency } = config.dump;
  const flush = hasGlobal(grants, 'RELOAD', 'FLUSH_TABLES');
  const lock = hasAnywhere(grants, 'LOCK TABLES');
  if (consistency === 'flush' && !flush) lack.push('RELOAD');
  if (consistency === 'lock' && !lock) lack.push('LOCK TABLES');
  // MariaDB tells the place of a snapshot without any lock.
  if (consistency === 'auto' && !session.isMariaDb && !flush && !lock) lack.push('RELOAD');
  return lacking(lack);
}

function checkTargetPrivileges(grants: Grants): Finding {
  const needed = ['CREATE', 'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'ALTER', 'DROP', 'INDEX'];
  const lack = needed.filter((privilege) => !hasAnywhere(grants, privilege));
  if (lack.length === 0) return SUCCESS;
  return { ...lacking(lack), state: 'warn' };
}

function lacking(privileges: readonly string[]): Finding {
  if (privileges.length === 0) return SUCCESS;
  return fail(
    `lack of ${privileges.join(', ')} privileges`,
    `Please execute 'GRANT ${privileges.join(', ')} ON *.* TO ...' for the user of the configuration.`,
  );
}

async function checkBinlogDb(session: Session, config: SubtaskConfig): Promise<Finding> {
  const [{ columns, rows }] = await session
    .execute('SHOW MASTER STATUS')
    .catch((error: unknown) =>
      error instanceof SqlError && error.errno === 1064
        ? session.execute('SHOW BINARY LOG STATUS')
        : Promise.reject(error as Error),
    );
  if (rows.length === 0) return SUCCESS;
  const list = (column: string) => (rows[0][columns.indexOf(column)] ?? '').split(',').filter(Boolean);
  const doDbs = list('Binlog_Do_DB');
  const ignoreDbs = list('Binlog_Ignore_DB');
  if (doDbs.length + ignoreDbs.length === 0) return SUCCESS;
  const allowed = new MigratedTables(config);
  const schemas = await session.query('SELECT schema_name AS s FROM information_schema.schemata');
  const missing = schemas
    .map(({ s }) => s ?? '')
    .filter((schema) => allowed.allowsSchema(schema))
    .filter((schema) => (doDbs.length > 0 ? !doDbs.includes(schema) : ignoreDbs.includes(schema)));
  if (missing.length === 0) return SUCCESS;
  return fail(
    `these dbs [${missing.join(' ')}] are not in the binlog`,
    'Ensure that the do_dbs contains the dbs you want to migrate, or that they are not in binlog_ignore_db.',
  );
}
