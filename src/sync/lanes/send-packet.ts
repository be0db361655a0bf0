/**
 * Sends a lane's packet: as text, or, where it has bound rows, as texts and arrays one behind the other without
 * waiting for answers.
 *
 * Invariant: nothing of a packet is committed before all its answers have been seen. Texts stop at their first
 * error, an array does not stop what is sent behind it; but the session has no autocommit, so that what runs
 * behind a deadlock (which ends the transaction) is open until the COMMIT that the lane sends, or rolls back.
 */
import {
  SqlError,
  type ArrayBinding,
  type BoundRows,
  type Session,
  type StatementResult,
} from '../../mysql/session.js';
import { maybeTooStrict } from '../rows/lax-statement.js';
import { applyAtOnce } from '../rows/stepwise.js';
import type { Packet } from './packet.js';

/** The target has refused a packet with bound rows: it is to be sent again, and is text from now on. */
export class BoundRowsError extends Error {
  override readonly name = 'BoundRowsError';

  constructor(readonly refusal: SqlError) {
    super(refusal.message, { cause: refusal });
  }
}

/**
 * One result for each statement of the packet, what is in front of them and `laneUpdate` included. Null as of
 * `applyAtOnce`, of a packet that was sent as text.
 */
export async function sendPacket(
  session: Session,
  packet: Packet,
  laneUpdate: string,
  withCommit: boolean,
): Promise<StatementResult[] | null> {
  const head = withCommit ? 2 : 1;
  const text = packet.finish(laneUpdate, withCommit);
  if (!packet.bound.any) return applyAtOnce(session, packet, text, head);
  try {
    const parts = session.arrays === undefined ? null : await prepare(session.arrays, packet, text);
    if (session.arrays !== undefined && parts !== null) {
      const results = await session.arrays.send(parts);
      checkCounts(packet, results);
      return results;
    }
  } catch (error) {
    packet.useText();
    if (!(error instanceof SqlError)) throw error;
    const plan = packet.plans[error.statement - head];
    if (plan?.bulk != null && maybeTooStrict(error, plan)) plan.bulk.refused = true;
    throw new BoundRowsError(error);
  }
  packet.useText();
  return applyAtOnce(session, packet, packet.finish(laneUpdate, withCommit), head);
}

/**
 * Null where the server keeps no more prepared statements. Any other refusal is that of the whole packet: as the
 * victim of a deadlock it has ended the transaction before, whose COMMIT would come next.
 */
async function prepare(
  arrays: ArrayBinding,
  packet: Packet,
  text: Buffer,
): Promise<(Buffer | BoundRows)[] | null> {
  const parts: (Buffer | BoundRows)[] = [];
  for (const part of packet.parts(text)) {
    if (Buffer.isBuffer(part)) {
      parts.push(part);
      continue;
    }
    const statement = await arrays.prepare(part.sql);
    if (statement === null) return null;
    parts.push({ statement, body: part.body });
  }
  return parts;
}

function checkCounts(packet: Packet, results: readonly StatementResult[]): void {
  // Behind the statements comes the lane's position.
  const head = results.length - 1 - packet.starts.length;
  for (const { statement, rows } of packet.bound.all) {
    const { affectedRows } = results[statement + head];
    if (affectedRows === rows) continue;
    throw new SqlError(`${affectedRows} of ${rows} bound rows were inserted`, 0, 'HY000', statement + head);
  }
}
