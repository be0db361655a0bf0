/**
 * Walks the events of a stream: keeps track of transactions and places, hands rows to the dispatcher
 * and statements to `statements.ts`.
 */
import type { BinlogEvent, EventHeader } from '../binlog/events.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { unreachable } from '../model/assert.js';
import { comparePositions, formatLocation, type BinlogLocation } from '../model/location.js';
import type { QueryEvent } from './ddl/ddl.js';
import type { LaneSet } from './lanes/lane-set.js';
import type { GtidSetTracker, Progress } from './progress.js';
import { Statements, type StatementsOptions } from './statements.js';
import { Transaction } from './transaction.js';
import { xidText, type OnRows, type XaRows } from './xa-rows.js';

const ARTIFICIAL = 0x20;

export interface ApplierOptions extends StatementsOptions {
  readonly start: BinlogLocation;
  readonly lanes: () => LaneSet;
  readonly progress: Progress;
  readonly xa: XaRows;
  readonly readGtids: GtidSetTracker | null;
  /** Makes a tracker of a binlog file's own list, where nothing is known yet. */
  readonly gtidsFrom: (set: string) => GtidSetTracker;
}

export class Applier {
  readonly #options: ApplierOptions;
  readonly transaction = new Transaction();
  readonly #statements: Statements;
  #name: string;
  #pos: number;
  #gtids: GtidSetTracker | null;
  /** What was handed on of the transaction that is read again after the stream broke. */
  #replay: { gtid: string; name: string; pos: number; row: number } | null = null;
  #rowsEvents = 0;
  transactions = 0;
  lastTimestamp = 0;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#name = options.start.name;
    this.#pos = options.start.pos;
    this.#gtids = options.readGtids;
    this.#statements = new Statements(options, {
      transaction: this.transaction,
      location: () => this.location(),
      commit: (header) => this.#commit(header),
      xa: (what, xid, event) => this.#xa(what, xid, event),
    });
  }

  /** Rows events and DDL that have been handled. */
  get events(): number {
    return this.#rowsEvents + this.#statements.ddls;
  }

  get ddls(): number {
    return this.#statements.ddls;
  }

  /** Nothing of a transaction is given out that is still to be read, or to be read again, to its end. */
  get between(): boolean {
    return !this.transaction.open && this.#replay === null;
  }

  /** End of the last transaction that was read whole. */
  location(): BinlogLocation {
    return { name: this.#name, pos: this.#pos, gtidSet: this.#gtids?.toString() ?? '' };
  }

  /** The stream begins anew at `location()`. */
  reopened(): void {
    const { gtid, name, pos, row, open, handedOn } = this.transaction;
    if (open) this.#replay = { gtid, name, pos, row: Math.max(row, handedOn) };
    this.transaction.end();
    this.#options.xa.interrupt();
  }

  /** Returns a promise only where something has to be waited for. */
  handle(event: BinlogEvent): Promise<void> | undefined {
    const { header } = event;
    switch (event.type) {
      case 'rows': {
        if (!this.transaction.open) this.#begin('', header, true);
        const number = this.transaction.beginRows();
        if (this.#options.xa.holding) {
          this.#options.xa.hold(event, number);
          return undefined;
        }
        this.#rowsEvents++;
        if (this.#statements.injects) return this.#statements.rowsBehindInjected(event);
        return this.#options.dispatcher.handle(event, this.transaction);
      }
      case 'xid':
        this.#commit(header);
        return undefined;
      case 'gtid':
        this.#begin(event.gtid, header, event.flavor === 'mariadb' && !event.standalone);
        if (event.preparesXa === true) this.#beginXa();
        return undefined;
      case 'query':
        return this.#query(event);
      case 'xa-prepare':
        return this.#xaPrepare(event);
      case 'rotate':
        if (!this.transaction.open && !event.fake) this.#reach(event.name, event.pos, '', 0);
        return undefined;
      case 'heartbeat':
        if (!this.transaction.open && event.name === this.#name && event.pos > this.#pos) {
          this.#reach(event.name, event.pos, '', 0);
        }
        return undefined;
      case 'gtid-set':
        if (this.#gtids === null && event.gtidSet !== '' && (header.flags & ARTIFICIAL) === 0) {
          this.#gtids = this.#options.gtidsFrom(event.gtidSet);
          this.#options.progress.adoptGtids(this.#options.gtidsFrom(event.gtidSet));
        }
        this.#pass(header);
        return undefined;
      case 'incident':
        throw new DmError(
          CODES.syncBinlogEvent,
          `the source reports an incident: events may be missing from its binlog (${event.message})`,
        );
      case 'format':
      case 'annotate':
      case 'stop':
      case 'other':
        this.#pass(header);
        return undefined;
      default:
        return unreachable(event);
    }
  }

  #begin(gtid: string, header: EventHeader, explicit: boolean): void {
    const { transaction } = this;
    transaction.begin(gtid, header.file, header.logPos - header.eventSize, header.timestamp, explicit);
    const replay = this.#replay;
    if (replay !== null) {
      this.#replay = null;
      const same =
        replay.gtid !== ''
          ? replay.gtid === gtid
          : replay.pos === transaction.pos && replay.name === header.file;
      if (same) transaction.handedOn = replay.row;
    }
    this.#options.lanes().beginTransaction(transaction);
    this.#options.parking?.()?.beginTransaction(transaction);
    this.#options.dispatcher.beginTransaction(transaction);
  }

  #beginXa(): void {
    const { name, pos } = this.transaction;
    this.#options.xa.begin({ name, pos, gtidSet: '' });
  }

  #commit(header: EventHeader): void {
    const { gtid } = this.transaction;
    this.transactions++;
    this.transaction.end();
    this.#options.lanes().endTransaction();
    this.#options.parking?.()?.endTransaction();
    this.#reach(header.file, header.logPos, gtid, header.timestamp);
  }

  /** An event between transactions: the place moves on. */
  #pass(header: EventHeader): void {
    if (this.transaction.open || header.logPos === 0 || (header.flags & ARTIFICIAL) !== 0) return;
    if (
      comparePositions({ name: header.file, pos: header.logPos }, { name: this.#name, pos: this.#pos }) > 0
    ) {
      this.#reach(header.file, header.logPos, '', 0);
    }
  }

  #reach(name: string, pos: number, gtid: string, timestamp: number): void {
    this.#name = name;
    this.#pos = pos;
    if (gtid !== '') this.#gtids?.add(gtid);
    if (timestamp > 0) this.lastTimestamp = timestamp;
    const lanes = this.#options.lanes();
    this.#options.progress.mark(lanes.seq, name, pos, gtid, timestamp, () => lanes.firstUncommitted());
  }

  #query(event: QueryEvent): Promise<void> | undefined {
    const { transaction } = this;
    const { header } = event;
    switch (event.sql) {
      case 'BEGIN':
        if (transaction.open) transaction.explicit = true;
        else this.#begin('', header, true);
        return undefined;
      case 'COMMIT':
        this.#commit(header);
        return undefined;
      case 'ROLLBACK':
        if (transaction.row > 0) {
          throw new DmError(
            CODES.syncTransactionUnsupported,
            `a transaction ends with ROLLBACK after changing rows (tables without transactions take part in it), ${formatLocation(this.location())}`,
          );
        }
        this.#commit(header);
        return undefined;
      default:
        if (!transaction.open) this.#begin('', header, false);
        return this.#statements.apply(event);
    }
  }

  async #xa(what: string, xid: string, event: QueryEvent): Promise<void> {
    const { name, pos } = this.transaction;
    const { xa } = this.#options;
    switch (what) {
      case 'START':
      case 'BEGIN':
        this.#beginXa();
        this.transaction.explicit = true;
        return;
      case 'END':
        return;
      case 'COMMIT':
        await xa.commit(xid.trim(), { name, pos, gtidSet: '' }, this.#applyHeld);
        break;
      default:
        xa.rollback(xid.trim());
    }
    this.#commit(event.header);
  }

  /** Rows of an XA transaction, in the transaction that commits them. */
  readonly #applyHeld: OnRows = async (rows, number) => {
    this.#rowsEvents++;
    this.transaction.returnTo(number);
    await this.#options.dispatcher.handle(rows, this.transaction);
  };

  async #xaPrepare(event: Extract<BinlogEvent, { type: 'xa-prepare' }>): Promise<void> {
    const { xa } = this.#options;
    if (event.onePhase) await xa.commitOpen(this.#applyHeld);
    else xa.prepare(xidText(event));
    this.#commit(event.header);
  }
}
