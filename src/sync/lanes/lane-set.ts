/**
 * All lanes of a stream, seen from the one that reads the binlog: gives each change its lane, its
 * sequence number and what it has to wait for, and skips what a lane has applied before a restart.
 */
import type { RowIndex } from '../../binlog/rows.js';
import type { LanePosition, Ownership } from '../../checkpoint/ownership.js';
import type { BinlogLocation } from '../../model/location.js';
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import { quoteTable } from '../../model/table-name.js';
import type { Session } from '../../mysql/session.js';
import type { Clock, Log } from '../../runtime/ports.js';
import {
  compactDelete,
  compactInsert,
  compactUpdate,
  isCompactable,
  notCompacted,
} from '../rows/compactor.js';
import { ConflictTable } from './conflict-table.js';
import type { ForeignKeyPlan } from './foreign-keys.js';
import { Lane } from './lane.js';
import { LaneSlots } from './lane-slots.js';
import { LaneSkips, type GtidOrder } from './lane-skips.js';
import type { Packet } from './packet.js';
import { PacketPool } from './packet-pool.js';
import { blockHash, keyHash, keyUnchanged, type KeyPlan, type TablePlan } from './plan.js';
import type { ReplacedRows } from '../rows/replaced-rows.js';
import type { Transaction } from '../transaction.js';

export interface LaneSetOptions {
  readonly owner: Ownership;
  readonly clock: Clock;
  readonly log: Log;
  readonly connect: () => Promise<Session>;
  /** Rows a packet holds at most, but where its lane is behind. */
  readonly batch: number;
  /** Rows it holds at most there; default `batch`. */
  readonly batchBehind?: number;
  /** Bytes a packet holds at most (a single row may be bigger). */
  readonly packetBytes: number;
  /** Bytes queued in all lanes before reading stops. */
  readonly maxBytes: number;
  readonly retryMs: number;
  readonly gtidOrder: GtidOrder | null;
  /** Where reading starts. */
  readonly from: BinlogLocation;
  readonly onFailure: (error: unknown) => void;
  /** Changes of one key within a packet become one. */
  readonly compact?: boolean;
  /** Many rows of one INSERT are bound where the target takes that; default: no. */
  readonly binds?: boolean;
  /** Told what safe mode removes. */
  readonly replaced?: ReplacedRows;
  /** Where sequence numbers go on; 0 at first. */
  readonly firstSeq?: number;
  /** Takes changes of the stream apart from the lanes (parking.ts). */
  readonly beside?: () => Beside | null;
}

/** What else holds changes of the stream, with sequence numbers of `takeSeq`. */
export interface Beside {
  /** Infinity when idle. */
  readonly firstUncommitted: number;
  /** Resolves when all is committed. */
  drain(): Promise<void>;
}

/** Large enough: a transaction's own cost is below a percent. With one more row it fits into 256 KB. */
const LARGE_PACKET_BYTES = 240 * 1024;
const BEHIND_BYTES = 1024 * 1024;

