/**
 * Who last changed a unique key that may still be in flight.
 *
 * A fixed table of slots indexed by the key's hash; each slot remembers the lane and the sequence number
 * of the last change that touched it. A change that finds another lane in its slot waits for that
 * change, then owns the slot: so later ones wait for it and, through it, for all before. Two keys in one
 * slot only make for a needless wait. Memory is constant and nothing has to be cleaned up: an entry is
 * void once its lane has committed its sequence number.
 */
export class ConflictTable {
  readonly #lanes: Int16Array;
  readonly #seqs: Float64Array;
  readonly #mask: number;

  /** @param bits log2 of the number of slots; 10 bytes each. */
  constructor(bits = 19) {
    this.#lanes = new Int16Array(1 << bits);
    this.#seqs = new Float64Array(1 << bits);
    this.#mask = (1 << bits) - 1;
  }

  /** Sequence number of the slot's last change when it was made by another lane, else 0. */
  otherSeq(hash: number, lane: number): number {
    const slot = hash & this.#mask;
    return this.#lanes[slot] === lane ? 0 : this.#seqs[slot];
  }

  laneOf(hash: number): number {
    return this.#lanes[hash & this.#mask];
  }

  /** `seq` counts from 1. */
  claim(hash: number, lane: number, seq: number): void {
    const slot = hash & this.#mask;
    this.#lanes[slot] = lane;
    this.#seqs[slot] = seq;
  }
}
