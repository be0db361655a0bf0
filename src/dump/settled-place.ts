/**
 * How far a MySQL source's binlog holds only what everybody can see.
 *
 * A transaction is written to the binlog first, then committed, and only then counts as executed. The end of
 * the binlog may thus be ahead of what a snapshot shows. The binlog is in the order of commits: what stands
 * before the first transaction that is not among the executed ones is committed.
 */
import { GtidTracker } from '../binlog/gtid.js';
import { openBinlogStream } from '../binlog/stream.js';
import { comparePositions, type BinlogLocation } from '../model/location.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import type { Clock } from '../runtime/ports.js';

type Place = Pick<BinlogLocation, 'name' | 'pos'>;

export interface SettledPlaceOptions {
  readonly config: SubtaskConfig;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Where the first event of a binlog file stands. */
const FILE_START = 4;

export class SettledPlace {
  readonly #options: SettledPlaceOptions;
  #read: Place = { name: '', pos: FILE_START };
  /** Transactions that were not executed when last looked at, in their order. */
  #open: { readonly gtid: string; readonly pos: number }[] = [];

  constructor(options: SettledPlaceOptions) {
    this.#options = options;
  }

  /**
   * The settled place up to `end`, which is the end of the binlog as it was no later than `end.gtidSet`, the
   * executed set. The server waits for all commits before it begins a new file, so only the last file counts.
   */
  async find(end: BinlogLocation): Promise<Place> {
    const executed = new GtidTracker(this.#options.config.flavor, end.gtidSet);
    if (this.#read.name !== end.name) {
      this.#read = { name: end.name, pos: FILE_START };
      this.#open = [];
    }
    if (this.#read.pos < end.pos) await this.#readUpTo(end, executed);
    this.#open = this.#open.filter(({ gtid }) => !executed.has(gtid));
    const first = this.#open.find(({ pos }) => pos < end.pos);
    return { name: end.name, pos: first?.pos ?? end.pos };
  }

  async #readUpTo(end: Place, executed: GtidTracker): Promise<void> {
    const { config, clock, signal } = this.#options;
    const reader = await openBinlogStream({
      db: config.from,
      flavor: config.flavor,
      serverId: config.serverId,
      useGtid: false,
      from: { ...this.#read, gtidSet: '' },
      ports: { clock },
      signal,
    });
    try {
      for (;;) {
        const event = reader.poll();
        if (event === null) {
          await reader.ready(signal);
          continue;
        }
        const { header } = event;
        if (event.type === 'rotate' && !event.fake) break;
        if (header.file !== end.name || header.logPos === 0) continue;
        const start = header.logPos - header.eventSize;
        if (event.type === 'gtid' && start >= this.#read.pos && !executed.has(event.gtid)) {
          this.#open.push({ gtid: event.gtid, pos: start });
        }
        if (comparePositions({ name: header.file, pos: header.logPos }, end) >= 0) break;
      }
      this.#read = { name: end.name, pos: end.pos };
    } finally {
      await reader.close();
    }
  }
}
