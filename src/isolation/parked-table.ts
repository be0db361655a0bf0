/** One table of the target that is set aside, as the process that owns it knows it. */
import type { BinlogLocation } from '../model/location.js';
import type { IsolatedTable, ProcessError } from '../model/status.js';
import { quoteTable, type TableName } from '../model/table-name.js';
import type { TableSchema } from '../schema/table.js';
import { LaneSkips, type GtidOrder } from '../sync/lanes/lane-skips.js';
import type { Transaction } from '../sync/transaction.js';
import type { EntryKind } from './entry.js';
import type { ParkedRow, ParkedState } from './store.js';

export interface ParkedTableOptions {
  readonly from: BinlogLocation;
  readonly gtidOrder: GtidOrder | null;
}

export class ParkedTable {
  readonly number: number;
  readonly target: TableName;
  readonly structure: TableSchema | null;
  readonly laneCount: number;
  readonly since: string;
  /** What lanes had applied to the table itself when it was parked. */
  readonly lanes: LaneSkips;
  /** What is kept already. */
  readonly #logged: LaneSkips;
  state: ParkedState;
  error: ProcessError;
  catchingUp = false;
  /** Asked to try again, or to drop what is kept, while a try was under way: that one may have met what is put right now. */
  askedAgain = false;
  appliedSeq: number;
  changes: number;
  bytes: number;
  first = '';
  last = '';
  /** The source's tables of which changes are kept, quoted. */
  readonly sources = new Set<string>();
  #seq: number;
  /** The last change kept by this process: what the stream reads again after it broke is not kept twice. */
  #at = { name: '', pos: 0, row: 0 };

  constructor(row: ParkedRow, options: ParkedTableOptions) {
    this.number = row.number;
    this.target = row.target;
    this.structure = row.structure;
    this.laneCount = row.lanes.length;
    this.since = row.since;
    this.state = row.state;
    this.error = row.error;
    this.appliedSeq = row.appliedSeq;
    this.changes = row.changes;
    this.bytes = row.bytes;
    this.#seq = row.lastSeq;
    this.lanes = new LaneSkips({ positions: row.lanes, ...options });
    this.#logged = new LaneSkips({ positions: [row.logged], ...options });
    if (row.logged.row > 0) this.last = `${row.logged.name}:${row.logged.pos}`;
  }

  beginTransaction(transaction: Transaction): void {
    this.lanes.beginTransaction(transaction);
    this.#logged.beginTransaction(transaction);
  }

  endTransaction(): void {
    this.lanes.endTransaction();
    this.#logged.endTransaction();
  }

  /** The stream has passed all that was applied or kept before this process read it. */
  get passed(): boolean {
    return !this.lanes.any && !this.#logged.any;
  }

  /** Whether the change is in the log already. */
  has(transaction: Transaction, row: number): boolean {
    const { name, pos } = transaction;
    const at = this.#at;
    if (at.row >= row && at.pos === pos && at.name === name) return true;
    return this.#logged.any && this.#logged.skipped(0, row);
  }

  nextSeq(): number {
    return ++this.#seq;
  }

  get lastSeq(): number {
    return this.#seq;
  }

  kept(kind: EntryKind, bytes: number, { name, pos }: Transaction, row: number): void {
    this.bytes += bytes;
    if (kind === 'table') return;
    this.changes++;
    this.#at = { name, pos, row };
    this.last = `${name}:${pos}`;
    if (this.first === '') this.first = this.last;
  }

  applied(seq: number, entries: number, bytes: number): void {
    this.appliedSeq = seq;
    this.changes -= entries;
    this.bytes -= bytes;
  }

  status(): IsolatedTable {
    return {
      table: [...this.sources].join(', '),
      target: quoteTable(this.target),
      since: this.since,
      state: this.catchingUp ? 'catching-up' : 'parked',
      error: this.error,
      changesKept: this.changes,
      bytes: this.bytes,
      from: this.changes === 0 ? '' : this.first,
      to: this.changes === 0 ? '' : this.last,
    };
  }
}
