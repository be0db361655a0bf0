/**
 * Rows of XA transactions, which count at XA COMMIT and not where they stand in the binlog.
 *
 * While a transaction is prepared its rows wait in memory, as far as the bound allows. What is not there
 * (too much of it, or a restart between XA PREPARE and XA COMMIT) is read from the source's binlog again
 * (xa-search.ts): so nothing has to be saved, and no checkpoint has to stay behind. The source holds the
 * tables' metadata locks all the while, so that the structures at XA COMMIT are those of the rows.
 */
import type { BinlogEvent, RowsEvent } from '../binlog/events.js';
import type { BinlogLocation } from '../model/location.js';
import { Transaction } from './transaction.js';

/** All transactions together, bytes. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

export type OnRows = (event: RowsEvent, number: number) => Promise<void>;

export interface XaRowsOptions {
  readonly allows: (event: RowsEvent) => boolean;
  /** Reads the transaction that begins at the place up to its XA PREPARE. */
  readonly readAgain: (from: BinlogLocation, onRows: OnRows) => Promise<void>;
  /** Where the last such transaction before the place begins. Rejects with DmError 60401 when nowhere. */
  readonly find: (xid: string, before: BinlogLocation) => Promise<BinlogLocation>;
  readonly maxHeldBytes?: number;
}

interface Held {
  readonly from: BinlogLocation;
  rows: { readonly event: RowsEvent; readonly number: number }[];
  bytes: number;
  /** Its rows were too many to be kept. */
  dropped: boolean;
}

/** As query events write it; two spellings of one id do not occur within one source. */
export function xidText(event: Extract<BinlogEvent, { type: 'xa-prepare' }>): string {
  const hex = (bytes: Buffer) => `X'${bytes.toString('hex')}'`;
  return `${hex(event.gtrid)},${hex(event.bqual)},${event.formatId}`;
}

/** An event is a view of memory that holds many. */
function copyOf(event: RowsEvent): RowsEvent {
  const { buf, start, end, columnsBefore, columnsAfter } = event;
  return {
    ...event,
    buf: Buffer.from(buf.subarray(start, end)),
    start: 0,
    end: end - start,
    columnsBefore: columnsBefore && Buffer.from(columnsBefore),
    columnsAfter: columnsAfter && Buffer.from(columnsAfter),
  };
}

export class XaRows {
  readonly #options: XaRowsOptions;
  readonly #prepared = new Map<string, Held>();
  /** The transaction that is being read. */
  #open: Held | null = null;
  #bytes = 0;

  constructor(options: XaRowsOptions) {
    this.#options = options;
  }

  get holding(): boolean {
    return this.#open !== null;
  }

  /** The rows to come belong to an XA transaction that begins at the place. */
  begin(from: BinlogLocation): void {
    this.interrupt();
    this.#open = { from, rows: [], bytes: 0, dropped: false };
  }

  /** `number`: of the event among those of its transaction (Transaction.beginRows). */
  hold(event: RowsEvent, number: number): void {
    const held = this.#open;
    if (held === null || held.dropped || !this.#options.allows(event)) return;
    const bytes = event.end - event.start;
    if (this.#bytes + bytes > (this.#options.maxHeldBytes ?? MAX_HELD_BYTES)) {
      this.#forget(held);
      held.dropped = true;
      return;
    }
    held.rows.push({ event: copyOf(event), number });
    held.bytes += bytes;
    this.#bytes += bytes;
  }

  /** The stream has broken: the transaction comes again from its begin. */
  interrupt(): void {
    if (this.#open !== null) this.#forget(this.#open);
    this.#open = null;
  }

  prepare(xid: string): void {
    const held = this.#open;
    if (held === null) return;
    this.#open = null;
    const before = this.#prepared.get(xid);
    if (before !== undefined) this.#forget(before);
    this.#prepared.set(xid, held);
  }

  /** XA COMMIT ... ONE PHASE: what has just been read counts here. */
  async commitOpen(onRows: OnRows): Promise<void> {
    const held = this.#open;
    this.#open = null;
    if (held !== null) await this.#play(held, onRows);
  }

  async commit(xid: string, before: BinlogLocation, onRows: OnRows): Promise<void> {
    const held = this.#prepared.get(xid);
    if (held === undefined) {
      await this.#options.readAgain(await this.#options.find(xid, before), onRows);
      return;
    }
    this.#prepared.delete(xid);
    await this.#play(held, onRows);
  }

  rollback(xid: string): void {
    const held = this.#prepared.get(xid);
    if (held !== undefined) this.#forget(held);
    this.#prepared.delete(xid);
  }

  async #play(held: Held, onRows: OnRows): Promise<void> {
    if (held.dropped) {
      await this.#options.readAgain(held.from, onRows);
      return;
    }
    for (const { event, number } of held.rows) await onRows(event, number);
    this.#forget(held);
  }

  #forget(held: Held): void {
    this.#bytes -= held.bytes;
    held.bytes = 0;
    held.rows = [];
  }
}

/** Numbers the rows events of one transaction as the stream's own pass does. */
export function rowsNumbers(): () => number {
  const transaction = new Transaction();
  transaction.begin('', '', 0, 0, true);
  return () => transaction.beginRows();
}
