/** The figures of query-status for a sync unit. */
import { currentLocation } from '../dump/snapshot.js';
import { comparePositions, formatPosition, NO_LOCATION, type BinlogLocation } from '../model/location.js';
import type { SyncStatus } from '../model/status.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import type { Session } from '../mysql/session.js';
import type { Clock } from '../runtime/ports.js';
import type { Applier } from './applier.js';
import type { ControlSession } from './control-session.js';
import { bottleneckOf } from './bottleneck.js';
import type { LaneSet } from './lanes/lane-set.js';
import type { SyncLimits } from './limits.js';
import type { Progress } from './progress.js';
import type { ReplacedRows } from './rows/replaced-rows.js';
import type { SyncTime } from './sync-time.js';

export interface MeterInput {
  readonly config: SubtaskConfig;
  readonly source: ControlSession;
  readonly progress: Progress | null;
  readonly lanes: LaneSet | null;
  readonly applier: Applier | null;
  readonly replaced: ReplacedRows;
  readonly time: SyncTime;
  readonly limits: SyncLimits;
  /** False until the unit has begun: then the source is not asked. */
  readonly serverVersionKnown: boolean;
}

interface Sample {
  readonly at: number;
  readonly events: number;
  readonly rows: number;
}

const ASK_AGAIN_MS = 500;
/** From this share of the time on a limit is told of. */
const LIMITED = 0.05;

export class SyncMeter {
  readonly #clock: Clock;
  readonly #started: number;
  /** The source's clock minus ours, ms. */
  #offsetMs = 0;
  #last: Sample;
  #recent = { tps: 0, rps: 0 };
  #master: BinlogLocation = NO_LOCATION;
  #askedAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#started = clock.monotonic();
    this.#last = { at: this.#started, events: 0, rows: 0 };
  }

  /**
   * Learns how far the source's clock is from ours: lag is measured on the source's. And how far its binlog goes:
   * a unit that fails before it is asked for its status shows this.
   */
  async calibrate(source: Session, config: SubtaskConfig): Promise<void> {
    this.#master = await currentLocation(source, config).catch(() => this.#master);
    const [row] = await source.query('SELECT UNIX_TIMESTAMP(NOW(3)) AS now');
    this.#offsetMs = Number(row?.now ?? 0) * 1000 - this.#clock.wall();
  }

  async status(input: MeterInput): Promise<SyncStatus> {
    const { progress, lanes, applier, config } = input;
    const asked = input.serverVersionKnown && (await this.#askMaster(input));
    if (progress !== null && lanes !== null) progress.advance(lanes.firstUncommitted());
    const own = progress?.location() ?? NO_LOCATION;
    // At the end of a moment ago, which need not be that of now; or behind the end for good, of a source that was
    // reset: never synced.
    const ahead = comparePositions(own, this.#master);
    if (ahead > 0 || (ahead === 0 && !asked)) await this.#askMaster(input, true);
    const synced = progress !== null && lanes !== null && isReached(this.#master, own, config.enableGtid);
    const events = applier?.events ?? 0;
    const rows = lanes?.committedRows ?? 0;
    const elapsed = Math.max(1, (this.#clock.monotonic() - this.#started) / 1000);
    this.#sample(events, rows);
    const replacedRows = input.replaced.list();
    const { shares, totals } = input.time.times();
    const bottleneck = bottleneckOf(shares, synced);
    return {
      totalEvents: String(events),
      totalTps: String(Math.round(events / elapsed)),
      recentTps: String(Math.round(this.#recent.tps)),
      masterBinlog: formatPosition(this.#master),
      masterBinlogGtid: this.#master.gtidSet,
      syncerBinlog: formatPosition(own),
      syncerBinlogGtid: own.gtidSet,
      blockingDDLs: [],
      unresolvedGroups: [],
      synced,
      binlogType: 'remote',
      secondsBehindMaster: String(synced ? 0 : this.#lag(lanes, applier)),
      blockDDLOwner: '',
      conflictMsg: '',
      totalRows: String(rows),
      totalRps: String(Math.round(rows / elapsed)),
      recentRps: String(Math.round(this.#recent.rps)),
      timeShares: shares,
      timeTotals: totals,
      bottleneck,
      ...(shares.limited >= LIMITED ? { limitedBy: input.limits.by } : {}),
      ...(replacedRows.length === 0 ? {} : { replacedRows }),
    };
  }

  /** Age of the oldest change that is not in the target, else of the last one read. */
  #lag(lanes: LaneSet | null, applier: Applier | null): number {
    const timestamp = (lanes?.oldestTimestamp() ?? 0) || (applier?.lastTimestamp ?? 0);
    if (timestamp === 0) return 0;
    return Math.max(0, Math.round((this.#clock.wall() + this.#offsetMs) / 1000 - timestamp));
  }

  #sample(events: number, rows: number): void {
    const at = this.#clock.monotonic();
    const seconds = (at - this.#last.at) / 1000;
    if (seconds < 1) return;
    this.#recent = { tps: (events - this.#last.events) / seconds, rps: (rows - this.#last.rows) / seconds };
    this.#last = { at, events, rows };
  }

  /**
   * Whether it has been asked, not too soon after the last time. A source that cannot be asked leaves the last answer
   * standing: the stream itself tells of trouble.
   */
  async #askMaster({ source, config }: MeterInput, atOnce = false): Promise<boolean> {
    const now = this.#clock.monotonic();
    if (!atOnce && now - this.#askedAt < ASK_AGAIN_MS) return false;
    this.#askedAt = now;
    const session = source.current;
    if (session === null) return false;
    this.#master = await currentLocation(session, config).catch(() => this.#master);
    return true;
  }
}

function isReached(master: BinlogLocation, own: BinlogLocation, byGtid: boolean): boolean {
  if (master.name === '') return false;
  if (byGtid && master.gtidSet !== '' && master.gtidSet === own.gtidSet) return true;
  return comparePositions(own, master) === 0;
}
