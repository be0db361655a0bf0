/**
 * The meta tables of sync in the target. `{task}_syncer_checkpoint` is DM's own layout, so that DM's
 * tools and a takeover in either direction work; the others are ours and carry exactly-once:
 *
 * - `{task}_syncer_lane`: one row a lane, changed inside the data's own transactions.
 * - `{task}_syncer_owner`: one row a stream: who owns it, how many lanes are in use, the DDL under way.
 * - `{task}_syncer_operator`: what operators have decided about single statements (operators.ts).
 *
 * All have primary keys (sql_require_primary_key) and use only what TiDB, MySQL 5.6 and later and
 * MariaDB understand.
 */
import { quoteName } from '../model/table-name.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import type { Session } from '../mysql/session.js';

export interface MetaTables {
  readonly schema: string;
  readonly checkpoint: string;
  readonly lane: string;
  readonly owner: string;
  readonly operator: string;
  /** DM's own layout as well: what tools for online DDL have changed in their ghost tables. */
  readonly onlineDdl: string;
}

/** Quoted full names of the tables of a task. */
export function metaTables(config: Pick<SubtaskConfig, 'task' | 'metaSchema'>): MetaTables {
  const name = (suffix: string) => `${quoteName(config.metaSchema)}.${quoteName(config.task + suffix)}`;
  return {
    schema: quoteName(config.metaSchema),
    checkpoint: name('_syncer_checkpoint'),
    lane: name('_syncer_lane'),
    owner: name('_syncer_owner'),
    operator: name('_syncer_operator'),
    onlineDdl: name('_onlineddl'),
  };
}

/** The stream of everything; parts that run at their own place have other names. */
export const MAIN_STREAM = 'main';

/** A string literal. Meta sessions never use NO_BACKSLASH_ESCAPES. */
export function text(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;
}

export async function createMetaTables(session: Session, tables: MetaTables): Promise<void> {
  // MySQL 5.6 has no JSON type and index keys of 767 bytes; names are never longer than 64 characters.
  const old = /^5\.[0-6]\./.test(session.serverVersion) && !session.isMariaDb;
  const name = old ? 64 : 128;
  await session.execute(`CREATE DATABASE IF NOT EXISTS ${tables.schema}`);
  await session.execute(`CREATE TABLE IF NOT EXISTS ${tables.checkpoint} (
    id VARCHAR(32) NOT NULL,
    cp_schema VARCHAR(${name}) NOT NULL,
    cp_table VARCHAR(${name}) NOT NULL,
    binlog_name VARCHAR(128),
    binlog_pos INT UNSIGNED,
    binlog_gtid TEXT,
    exit_safe_binlog_name VARCHAR(128) DEFAULT '',
    exit_safe_binlog_pos INT UNSIGNED DEFAULT 0,
    exit_safe_binlog_gtid TEXT,
    table_info ${old ? 'LONGTEXT' : 'JSON'} NOT NULL,
    is_global BOOLEAN,
    create_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    PRIMARY KEY (id, cp_schema, cp_table)
  ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  await session.execute(`CREATE TABLE IF NOT EXISTS ${tables.lane} (
    id VARCHAR(32) NOT NULL,
    stream VARCHAR(64) NOT NULL,
    lane INT NOT NULL,
    epoch BIGINT NOT NULL,
    run BIGINT NOT NULL,
    conn_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    binlog_name VARCHAR(128) NOT NULL,
    binlog_pos BIGINT NOT NULL,
    gtid VARCHAR(255) NOT NULL,
    row_no BIGINT NOT NULL,
    PRIMARY KEY (id, stream, lane)
  ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  await session.execute(`CREATE TABLE IF NOT EXISTS ${tables.owner} (
    id VARCHAR(32) NOT NULL,
    stream VARCHAR(64) NOT NULL,
    epoch BIGINT NOT NULL,
    run BIGINT NOT NULL,
    conn_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    lane_count INT NOT NULL,
    binlog_name VARCHAR(128) NOT NULL DEFAULT '',
    binlog_pos BIGINT NOT NULL DEFAULT 0,
    ddl_location VARCHAR(512) NOT NULL DEFAULT '',
    ddl_step INT NOT NULL DEFAULT 0,
    ddl_sql LONGTEXT,
    ddl_before LONGTEXT,
    PRIMARY KEY (id, stream)
  ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  await session.execute(`CREATE TABLE IF NOT EXISTS ${tables.operator} (
    id VARCHAR(32) NOT NULL,
    binlog_name VARCHAR(128) NOT NULL,
    binlog_pos BIGINT NOT NULL,
    seq_no BIGINT NOT NULL,
    operator_id VARCHAR(36) NOT NULL,
    op VARCHAR(16) NOT NULL,
    sqls LONGTEXT NOT NULL,
    done_steps INT NOT NULL DEFAULT 0,
    PRIMARY KEY (id, binlog_name, binlog_pos)
  ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  await session.execute(`CREATE TABLE IF NOT EXISTS ${tables.onlineDdl} (
    id VARCHAR(32) NOT NULL,
    ghost_schema VARCHAR(${name}) NOT NULL,
    ghost_table VARCHAR(${name}) NOT NULL,
    ddls MEDIUMTEXT,
    update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    PRIMARY KEY (id, ghost_schema, ghost_table)
  ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
}

/** Drops what this source has in the task's sync tables, and the tables when nothing is left. */
export async function removeSyncMeta(
  session: Session,
  config: Pick<SubtaskConfig, 'task' | 'metaSchema' | 'sourceId'>,
): Promise<void> {
  const tables = metaTables(config);
  await createMetaTables(session, tables);
  for (const table of [tables.lane, tables.owner, tables.operator, tables.onlineDdl, tables.checkpoint]) {
    await session.execute(`DELETE FROM ${table} WHERE id = ${text(config.sourceId)}`);
  }
}
