/** The sql_mode and other switches under which a DDL of the source means the same on the target. */
import type { Session } from '../../mysql/session.js';
import { SQL_MODE_NO_BACKSLASH_ESCAPES, versionNumber, type SqlFlavor } from '../../schema/dialect.js';
import { flavorOf } from '../../schema/fetch.js';
import type { QueryEvent } from './ddl.js';

export interface SourceServer {
  readonly flavor: SqlFlavor;
  readonly serverVersion?: string;
}

/** Modes by their bit in the binlog that every flavour has; those that do not concern DDL are left out. */
const MODES: readonly (readonly [bit: number, name: string])[] = [
  [0, 'REAL_AS_FLOAT'],
  [1, 'PIPES_AS_CONCAT'],
  [2, 'ANSI_QUOTES'],
  [3, 'IGNORE_SPACE'],
  [6, 'NO_UNSIGNED_SUBTRACTION'],
  [19, 'NO_AUTO_VALUE_ON_ZERO'],
  [20, 'NO_BACKSLASH_ESCAPES'],
  [21, 'STRICT_TRANS_TABLES'],
  [22, 'STRICT_ALL_TABLES'],
  [23, 'NO_ZERO_IN_DATE'],
  [24, 'NO_ZERO_DATE'],
  [25, 'ALLOW_INVALID_DATES'],
  [26, 'ERROR_FOR_DIVISION_BY_ZERO'],
  [29, 'HIGH_NOT_PRECEDENCE'],
  [31, 'PAD_CHAR_TO_FULL_LENGTH'],
];

/** Between two MariaDBs. */
const MARIADB_MODES: readonly (readonly [bit: number, name: string])[] = [
  [4, 'IGNORE_BAD_TABLE_OPTIONS'],
  [9, 'ORACLE'],
  [32, 'EMPTY_STRING_IS_NULL'],
];

/** MySQL cuts where this bit is set and rounds else; MariaDB rounds where its own is set and cuts else. */
const MYSQL_TRUNCATES = 32;
const MARIADB_ROUNDS = 34;

/** Of MariaDB's flags2, since the version that writes it (10.10). */
const MARIADB_EXPLICIT_TIMESTAMPS = 1 << 24;
const MARIADB_WRITES_EXPLICIT = 101_000;

/**
 * Without NO_ZERO_DATE and NO_ZERO_IN_DATE where the mode is strict: there they only refuse, and what one
 * flavour refuses (zero dates in rows that an ALTER copies) another has taken.
 */
export function modeNames(bits: bigint, from: SourceServer, to: Session): string {
  const has = (bit: number) => (bits & (1n << BigInt(bit))) !== 0n;
  const fromMariaDb = from.flavor === 'mariadb';
  const modes = fromMariaDb && to.isMariaDb ? [...MODES, ...MARIADB_MODES] : MODES;
  const names = modes.filter(([bit]) => has(bit)).map(([, name]) => name);
  const rounds = fromMariaDb ? has(MARIADB_ROUNDS) : !has(MYSQL_TRUNCATES);
  if (to.isMariaDb && rounds) names.push('TIME_ROUND_FRACTIONAL');
  if (!rounds && flavorOf(to) === 'mysql' && versionNumber(to.serverVersion) >= 80_001) {
    names.push('TIME_TRUNCATE_FRACTIONAL');
  }
  const strict = names.includes('STRICT_TRANS_TABLES') || names.includes('STRICT_ALL_TABLES');
  return names.filter((name) => !strict || !name.startsWith('NO_ZERO')).join(',');
}

/**
 * A CREATE TABLE ... SELECT is logged as a statement that the server has written, and the server writes its
 * texts with backslashes whatever the session's mode: such a text is read, and run, as it was written.
 * `inTransaction`: rows follow it.
 */
export function asWritten(event: QueryEvent, inTransaction: boolean): QueryEvent {
  const { sql, status } = event;
  const { sqlMode } = status;
  if (sqlMode === undefined || (sqlMode & SQL_MODE_NO_BACKSLASH_ESCAPES) === 0n) return event;
  if (!inTransaction && !/\sSTART\s+TRANSACTION\s*$/i.test(sql)) return event;
  if (!/^\s*CREATE\s+(?:OR\s+REPLACE\s+)?TABLE\b/i.test(sql)) return event;
  return { ...event, status: { ...status, sqlMode: sqlMode & ~SQL_MODE_NO_BACKSLASH_ESCAPES } };
}

/** explicit_defaults_for_timestamp of the statement's session; undefined where the binlog does not say. */
export function explicitTimestamps({ status }: QueryEvent, from: SourceServer): boolean | undefined {
  if (from.flavor !== 'mariadb') return status.explicitDefaultsForTimestamp;
  if (versionNumber(from.serverVersion ?? '') < MARIADB_WRITES_EXPLICIT) return undefined;
  return status.flags2 === undefined ? undefined : (status.flags2 & MARIADB_EXPLICIT_TIMESTAMPS) !== 0;
}
