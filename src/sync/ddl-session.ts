/**
 * Runs a statement of the source on the target as the source's session ran it: sql_mode, clock and time
 * zone decide what a DDL makes of the rows that are there (values that do not fit, CURRENT_TIMESTAMP as the
 * default of a new column, TIMESTAMP literals and conversions).
 */
import { UNKNOWN_TIME_ZONE } from '../mysql/db-error.js';
import { SqlError, type Session } from '../mysql/session.js';
import type { QueryEvent } from './ddl.js';

/** Modes by their bit in the binlog; those that MySQL has given up or that do not concern DDL are left out. */
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
];

/**
 * Without NO_ZERO_DATE and NO_ZERO_IN_DATE where the mode is strict: there they only refuse, and what one
 * flavour refuses (zero dates in rows that an ALTER copies) another has taken.
 */
export function modeNames(bits: bigint): string {
  const names = MODES.filter(([bit]) => (bits & (1n << BigInt(bit))) !== 0n).map(([, name]) => name);
  const strict = names.includes('STRICT_TRANS_TABLES') || names.includes('STRICT_ALL_TABLES');
  return names.filter((name) => !strict || !name.startsWith('NO_ZERO')).join(',');
}

/** `sourceZone` tells the offset (`+01:00`) of the source's own zone at a time in seconds since 1970. */
export async function executeAsSource(
  session: Session,
  event: QueryEvent,
  sql: string,
  sourceZone: (zone: string, seconds: number) => Promise<string>,
): Promise<void> {
  const { status, header } = event;
  const fraction = String(status.microseconds ?? 0).padStart(6, '0');
  const settings = [`timestamp=${header.timestamp}.${fraction}`];
  if (status.sqlMode !== undefined) settings.push(`sql_mode='${modeNames(status.sqlMode)}'`);
  await session.execute(
    `SET @sluice_sql_mode=@@SESSION.sql_mode, @sluice_time_zone=@@SESSION.time_zone; SET SESSION ${settings.join(', SESSION ')}`,
  );
  try {
    if (status.timeZone !== undefined) {
      await setZone(session, status.timeZone, () => sourceZone(status.timeZone ?? '', header.timestamp));
    }
    await session.execute(sql);
  } finally {
    if (!session.closed) {
      await session.execute(
        'SET SESSION timestamp=DEFAULT, SESSION sql_mode=@sluice_sql_mode, SESSION time_zone=@sluice_time_zone',
      );
    }
  }
}

/** SYSTEM is another zone here, and names are only known where the target has zone tables. */
async function setZone(session: Session, zone: string, offset: () => Promise<string>): Promise<void> {
  const set = (value: string) => session.execute(`SET SESSION time_zone='${value.replaceAll("'", "''")}'`);
  if (zone.toUpperCase() === 'SYSTEM') {
    await set(await offset());
    return;
  }
  try {
    await set(zone);
  } catch (error) {
    if (!(error instanceof SqlError) || error.errno !== UNKNOWN_TIME_ZONE) throw error;
    await set(await offset());
  }
}

/** Asked of the source: the offset of one of its zones at a moment. */
export async function zoneOffset(source: Session, zone: string, seconds: number): Promise<string> {
  const utc = `'1970-01-01 00:00:00' + INTERVAL ${seconds} SECOND`;
  const [row] = await source.query(
    `SELECT TIMESTAMPDIFF(MINUTE, ${utc}, CONVERT_TZ(${utc}, '+00:00', '${zone.replaceAll("'", "''")}')) AS m`,
  );
  const minutes = Number(row?.m ?? 0);
  const two = (value: number) => String(value).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
