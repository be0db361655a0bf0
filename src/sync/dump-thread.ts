/**
 * Ends the thread with which the source has sent us its binlog. By itself a server learns only with the next event or
 * heartbeat that its reader is gone; until then the thread is listed, and a MariaDB keeps the next reader of the
 * same server id waiting for a tenth of a second.
 */
import type { SubtaskConfig } from '../model/subtask-config.js';
import { connectSession } from '../mysql/connect.js';
import type { Ports } from '../runtime/ports.js';

const WAIT_MS = 500;

/** Never rejects: a thread that cannot be ended is left to itself. */
export async function endDumpThread(
  { from }: SubtaskConfig,
  thread: number,
  { clock, log }: Pick<Ports, 'clock' | 'log'>,
): Promise<void> {
  const abort = new AbortController();
  const giveUp = clock.after(WAIT_MS, () => abort.abort(new Error('the source does not answer')));
  try {
    const session = await connectSession({ db: from, role: 'source', signal: abort.signal });
    try {
      const [row] = await session.query('SELECT CONNECTION_ID() AS id');
      // A proxy has numbers of its own: what they mean to the server is not ours to kill.
      if (Number(row?.['id']) === session.threadId) await session.execute(`KILL ${thread}`);
    } finally {
      await session.close();
    }
  } catch (error) {
    log.debug('the thread of the binlog at the source is left to itself', { thread, error: String(error) });
  } finally {
    giveUp.cancel();
  }
}
