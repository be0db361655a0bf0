/**
 * The error codes in use. Where DM has a code for the case, it is DM's; codes from 60000 are ours.
 * The comment of each entry is the operator's page: what happened, and what to do.
 */
import type { ErrorCode, ErrorLevel, ErrorScope } from './dm-error.js';

function define(
  code: number,
  errorClass: string,
  scope: ErrorScope,
  level: ErrorLevel,
  workaround = '',
): ErrorCode {
  return { code, class: errorClass, scope, level, workaround };
}

export const CODES = {
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
  /** Anything that has no code of its own. */
  notSet: define(50000, 'not-set', 'not-set', 'high'),
} as const satisfies Record<string, ErrorCode>;
