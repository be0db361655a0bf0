/** An error that concerns one table of the target: the others could go on (docs/isolation.md). */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { TableName } from '../model/table-name.js';
import { SqlError } from '../mysql/session.js';

export class TableError extends DmError {
  constructor(
    error: DmError,
    readonly target: TableName,
  ) {
    const { code, scope, level, workaround, rawCause } = error;
    super({ code, class: error.class, scope, level, workaround }, error.message, { cause: error, rawCause });
  }
}

/** The error with the table that it concerns; as it is where it may concern the whole server. */
export function ofTable(error: unknown, target: TableName): unknown {
  if (!(error instanceof DmError) || error instanceof TableError || WHOLE.has(error.code)) return error;
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof SqlError && SERVER_WIDE.has(cause.errno)) return error;
  }
  return new TableError(error, target);
}

/** A connection's trouble, and what a user has asked to stop the task. */
const WHOLE: ReadonlySet<number> = new Set([
  CODES.databaseDriver.code,
  CODES.syncEventFilterError.code,
  CODES.syncSourceLost.code,
]);

/**
 * Disk full, out of memory, too many connections, shutting down, access of the user, read-only, resource
 * limits: every table would fail.
 */
const SERVER_WIDE: ReadonlySet<number> = new Set([
  1021, 1037, 1038, 1040, 1041, 1044, 1045, 1053, 1129, 1130, 1135, 1203, 1226, 1227, 1290, 1792, 1820, 1836,
  3100, 3118, 8047, 9001, 9002, 9003, 9004, 9005,
]);
