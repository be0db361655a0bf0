/**
 * The lanes of a stream that this unit owns: taken over at the begin, then as many as are configured. Their number
 * changes only with nothing in flight and nothing to skip, since the mapping of rows to lanes changes with it.
 */
import { GtidTracker } from '../binlog/gtid.js';
import {
  resetLanes,
  takeOver,
  type LanePosition,
  type Ownership,
  type StreamKey,
} from '../checkpoint/ownership.js';
import type { BinlogLocation } from '../model/location.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { TimedSession } from '../mysql/timed-session.js';
import type { Ports } from '../runtime/ports.js';
import type { ControlSession } from './control-session.js';
import { connectLane } from './lanes/lane-session.js';
import { LaneSet } from './lanes/lane-set.js';
import type { GtidOrder } from './lanes/lane-skips.js';
import type { Parking } from './parking.js';
import type { ReplacedRows } from './rows/replaced-rows.js';
import type { StartPoint } from './start/start.js';
import type { SyncTime } from './sync-time.js';

const MAX_QUEUED_BYTES = 8 * 1024 * 1024;
const MAX_PACKET_BYTES = 1024 * 1024;
/** A lane that is behind sends as many batches as one transaction. */
const BATCHES_BEHIND = 16;
const DEFAULT_BATCH = 100;
const END_WAIT_MS = 700;

export interface OwnedLanesOptions {
  readonly config: SubtaskConfig;
  readonly key: StreamKey;
  readonly epoch: number;
  readonly ports: Pick<Ports, 'clock' | 'log'>;
  readonly target: ControlSession;
  readonly time: SyncTime;
  readonly replaced: ReplacedRows;
  readonly retryMs: number;
  readonly parking: () => Parking | null;
  readonly onFailure: (error: unknown) => void;
}

export class OwnedLanes {
  readonly #options: OwnedLanesOptions;
  #owner: Ownership | null = null;
  #lanes: LaneSet | null = null;

  constructor(options: OwnedLanesOptions) {
    this.#options = options;
  }

  /** Raises the epoch of the stream: whoever wrote to it before does so no more. */
  async takeOver(): Promise<Ownership> {
    const { config, epoch, key, ports, target } = this.#options;
    const session = await target.get();
    this.#owner = await takeOver(session, key, epoch, config.sync.workerCount, ports.log);
    return this.#owner;
  }

  /** A stream without lane rows (new, or DM's own) gets them at the start. */
  async prepare(start: StartPoint): Promise<void> {
    const { config, target } = this.#options;
    if (start.resumed && !this.takesOver(start)) {
      this.#newLanes(start.from);
      if (!(this.#lanes?.catchingUp ?? false)) await this.#resize(start.from);
      return;
    }
    this.#owner = await resetLanes(
      await target.get(),
      this.owner,
      config.sync.workerCount,
      beginAt(start.from),
    );
    this.#newLanes(start.from);
  }

  /** Something other than lanes has applied what is before the start. */
  takesOver(start: StartPoint): boolean {
    return start.resumed && (!this.owner.existed || start.foreign);
  }

  get owner(): Ownership {
    if (this.#owner === null) throw new Error('invariant broken: not the owner yet');
    return this.#owner;
  }

  get isOwner(): boolean {
    return this.#owner !== null;
  }

  get lanes(): LaneSet {
    if (this.#lanes === null) throw new Error('invariant broken: no lanes yet');
    return this.#lanes;
  }

  /** null before `prepare`. */
  get present(): LaneSet | null {
    return this.#lanes;
  }

  gtidOrder(from: BinlogLocation): GtidOrder | null {
    const { enableGtid, flavor } = this.#options.config;
    const started = enableGtid ? new GtidTracker(flavor, from.gtidSet) : null;
    return started && { contains: (gtid) => started.has(gtid) };
  }

  /** Is their number still another one than configured? */
  get resizes(): boolean {
    return this.owner.lanes.length !== this.#options.config.sync.workerCount;
  }

  /** The configured number from here on, once nothing is to be skipped any more; `drain` leaves nothing in flight. */
  async maybeResize(at: () => BinlogLocation, drain: () => Promise<void>): Promise<void> {
    const { lanes } = this;
    if (lanes.catchingUp) return;
    await drain();
    await lanes.end();
    await this.#resize(at());
    this.#lanes?.start();
  }

  /** A target that does not answer must not keep the unit from ending: its transactions are dropped then. */
  async end(): Promise<void> {
    const lanes = this.#lanes;
    if (lanes === null) return;
    const parking = this.#options.parking();
    const giveUp = this.#options.ports.clock.after(END_WAIT_MS, () => {
      lanes.destroy();
      parking?.destroy();
    });
    await Promise.all([lanes.end(), parking?.end()]);
    giveUp.cancel();
  }

  #newLanes(from: BinlogLocation): void {
    const { config, ports, replaced, retryMs, time } = this.#options;
    this.#lanes = new LaneSet({
      owner: this.owner,
      clock: ports.clock,
      log: ports.log,
      connect: async () => new TimedSession(await connectLane(config), time),
      batch: config.sync.batch,
      batchBehind: batchBehind(config.sync),
      packetBytes: MAX_PACKET_BYTES,
      // What waits in the lanes is beyond the reach of a limit.
      maxBytes: config.sync.targetLatencyBudgetMs > 0 ? MAX_QUEUED_BYTES / 16 : MAX_QUEUED_BYTES,
      retryMs,
      from,
      gtidOrder: this.gtidOrder(from),
      firstSeq: this.#lanes?.seq ?? 0,
      beside: this.#options.parking,
      onFailure: this.#options.onFailure,
      replaced,
      compact: config.sync.compact,
      binds: true,
    });
  }

  async #resize(at: BinlogLocation): Promise<void> {
    const { config, ports, target } = this.#options;
    const { workerCount } = config.sync;
    const { owner } = this;
    if (!this.resizes) return;
    ports.log.info('changing the number of lanes', { from: owner.lanes.length, to: workerCount });
    this.#owner = await target.retry((session) => resetLanes(session, owner, workerCount, beginAt(at)));
    this.#newLanes(at);
  }
}

function beginAt(location: BinlogLocation): LanePosition {
  return { ...location, gtid: '', row: 0 };
}

/** Who has lowered `batch` wants small transactions; a latency budget is of packets of `batch` rows. */
function batchBehind({ batch, targetLatencyBudgetMs }: SubtaskConfig['sync']): number {
  return batch < DEFAULT_BATCH || targetLatencyBudgetMs > 0 ? batch : batch * BATCHES_BEHIND;
}
