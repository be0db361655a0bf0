/**
 * Reads the source's binlog to find a place in it: the first transaction at or after a time, or the GTID
 * set that belongs to a position. Files are read from their beginning, where the set of all that came
 * before stands, so a set is exact without asking what the server has executed by now.
 */
import type { BinlogEvent, EventHeader } from '../../binlog/events.js';
import { GtidTracker } from '../../binlog/gtid.js';
import type { BinlogReader } from '../../binlog/reader.js';
import { comparePositions, type BinlogLocation } from '../../model/location.js';
import type { Flavor } from '../../model/stage.js';

const ARTIFICIAL = 0x20;
/** Where the events of every binlog file begin. */
export const FILE_START = 4;

export interface ScanOptions {
  readonly flavor: Flavor;
  /** Opens the binlog by position. */
  readonly open: (from: BinlogLocation) => Promise<BinlogReader>;
  readonly signal: AbortSignal;
}

/** A place between two transactions, or within one. */
export interface ScanPlace {
  readonly event: BinlogEvent;
  /** Where the event begins; of an event within a compressed transaction, where the transaction does. */
  readonly start: number;
  /** Before the transaction that the event belongs to; before the event itself where it is in none. */
  readonly before: BinlogLocation;
  /** The event belongs to a transaction that began with an earlier one. */
  readonly within: boolean;
}

export interface ScanResult<T> {
  readonly found: T | null;
  /** After the last transaction that was read whole. */
  readonly last: BinlogLocation;
  /** Transactions that were read whole. */
  readonly transactions: number;
}

/**
 * Reads from the beginning of the file on, also beyond its end, until `visit` gives something or `end` is
 * reached; then null. `visit` is called before the event counts.
 */
export async function scanBinlog<T>(
  options: ScanOptions,
  file: string,
  end: Pick<BinlogLocation, 'name' | 'pos'>,
  visit: (place: ScanPlace) => T | null,
): Promise<ScanResult<T>> {
  const walk = new Walk(options.flavor, file);
  const reader = await options.open({ name: file, pos: FILE_START, gtidSet: '' });
  try {
    for (;;) {
      const event = reader.poll();
      if (event === null) {
        await reader.ready(options.signal);
        continue;
      }
      const place = walk.place(event);
      if (place !== null) {
        const found = visit(place);
        if (found !== null) return walk.result(found);
      }
      walk.take(event);
      if (walk.reached(event, end)) return walk.result<T>(null);
    }
  } finally {
    await reader.close();
  }
}

/** Follows the transactions of the stream. */
class Walk {
  readonly #flavor: Flavor;
  #name: string;
  #pos = FILE_START;
  #gtids: GtidTracker | null = null;
  #gtid = '';
  #open = false;
  /** The transaction has an end of its own: a COMMIT or an XID. */
  #explicit = false;
  #transactions = 0;

  constructor(flavor: Flavor, name: string) {
    this.#flavor = flavor;
    this.#name = name;
  }

  /** After the last transaction, or what stands between two. */
  location(): BinlogLocation {
    return { name: this.#name, pos: this.#pos, gtidSet: this.#gtids?.toString() ?? '' };
  }

  result<T>(found: T | null): ScanResult<T> {
    return { found, last: this.location(), transactions: this.#transactions };
  }

  /** Null for what does not stand in the file. */
  place(event: BinlogEvent): ScanPlace | null {
    const { header } = event;
    if (isMadeUp(event)) return null;
    const within = this.#open && event.type !== 'gtid';
    return { event, start: header.logPos - header.eventSize, before: this.location(), within };
  }

  take(event: BinlogEvent): void {
    const { header } = event;
    switch (event.type) {
      case 'rotate':
        if (!this.#open) {
          if (event.name === this.#name && event.fake) return;
          this.#name = event.name;
          this.#pos = event.pos;
        }
        return;
      case 'gtid':
        this.#open = true;
        this.#gtid = event.gtid;
        this.#explicit = (event.flavor === 'mariadb' && !event.standalone) || event.preparesXa === true;
        return;
      case 'rows':
        this.#open = true;
        this.#explicit = true;
        return;
      case 'xid':
      case 'xa-prepare':
        this.#end(header);
        return;
      case 'query':
        this.#query(event.sql, header);
        return;
      case 'gtid-set':
        if ((header.flags & ARTIFICIAL) === 0) this.#gtids ??= new GtidTracker(this.#flavor, event.gtidSet);
        this.#pass(event);
        return;
      default:
        this.#pass(event);
    }
  }

  reached(event: BinlogEvent, end: Pick<BinlogLocation, 'name' | 'pos'>): boolean {
    if (event.type === 'heartbeat') return !this.#open && comparePositions(event, end) >= 0;
    return !this.#open && comparePositions({ name: this.#name, pos: this.#pos }, end) >= 0;
  }

  #query(sql: string, header: EventHeader): void {
    if (sql === 'COMMIT' || sql === 'ROLLBACK') {
      this.#end(header);
      return;
    }
    this.#open = true;
    if (sql === 'BEGIN' || /^XA\s+(START|BEGIN)\b/i.test(sql)) this.#explicit = true;
    if (!this.#explicit) this.#end(header);
  }

  #end(header: EventHeader): void {
    this.#transactions++;
    this.#gtids?.add(this.#gtid);
    this.#gtid = '';
    this.#open = false;
    this.#explicit = false;
    this.#name = header.file;
    this.#pos = header.logPos;
  }

  #pass(event: BinlogEvent): void {
    if (this.#open || isMadeUp(event)) return;
    this.#name = event.header.file;
    this.#pos = event.header.logPos;
  }
}

/** The server has made it for the stream: it stands in no file. */
function isMadeUp({ type, header }: BinlogEvent): boolean {
  return type === 'heartbeat' || header.logPos === 0 || (header.flags & ARTIFICIAL) !== 0;
}
