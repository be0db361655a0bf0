/** Opens a session and sets it up, so that values written and read through it mean the same everywhere. */
import { setMaxListeners } from 'node:events';
import type { DbConfig } from '../model/subtask-config.js';
import { handshake } from './handshake.js';
import { ConnectionError, SqlError, type ConnectOptions, type Session } from './session.js';
import { WireSession } from './wire-session.js';

/**
 * Zero and invalid dates and explicit zeros in AUTO_INCREMENT columns go in as they are; anything that
 * does not fit is an error and never cut.
 */
export const TARGET_SQL_MODE = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,STRICT_TRANS_TABLES';

/** Ours alone: literals are UTF-8 and TIMESTAMP values are UTC on every connection. */
const NOT_THE_USERS = new Set([
  'time_zone',
  'character_set_client',
  'character_set_results',
  'character_set_connection',
]);

/**
 * Connects, logs in and sets the session: utf8mb4, time_zone '+00:00', no limit on the time of a statement
 * where role is `source`; for a target also TARGET_SQL_MODE and foreign_key_checks=0. Then come
 * `db.session` (the user's, without what NOT_THE_USERS names, and without NO_BACKSLASH_ESCAPES in sql_mode,
 * which would change the meaning of our literals; for a source also without NOT_OF_SOURCES) and `session`.
 *
 * Aborting the signal, now or later, drops the connection: what runs rejects with the signal's reason.
 * Rejects with ConnectionError.
 */
export async function connectSession(options: ConnectOptions): Promise<Session> {
  const { signal, answerTimeoutMs } = options;
  const session = new WireSession(await handshake(options));
  if (answerTimeoutMs !== undefined) session.limitAnswers(answerTimeoutMs);
  if (signal) {
    // One signal ends as many connections as there are.
    setMaxListeners(0, signal);
    const onAbort = () => session.abort(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    session.onClosed(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
  }
  const assignments = sessionAssignments(options);
  try {
    await session.execute(`SET NAMES utf8mb4; SET ${assignments.join(', ')}`);
  } catch (error) {
    session.destroy();
    if (!(error instanceof SqlError)) throw error;
    throw new ConnectionError(`cannot set session variables: ${error.message}`, error.errno, {
      cause: error,
    });
  }
  return session;
}

/** `SESSION name = value` in the order in which they must be set. */
export function sessionAssignments(options: Pick<ConnectOptions, 'db' | 'session' | 'role'>): string[] {
  const values = new Map<string, string>([['time_zone', "'+00:00'"]]);
  const role = options.role ?? 'target';
  if (role === 'target') {
    values.set('sql_mode', `'${TARGET_SQL_MODE}'`);
    values.set('foreign_key_checks', '0');
  } else {
    values.set('sql_mode', "''");
  }
  for (const [key, value] of Object.entries(options.db.session)) {
    const name = key.toLowerCase();
    if (NOT_THE_USERS.has(name)) continue;
    values.set(name, name === 'sql_mode' ? withoutModes(value, role) : userValue(value));
  }
  for (const [key, value] of Object.entries(options.session ?? {})) values.set(key.toLowerCase(), value);
  return [...values].map(([name, value]) => `SESSION \`${name.replaceAll('`', '``')}\` = ${value}`);
}

/** Whether the user's session variables turn the checks of foreign keys on. */
export function checksForeignKeys({ session }: Pick<DbConfig, 'session'>): boolean {
  const given = Object.entries(session).findLast(([name]) => name.toLowerCase() === 'foreign_key_checks');
  return given !== undefined && /^(1|on|true)$/i.test(unquoted(given[1]).trim());
}

/** What a user writes in YAML: a number, a word or a text, with or without SQL quotes around it. */
function userValue(value: string): string {
  if (/^[+-]?\d+(\.\d+)?$/.test(value)) return value;
  if (/^(on|off|default|true|false)$/i.test(value)) return value;
  return `'${unquoted(value).replace(/[\\']/g, (c) => '\\' + c)}'`;
}

function unquoted(value: string): string {
  const quoted = /^(['"])(.*)\1$/s.exec(value.trim());
  return quoted ? quoted[2] : value;
}

/**
 * Modes by which a server writes definitions in another way (quotes, what is left out) or pads values: what
 * is read of a source is read in one form. With those that stand for several modes, some of these among them.
 */
const NOT_OF_SOURCES = new Set([
  'ANSI_QUOTES',
  'ANSI',
  'DB2',
  'MAXDB',
  'MSSQL',
  'MYSQL323',
  'MYSQL40',
  'ORACLE',
  'POSTGRESQL',
  'NO_FIELD_OPTIONS',
  'NO_KEY_OPTIONS',
  'NO_TABLE_OPTIONS',
  'PAD_CHAR_TO_FULL_LENGTH',
]);

function withoutModes(value: string, role: 'source' | 'target'): string {
  const modes = unquoted(value)
    .split(',')
    .map((mode) => mode.trim())
    .filter((mode) => {
      const name = mode.toUpperCase();
      if (name === '' || name === 'NO_BACKSLASH_ESCAPES') return false;
      return role === 'target' || !NOT_OF_SOURCES.has(name);
    });
  return userValue(modes.join(','));
}
