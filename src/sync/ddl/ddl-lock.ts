/**
 * A DDL cannot be fenced by its transaction, so a lock of the target does it: who runs one holds it from
 * before the look at the owner's row until the end of the statement. A new owner therefore waits for the
 * statement of the old one, also when that one's connection is gone and the statement still runs, and only
 * then looks whether it has had its effect; the old one, coming later, finds that it is the owner no more.
 */
import { createHash } from 'node:crypto';
import { killConnection, listConnections } from '../../checkpoint/connections.js';
import type { StreamKey } from '../../checkpoint/ownership.js';
import { text } from '../../checkpoint/tables.js';
import type { Session } from '../../mysql/session.js';
import type { Log } from '../../runtime/ports.js';

const WAIT_SECONDS = 2;

function lockName(key: StreamKey): string {
  const hash = createHash('sha256').update(`${key.tables.owner}\n${key.sourceId}\n${key.stream}`);
  return text(`sluice-ddl-${hash.digest('hex').slice(0, 40)}`);
}

/** Runs `work` under the lock. A holder that does nothing (its process is frozen) is killed. */
export async function withDdlLock<T>(
  session: Session,
  key: StreamKey,
  log: Log,
  work: () => Promise<T>,
): Promise<T> {
  const name = lockName(key);
  for (;;) {
    const [row] = await session.query(`SELECT GET_LOCK(${name}, ${WAIT_SECONDS}) AS got`);
    if (row?.got !== '0') break;
    log.warn('a DDL of an earlier owner is still running in the target');
    await killIdleHolder(session, name);
  }
  try {
    return await work();
  } finally {
    if (!session.closed) await session.query(`SELECT RELEASE_LOCK(${name}) AS released`);
  }
}

async function killIdleHolder(session: Session, name: string): Promise<void> {
  const [holder] = await session.query(`SELECT IS_USED_LOCK(${name}) AS id`);
  const connection = (await listConnections(session)).find(({ id }) => id === holder?.id);
  if (connection?.command === 'Sleep' && connection.seconds >= WAIT_SECONDS) {
    await killConnection(session, connection.id);
  }
}
