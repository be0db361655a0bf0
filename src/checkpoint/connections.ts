/**
 * The connections of the target's server, for whoever has to end those of an earlier owner.
 *
 * MySQL 9 refuses to read information_schema.processlist while any connection runs a statement with characters
 * beyond the BMP (error 1366), so its statements' texts must not be asked for; its performance_schema may be
 * off or out of bounds.
 */
import { SqlError, type Session } from '../mysql/session.js';

export interface ServerConnection {
  readonly id: string;
  readonly user: string;
  /** `Sleep`, `Query`, ... */
  readonly command: string;
  /** Seconds in this state. */
  readonly seconds: number;
}

const NO_SUCH_THREAD = 1094;

const READINGS = [
  `SELECT processlist_id AS id, processlist_user AS user, processlist_command AS command, processlist_time AS seconds` +
    ` FROM performance_schema.threads WHERE processlist_id IS NOT NULL`,
  'SELECT id AS id, user AS user, command AS command, time AS seconds FROM information_schema.processlist',
];

/** Empty where the server tells nobody. Throws ConnectionError. */
export async function listConnections(session: Session): Promise<ServerConnection[]> {
  for (const sql of session.isMariaDb ? READINGS.slice(1) : READINGS) {
    try {
      const rows = await session.query(sql);
      if (rows.length === 0) continue;
      return rows.map(({ id, user, command, seconds }) => ({
        id: id ?? '0',
        user: user ?? '',
        command: command ?? '',
        seconds: Number(seconds ?? 0),
      }));
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
    }
  }
  return [];
}

/** Ends a connection; one that has ended meanwhile is no error. */
export async function killConnection(session: Session, id: string): Promise<void> {
  try {
    await session.execute(`KILL ${id}`);
  } catch (error) {
    if (!(error instanceof SqlError) || error.errno !== NO_SUCH_THREAD) throw error;
  }
}
