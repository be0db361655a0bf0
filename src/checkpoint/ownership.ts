/**
 * Taking over the lanes of a stream.
 *
 * Every lane row carries the owner's `epoch` and a `run` that each claim raises, also one by the same
 * epoch. The raising UPDATE waits for a zombie's open transaction on that row, and makes all its later
 * ones match no row. Only then are the positions read: they are final.
 *
 * A zombie that is frozen with its transaction open would make us wait for ever: after a lock wait
 * time-out its connections, whose ids stand in the rows, are killed.
 */
import { SqlError, type Session } from '../mysql/session.js';
import type { Log } from '../runtime/ports.js';
import { killConnection, listConnections } from './connections.js';
import { FencedError } from './fenced.js';
import { text, type MetaTables } from './tables.js';

/** How far a lane has applied: row `row` (from 1) of the transaction that starts at name, pos. */
export interface LanePosition {
  readonly name: string;
  readonly pos: number;
  readonly gtid: string;
  readonly row: number;
}

export interface LaneRow {
  readonly lane: number;
  readonly run: number;
  readonly position: LanePosition;
}

export interface StreamKey {
  readonly tables: MetaTables;
  readonly sourceId: string;
  readonly stream: string;
}

export interface Ownership extends StreamKey {
  readonly epoch: number;
  /** Run of the owner row: every flush of ours must still match it. */
  readonly run: number;
  readonly lanes: readonly LaneRow[];
  /** False when the stream had never been owned. */
  readonly existed: boolean;
}

const DEADLOCK = 1213;
const LOCK_WAIT_TIMEOUT = 1205;
const KILL_ROUNDS = 30;
/** Each round somebody gets through, so this many sources may begin at once, and more. */
const DEADLOCK_ROUNDS = 300;

export function streamWhere(key: StreamKey): string {
  return `id=${text(key.sourceId)} AND stream=${text(key.stream)}`;
}

/**
 * Makes this epoch the owner of the stream. Rejects with FencedError when a higher epoch is there.
 * `conn` is remembered so that a successor can kill it.
 */
export async function takeOver(
  session: Session,
  key: StreamKey,
  epoch: number,
  laneCount: number,
  log: Log,
): Promise<Ownership> {
  await session.execute('SET SESSION innodb_lock_wait_timeout = 2');
  for (let round = 0; ; round++) {
    try {
      return await againAfterDeadlock(() => tryTakeOver(session, key, epoch, laneCount));
    } catch (error) {
      if (!(error instanceof SqlError) || error.errno !== LOCK_WAIT_TIMEOUT || round >= KILL_ROUNDS)
        throw error;
      await session.execute('ROLLBACK');
      log.warn('an earlier owner holds its transaction open: killing its connections', { round });
      await killOwners(session, key);
    }
  }
}

/**
 * The sources of a task have their rows side by side and lock the gaps between them where they have none yet: of
 * two that begin at once, the server ends one's transaction, which begins anew.
 */
async function againAfterDeadlock<T>(transaction: () => Promise<T>): Promise<T> {
  for (let round = 0; ; round++) {
    try {
      return await transaction();
    } catch (error) {
      if (!(error instanceof SqlError) || error.errno !== DEADLOCK || round >= DEADLOCK_ROUNDS) throw error;
    }
  }
}

async function tryTakeOver(
  session: Session,
  key: StreamKey,
  epoch: number,
  laneCount: number,
): Promise<Ownership> {
  const { owner, lane } = key.tables;
  const where = streamWhere(key);
  await session.execute(
    `INSERT IGNORE INTO ${owner} (id, stream, epoch, run, lane_count)` +
      ` VALUES (${text(key.sourceId)}, ${text(key.stream)}, 0, 0, ${laneCount})`,
  );
  await session.execute('BEGIN');
  const claimed = await session.execute(
    `UPDATE ${owner} SET epoch=${epoch}, run=run+1, conn_id=CONNECTION_ID() WHERE ${where} AND epoch<=${epoch}`,
  );
  if (claimed[0].affectedRows === 0) {
    await session.execute('ROLLBACK');
    throw new FencedError(
      await readEpoch(session, key),
      `take-over by epoch ${epoch} of stream ${key.stream}`,
    );
  }
  await session.execute(`UPDATE ${lane} SET epoch=${epoch}, run=run+1 WHERE ${where}`);
  const [ownerRow] = await session.query(`SELECT run, lane_count FROM ${owner} WHERE ${where} FOR UPDATE`);
  const rows = await session.query(
    `SELECT lane, run, binlog_name, binlog_pos, gtid, row_no FROM ${lane} WHERE ${where} ORDER BY lane FOR UPDATE`,
  );
  await session.execute('COMMIT');
  return {
    ...key,
    epoch,
    run: Number(ownerRow.run),
    existed: rows.length > 0,
    lanes: rows.map((row) => ({ lane: Number(row.lane), run: Number(row.run), position: positionOf(row) })),
  };
}

export async function readEpoch(session: Session, key: StreamKey): Promise<number> {
  const [row] = await session.query(`SELECT epoch FROM ${key.tables.owner} WHERE ${streamWhere(key)}`);
  return row === undefined ? 0 : Number(row.epoch);
}

