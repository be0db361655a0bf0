/**
 * Connections that see the source as it was at a known place P of its binlog.
 *
 * `flush`: FLUSH TABLES WITH READ LOCK stops all commits for the moment in which the snapshots are opened
 * and P is read. `lock`: the same with LOCK TABLES ... READ on the tables of the task: others go on
 * changing, but whatever touches these tables is either before P and visible or after it. MariaDB needs
 * neither: a consistent snapshot knows its own P (`binlog_snapshot_*`), each connection its own.
 * `auto` tries flush, then that or lock, and where MySQL allows neither it waits for a moment in which nothing
 * is committed (bracket.ts). `none` takes no lock: P is read before the snapshots, so changes between P and
 * `exitSafe` may or may not be in them.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { NO_LOCATION, type BinlogLocation } from '../model/location.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable, type TableName } from '../model/table-name.js';
import { connectSession } from '../mysql/connect.js';
import { SqlError, type Session } from '../mysql/session.js';
import { quoteString } from '../mysql/text.js';
import type { Clock, Log } from '../runtime/ports.js';
import { bracket } from './bracket.js';
import { SettledPlace } from './settled-place.js';

export interface SnapshotConnection {
  readonly session: Session;
  /** Rows read here are those committed up to this place. */
  readonly location: BinlogLocation;
}

export interface Snapshot {
  readonly connections: readonly SnapshotConnection[];
  /** Consistency none: the furthest place that rows read here may already show; else null. */
  readonly exitSafe: BinlogLocation | null;
  close(): void;
}

