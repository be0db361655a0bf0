/**
 * Runs a statement of the source on the target as the source's session ran it: sql_mode, clock and time
 * zone decide what a DDL makes of the rows that are there (values that do not fit, CURRENT_TIMESTAMP as the
 * default of a new column, TIMESTAMP literals and conversions).
 */
import { UNKNOWN_TIME_ZONE } from '../../mysql/db-error.js';
import { SqlError, type Session } from '../../mysql/session.js';
import type { QueryEvent } from './ddl.js';
import { explicitTimestamps, modeNames, type SourceServer } from './ddl-modes.js';

/** 1193 unknown here, 1238 read-only, 1227 and 1229 not for us to set. */
const CANNOT_SET = new Set([1193, 1227, 1229, 1238]);

/** OPTION_NO_FOREIGN_KEY_CHECKS of the event's flags. */
const NO_FOREIGN_KEY_CHECKS = 1 << 26;

/** Whether the source's session did not look at foreign keys. */
export function ignoresForeignKeys({ status }: Pick<QueryEvent, 'status'>): boolean {
  return ((status.flags2 ?? 0) & NO_FOREIGN_KEY_CHECKS) !== 0;
}

/** `sourceZone` tells the offset (`+01:00`) of the source's own zone at a time in seconds since 1970. */
export async function executeAsSource(
  session: Session,
  event: QueryEvent,
  sql: string,
  from: SourceServer,
  sourceZone: (zone: string, seconds: number) => Promise<string>,
): Promise<void> {
  const { status, header } = event;
  const fraction = String(status.microseconds ?? 0).padStart(6, '0');
  const settings = [`timestamp=${header.timestamp}.${fraction}`];
  if (status.sqlMode !== undefined) settings.push(`sql_mode='${modeNames(status.sqlMode, from, session)}'`);
  // The other way round the task's own setting counts.
  if (ignoresForeignKeys(event)) settings.push('foreign_key_checks=0');
  await session.execute(
    `SET @sluice_sql_mode=@@SESSION.sql_mode, @sluice_time_zone=@@SESSION.time_zone, @sluice_ddl_fk=@@SESSION.foreign_key_checks; SET SESSION ${settings.join(', SESSION ')}`,
  );
  try {
    if (status.timeZone !== undefined) {
      await setZone(session, status.timeZone, () => sourceZone(status.timeZone ?? '', header.timestamp));
    }
    const explicit = /\btimestamp\b/i.test(sql) ? explicitTimestamps(event, from) : undefined;
    if (explicit !== undefined) await setExplicitTimestamps(session, explicit);
    await session.execute(sql);
  } finally {
    if (!session.closed) {
      await session.execute(
        'SET SESSION timestamp=DEFAULT, SESSION sql_mode=@sluice_sql_mode, SESSION time_zone=@sluice_time_zone, SESSION foreign_key_checks=@sluice_ddl_fk',
      );
    }
  }
}

/** Stays set: each statement that it matters to sets its own. */
async function setExplicitTimestamps(session: Session, value: boolean): Promise<void> {
  try {
    await session.execute(`SET SESSION explicit_defaults_for_timestamp=${value ? 1 : 0}`);
  } catch (error) {
    if (!(error instanceof SqlError) || !CANNOT_SET.has(error.errno)) throw error;
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
