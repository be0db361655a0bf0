/**
 * One lane: applies its changes in order, through a connection that it takes when it has work.
 *
 * A packet is one transaction and costs one round trip: its COMMIT travels with the next packet, or at
 * once when there is none, or another lane waits for it or for the connection. Until a packet's COMMIT is confirmed it is kept;
 * after any trouble the lane's row in the target says whether it has been applied.
 *
 * Waits never form a circle: a packet depends only on changes earlier in the stream than its own first
 * one, and a lane that is waited for commits at once.
 */
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import { text } from '../../checkpoint/tables.js';
import { FencedError } from '../../checkpoint/fenced.js';
import {
  claimLane,
  fencedFrom,
  nameConnection,
  streamWhere,
  type LanePosition,
  type LaneRow,
  type Ownership,
} from '../../checkpoint/ownership.js';
import { quoteTable } from '../../model/table-name.js';
import { isTransient, toDmError } from '../../mysql/db-error.js';
import { SqlError, type Session, type StatementResult } from '../../mysql/session.js';
import type { Clock, Log } from '../../runtime/ports.js';
import { RESTORE_MODE, type Packet, type Dependency } from './packet.js';
import { LaneSlots, type Slot } from './lane-slots.js';
import { BoundRowsError, sendPacket } from './send-packet.js';
import { formatPlaces } from '../place.js';
import type { ReplacedRows } from '../rows/replaced-rows.js';
import { applyStepwise } from '../rows/stepwise.js';
import { ofTable } from '../table-error.js';
import type { Upsert } from '../rows/upsert.js';

export interface LaneOptions {
  readonly owner: Ownership;
  readonly row: LaneRow;
  readonly clock: Clock;
  readonly log: Log;
  readonly connect: () => Promise<Session>;
  /** Shared with other lanes; absent: the lane has a connection of its own. */
  readonly slots?: LaneSlots;
  /** True when the other lane has committed that far; else `notify` is called once it has. */
  readonly isMet: (dependency: Dependency, notify: () => void) => boolean;
  /** Called after each commit: bytes are free, the low-water mark may have moved. */
  readonly onCommit: (lane: Lane, packet: Packet) => void;
  /** How long trouble with the target is borne, ms. */
  readonly retryMs: number;
  /** Told what safe mode removes. */
  readonly replaced?: ReplacedRows;
}

interface Waiter {
  readonly seq: number;
  readonly notify: () => void;
}

const MAX_BACKOFF_MS = 3000;