export interface SnapshotOptions {
  readonly config: SubtaskConfig;
  readonly tables: readonly TableName[];
  readonly connections: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** How long writers may stand still behind our wait for a lock, seconds. */
const LOCK_WAIT = 10;

export async function openSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  const sessions: Session[] = [];
  const close = () => {
    for (const session of sessions) session.destroy();
  };
  try {
    const connect = async () => {
      const session = await connectSource(options);
      sessions.push(session);
      return session;
    };
    const control = await connect();
    const count = Math.max(1, options.connections);
    const attempts = await Promise.allSettled(Array.from({ length: count }, connect));
    const failed = attempts.find((attempt) => attempt.status === 'rejected');
    if (failed) throw failed.reason as Error;
    const readers = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? attempt.value : []));
    const snapshot = await take(control, readers, options);
    control.destroy();
    return { ...snapshot, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** A connection for reading without limits on the time of a statement or of waiting for us. */
export function connectSource({
  config,
  signal,
}: Pick<SnapshotOptions, 'config' | 'signal'>): Promise<Session> {
  return connectSession({
    db: config.from,
    role: 'source',
    session: {
      wait_timeout: '2147483',
      net_write_timeout: '86400',
      net_read_timeout: '86400',
    },
    signal,
  }).then(async (session) => {
    const limit = session.isMariaDb ? 'max_statement_time' : 'max_execution_time';
    // MySQL before 5.7.8 has no such limit.
    await session.execute(`SET SESSION ${limit} = 0`).catch((error: unknown) => {
      if (!(error instanceof SqlError && error.errno === 1193)) throw error;
    });
    return session;
  });
}

async function take(
  control: Session,
  readers: Session[],
  options: SnapshotOptions,
): Promise<Omit<Snapshot, 'close'>> {
  const { config, log } = options;
  const { consistency } = config.dump;
  if (consistency === 'none') {
    if (control.isMariaDb) {
      // Each snapshot knows its place; that others stand elsewhere is what safe mode is for.
      const own = await ownLocations(readers, config);
      return { ...own, exitSafe: await currentLocation(control, config) };
    }
    const end = await currentLocation(control, config);
    const known = end.gtidSet !== '' && config.taskMode !== 'full';
    const location = known ? { ...end, ...(await new SettledPlace(options).find(end)) } : end;
    await openReaders(readers);
    const exitSafe = await currentLocation(control, config);
    return { connections: readers.map((session) => ({ session, location })), exitSafe };
  }
  if (consistency === 'snapshot') {
    if (!control.isMariaDb) {
      throw new DmError(
        CODES.dumpFailed,
        'consistency snapshot needs a MariaDB source: MySQL does not tell where in the binlog a snapshot stands',
        { workaround: 'Use consistency auto, flush or lock.' },
      );
    }
    return ownLocations(readers, config);
  }
  const refusals: string[] = [];
  const attempts: [name: string, sql: string][] = [];
  if (consistency !== 'lock') attempts.push(['flush', 'FLUSH TABLES WITH READ LOCK']);
  if (consistency === 'lock' || (consistency === 'auto' && !control.isMariaDb)) {
    const list = options.tables.map((name) => `${quoteTable(name)} READ`).join(', ');
    if (list !== '') attempts.push(['lock', `LOCK TABLES ${list}`]);
  }
  await control.execute(`SET SESSION lock_wait_timeout = ${LOCK_WAIT}`);
  for (const [name, sql] of attempts) {
    try {
      await control.execute(sql);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      refusals.push(`${name}: ${error.message}`);
      log.info('the source refused a lock for the snapshot', { lock: name, error: error.message });
      continue;
    }
    await openReaders(readers);
    const location = await currentLocation(control, config);
    await control.execute('UNLOCK TABLES');
    return { connections: readers.map((session) => ({ session, location })), exitSafe: null };
  }
  if (consistency === 'auto' && control.isMariaDb) return ownLocations(readers, config);
  if (consistency === 'auto') {
    const found = await bracket(control, {
      ...options,
      openReaders: () => openReaders(readers),
      closeReaders: async () => {
        await Promise.all(readers.map((reader) => reader.execute('COMMIT')));
      },
      end: () => currentLocation(control, config),
    });
    if (found !== null) {
      const { location, exitSafe } = found;
      return { connections: readers.map((session) => ({ session, location })), exitSafe };
    }
  }
  throw new DmError(CODES.dumpGlobalLock, "couldn't acquire global lock", { rawCause: refusals.join('; ') });
}

const OPEN =
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT; SAVEPOINT sluice';

/**
 * Lets go of the tables that were read, so that DDL of the source, and all writes that queue up behind it,
 * need not wait for the end of the copy. The snapshot stays.
 */
export async function releaseTables(session: Session): Promise<void> {
  await session.execute('ROLLBACK TO SAVEPOINT sluice');
}

/** Where the source's binlog ends, without its GTID set; NO_LOCATION where it is off. */
export async function readEnd(session: Session, config: SubtaskConfig): Promise<BinlogLocation> {
  const [{ rows }] = await masterStatus(session);
  if (rows.length === 0) return withoutBinlog(config);
  return { name: rows[0][0] ?? '', pos: Number(rows[0][1]), gtidSet: '' };
}

async function openReaders(readers: Session[]): Promise<void> {
  await Promise.all(readers.map((reader) => reader.execute(OPEN)));
}

async function ownLocations(readers: Session[], config: SubtaskConfig): Promise<Omit<Snapshot, 'close'>> {
  await openReaders(readers);
  const connections: Snapshot['connections'][number][] = [];
  // One after the other: see snapshotPlace.
  for (const session of readers) {
    connections.push({ session, location: await snapshotLocation(session, config) });
  }
  return { connections, exitSafe: null };
}

async function snapshotLocation(session: Session, config: SubtaskConfig): Promise<BinlogLocation> {
  const { name, pos } = await snapshotPlace(session);
  if (name === '') return withoutBinlog(config);
  return { name, pos, gtidSet: await mariadbGtid(session, name, pos) };
}

/** So many equal answers count as the session's own. */
const EQUAL_ANSWERS = 3;

/**
 * Where the session's snapshot stands. MariaDB copies it into variables of the whole server and reads it from there
 * afterwards: where another connection asks for status at that moment (monitoring does), the answer is that one's
 * place (10.11: 16 of 2,197 answers, when three connections asked at once). Only the own one comes again and again.
 */
async function snapshotPlace(session: Session): Promise<{ name: string; pos: number }> {
  const told = new Map<string, number>();
  for (;;) {
    const rows = await session.query("SHOW STATUS LIKE 'binlog_snapshot_%'");
    const values = new Map(
      rows.map((row) => {
        const [name, value] = Object.values(row) as [string, string];
        return [name.toLowerCase(), value] as const;
      }),
    );
    const name = values.get('binlog_snapshot_file') ?? '';
    const pos = Number(values.get('binlog_snapshot_position') ?? 0);
    const times = (told.get(`${name}:${pos}`) ?? 0) + 1;
    if (times === EQUAL_ANSWERS) return { name, pos };
    told.set(`${name}:${pos}`, times);
  }
}

async function mariadbGtid(session: Session, name: string, pos: number): Promise<string> {
  const [{ g }] = await session.query(`SELECT BINLOG_GTID_POS(${quoteString(name)}, ${pos}) AS g`);
  return g ?? '';
}

/** The end of the source's binlog. Throws DmError 32001 where it is off and the task needs it. */
export async function currentLocation(session: Session, config: SubtaskConfig): Promise<BinlogLocation> {
  const [{ columns, rows }] = await masterStatus(session);
  if (rows.length === 0) return withoutBinlog(config);
  const [name, pos] = rows[0];
  const location = { name: name ?? '', pos: Number(pos) };
  if (session.isMariaDb) {
    return { ...location, gtidSet: await mariadbGtid(session, location.name, location.pos) };
  }
  const gtid = columns.indexOf('Executed_Gtid_Set');
  return { ...location, gtidSet: (rows[0][gtid] ?? '').replaceAll('\n', '') };
}

async function masterStatus(session: Session) {
  try {
    return await session.execute('SHOW MASTER STATUS');
  } catch (error) {
    // MySQL 8.4 and later know only the new name.
    if (!(error instanceof SqlError && error.errno === 1064)) throw error;
    return session.execute('SHOW BINARY LOG STATUS');
  }
}

function withoutBinlog(config: SubtaskConfig): BinlogLocation {
  if (config.taskMode === 'full' || config.taskMode === 'dump') return NO_LOCATION;
  throw new DmError(
    CODES.dumpFailed,
    'the binary log of the source is off, so nothing can follow the full copy',
    {
      workaround: 'Please turn log_bin on, or use task-mode full.',
    },
  );
}
