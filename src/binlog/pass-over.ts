/** Which events a stream that had to begin before its start passes over (see dumpCommand). */
import { EVENT } from './event-types.js';
import type { BinlogEvent } from './events.js';

export class PassOver {
  #upTo: number;

  /** Events of the first file that end at or before `upTo` are passed over; 0 = none. */
  constructor(upTo: number) {
    this.#upTo = upTo;
  }

  passes(event: BinlogEvent): boolean {
    if (this.#upTo === 0) return false;
    if (event.type === 'rotate' && !event.fake) this.#upTo = 0;
    const { header } = event;
    if (header.logPos > this.#upTo && header.typeCode !== EVENT.FORMAT_DESCRIPTION) this.#upTo = 0;
    return (
      this.#upTo !== 0 && event.type !== 'rotate' && event.type !== 'format' && event.type !== 'heartbeat'
    );
  }
}
