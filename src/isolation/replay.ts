/**
 * Applies the kept changes of one table again, in order, in transactions of bounded size, through the same
 * code as all others. What is applied is deleted from the log in the transaction of the rows themselves.
 */
import { fitsTable } from '../binlog/codec.js';
import type { RowIndex } from '../binlog/rows.js';
import type { Ownership } from '../checkpoint/ownership.js';
import type { ChunkPositions } from '../load/chunk-positions.js';
import { tableKey } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import type { Clock, Log } from '../runtime/ports.js';
import type { SchemaTracker } from '../schema/apply.js';
import { ddlError, type DdlRunner } from '../sync/ddl/ddl.js';
import { placesOf } from '../sync/ddl/operated-ddl.js';
import { Dispatcher } from '../sync/dispatcher.js';
import { Lane } from '../sync/lanes/lane.js';
import type { LaneSet } from '../sync/lanes/lane-set.js';
import { Packet } from '../sync/lanes/packet.js';
import { formatPlaces } from '../sync/place.js';
import type { TablePlan } from '../sync/lanes/plan.js';
import type { Tables } from '../sync/tables.js';
import { Transaction } from '../sync/transaction.js';
import {
  decodeDdl,
  decodeRows,
  decodeTable,
  type Entry,
  type KeptTable,
  type KeptTransaction,
} from './entry.js';
import type { ParkedTable } from './parked-table.js';
import type { IsolationStore } from './store.js';

export interface ReplayOptions {
  readonly table: ParkedTable;
  readonly owner: Ownership;
  readonly store: IsolationStore;
  readonly tables: Tables;
  readonly tracker: SchemaTracker;
  /** The source's tables as the stream knows them now: what a user has set right counts. */
  readonly present: SchemaTracker;
  readonly ddl: DdlRunner;
  readonly copied: ChunkPositions | null;
  readonly connect: () => Promise<Session>;
  readonly batch: number;
  readonly retryMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const PACKET_BYTES = 1024 * 1024;

export class Replay {
  readonly #options: ReplayOptions;
  readonly #lane: Lane;
  readonly #running: Promise<void>;
  readonly #dispatcher: Dispatcher;
  readonly #transaction = new Transaction();
  readonly #kept = new Map<number, KeptTable>();
  /** The entry by which the source's table is known now, by its name. */
  readonly #inUse = new Map<string, number>();
  #packet: Packet | null = null;
  #safeMode = false;
  #done: Uint8Array | null = null;
  #seq = 0;
  /** Makes each packet's position another one, by which the lane knows what has been committed. */
  #count: number;
  #sealedSeq: number;
  readonly #sealed = new Map<Packet, { entries: number; bytes: number; last: number }>();
  /** Entries that the packet holds, or that hold nothing to apply. */
  #pending = { entries: 0, bytes: 0, last: 0 };

