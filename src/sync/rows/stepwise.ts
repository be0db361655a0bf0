/**
 * A packet whose upserts have not found all their rows, or of which a strict session has refused a statement, once
 * more and statement by statement: each upsert is told before it runs which of its rows are there at that point of
 * the transaction, and what was refused may run without strictness.
 */
import { SqlError, type Session, type StatementResult } from '../../mysql/session.js';
import { RESTORE_MODE, type Packet } from '../lanes/packet.js';
import { executeAsStored, maybeTooStrict } from './lax-statement.js';
import type { Upsert } from './upsert.js';

/**
 * Sends a packet in one piece, of which `head` statements stand before the changes. Null: strictness may have
 * refused a change, all of the packet is rolled back, and it is to be applied stepwise.
 */
export async function applyAtOnce(
  session: Session,
  packet: Packet,
  sql: Buffer,
  head: number,
): Promise<StatementResult[] | null> {
  try {
    return await session.execute(sql);
  } catch (error) {
    if (!(error instanceof SqlError) || !maybeTooStrict(error, packet.plans[error.statement - head])) {
      throw error;
    }
    await session.execute(`ROLLBACK;${RESTORE_MODE}`);
    return null;
  }
}

export interface StepwiseInput {
  readonly session: Session;
  readonly packet: Packet;
  /** The statement that moves the lane's position. */
  readonly laneUpdate: string;
  /** Keys of the rows that an upsert was to change and that are not there. */
  readonly onMissing: (upsert: Upsert, keys: readonly string[]) => void;
}

/** One result for each statement of the body, and that of `laneUpdate`. To be called after a ROLLBACK. */
export async function applyStepwise(input: StepwiseInput): Promise<StatementResult[]> {
  const { session, packet, onMissing } = input;
  const upserts = new Map(packet.upserts.map((upsert) => [upsert.statement, upsert]));
  const results: StatementResult[] = [];
  await session.execute('BEGIN');
  try {
    for (let i = 0; i < packet.starts.length; i++) {
      const upsert = upserts.get(i);
      if (upsert !== undefined && !upsert.verified && upsert.rows > 0) {
        const found = await session.execute(packet.probes(upsert));
        const keys = packet.leaveOut(upsert, (row) => found[row].rows.length === 0);
        if (keys.length > 0) onMissing(upsert, keys);
      }
      results.push(await executeAsStored(session, packet.statementBytes(i), packet.plans[i]));
    }
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    // As if it had come in one piece, behind BEGIN.
    throw new SqlError(error.message, error.errno, error.sqlState, results.length + 1, { cause: error });
  }
  results.push((await session.execute(input.laneUpdate))[0]);
  return results;
}