export class Lane {
  readonly number: number;
  readonly #options: LaneOptions;
  #run: number;
  readonly #slots: LaneSlots;
  /** Held while a transaction is open. */
  #slot: Slot | null = null;
  #asking = false;
  /** Being filled by the dispatcher. */
  open: Packet | null = null;
  /** Last sequence number given to this lane. */
  lastSeq = 0;
  readonly #ready: Packet[] = [];
  /** Sent, not committed: at most one executed (`#pending`), those to send again come first. */
  #redo: Packet[] = [];
  #current: Packet | null = null;
  #pending: Packet | null = null;
  #committedSeq = 0;
  readonly #waiters: Waiter[] = [];
  #wake: (() => void) | null = null;
  /** The dependency whose answer is awaited. */
  #asked: Dependency | null = null;
  #ending = false;
  readonly #claimed: LanePosition;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.number = options.row.lane;
    this.#run = options.row.run;
    this.#claimed = options.row.position;
    this.#slots = options.slots ?? new LaneSlots(1, options.clock);
  }

  get #session(): Session | null {
    return this.#slot?.session ?? null;
  }

  /** Where the lane stood when it was taken over. */
  get startPosition(): LanePosition {
    return this.#claimed;
  }

  /** Everything of this lane up to here is committed. */
  get committedSeq(): number {
    return this.#committedSeq;
  }

  /** First sequence number that is not committed; Infinity when idle. */
  get firstUncommitted(): number {
    const packet = this.#pending ?? this.#current ?? this.#redo[0] ?? this.#ready[0] ?? this.open;
    return packet === null || packet.rows === 0 ? Infinity : packet.firstSeq;
  }

  get idle(): boolean {
    return this.firstUncommitted === Infinity;
  }

  /** A packet that is full now would wait for others of this lane, or for a connection. */
  get behind(): boolean {
    return this.#asking || this.#current !== null || this.#ready.length > 0;
  }

  get oldestTimestamp(): number {
    const packet = this.#pending ?? this.#current ?? this.#redo[0] ?? this.#ready[0] ?? this.open;
    return packet === null || packet.rows === 0 ? 0 : packet.timestamp;
  }

  /** Queues the open packet: no further change may join it. */
  seal(): void {
    if (this.open === null) return;
    this.#ready.push(this.open);
    this.open = null;
    this.kick();
  }

  /** Tells a sleeping lane to look for work. */
  kick(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /**
   * True when `seq` is committed; else `notify` is called once it is, and the lane commits without waiting
   * for more. A lane that ends or fails before never calls it.
   */
  reached(seq: number, notify: () => void): boolean {
    if (this.#committedSeq >= seq) return true;
    this.#waiters.push({ seq, notify });
    if (this.#asking) this.#slots.hurry(this.#grant);
    else this.kick();
    return false;
  }

  /** Ends after what has been sent: queued packets are dropped, the next owner reads them again. */
  end(): void {
    this.#ending = true;
    this.kick();
  }

  /** Drops the connection: the transaction that is open is rolled back by the server. */
  destroy(): void {
    this.end();
    this.#session?.destroy();
  }

  /** Runs until ended. Rejects with FencedError or DmError. */
  async run(): Promise<void> {
    try {
      for (;;) {
        if (this.#ending && this.#redo.length === 0) {
          if (this.#pending === null) return;
          await this.#attempt(() => this.#commit());
          continue;
        }
        const packet = this.#redo[0] ?? this.#ready[0] ?? this.open;
        if (packet === null || packet.rows === 0 || !this.#met(packet)) {
          if (this.#pending !== null) await this.#attempt(() => this.#commit());
          else await this.#sleep();
          continue;
        }
        if (this.#pending !== null && (this.#slots.wanted || this.#isWaitedFor(this.#pending))) {
          await this.#attempt(() => this.#commit());
          if (this.#slots.wanted) this.#leave();
          continue;
        }
        if (this.#slot === null) {
          await this.#turn();
          continue;
        }
        this.#take();
        await this.#attempt(() => this.#apply());
      }
    } finally {
      this.end();
      const slot = this.#slot;
      this.#slot = null;
      if (slot !== null) {
        const { session } = slot;
        if (this.#pending !== null || this.#current !== null || this.#redo.length > 0) {
          slot.session = null;
          if (session !== null && !session.closed) await session.close();
        }
        this.#slots.release(slot);
      }
      if (this.#options.slots === undefined) await this.#slots.close();
    }
  }

  /** Lets others have the connection: nothing of ours is open in it. */
  #leave(): void {
    const slot = this.#slot;
    if (slot === null || this.#redo.length > 0) return;
    this.#slot = null;
    this.#slots.release(slot);
  }

  /** Waits for a connection. Packets to send again are sent by the connection that has found them out. */
  #turn(): Promise<void> {
    if (!this.#asking) {
      this.#asking = true;
      this.#slots.ask(this.#grant);
      if (this.#waiters.length > 0) this.#slots.hurry(this.#grant);
    }
    return this.#slot === null ? this.#wait() : Promise.resolve();
  }

  readonly #grant = (slot: Slot): void => {
    this.#asking = false;
    this.#slot = slot;
    if (this.#ending) this.#leave();
    else this.kick();
  };

  #take(): void {
    if (this.#redo.length > 0) this.#current = this.#redo.shift() ?? null;
    else if (this.#ready.length > 0) this.#current = this.#ready.shift() ?? null;
    else {
      this.#current = this.open;
      this.open = null;
    }
  }

  /** Asks each dependency once: the answer, when it comes, wakes us, and the next is asked. */
  #met(packet: Packet): boolean {
    const { dependencies } = packet;
    while (dependencies.length > 0) {
      const dependency = dependencies[dependencies.length - 1];
      if (this.#asked === dependency) return false;
      this.#asked = dependency;
      const met = this.#options.isMet(dependency, () => {
        this.#asked = null;
        // It may have been asked twice: the packet can be another one's by the second answer.
        const at = dependencies.indexOf(dependency);
        if (at >= 0) dependencies.splice(at, 1);
        this.kick();
      });
      if (!met) return false;
      this.#asked = null;
      dependencies.pop();
    }
    return true;
  }

  #isWaitedFor(packet: Packet): boolean {
    for (const waiter of this.#waiters) if (waiter.seq <= packet.lastSeq) return true;
    return false;
  }

  #sleep(): Promise<void> {
    this.#leave();
    return this.#wait();
  }

  #wait(): Promise<void> {
    if (this.#ending) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #apply(): Promise<void> {
    const packet = this.#current;
    const session = this.#session;
    if (packet === null || session === null) throw new Error('invariant broken: apply without work');
    const withCommit = this.#pending !== null;
    const laneUpdate = this.#laneUpdate(packet);
    let head = withCommit ? 2 : 1;
    const sent = await sendPacket(session, packet, laneUpdate, withCommit);
    if (this.#pending !== null) this.#committed(this.#pending);
    this.#pending = null;
    let results = sent ?? [];
    if (
      sent === null ||
      !packet.upserts.every((upsert) => upsert.provenBy(sent[upsert.statement + head].affectedRows))
    ) {
      if (sent !== null) await session.execute('ROLLBACK');
      packet.useText();
      results = await applyStepwise({
        session,
        packet,
        laneUpdate,
        onMissing: (upsert, keys) => this.#warnMissing(upsert, keys),
      });
      head = 0;
    }
    if (results[results.length - 1].affectedRows !== 1) {
      await session.execute('ROLLBACK');
      throw await fencedFrom(session, this.#options.owner, 'changes', { lane: this.number, run: this.#run });
    }
    this.#check(packet, results, head);
    this.#current = null;
    this.#pending = packet;
  }

  #warnMissing(upsert: Upsert, keys: readonly string[]): void {
    this.#options.log.warn('a change has found fewer rows in the target than in the source', {
      lane: this.number,
      table: quoteTable(upsert.plan.target),
      expected: upsert.rows,
      found: upsert.rows - keys.length,
      missing: keys.slice(0, 10).join(' '),
    });
  }

  async #commit(): Promise<void> {
    const packet = this.#pending;
    if (packet === null || this.#session === null) return;
    await this.#session.execute('COMMIT');
    this.#pending = null;
    this.#committed(packet);
  }

  #committed(packet: Packet): void {
    this.#committedSeq = packet.lastSeq;
    const waiters = this.#waiters;
    for (let i = waiters.length - 1; i >= 0; i--) {
      if (waiters[i].seq <= packet.lastSeq) {
        const [waiter] = waiters.splice(i, 1);
        waiter.notify();
      }
    }
    this.#slots.committed(packet.bytes);
    this.#options.onCommit(this, packet);
  }

  /** As DM: a change that finds no row is worth a warning, no more. */
  #check(packet: Packet, results: readonly StatementResult[], head: number): void {
    const { expected, plans } = packet;
    for (const statement of packet.replaces) {
      const removed = results[statement + head].affectedRows - 1;
      const target = plans[statement]?.target;
      if (removed <= 0 || target === undefined) continue;
      this.#options.replaced?.add(target, removed);
      this.#options.log.warn('safe mode has removed rows that held a unique value of the row written', {
        lane: this.number,
        table: quoteTable(target),
        removed,
        statement: packet.statement(statement, 200),
      });
    }
    for (let i = 0; i < expected.length; i++) {
      if (expected[i] > 0 && results[i + head].affectedRows < expected[i]) {
        this.#options.log.warn('a change has found fewer rows in the target than in the source', {
          lane: this.number,
          expected: expected[i],
          found: results[i + head].affectedRows,
          statement: packet.statement(i, 200),
        });
      }
    }
  }

  #laneUpdate(packet: Packet): string {
    const { owner } = this.#options;
    return (
      `UPDATE ${owner.tables.lane} SET binlog_name=${text(packet.name)},binlog_pos=${packet.pos},` +
      `gtid=${text(packet.gtid)},row_no=${packet.row} WHERE ${streamWhere(owner)}` +
      ` AND lane=${this.number} AND epoch=${owner.epoch} AND run=${this.#run}`
    );
  }

  /**
   * Runs a step; after trouble that may pass, finds out from the lane's row what has been applied, and
   * puts the rest back in front.
   */
  async #attempt(step: () => Promise<void>): Promise<void> {
    const { clock, log, retryMs } = this.#options;
    const started = clock.monotonic();
    let backoff = 50;
    let recovering = this.#pending !== null && this.#session?.closed !== false;
    for (;;) {
      try {
        if (recovering) {
          await this.#recover();
          if (this.#redo.length > 0 || this.#current === null) return;
          recovering = false;
        } else if (this.#session?.closed !== false) await this.#connect();
        await step();
        return;
      } catch (error) {
        if (error instanceof FencedError || error instanceof DmError) throw error;
        const cause = error instanceof BoundRowsError ? error.refusal : error;
        const passes = cause !== error || isTransient(error);
        const giveUp = !passes || clock.monotonic() - started > retryMs;
        if (giveUp || (this.#ending && !(cause instanceof SqlError))) {
          await this.#throwIfFenced(cause);
          throw this.#explain(cause);
        }
        log.warn('trouble with the target, trying again', {
          lane: this.number,
          error: error instanceof Error ? error.message : String(error),
          backoffMs: backoff,
        });
        recovering = true;
        this.#putBack();
        await clock.sleep(backoff);
        backoff = Math.min(backoff * 2, MAX_BACKOFF_MS);
      }
    }
  }

  /** A zombie stumbles over what its successor has written before it comes to the lane's row. */
  async #throwIfFenced(error: unknown): Promise<void> {
    const session = this.#session;
    if (!(error instanceof SqlError) || session === null || session.closed) return;
    const { owner } = this.#options;
    await session.execute('ROLLBACK');
    const found = await fencedFrom(session, owner, 'changes', { lane: this.number, run: this.#run });
    if (found.seenEpoch !== owner.epoch) throw found;
  }

  #putBack(): void {
    const back = [this.#pending, this.#current].filter((packet) => packet !== null);
    this.#pending = null;
    this.#current = null;
    this.#redo.unshift(...back);
  }

  /**
   * `claim`: an earlier connection may still have a transaction of ours open; the name of that one is not
   * given up before it has ended.
   */
  async #connect(claim?: (session: Session) => Promise<void>): Promise<void> {
    const slot = this.#slot;
    if (slot === null) throw new Error('invariant broken: connect without a slot');
    slot.session = null;
    const session = await this.#options.connect();
    slot.session = session;
    await claim?.(session);
    await nameConnection(session, this.#options.owner, slot.number);
  }

  async #recover(): Promise<void> {
    const session = this.#session;
    if (session === null || session.closed) await this.#connect((made) => this.#claim(made));
    else {
      await session.execute(`ROLLBACK;${RESTORE_MODE}`);
      await this.#claim(session);
    }
  }

  /** Makes the lane's row ours alone, and drops what it says is applied. */
  async #claim(session: Session): Promise<void> {
    const { run, position } = await claimLane(session, this.#options.owner, this.number, this.#run);
    this.#run = run;
    for (let i = this.#redo.length - 1; i >= 0; i--) {
      const packet = this.#redo[i];
      if (packet.row !== position.row || packet.pos !== position.pos || packet.name !== position.name)
        continue;
      for (const applied of this.#redo.splice(0, i + 1)) this.#committed(applied);
    }
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof SqlError)) return toDmError(error, 'downstream');
    // COMMIT (of the packet before, where one is open) and BEGIN stand in front of the changes.
    const body = this.#current === null ? -1 : error.statement - (this.#pending === null ? 1 : 2);
    const packet = body < 0 ? (this.#pending ?? this.#current) : this.#current;
    if (packet === null) return toDmError(error, 'downstream');
    const start = { name: packet.firstName, pos: packet.firstPos, gtidSet: packet.firstGtid };
    const end = { name: packet.name, pos: packet.endPos, gtidSet: packet.gtid };
    const statement = body < 0 ? 'COMMIT' : packet.statement(body, 2000);
    const failure = new DmError(
      CODES.databaseExecute,
      `${formatPlaces(start, end)}: execute statement failed: ${statement}`,
      { cause: error, scope: 'downstream' },
    );
    const plan = body < 0 ? null : (packet.plans[body] ?? null);
    return plan === null ? failure : ofTable(failure, plan.target);
  }
}
