/** A first look at a source: is it there, may we in, what is it? */
import type { Flavor } from '../model/stage.js';
import type { DbConfig } from '../model/subtask-config.js';
import { connectSession } from '../mysql/connect.js';
import { toDmError } from '../mysql/db-error.js';
import { SqlError, type Session } from '../mysql/session.js';

export interface SourceProbe {
  readonly serverVersion: string;
  readonly flavor: Flavor;
  readonly serverId: number;
  /** GTIDs are written for every transaction (always so on MariaDB). */
  readonly gtidMode: boolean;
}

/** Rejects with DmError 10001 of scope upstream: unreachable, wrong password, TLS. */
export async function probeSource(options: {
  readonly from: DbConfig;
  readonly connectTimeoutMs?: number;
  readonly signal?: AbortSignal;
}): Promise<SourceProbe> {
  try {
    const { from, connectTimeoutMs, signal } = options;
    const session = await connectSession({ db: from, role: 'source', connectTimeoutMs, signal });
    try {
      return {
        serverVersion: session.serverVersion,
        flavor: session.isMariaDb ? 'mariadb' : 'mysql',
        serverId: Number(await readVariable(session, 'server_id')),
        gtidMode: session.isMariaDb || /^ON/i.test((await readVariable(session, 'gtid_mode')) ?? ''),
      };
    } finally {
      await session.close();
    }
  } catch (error) {
    throw toDmError(error, 'upstream');
  }
}

/** A global variable's value; null where the server has no such variable. */
export async function readVariable(session: Session, name: string): Promise<string | null> {
  try {
    const [{ v }] = await session.query(`SELECT @@global.${name} AS v`);
    return v;
  } catch (error) {
    if (error instanceof SqlError && error.errno === 1193) return null;
    throw error;
  }
}
