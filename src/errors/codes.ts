/**
 * The error codes in use. Where DM has a code for the case, it is DM's; codes from 60000 are ours.
 * The comment of each entry is the operator's page: what happened, and what to do. Config and control
 * plane have tables of their own. Of ours: 600xx commands, 601xx copy, 602xx cluster, 603xx NATS, 604xx sync.
 */
import { CONFIG_CODES } from './codes-config.js';
import { CONTROL_CODES } from './codes-control.js';
import { define } from './define.js';
import type { ErrorCode } from './dm-error.js';

export const CODES = {
  ...CONFIG_CODES,
  ...CONTROL_CODES,
  /** The connection to a database failed or broke. */
  databaseDriver: define(
    10001,
    'database',
    'not-set',
    'high',
    'Please check the database connection and the database config in configuration file.',
  ),
  /** A query of ours was refused by the server. */
  databaseQuery: define(10005, 'database', 'not-set', 'high'),
  /** A statement of ours was refused by the server; RawCause holds the server's error. */
  databaseExecute: define(10006, 'database', 'not-set', 'high'),
  /** One DROP TABLE named several tables where a single one was needed. */
  functionalDropMultipleTables: define(
    11003,
    'functional',
    'internal',
    'high',
    'It is recommended to include only one DDL operation in a statement executed upstream. Please manually handle it using dmctl (skip the DDL statement or replace the DDL statement with a specified DDL statement). For details, see https://docs.pingcap.com/tidb-data-migration/stable/handle-failed-sql-statements',
  ),
  /** A statement could not be understood; the message gives the place. Nothing of it was applied. */
  functionalParseSql: define(
    11006,
    'functional',
    'upstream',
    'high',
    'Please confirm your DDL statement is correct and needed. For TiDB compatible DDL, see https://docs.pingcap.com/tidb/stable/mysql-compatibility#ddl. You can use `handle-error` command to skip or replace the DDL or add a binlog filter rule to ignore it if the DDL is not needed.',
  ),
  /** The precheck of a task found what would make it fail; the message lists what and how to mend it. */
  taskCheckFailed: define(
    26005,
    'task-check',
    'internal',
    'medium',
    'Please check the detail of the failed items.',
  ),
  /** Reading a table of the source failed; RawCause holds the server's error. */
  dumpFailed: define(32001, 'dump-unit', 'internal', 'high'),
  /** The full copy needs a moment without writes for a consistent picture, and the source refused each lock. */
  dumpGlobalLock: define(
    32004,
    'dump-unit',
    'internal',
    'high',
    'Please grant RELOAD (for FLUSH TABLES WITH READ LOCK) or LOCK TABLES to the user of the source, or set `--consistency none` in `extra-args` of the mydumpers configuration.',
  ),
  /** The source logs only part of each row, which is not enough to find and to write it. */
  binlogImageNotFull: define(
    11126,
    'binlog-op',
    'upstream',
    'high',
    'Please check if `binlog_row_image` is FULL on the source, set it, and start the task after a place where it was.',
  ),
  /** Rows were changed by a statement in the binlog: the source, or one session of it, does not log rows. */
  syncNotRowFormat: define(
    36014,
    'sync-unit',
    'upstream',
    'high',
    'Please check if the binlog format is ROW for all sessions of the source.',
  ),
  /**
   * The bytes of a row do not fit the table's definition as it is known at that place of the binlog.
   * Usually a DDL was skipped, filtered or run behind the tool's back.
   */
  syncColumnCount: define(
    36027,
    'sync-unit',
    'internal',
    'high',
    'Please check the log files to see if a related DDL has been skipped, and you could use `operate-schema` to get and set the table structure.',
  ),
  /** What `{task}_onlineddl` holds about a ghost table cannot be read. */
  syncOnlineDdlInvalidMeta: define(
    36039,
    'sync-unit',
    'downstream',
    'high',
    'Please correct or delete the row in the table `{task}_onlineddl` of the meta schema and resume the task; see docs/online-ddl.md.',
  ),
  /** A migrated table becomes a ghost table, whose rows are not migrated. */
  syncOnlineDdlRenameToGhost: define(
    36044,
    'sync-unit',
    'upstream',
    'high',
    'Please give the table another name on the source, or make the same change on the target by hand and skip the statement with `binlog skip`; see docs/online-ddl.md.',
  ),
  /**
   * A ghost table takes the place of the real one, and nothing is known of what was changed in it: the task
   * began in the middle of a tool's run, or the ghost table is no tool's.
   */
  syncOnlineDdlUnknown: define(
    36046,
    'sync-unit',
    'internal',
    'high',
    'If the task began in the middle of an online DDL, please give the ALTER of the tool, with the name of the real table, in place of the RENAME: `binlog replace TASK "ALTER TABLE ..."`; otherwise the table has to be copied anew. See docs/online-ddl.md.',
  ),
  /** The binlog stream could not be read or decoded; RawCause holds the server's error where it sent one. */
  syncBinlogEvent: define(
    36069,
    'sync-unit',
    'upstream',
    'high',
    'Please check if the binlog file could be parsed by `mysqlbinlog`.',
  ),
  /** Changes have to be applied a second time, and the task allows no safe mode for them. */
  syncSafeModeNeeded: define(
    36071,
    'sync-unit',
    'internal',
    'medium',
    'Please stop the task and start it again with `safe-mode-duration` greater than 0s in task.yaml.',
  ),
  /** A change that cannot be applied twice while the target checks foreign keys. */
  syncForeignKeySafeMode: define(
    60440,
    'sync-unit',
    'downstream',
    'high',
    'Please start the task with `foreign_key_checks: 0` in the `session` of `target-database` until safe mode has ended.',
  ),
  /** Two route rules match one table. */
  routeTableDupMatch: define(
    40080,
    'dm-worker',
    'internal',
    'high',
    'Please check the `routes` config in task configuration file.',
  ),
  /** A table structure saved with the checkpoint cannot be read. */
  schemaTrackerInvalidJson: define(
    44001,
    'schema-tracker',
    'downstream',
    'high',
    'Use `operate-schema set` to give the structure anew.',
  ),
  /** A table was asked for that the schema model does not hold. */
  schemaTrackerCannotGetTable: define(44005, 'schema-tracker', 'internal', 'high'),
  /** A DDL of the source does not fit the tracked structure, so rows after it could not be decoded. */
  schemaTrackerCannotExecDdl: define(
    44006,
    'schema-tracker',
    'internal',
    'high',
    'You can use `handle-error` command to replace or skip this DDL, and `operate-schema set` to correct the structure.',
  ),
  /** The structure of a table could not be read from the server. */
  schemaTrackerCannotFetchTable: define(
    44007,
    'schema-tracker',
    'not-set',
    'high',
    'You can use `handle-error` command to replace or skip this DDL.',
  ),
  /** The structure that is to be set is no CREATE TABLE statement. */
  schemaTrackerInvalidCreateTable: define(
    44009,
    'schema-tracker',
    'internal',
    'high',
    'Please give a file with one `CREATE TABLE` statement, as `SHOW CREATE TABLE` of the source prints it.',
  ),
  /** A structure that is to be removed is not kept. */
  schemaTrackerCannotDropTable: define(
    44011,
    'schema-tracker',
    'internal',
    'high',
    'Please check the name of the table; `operate-schema list` shows those that are kept.',
  ),
  /** Anything that has no code of its own. */
  notSet: define(50000, 'not-set', 'not-set', 'high'),
  /** The target refused the definition of a database or table of the source. */
  loadTargetTable: define(
    60101,
    'load-unit',
    'downstream',
    'high',
    'Please create the table by hand on the target in a form that it understands and resume the task: an existing table is used as it is.',
  ),
  /** A value of the source does not go into the target's column unchanged. */
  loadValue: define(
    60102,
    'load-unit',
    'downstream',
    'high',
    'Please give the column on the target a type that holds the values of the source, then resume the task.',
  ),
  /** A table changed its definition again and again while it was being copied. */
  dumpTableChanging: define(
    60103,
    'dump-unit',
    'upstream',
    'high',
    'Please resume the task when no DDL statements run on the source.',
  ),
  /** A table of the target lacks columns of the source's: their values would be lost. */
  targetColumnMissing: define(60104, 'schema-tracker', 'downstream', 'high'),
  /** A generated column overflows for a row that was there before the column: no server takes such a row anew. */
  loadOverflow: define(
    60105,
    'load-unit',
    'upstream',
    'high',
    'Please find the rows on the source (selecting the generated column fails with the same error), change them so that it can be computed, or drop the column there, then resume the task.',
  ),
  /** A transaction of the source that cannot be carried over, such as a prepared XA transaction. */
  syncTransactionUnsupported: define(
    60401,
    'sync-unit',
    'upstream',
    'high',
    'Copy the tables concerned anew, or start the task after this place.',
  ),
  /** The source lacks transactions that are in the target: it was reset, restored, or is another server. */
  syncSourceLost: define(
    60405,
    'sync-unit',
    'upstream',
    'high',
    'If the source is a replica that is only behind, it will go on by itself once the replica has caught up. If the source is the wrong server, please correct its address. Otherwise compare the data, stop the task, and start it with `--remove-meta`: with a new full copy, or as an incremental task with `meta` at a place where source and target agree.',
  ),
  /** The checkpoint table of the task has the layout of DM 1.0. */
  checkpointLayout: define(60407, 'checkpoint', 'downstream', 'high'),
  /** DM was stopped in the middle of its own full copy of this task. */
  checkpointCopyOfDm: define(60408, 'checkpoint', 'downstream', 'high'),
  /** A column of MariaDB becomes NOT NULL, and the binlog does not tell what its NULLs have become. */
  syncNullFill: define(60406, 'sync-unit', 'downstream', 'high'),
  /** A rule of `filters` with the action Error matches a statement or row change of the source. */
  syncEventFilterError: define(
    60402,
    'sync-unit',
    'upstream',
    'high',
    'Please make the change on the target by hand where it is wanted, change the rule to Ignore or remove it, and resume the task.',
  ),
  /** A table takes the place of a migrated one with rows that have not been migrated: it was a trash table. */
  syncOnlineDdlRowsUnknown: define(
    60420,
    'sync-unit',
    'upstream',
    'high',
    'Please bring the table on the target into the state of the source by hand, and skip the statement with `binlog skip`; see docs/online-ddl.md.',
  ),
  /** An expression filter holds something that cannot be evaluated exactly as the server would. */
  filterExpression: define(
    60403,
    'config',
    'internal',
    'medium',
    'Please write the expression in another way, see docs/filters.md for what is understood.',
  ),
  /** The server would raise an error for this expression on this row, or nobody can tell its exact value. */
  filterExpressionRow: define(
    60404,
    'sync-unit',
    'internal',
    'high',
    'Please change the expression so that it has a value for every row, and start the task again.',
  ),
  /** A statement changes a table that is set aside and another one: their order could not be kept. */
  isolationSpans: define(
    60701,
    'sync-unit',
    'internal',
    'high',
    'Please correct what is wrong with the table that is set aside and run `dmctl isolation retry`, or give it up by `dmctl isolation drop`; the task goes on by itself once resumed.',
  ),
  /** More changes are kept for tables set aside than `isolate-max-bytes` allows. */
  isolationFull: define(
    60702,
    'sync-unit',
    'internal',
    'high',
    'Please correct what is wrong with the tables that are set aside (see `isolatedTables` of `query-status`) and resume the task, raise `isolate-max-bytes`, or give a table up by `dmctl isolation drop`.',
  ),
  /** `dmctl isolation` names a table that is not set aside. */
  isolationNotFound: define(
    60703,
    'sync-unit',
    'internal',
    'medium',
    'Please see `dmctl isolation list` for the tables that are set aside.',
  ),
  /** A statement stands in the binlog between the places at which its tables were copied: their copy is not exact. */
  syncCopyMixed: define(
    60430,
    'sync-unit',
    'upstream',
    'high',
    'Please stop the task and start it with `--remove-meta`, after the tables that are named have been dropped on the target: they are copied anew.',
  ),
  /** A table that is not migrated takes a name that is. */
  syncRenameFromOutside: define(
    60431,
    'sync-unit',
    'upstream',
    'high',
    'Please copy the table to the target by hand as it was at this place and use `binlog skip`, or leave it out by the block-allow-list and start the task again.',
  ),
  /** A master without `nats-url` runs its own nats-server, and there is none on this machine. */
  natsServerMissing: define(
    60301,
    'nats',
    'internal',
    'high',
    'Please install the nats-server (Debian and Ubuntu: the package `nats-server`), or give the address of a running one as `nats-url`.',
  ),
  /** The master's own nats-server does not start; RawCause holds the last lines it wrote. */
  natsServerStart: define(
    60302,
    'nats',
    'internal',
    'high',
    'Please check that the ports are free and the data directory is writable; the log has what the server said.',
  ),
  /** The NATS of `nats-url` keeps no data: everything of the cluster is kept in JetStream. */
  natsNoJetStream: define(
    60303,
    'nats',
    'internal',
    'high',
    'Please turn JetStream on (`jetstream {}` in the configuration of the nats-server, or its flag `-js`) and for the account in use.',
  ),
} as const satisfies Record<string, ErrorCode>;