  constructor(options: ReplayOptions) {
    this.#options = options;
    const { owner, clock, log, connect, retryMs } = options;
    this.#count = owner.lanes[0].position.row;
    this.#sealedSeq = options.table.appliedSeq;
    this.#lane = new Lane({
      owner,
      row: owner.lanes[0],
      clock,
      log,
      connect,
      retryMs,
      isMet: () => true,
      onCommit: (_lane, packet) => this.#committed(packet),
    });
    this.#running = this.#lane.run();
    // Whoever waits for a packet sees the failure; until then it must not count as unhandled.
    this.#running.catch(() => undefined);
    this.#dispatcher = new Dispatcher({
      tables: options.tables,
      lanes: () => this.#changes,
      copied: options.copied,
      safeMode: () => this.#safeMode,
    });
  }

  /** Table maps and structures of entries that are applied already. */
  remember(entry: Entry): void {
    this.#kept.set(entry.seq, decodeTable(entry.payload));
  }

  /** Resolves when all are committed. Rejects with DmError, or FencedError. */
  async apply(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) {
      switch (entry.kind) {
        case 'table':
          this.remember(entry);
          break;
        case 'rows':
          await this.#rows(entry);
          this.#applied(entry);
          break;
        case 'ddl':
          await this.#settle();
          await this.#ddl(entry);
          this.#applied(entry);
          break;
      }
    }
    await this.#settle();
  }

  async end(): Promise<void> {
    this.#lane.end();
    await this.#running.catch(() => undefined);
  }

  destroy(): void {
    this.#lane.destroy();
  }

  async #rows(entry: Entry): Promise<void> {
    const { transaction, tableSeq, event, safeMode, done } = decodeRows(entry.payload);
    const { map } = this.#use(tableSeq);
    this.#safeMode = safeMode;
    this.#done = done;
    this.#begin(transaction);
    this.#transaction.beginRows();
    await this.#dispatcher.handle({ ...event, map }, this.#transaction);
  }

  /** Makes the source's table known as it was when the rows were written. */
  #use(tableSeq: number): KeptTable {
    const kept = this.#kept.get(tableSeq);
    if (kept === undefined) throw new Error(`invariant broken: entry ${tableSeq} is missing`);
    const key = tableKey(kept.map);
    if (this.#inUse.get(key) === tableSeq) return kept;
    const { present, tables, tracker } = this.#options;
    // Where the structure of then did not fit, somebody may have set it right meanwhile.
    const known = [kept.schema, present.get(kept.map) ?? null];
    const schema = known.find((one) => one !== null && fitsTable(kept.map, one)) ?? kept.schema;
    if (schema !== null) tracker.set(schema);
    tables.forget();
    this.#inUse.set(key, tableSeq);
    return kept;
  }

  async #ddl(entry: Entry): Promise<void> {
    const { ddl, table, tables, tracker, log } = this.#options;
    const { event, transaction, before } = decodeDdl(entry.payload);
    this.#begin(transaction);
    const start = { name: transaction.name, pos: transaction.pos, gtidSet: transaction.gtid };
    const end = { name: event.header.file, pos: event.header.logPos, gtidSet: transaction.gtid };
    log.info('running a DDL that was kept', { sql: event.sql });
    const location = `isolated ${table.number} ${entry.seq}`;
    let shown = event.sql;
    try {
      const parsed = ddl.parse(event);
      const plan = await ddl.plan(parsed, before);
      const decisions = ddl.operated(tracker);
      const places = placesOf(event, transaction);
      const operator = await decisions.at(places);
      if (operator === null) await ddl.run(plan, event, location);
      else {
        const onStatement = (sql: string) => (shown = sql);
        await decisions.run({ operator, event, parsed, plan, location, onStatement });
      }
    } catch (error) {
      throw ddlError(error, formatPlaces(start, end, shown), shown);
    }
    tables.forget();
    this.#inUse.clear();
  }

  #begin({ gtid, name, pos, timestamp }: KeptTransaction): void {
    this.#transaction.begin(gtid, name, pos, timestamp, true);
    this.#dispatcher.beginTransaction(this.#transaction);
  }

  #applied(entry: Entry): void {
    const pending = this.#pending;
    pending.entries++;
    pending.bytes += entry.payload.length;
    pending.last = entry.seq;
    const packet = this.#open();
    if (packet.rows >= this.#options.batch || packet.bytes >= PACKET_BYTES) this.#seal();
  }

  /** The end of a transaction: what it has applied is kept no longer. */
  #seal(): void {
    const { table, store } = this.#options;
    const { entries, bytes, last } = this.#pending;
    if (entries === 0) return;
    const packet = this.#open();
    const where = store.where(table.number);
    packet.own(
      `DELETE FROM ${store.tables.log} WHERE ${where} AND seq<=${last} AND seq>${this.#sealedSeq} AND kind<>'table'`,
    );
    packet.own(
      `UPDATE ${store.tables.parked} SET applied_seq=${last},changes=changes-${entries},bytes=bytes-${bytes}` +
        ` WHERE ${where}`,
    );
    packet.row = ++this.#count;
    packet.lastSeq = ++this.#seq;
    packet.firstSeq = this.#seq;
    this.#lane.lastSeq = this.#seq;
    this.#lane.open = packet;
    this.#lane.seal();
    this.#packet = null;
    this.#sealed.set(packet, this.#pending);
    this.#sealedSeq = last;
    this.#pending = { entries: 0, bytes: 0, last: 0 };
  }

  #committed(packet: Packet): void {
    const sealed = this.#sealed.get(packet);
    if (sealed !== undefined) this.#options.table.applied(sealed.last, sealed.entries, sealed.bytes);
    this.#sealed.delete(packet);
  }

  async #settle(): Promise<void> {
    this.#seal();
    const last = this.#seq;
    if (last === 0) return;
    const committed = new Promise<void>((resolve) => {
      if (this.#lane.reached(last, resolve)) resolve();
    });
    const ended = this.#running.then(() => Promise.reject(new Error('the replay was ended')));
    await Promise.race([committed, ended]);
  }

  #open(): Packet {
    if (this.#packet !== null) return this.#packet;
    const { name, pos, gtid, timestamp } = this.#transaction;
    const packet = new Packet();
    packet.firstName = name;
    packet.firstPos = pos;
    packet.firstGtid = gtid;
    packet.name = name;
    packet.pos = pos;
    packet.gtid = gtid;
    packet.timestamp = timestamp;
    this.#packet = packet;
    return packet;
  }

  #isDone(image: number): boolean {
    return this.#done !== null && this.#done[image] === 1;
  }

  /** The place of the last change is what errors show as the end. */
  #noted(packet: Packet): void {
    packet.name = this.#transaction.name;
    packet.pos = this.#transaction.pos;
    packet.gtid = this.#transaction.gtid;
    packet.endPos = this.#transaction.eventEnd;
  }

  /** What the dispatcher takes for lanes: all goes into the packet, in order. */
  readonly #changes: Pick<LaneSet, 'insert' | 'delete' | 'update'> = {
    insert: (
      plan: TablePlan,
      index: RowIndex,
      image: number,
      _transaction: Transaction,
      replace: boolean,
    ) => {
      if (this.#isDone(image)) return;
      const packet = this.#open();
      packet.insert(plan, index, image, replace);
      this.#noted(packet);
    },
    delete: (plan: TablePlan, index: RowIndex, image: number) => {
      if (this.#isDone(image)) return;
      const packet = this.#open();
      packet.delete(plan, index, image);
      this.#noted(packet);
    },
    update: (
      plan: TablePlan,
      index: RowIndex,
      before: number,
      after: number,
      transaction: Transaction,
      safeMode: boolean,
    ) => {
      // A change of key is two, of which one lane may have applied its own.
      if (safeMode || this.#isDone(before) || this.#isDone(after)) {
        this.#changes.delete(plan, index, before, transaction);
        this.#changes.insert(plan, index, after, transaction, safeMode);
        return;
      }
      const packet = this.#open();
      packet.update(plan, index, before, after);
      this.#noted(packet);
    },
  };
}
