import { randomBytes } from 'node:crypto';
import type { Ids } from '../ports.js';

/** 128 random bits in base 36: unique without any coordination, letters and digits only. */
export class RealIds implements Ids {
  next(): string {
    return BigInt('0x' + randomBytes(16).toString('hex'))
      .toString(36)
      .padStart(25, '0');
  }
}
