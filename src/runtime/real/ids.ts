import { randomBytes } from 'node:crypto';
import type { Ids } from '../ports.js';

const ID_BYTES = 16;
const POOL_BYTES = ID_BYTES * 128;

/** 128 random bits in base 36: unique without any coordination, letters and digits only. */
export class RealIds implements Ids {
  /** Drawn ahead: a call of the system for each id would be a tenth of a busy control plane. */
  #pool = Buffer.alloc(0);
  #used = 0;

  next(): string {
    if (this.#used === this.#pool.length) {
      this.#pool = randomBytes(POOL_BYTES);
      this.#used = 0;
    }
    this.#used += ID_BYTES;
    return BigInt('0x' + this.#pool.toString('hex', this.#used - ID_BYTES, this.#used))
      .toString(36)
      .padStart(25, '0');
  }
}
