/**
 * The low-water mark: up to which place of the binlog everything is committed in the target. Lanes commit
 * apart, so transaction ends queue up here until no lane holds an earlier change any more.
 */
import { comparePositions, type BinlogLocation } from '../model/location.js';

/** The executed GTID set, grown transaction by transaction. */
export interface GtidSetTracker {
  add(gtid: string): void;
  toString(): string;
}

interface Mark {
  seq: number;
  name: string;
  pos: number;
  gtid: string;
  timestamp: number;
}

export class Progress {
  #marks: Mark[] = [];
  #head = 0;
  #name: string;
  #pos: number;
  #timestamp = 0;
  #gtids: GtidSetTracker | null;

  constructor(start: BinlogLocation, gtids: GtidSetTracker | null) {
    this.#name = start.name;
    this.#pos = start.pos;
    this.#gtids = gtids;
  }

  get name(): string {
    return this.#name;
  }

  get pos(): number {
    return this.#pos;
  }

  /** Source time of the last transaction that is wholly committed, seconds; 0 before the first. */
  get timestamp(): number {
    return this.#timestamp;
  }

  get tracksGtids(): boolean {
    return this.#gtids !== null;
  }

  /** From a binlog file's own list: only while nothing is known yet. */
  adoptGtids(gtids: GtidSetTracker): void {
    this.#gtids ??= gtids;
  }

  location(): BinlogLocation {
    return { name: this.#name, pos: this.#pos, gtidSet: this.#gtids?.toString() ?? '' };
  }

  /**
   * What had been executed when the stream stood at `place`: at or behind the low-water mark; null before it, and
   * where GTIDs are not known. `copyOf` makes a tracker of a set's text.
   */
  gtidSetAt(
    place: Pick<BinlogLocation, 'name' | 'pos'>,
    copyOf: (set: string) => GtidSetTracker,
  ): string | null {
    if (this.#gtids === null || comparePositions(place, this) < 0) return null;
    const set = copyOf(this.#gtids.toString());
    for (const mark of this.#marks.slice(this.#head)) {
      if (comparePositions(mark, place) <= 0 && mark.gtid !== '') set.add(mark.gtid);
    }
    return set.toString();
  }

  /**
   * The stream stands between transactions here; changes up to `seq` belong before it. `firstUncommitted`
   * is the lowest sequence number that is not committed.
   */
  mark(
    seq: number,
    name: string,
    pos: number,
    gtid: string,
    timestamp: number,
    firstUncommitted: () => number,
  ): void {
    if (this.#head === this.#marks.length && firstUncommitted() > seq) {
      this.#reach(name, pos, gtid, timestamp);
      return;
    }
    this.#marks.push({ seq, name, pos, gtid, timestamp });
    // Amortised: looking costs one pass over the lanes.
    if ((this.#marks.length & 255) === 0) this.advance(firstUncommitted());
  }

  advance(firstUncommitted: number): void {
    const marks = this.#marks;
    while (this.#head < marks.length && marks[this.#head].seq < firstUncommitted) {
      const mark = marks[this.#head++];
      this.#reach(mark.name, mark.pos, mark.gtid, mark.timestamp);
    }
    if (this.#head > 1024 && this.#head * 2 > marks.length) {
      this.#marks = marks.slice(this.#head);
      this.#head = 0;
    }
  }

  #reach(name: string, pos: number, gtid: string, timestamp: number): void {
    this.#name = name;
    this.#pos = pos;
    if (timestamp > 0) this.#timestamp = timestamp;
    if (gtid !== '') this.#gtids?.add(gtid);
  }
}