/** What to throw where a write of ours has matched no row: who wanted to write what, and whose it is now. */
export async function fencedFrom(
  session: Session,
  owner: Ownership,
  what: string,
  lane?: Pick<LaneRow, 'lane' | 'run'>,
): Promise<FencedError> {
  const where = streamWhere(owner);
  const [row] = await session.query(`SELECT epoch, run, conn_id FROM ${owner.tables.owner} WHERE ${where}`);
  const found = [`owner ${describeRow(row)}`];
  if (lane !== undefined) {
    const [of] = await session.query(
      `SELECT epoch, run, conn_id FROM ${owner.tables.lane} WHERE ${where} AND lane=${lane.lane}`,
    );
    found.push(`lane ${lane.lane} ${describeRow(of)}`);
  }
  return new FencedError(
    row === undefined ? 0 : Number(row.epoch),
    `${what} of epoch ${owner.epoch}, run ${lane?.run ?? owner.run} of stream ${owner.stream}, found: ${found.join(', ')}`,
  );
}

function describeRow(row: Record<string, string | null> | undefined): string {
  if (row === undefined) return 'none';
  return `epoch ${row.epoch} run ${row.run} connection ${row.conn_id}`;
}

function positionOf(row: Record<string, string | null>): LanePosition {
  return {
    name: row.binlog_name ?? '',
    pos: Number(row.binlog_pos),
    gtid: row.gtid ?? '',
    row: Number(row.row_no),
  };
}

/** Kills by id what the rows name, where it is still a connection of our own user. */
async function killOwners(session: Session, key: StreamKey): Promise<void> {
  const where = streamWhere(key);
  const rows = await session.query(
    `SELECT conn_id AS id FROM ${key.tables.lane} WHERE ${where}` +
      ` UNION SELECT conn_id AS id FROM ${key.tables.owner} WHERE ${where}`,
  );
  const named = new Set(rows.map(({ id }) => id));
  const connections = await listConnections(session);
  const own = connections.find(({ id }) => Number(id) === session.threadId);
  for (const { id, user } of connections) {
    if (id !== own?.id && user === own?.user && named.has(id)) await killConnection(session, id);
  }
}

/** Replaces all lane rows: the drained stream goes on with `count` lanes from this position. */
export function resetLanes(
  session: Session,
  owner: Ownership,
  count: number,
  position: LanePosition,
): Promise<Ownership> {
  return againAfterDeadlock(() => tryResetLanes(session, owner, count, position));
}

async function tryResetLanes(
  session: Session,
  owner: Ownership,
  count: number,
  position: LanePosition,
): Promise<Ownership> {
  const where = streamWhere(owner);
  const nextRun = owner.lanes.reduce((max, lane) => Math.max(max, lane.run), owner.run) + 1;
  await session.execute('BEGIN');
  const mine = await session.execute(
    `UPDATE ${owner.tables.owner} SET lane_count=${count}, conn_id=CONNECTION_ID()` +
      ` WHERE ${where} AND epoch=${owner.epoch} AND run=${owner.run}`,
  );
  if (mine[0].affectedRows === 0) {
    await session.execute('ROLLBACK');
    throw await fencedFrom(session, owner, 'new lanes');
  }
  await session.execute(`DELETE FROM ${owner.tables.lane} WHERE ${where}`);
  const values = Array.from(
    { length: count },
    (_, lane) =>
      `(${text(owner.sourceId)},${text(owner.stream)},${lane},${owner.epoch},${nextRun},` +
      `${text(position.name)},${position.pos},${text(position.gtid)},${position.row})`,
  );
  await session.execute(
    `INSERT INTO ${owner.tables.lane} (id, stream, lane, epoch, run, binlog_name, binlog_pos, gtid, row_no)` +
      ` VALUES ${values.join(',')}`,
  );
  await session.execute('COMMIT');
  return {
    ...owner,
    existed: true,
    lanes: Array.from({ length: count }, (_, lane) => ({ lane, run: nextRun, position })),
  };
}

/**
 * A lane's new connection makes itself the only one that can write for the lane and learns how far the
 * old one came. Waits for the old one's open transaction. The connection may have autocommit=0.
 */
export async function claimLane(
  session: Session,
  owner: Ownership,
  lane: number,
  run: number,
): Promise<LaneRow> {
  const where = `${streamWhere(owner)} AND lane=${lane}`;
  const claimed = await session.execute(
    `UPDATE ${owner.tables.lane} SET run=run+1 WHERE ${where} AND epoch=${owner.epoch} AND run=${run};COMMIT`,
  );
  const [row] = await session.query(
    `SELECT epoch, run, binlog_name, binlog_pos, gtid, row_no FROM ${owner.tables.lane} WHERE ${where};COMMIT`,
  );
  // A lost answer to this very UPDATE leaves run + 1: nobody else writes runs of this epoch and lane.
  const ownRun = row !== undefined && Number(row.epoch) === owner.epoch && Number(row.run) === run + 1;
  if (claimed[0].affectedRows === 0 && !ownRun) {
    throw await fencedFrom(session, owner, 'claim of a lane', { lane, run });
  }
  return { lane, run: run + 1, position: positionOf(row) };
}

/**
 * Notes this connection in a lane's row, whichever lanes it will work for, so that a successor can kill it.
 * A row holds one name: it is to be called when the connection named before has no transaction open.
 */
export async function nameConnection(session: Session, owner: Ownership, slot: number): Promise<void> {
  const { lane } = owner.lanes[slot];
  await session.execute(
    `UPDATE ${owner.tables.lane} SET conn_id=CONNECTION_ID()` +
      ` WHERE ${streamWhere(owner)} AND lane=${lane} AND epoch=${owner.epoch}`,
  );
}
