import type { Ids, Random } from '../../src/runtime/ports.js';

/** Reproducible numbers (sfc32): the same seed, the same sequence, on every machine. */
export class SimRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.imul(seed, 0x9e3779b9) | 0;
    this.#c = 0x243f6a88;
    for (let i = 0; i < 15; i++) this.next();
  }

  next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    this.#c |= 0;
    return (t >>> 0) / 4294967296;
  }

  /** Uniform in [from, to). */
  between(from: number, to: number): number {
    return from + (to - from) * this.next();
  }

  /** True with the given probability. A probability of 0 uses no number up. */
  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** A generator of its own, so that one user's draws do not shift another's. */
  fork(): SimRandom {
    return new SimRandom(Math.floor(this.next() * 4294967296));
  }
}

export class SimIds implements Ids {
  readonly #prefix: string;
  #count = 0;

  constructor(prefix: string) {
    this.#prefix = prefix.replace(/[^A-Za-z0-9]/g, '');
  }

  next(): string {
    return `${this.#prefix}x${(++this.#count).toString().padStart(6, '0')}`;
  }
}
