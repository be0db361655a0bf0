/** GTID sets of either flavour behind one door, and a tracker that costs little per transaction. */
import type { Flavor } from '../model/stage.js';
import { MariaDbGtidSet } from './gtid-mariadb.js';
import { MysqlGtidSet } from './gtid-mysql.js';

export { GtidSyntaxError } from './gtid-syntax.js';

export type GtidSet = MysqlGtidSet | MariaDbGtidSet;

/** Throws GtidSyntaxError with the place and what was expected. */
export function parseGtidSet(flavor: Flavor, text: string): GtidSet {
  return flavor === 'mysql' ? MysqlGtidSet.parse(text) : MariaDbGtidSet.parse(text);
}

/** The text in canonical form: sorted, merged, without blanks. */
export function normalizeGtidSet(flavor: Flavor, text: string): string {
  return parseGtidSet(flavor, text).toString();
}

/** Whether every transaction of `b` is in `a`. */
export function gtidSetContains(flavor: Flavor, a: string, b: string): boolean {
  return flavor === 'mysql'
    ? MysqlGtidSet.parse(a).contains(MysqlGtidSet.parse(b))
    : MariaDbGtidSet.parse(a).contains(MariaDbGtidSet.parse(b));
}

export function gtidSetEquals(flavor: Flavor, a: string, b: string): boolean {
  return normalizeGtidSet(flavor, a) === normalizeGtidSet(flavor, b);
}

/**
 * The executed set of a stream: `add()` per transaction, `toString()` when a checkpoint is written (the
 * text is made then, and kept until the next `add`).
 */
export class GtidTracker {
  readonly #set: GtidSet;
  #text: string | null = null;

  constructor(flavor: Flavor, executed: string) {
    this.#set = parseGtidSet(flavor, executed);
  }

  /** '' (an anonymous transaction) changes nothing. */
  add(gtid: string): void {
    if (gtid === '') return;
    this.#set.add(gtid);
    this.#text = null;
  }

  has(gtid: string): boolean {
    return gtid !== '' && this.#set.has(gtid);
  }

  toString(): string {
    return (this.#text ??= this.#set.toString());
  }
}
