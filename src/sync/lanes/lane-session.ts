import { connectSession } from '../../mysql/connect.js';
import type { Session } from '../../mysql/session.js';
import type { SubtaskConfig } from '../../model/subtask-config.js';

/** As DM's read time-out: a target that hangs, with its connections open, is noticed. */
const ANSWER_TIMEOUT_MS = 300_000;

/**
 * READ COMMITTED keeps lanes from waiting for each other's gaps; where the target logs statements it is
 * not allowed, and the default stays.
 */
export async function connectLane(config: SubtaskConfig): Promise<Session> {
  const session = await connectSession({ db: config.to, answerTimeoutMs: ANSWER_TIMEOUT_MS });
  const [shown] = await session.execute("SHOW VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format')");
  const values = new Map(shown.rows.map(([name, value]) => [name, value]));
  const byStatement = values.get('log_bin') === 'ON' && values.get('binlog_format') === 'STATEMENT';
  if (!byStatement) await session.execute('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  return session;
}
