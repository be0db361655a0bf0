/**
 * How many lanes may have a transaction under way at the same time.
 *
 * A server with few cores does less the more of them write at once (16 connections cost a server of two
 * cores four times the CPU a row that 4 do), a distant one or a cluster does more. Which it is shows in the
 * rate: while lanes wait for their turn, more slots are tried, and kept where the rate grows with them;
 * now and then fewer are, and kept where it does not fall. Trials that change nothing grow rarer.
 */

const FIRST = 2;
const WINDOW_MS = 200;
const WINDOW_COMMITS = 16;
/** Half as many slots more have to give a tenth more, a third less may cost a twentieth. */
const GAIN = 1.1;
const LOSS = 0.95;
/** Windows between two trials. */
const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 64;

export class SlotLimit {
  /** Slots that may be taken. */
  value: number;
  readonly #most: number;
  /** Before the trial under way; null while there is none. */
  #before: { readonly value: number; readonly rate: number } | null = null;
  #pause = FIRST_PAUSE;
  #rest = FIRST_PAUSE;
  #upwards = true;
  #rate = 0;
  #began = -1;
  #bytes = 0;
  #commits = 0;

  constructor(most: number) {
    this.#most = most;
    this.value = Math.min(FIRST, most);
  }

  /** A transaction of so many bytes is committed; `saturated`: lanes wait for their turn. */
  note(bytes: number, saturated: boolean, now: number): void {
    if (!saturated) {
      // What the target could do does not show.
      this.#began = -1;
      return;
    }
    if (this.#began < 0) {
      this.#begin(now);
      return;
    }
    this.#bytes += bytes;
    this.#commits++;
    const elapsed = now - this.#began;
    if (elapsed < WINDOW_MS || this.#commits < WINDOW_COMMITS) return;
    this.#judge(this.#bytes / elapsed);
    this.#begin(now);
  }

  #begin(now: number): void {
    this.#began = now;
    this.#bytes = 0;
    this.#commits = 0;
  }

  #judge(rate: number): void {
    const before = this.#before;
    if (before === null) {
      this.#rate = this.#rate === 0 ? rate : (this.#rate + rate) / 2;
      if (--this.#rest <= 0) this.#try();
      return;
    }
    this.#before = null;
    const kept = this.value > before.value ? rate >= before.rate * GAIN : rate >= before.rate * LOSS;
    if (kept) {
      this.#rate = rate;
      this.#pause = FIRST_PAUSE;
      // What has helped may help once more.
      this.#try();
      return;
    }
    this.value = before.value;
    this.#upwards = !this.#upwards;
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    this.#rest = this.#pause;
  }

  #try(): void {
    const more = Math.min(this.#most, this.value + Math.max(1, this.value >> 1));
    const fewer = Math.max(1, this.value - Math.max(1, Math.floor(this.value / 3)));
    const next = this.#upwards ? more : fewer;
    this.#rest = this.#pause;
    if (next === this.value) {
      this.#upwards = !this.#upwards;
      return;
    }
    this.#before = { value: this.value, rate: this.#rate };
    this.value = next;
  }
}
