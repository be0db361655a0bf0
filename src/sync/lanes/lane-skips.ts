/**
 * Which changes of the stream were applied before a restart: for each of several positions (a lane's, a
 * parked table's) whether the transaction that is being read lies before it, is the one it stands in, or
 * lies behind it. Changes up to the position are skipped.
 */
import type { LanePosition } from '../../checkpoint/ownership.js';
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import { comparePositions, formatPosition, type BinlogLocation } from '../../model/location.js';
import type { Transaction } from '../transaction.js';

/** Positions are compared by GTID; `contains` tells whether the set where reading starts holds one. */
export interface GtidOrder {
  readonly contains: (gtid: string) => boolean;
}

export interface LaneSkipsOptions {
  /** `row` 0: nothing is skipped. */
  readonly positions: readonly LanePosition[];
  readonly gtidOrder: GtidOrder | null;
  /** Where reading starts. */
  readonly from: BinlogLocation;
}

const PAST = 0;
const WITHIN = 1;
const BEFORE = 2;

export class LaneSkips {
  readonly #options: LaneSkipsOptions;
  readonly #skips: Uint8Array;
  #behind: number;

  constructor(options: LaneSkipsOptions) {
    this.#options = options;
    this.#skips = Uint8Array.from(options.positions, (position) => this.#initial(position));
    this.#behind = this.#skips.filter((skip) => skip !== PAST).length;
  }

  /** True while the stream has positions to pass. */
  get any(): boolean {
    return this.#behind > 0;
  }

  /** The positions that the stream has yet to reach or pass. */
  unpassed(): LanePosition[] {
    return this.#options.positions.filter((_, i) => this.#skips[i] !== PAST);
  }

  /** To be called at the start of each transaction of the stream, in order. */
  beginTransaction(transaction: Pick<Transaction, 'name' | 'pos' | 'gtid'>): void {
    if (this.#behind === 0) return;
    const { gtidOrder, positions } = this.#options;
    for (let i = 0; i < positions.length; i++) {
      const skip = this.#skips[i];
      if (skip === PAST) continue;
      const position = positions[i];
      let now: number;
      if (gtidOrder !== null && position.gtid !== '') {
        now = transaction.gtid === position.gtid ? WITHIN : skip === WITHIN ? PAST : BEFORE;
      } else {
        const order = comparePositions(transaction, position);
        now = order < 0 ? BEFORE : order === 0 ? WITHIN : PAST;
        if (gtidOrder === null && now === PAST && skip === BEFORE) throw lostTransaction(position);
      }
      this.#skips[i] = now;
      if (now === PAST) this.#behind--;
    }
  }

  /** The transaction has been read to its end: what stands in it lies behind. */
  endTransaction(): void {
    if (this.#behind === 0) return;
    for (let i = 0; i < this.#skips.length; i++) {
      if (this.#skips[i] !== WITHIN) continue;
      this.#skips[i] = PAST;
      this.#behind--;
    }
  }

  /** Whether row `row` of the transaction was applied before, by the lane of this index. */
  skipped(index: number, row: number): boolean {
    const skip = this.#skips[index];
    if (skip === PAST) return false;
    return skip === BEFORE || row <= this.#options.positions[index].row;
  }

  #initial(position: LanePosition): number {
    const { gtidOrder, from } = this.#options;
    if (position.row === 0) return PAST;
    if (gtidOrder === null) return comparePositions(position, from) < 0 ? PAST : BEFORE;
    if (position.gtid === '') return BEFORE;
    return gtidOrder.contains(position.gtid) ? PAST : BEFORE;
  }
}

/** Reading began before this place, so its transaction had to come by. */
function lostTransaction(position: LanePosition): DmError {
  return new DmError(
    CODES.syncSourceLost,
    `no transaction begins at ${formatPosition(position)} of the source's binlog, where the target has applied one: the source was reset or restored, or it is another server`,
  );
}
