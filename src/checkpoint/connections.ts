/** The connections of the target's server, for whoever has to end those of an earlier owner. */
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

/**
 * By SHOW PROCESSLIST: MySQL 9 refuses to read information_schema.processlist while any connection runs a
 * statement with characters beyond the BMP (error 3854), and performance_schema may be off. Empty where the
 * server tells nobody. Throws ConnectionError.
 */
export async function listConnections(session: Session): Promise<ServerConnection[]> {
  try {
    const rows = await session.query('SHOW PROCESSLIST');
    return rows.map(({ Id, User, Command, Time }) => ({
      id: Id ?? '0',
      user: User ?? '',
      command: Command ?? '',
      seconds: Number(Time ?? 0),
    }));
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return [];
  }
}

/** Ends a connection; one that has ended meanwhile is no error. */
export async function killConnection(session: Session, id: string): Promise<void> {
  try {
    await session.execute(`KILL ${id}`);
  } catch (error) {
    if (!(error instanceof SqlError) || error.errno !== NO_SUCH_THREAD) throw error;
  }
}
