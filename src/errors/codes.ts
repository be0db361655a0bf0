/**
 * The error codes in use. Where DM has a code for the case, it is DM's; codes from 60000 are ours.
 * The comment of each entry is the operator's page: what happened, and what to do. Config and control
 * plane have tables of their own.
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
  /** The binlog stream could not be read or decoded; RawCause holds the server's error where it sent one. */
  syncBinlogEvent: define(
    36069,
    'sync-unit',
    'upstream',
    'high',
    'Please check if the binlog file could be parsed by `mysqlbinlog`.',
  ),
  /** Anything that has no code of its own. */
  notSet: define(50000, 'not-set', 'not-set', 'high'),
} as const satisfies Record<string, ErrorCode>;
