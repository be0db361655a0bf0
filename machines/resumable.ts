/**
 * Which errors of a unit go away by themselves. DM's lists (dm "un-resumable errors"): trying those again
 * gives the same error, and each try costs the target a failed statement, so a person has to decide.
 */
import type { ProcessError } from '../src/model/status.js';

/** Texts of errors about DDL that the target does not support or accept. */
const DDL_TEXTS = [
  "can't drop column with index",
  'unsupported add column',
  'unsupported modify column',
  'unsupported modify charset',
  'unsupported modify collate',
  'unsupported drop primary key',
  'unsupported drop integer primary key',
  'Invalid default value for',
] as const;

/** Server errors: name too long, too many columns, too many keys; duplicate, too long, wrong or illegal value, too big a transaction. */
const SERVER_ERRNOS = new Set([1059, 1117, 1069, 1062, 1406, 1366, 8025]);

/** The source has purged what the reader needs. */
const PURGED_TEXTS = [
  'Could not find first log file name in binary log index file',
  'The slave is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has purged binary logs',
  'The replication sender thread cannot start in AUTO_POSITION mode',
  'master has purged',
  'purged required binary logs',
  'required binlog files have been purged',
] as const;

/** Those of DM, and 60102: a value that the target's column cannot hold. */
const CODES = new Set([
  36008, 32004, 32001, 36027, 11129, 34020, 34021, 30001, 30002, 30004, 30005, 30008, 60102,
]);

/** How the text of a server's error begins (src/mysql/packets.ts), wherever it stands in a cause. */
const SERVER_ERROR = /\bError (\d+)\b/g;

/** False when trying again cannot help. An error without a code in the lists is worth a try. */
export function isResumable(errors: readonly ProcessError[]): boolean {
  return errors.every((error) => hopelessReason(error) === null);
}

/** Why trying again cannot help, in words that follow `because`; null where it may. */
export function hopelessReason({ ErrCode, RawCause, Message }: ProcessError): string | null {
  if (CODES.has(ErrCode)) return `an error ${ErrCode} does not pass by itself`;
  // Not both: the message has the failed statement in it, and with that anything that rows may hold.
  const text = RawCause === '' ? Message : RawCause;
  const lower = text.toLowerCase();
  const has = (part: string) => lower.includes(part.toLowerCase());
  if (DDL_TEXTS.some(has)) return 'the target does not support the statement';
  if (PURGED_TEXTS.some(has)) return 'the source has purged what is needed';
  for (const [, errno] of text.matchAll(SERVER_ERROR)) {
    if (SERVER_ERRNOS.has(Number(errno))) return `the target would answer with the error ${errno} again`;
  }
  return null;
}

export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
  readonly factor: number;
}

/** DM's back-off: `minMs`, times `factor` each time, up to `maxMs`. `attempt` counts the resumptions that did not last. */
export function resumeDelayMs(attempt: number, { minMs, maxMs, factor }: Backoff): number {
  return Math.min(minMs * factor ** attempt, maxMs);
}
