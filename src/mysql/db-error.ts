/** Turns what a session throws into the errors that users see. */
import { CODES } from '../errors/codes.js';
import { DmError, type ErrorScope } from '../errors/dm-error.js';
import { ConnectionError, SqlError } from './session.js';

/**
 * A broken or refused connection is 10001, a statement that the server refused 10006, or 10005 where
 * `what` says that it was a query. DmErrors and everything else that is no database error come back as
 * they are (as DmError 50000).
 */
export function toDmError(
  error: unknown,
  scope: ErrorScope,
  options: { statement?: string; kind?: 'query' | 'execute' } = {},
): DmError {
  if (error instanceof DmError) return error;
  const statement = options.statement === undefined ? '' : `: ${shorten(options.statement)}`;
  if (error instanceof ConnectionError) {
    return new DmError(CODES.databaseDriver, `database driver error${statement}`, { cause: error, scope });
  }
  if (error instanceof SqlError) {
    return options.kind === 'query'
      ? new DmError(CODES.databaseQuery, `query statement failed${statement}`, { cause: error, scope })
      : new DmError(CODES.databaseExecute, `execute statement failed${statement}`, { cause: error, scope });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new DmError(CODES.notSet, message, { cause: error, scope });
}

const SHOWN = 2000;

function shorten(statement: string): string {
  return statement.length <= SHOWN ? statement : `${statement.slice(0, SHOWN)} ...`;
}

/** True where the same statement may succeed when tried again on a new connection. */
export function isTransient(error: unknown): boolean {
  if (error instanceof ConnectionError) return !REFUSALS.has(error.errno);
  return error instanceof SqlError && RETRIED.has(error.errno);
}

/** Deadlock, lock wait time-out, statement interrupted, read-only for now, TiDB's retryable ones. */
const RETRIED = new Set([1205, 1213, 1290, 1317, 8005, 8022, 8027, 8028, 9001, 9002, 9003, 9004, 9005, 9007]);

/** Access denied, unknown database, account locked or expired: another try will not help. */
const REFUSALS = new Set([1044, 1045, 1049, 1129, 1130, 1193, 1231, 1251, 1524, 1698, 1820, 1862, 3118]);

/** A time zone that the server has no tables for. */
export const UNKNOWN_TIME_ZONE = 1298;

/** The server or its configuration does not take LOAD DATA LOCAL INFILE. */
export function isLocalInfileRefused(error: unknown): boolean {
  return error instanceof SqlError && LOCAL_INFILE_REFUSED.has(error.errno);
}

const LOCAL_INFILE_REFUSED = new Set([1148, 1235, 2068, 3948, 3950, 4166]);
