/**
 * Whether the source still has what has been applied: after a reset, a restore or a switch to a server
 * that lacks transactions, reading on would leave out what the source writes under known places.
 */
import { MysqlGtidSet } from '../../binlog/gtid-mysql.js';
import type { LanePosition } from '../../checkpoint/ownership.js';
import { currentLocation } from '../../dump/snapshot.js';
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import {
  comparePositions,
  formatLocation,
  formatPosition,
  type BinlogLocation,
} from '../../model/location.js';
import type { SubtaskConfig } from '../../model/subtask-config.js';
import type { Session } from '../../mysql/session.js';
import type { Clock } from '../../runtime/ports.js';
import type { ControlSession } from '../control-session.js';

/** A commit is sent a moment before it counts as executed, and a new source may be a little behind. */
const PATIENCE_MS = 3000;
const ASK_AGAIN_MS = 200;

export interface SourceCheck {
  readonly config: SubtaskConfig;
  readonly source: ControlSession;
  /** Where reading begins. */
  readonly from: BinlogLocation;
  /** Transactions of which a part has been applied. */
  readonly applied: readonly LanePosition[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Rejects with DmError syncSourceLost. */
export async function requireSourceHas(check: SourceCheck): Promise<void> {
  const { source, clock, signal } = check;
  const until = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    const lost = await source.retry((session) => findLost(session, check));
    if (lost === null) return;
    if (clock.monotonic() >= until) throw new DmError(CODES.syncSourceLost, lost);
    await clock.sleep(ASK_AGAIN_MS, signal);
  }
}

async function findLost(session: Session, check: SourceCheck): Promise<string | null> {
  const { config, from, applied } = check;
  if (!config.enableGtid) {
    const end = await currentLocation(session, config);
    const lost = [from, ...applied].find((place) => comparePositions(place, end) > 0);
    if (lost === undefined) return null;
    return `the binlog of the source ends at ${formatPosition(end)}, and ${formatPosition(lost)} has already been reached: the source was reset or restored, or it is another server`;
  }
  const gtids = applied.map((position) => position.gtid).filter((gtid) => gtid !== '');
  const missing = session.isMariaDb
    ? missingInMariaDb(await variable(session, '@@gtid_binlog_state'), from.gtidSet, gtids)
    : missingInMysql(await variable(session, '@@global.gtid_executed'), from.gtidSet, gtids);
  if (missing === '') return null;
  return `the source does not have the transactions ${missing}, which are already in the target: it was reset or restored, or it is another server (${formatLocation(from)})`;
}

async function variable(session: Session, name: string): Promise<string> {
  const [row] = await session.query(`SELECT ${name} AS v`);
  return (row?.v ?? '').replaceAll('\n', '');
}

export function missingInMysql(executed: string, read: string, applied: readonly string[]): string {
  const missing = MysqlGtidSet.parse(read);
  for (const gtid of applied) missing.add(gtid);
  missing.subtract(MysqlGtidSet.parse(executed));
  return missing.toString();
}

/**
 * `state` has the last transaction of each domain and server. Where the source knows a domain but not the
 * server, it may have been set up later: the domain's last one counts. A domain of which it knows nothing
 * is served by another source, unless it knows nothing at all.
 */
export function missingInMariaDb(state: string, read: string, applied: readonly string[]): string {
  const domains = new Map<string, number>();
  const servers = new Map<string, number>();
  for (const [domain, server, seq] of parts(state)) {
    domains.set(domain, Math.max(domains.get(domain) ?? 0, seq));
    servers.set(`${domain}-${server}`, seq);
  }
  const missing = parts(read).filter(([domain, server, seq]) => {
    const last = servers.get(`${domain}-${server}`) ?? domains.get(domain);
    return last === undefined ? domains.size === 0 : last < seq;
  });
  for (const gtid of applied) {
    for (const part of parts(gtid)) {
      if ((servers.get(`${part[0]}-${part[1]}`) ?? 0) < part[2]) missing.push(part);
    }
  }
  return [...new Set(missing.map((part) => part.join('-')))].join(',');
}

function parts(set: string): [domain: string, server: string, seq: number][] {
  return set
    .split(',')
    .filter((text) => text.trim() !== '')
    .map((text) => {
      const [domain, server, seq] = text.trim().split('-');
      return [domain, server, Number(seq)];
    });
}