export class LaneSet {
  readonly #options: LaneSetOptions;
  readonly #lanes: Lane[];
  readonly #slots: LaneSlots;
  readonly #conflicts = new ConflictTable();
  readonly #skips: LaneSkips;
  readonly #pool: PacketPool;
  readonly #accounted = new Map<Packet, number>();
  #seq = 0;
  /** The last change by which the target may have changed rows of other tables by itself. */
  #cascade = { lane: 0, seq: 0 };
  #bytes = 0;
  #rows = 0;
  #roomWaiters: (() => void)[] = [];
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: LaneSetOptions) {
    this.#options = options;
    this.#pool = new PacketPool(options.compact);
    this.#pool.binds = options.binds ?? false;
    const connect = async () => {
      const session = await options.connect();
      // A target of another kind, or something between us and it, may not take them.
      this.#pool.binds = options.binds === true && session.arrays !== undefined;
      return session;
    };
    this.#slots = new LaneSlots(options.owner.lanes.length, options.clock);
    this.#lanes = options.owner.lanes.map(
      (row) =>
        new Lane({
          owner: options.owner,
          row,
          clock: options.clock,
          log: options.log,
          connect,
          slots: this.#slots,
          retryMs: options.retryMs,
          replaced: options.replaced,
          isMet: (dependency, notify) => this.#lanes[dependency.lane].reached(dependency.seq, notify),
          onCommit: (_lane, packet) => this.#release(packet),
        }),
    );
    this.#seq = options.firstSeq ?? 0;
    const { gtidOrder, from } = options;
    const positions = this.#lanes.map((lane) => lane.startPosition);
    this.#skips = new LaneSkips({ positions, gtidOrder, from });
  }

  start(): void {
    const { onFailure } = this.#options;
    this.#running = Promise.all(this.#lanes.map((lane) => lane.run().catch(onFailure))).then(() =>
      this.#slots.close(),
    );
  }

  get seq(): number {
    return this.#seq;
  }

  /** Rows applied (committed) since the start. */
  get committedRows(): number {
    return this.#rows;
  }

  /** Bytes of statements that are not committed yet. */
  get queuedBytes(): number {
    return this.#bytes;
  }

  /** Lanes have more to do than they can send at once: what is given now does not go out any sooner for haste. */
  get behind(): boolean {
    return this.#bytes > BEHIND_BYTES;
  }

  get overloaded(): boolean {
    return this.#bytes > this.#options.maxBytes;
  }

  /** True while a lane still skips: the mapping to lanes must stay as it was before the restart. */
  get catchingUp(): boolean {
    return this.#skips.any;
  }

  /** Transactions that lanes have applied in part or whole and that the stream has yet to reach or pass. */
  unpassed(): LanePosition[] {
    return this.#skips.unpassed();
  }

  firstUncommitted(): number {
    let first = this.#options.beside?.()?.firstUncommitted ?? Infinity;
    for (const lane of this.#lanes) {
      const own = lane.firstUncommitted;
      if (own < first) first = own;
    }
    return first;
  }

  /** Source time of the oldest change that is not committed, seconds; 0 when there is none. */
  oldestTimestamp(): number {
    let oldest = 0;
    for (const lane of this.#lanes) {
      const own = lane.oldestTimestamp;
      if (own !== 0 && (oldest === 0 || own < oldest)) oldest = own;
    }
    return oldest;
  }

  /** To be called at the start of each transaction of the stream, in order. */
  beginTransaction(transaction: Transaction): void {
    this.#skips.beginTransaction(transaction);
  }

  endTransaction(): void {
    this.#skips.endTransaction();
  }

  insert(plan: TablePlan, index: RowIndex, image: number, transaction: Transaction, replace: boolean): void {
    const lane = this.#laneOf(plan, index, image);
    if (this.#skipped(lane, transaction)) return;
    let packet = this.#packet(lane, plan, index, image, -1, 0);
    if (plan.foreignKeys !== null)
      packet = this.#orderReferences(packet, lane, plan, plan.foreignKeys, index, -1, image);
    if (this.#compacts(packet, plan, index, image, replace)) compactInsert(packet, plan, index, image);
    else packet.insert(plan, index, image, replace);
    this.#appended(lane, packet, transaction);
  }

  delete(plan: TablePlan, index: RowIndex, image: number, transaction: Transaction, safeMode = false): void {
    const lane = this.#laneOf(plan, index, image);
    if (this.#skipped(lane, transaction)) return;
    let packet = this.#packet(lane, plan, index, image, -1, 0);
    if (plan.foreignKeys !== null)
      packet = this.#orderReferences(packet, lane, plan, plan.foreignKeys, index, image, -1);
    if (this.#compacts(packet, plan, index, image, safeMode)) compactDelete(packet, plan, index, image);
    else packet.delete(plan, index, image, safeMode);
    this.#appended(lane, packet, transaction);
  }

  update(
    plan: TablePlan,
    index: RowIndex,
    before: number,
    after: number,
    transaction: Transaction,
    safeMode: boolean,
  ): void {
    const from = this.#laneOf(plan, index, before);
    const keyKept = plan.identity !== null && keyUnchanged(plan.identity, index, before, after);
    const uniquesKept = () => plan.uniques.every((key) => keyUnchanged(key, index, before, after));
    if (safeMode && plan.foreignKeys !== null && !(keyKept && uniquesKept())) throw keyChangeRefused(plan);
    // Where keys are referred to, a change of key is one to those who refer to it: never in two halves.
    const same = plan.identity === null || keyKept || plan.foreignKeys !== null;
    const to = same ? from : this.#laneOf(plan, index, after);
    if (from === to && !safeMode) {
      if (this.#skipped(from, transaction)) return;
      let packet = this.#packet(from, plan, index, before, after, 0);
      if (plan.foreignKeys !== null) {
        packet = this.#orderReferences(packet, from, plan, plan.foreignKeys, index, before, after);
      }
      if (this.#compacts(packet, plan, index, before, false)) {
        compactUpdate(packet, plan, index, before, after, keyKept);
      } else packet.update(plan, index, before, after, keyKept);
      this.#appended(from, packet, transaction);
      return;
    }
    let deleted = 0;
    if (!this.#skipped(from, transaction)) {
      let packet = this.#packet(from, plan, index, before, -1, 0);
      if (plan.foreignKeys !== null) {
        packet = this.#orderReferences(packet, from, plan, plan.foreignKeys, index, before, after);
      }
      deleted = this.#seq;
      // In one lane both halves have one position: they must not be parted.
      if (from === to && plan.identity !== null) {
        packet = this.#claimUniques(packet, plan, index, after, -1, to);
      }
      // As DM: a REPLACE by itself does where no key changes.
      const replaces = safeMode && keyKept && uniquesKept();
      const compacts = this.#compacts(packet, plan, index, before, safeMode);
      if (compacts) compactDelete(packet, plan, index, before);
      else if (!replaces) packet.delete(plan, index, before, safeMode);
      if (from === to) {
        this.#compacts(packet, plan, index, after, safeMode);
        packet.insert(plan, index, after, safeMode);
      }
      this.#appended(from, packet, transaction);
    }
    if (from === to || this.#skipped(to, transaction)) return;
    const packet = this.#packet(to, plan, index, after, -1, deleted, from);
    if (this.#compacts(packet, plan, index, after, safeMode)) compactInsert(packet, plan, index, after);
    else packet.insert(plan, index, after, safeMode);
    this.#appended(to, packet, transaction);
  }

  /** Sends on their way what lanes that sleep have to do. */
  pump(): void {
    for (const lane of this.#lanes) if (lane.open !== null) lane.kick();
  }

  /** Resolves when there is room again. */
  room(): Promise<void> {
    this.pump();
    if (!this.overloaded) return Promise.resolve();
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /** Resolves when all that was given is committed; a failure is told by `onFailure` and never resolves. */
  async drain(): Promise<void> {
    for (const lane of this.#lanes) {
      lane.seal();
      const last = lane.lastSeq;
      if (last === 0) continue;
      await new Promise<void>((resolve) => {
        if (lane.reached(last, resolve)) resolve();
      });
    }
    await this.#options.beside?.()?.drain();
  }

  /** A sequence number for a change that goes beside the lanes. */
  takeSeq(): number {
    return ++this.#seq;
  }

  /** Ends at the nearest safe place; what is queued is left to the next run. */
  async end(): Promise<void> {
    for (const lane of this.#lanes) lane.end();
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
    await this.#running;
  }

  /** Breaks all connections off, as a crash would. */
  destroy(): void {
    for (const lane of this.#lanes) lane.destroy();
    this.#slots.destroy();
  }

  #laneOf(plan: TablePlan, index: RowIndex, image: number): number {
    return laneOf(plan, index, image, this.#lanes.length);
  }

  #skipped(lane: number, transaction: Transaction): boolean {
    return this.#skips.any && this.#skips.skipped(lane, transaction.row);
  }

  /**
   * The packet that takes the next change of this lane. The change waits for the owners of the unique
   * keys of its images that are in flight in other lanes, and for `waitSeq` of `waitLane`.
   */
  #packet(
    lane: number,
    plan: TablePlan,
    index: RowIndex,
    image: number,
    other: number,
    waitSeq: number,
    waitLane = 0,
  ): Packet {
    this.#seq++;
    let packet = this.#openPacket(lane);
    if (waitSeq > 0) packet = this.#depend(packet, lane, waitLane, waitSeq);
    if (plan.identity !== null && plan.uniques.length > 0) {
      packet = this.#claimUniques(packet, plan, index, image, other, lane);
    }
    return packet;
  }

  #claimUniques(
    packet: Packet,
    plan: TablePlan,
    index: RowIndex,
    image: number,
    other: number,
    lane: number,
  ): Packet {
    let into = packet;
    for (const key of plan.uniques) {
      if (other >= 0 && keyUnchanged(key, index, image, other)) continue;
      into = this.#claim(into, plan, key, index, image, lane);
      if (other >= 0) into = this.#claim(into, plan, key, index, other, lane);
    }
    return into;
  }

  #claim(
    packet: Packet,
    plan: TablePlan,
    key: KeyPlan,
    index: RowIndex,
    image: number,
    lane: number,
  ): Packet {
    const hash = keyHash(plan, key, index, image);
    if (hash < 0) return packet;
    const seq = this.#conflicts.otherSeq(hash, lane);
    const into = seq > 0 ? this.#depend(packet, lane, this.#conflicts.laneOf(hash), seq) : packet;
    this.#conflicts.claim(hash, lane, this.#seq);
    return into;
  }

  /** Whether the change of this row may take the place of one before it; if not, it stands for itself. */
  #compacts(packet: Packet, plan: TablePlan, index: RowIndex, image: number, safeMode: boolean): boolean {
    if (this.#options.compact !== true) return false;
    if (!safeMode && isCompactable(plan)) return true;
    notCompacted(packet, plan, index, image);
    return false;
  }

  /** Waits that foreign keys ask for (foreign-keys.ts); `before` or `after` is -1 where there is none. */
  #orderReferences(
    packet: Packet,
    lane: number,
    plan: TablePlan,
    keys: ForeignKeyPlan,
    index: RowIndex,
    before: number,
    after: number,
  ): Packet {
    let into = packet;
    if (this.#cascade.seq > 0 && this.#cascade.lane !== lane) {
      into = this.#depend(into, lane, this.#cascade.lane, this.#cascade.seq);
    }
    // The key of a row may change within a lane that is not its own.
    if (plan.identity !== null) {
      if (before >= 0) into = this.#claim(into, plan, plan.identity, index, before, lane);
      if (after >= 0) into = this.#claim(into, plan, plan.identity, index, after, lane);
    }
    const changes = (key: KeyPlan) => before < 0 || after < 0 || !keyUnchanged(key, index, before, after);
    if (after >= 0) {
      for (const key of keys.parents) {
        const hash = changes(key) ? keyHash(plan, key, index, after) : -1;
        const seq = hash < 0 ? 0 : this.#conflicts.otherSeq(hash, lane);
        if (seq > 0) into = this.#depend(into, lane, this.#conflicts.laneOf(hash), seq);
      }
    }
    const lets = before >= 0 && keys.referenced.some(changes);
    if (lets || keys.serial) {
      for (const { number, lastSeq } of this.#lanes) {
        if (number !== lane && lastSeq > 0) into = this.#depend(into, lane, number, lastSeq);
      }
    }
    for (const key of keys.referenced) {
      if (!changes(key)) continue;
      if (before >= 0) into = this.#claim(into, plan, key, index, before, lane);
      if (after >= 0) into = this.#claim(into, plan, key, index, after, lane);
    }
    if (keys.serial || (lets && keys.cascades)) this.#cascade = { lane, seq: this.#seq };
    return into;
  }

  /**
   * A packet may only wait for changes before its own first one, or waits could form a circle: where it
   * holds changes already, the new one goes into a packet of its own.
   */
  #depend(packet: Packet, lane: number, waitLane: number, waitSeq: number): Packet {
    if (this.#lanes[waitLane].committedSeq >= waitSeq) return packet;
    let into = packet;
    if (into.rows > 0 && into.firstSeq <= waitSeq) {
      this.#lanes[lane].seal();
      into = this.#openPacket(lane);
    }
    into.dependencies.push({ lane: waitLane, seq: waitSeq });
    return into;
  }

  #openPacket(lane: number): Packet {
    const owner = this.#lanes[lane];
    if (owner.open !== null) return owner.open;
    const packet = this.#pool.take();
    packet.firstSeq = this.#seq;
    owner.open = packet;
    return packet;
  }

  #appended(lane: number, packet: Packet, transaction: Transaction): void {
    const owner = this.#lanes[lane];
    packet.lastSeq = this.#seq;
    owner.lastSeq = this.#seq;
    if (packet.firstName === '') {
      packet.firstName = transaction.name;
      packet.firstPos = transaction.pos;
      packet.firstGtid = transaction.gtid;
    }
    packet.endPos = transaction.eventEnd;
    packet.name = transaction.name;
    packet.pos = transaction.pos;
    packet.gtid = transaction.gtid;
    packet.row = transaction.row;
    packet.timestamp = transaction.timestamp;
    const before = this.#accounted.get(packet) ?? 0;
    const now = packet.bytes;
    this.#accounted.set(packet, now);
    this.#bytes += now - before;
    if (packet.rows >= this.#options.batch || now >= this.#options.packetBytes)
      this.#full(owner, packet, now);
  }

  /** A lane that is behind could not send the packet yet: it may grow, for fewer and larger transactions. */
  #full(lane: Lane, packet: Packet, bytes: number): void {
    const { batch, batchBehind = batch } = this.#options;
    if (packet.rows < batchBehind && bytes < LARGE_PACKET_BYTES && lane.behind) return;
    lane.seal();
  }

  #release(packet: Packet): void {
    this.#bytes -= this.#accounted.get(packet) ?? 0;
    this.#accounted.delete(packet);
    this.#rows += packet.rows;
    this.#pool.give(packet);
    if (this.#bytes * 2 < this.#options.maxBytes) {
      for (const resolve of this.#roomWaiters.splice(0)) resolve();
    }
  }
}

/** Same key, same lane, and neighbours with it: the same again when the stream is read again. */
export function laneOf(plan: TablePlan, index: RowIndex, image: number, lanes: number): number {
  const hash = plan.identity === null ? plan.tableHash : blockHash(plan, plan.identity, index, image);
  return (hash < 0 ? plan.tableHash : hash) % lanes;
}

function keyChangeRefused({ source, target }: TablePlan): DmError {
  return new DmError(
    CODES.syncForeignKeySafeMode,
    `an UPDATE of ${quoteTable(source)} changes a key while safe mode is on and the target checks foreign keys: as DELETE and REPLACE it would remove or leave behind rows that refer to ${quoteTable(target)}`,
  );
}
