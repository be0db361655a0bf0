import type { Random } from '../ports.js';

export class RealRandom implements Random {
  next(): number {
    return Math.random();
  }
}
