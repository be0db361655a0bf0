/**
 * Runs one piece of work again and again, but never twice at a time, whenever something has changed and in
 * any case periodically. Changes that come while it runs make one more run, not many.
 */
import type { Clock, Log, Timer } from '../src/runtime/ports.js';

export interface DirtyLoopOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly name: string;
  readonly work: () => Promise<void>;
  /** Also runs this often without any change. */
  readonly everyMs: number;
  /** Rests so long between two runs, changes or not; default 0. */
  readonly restMs?: number;
}

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 5_000;

export class DirtyLoop {
  readonly #options: DirtyLoopOptions;
  #dirty = false;
  #running: Promise<void> | null = null;
  #timer: Timer | null = null;
  #retryMs = FIRST_RETRY_MS;
  #resting = false;
  #stopped = false;

  constructor(options: DirtyLoopOptions) {
    this.#options = options;
  }

  kick(): void {
    this.#dirty = true;
    if (this.#stopped || this.#running || this.#resting) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      if (this.#dirty && !this.#stopped && !this.#timer) this.kick();
    });
  }

  /** Resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log, name, work, everyMs, restMs = 0 } = this.#options;
    this.#timer?.cancel();
    this.#timer = null;
    let next = everyMs;
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false;
      try {
        await work();
        this.#retryMs = FIRST_RETRY_MS;
        if (restMs > 0) break;
      } catch (error) {
        if (this.#stopped) return;
        log.warn(`${name} failed, will be tried again`, { error: String(error), retryMs: this.#retryMs });
        next = this.#retryMs;
        this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
        break;
      }
    }
    if (this.#stopped) return;
    if (restMs > 0) this.#rest(restMs, next);
    else this.#kickAfter(next);
  }

  #rest(restMs: number, next: number): void {
    this.#resting = true;
    this.#timer = this.#options.clock.after(restMs, () => {
      this.#timer = null;
      this.#resting = false;
      if (this.#dirty) this.kick();
      else this.#kickAfter(Math.max(next - restMs, 0));
    });
  }

  #kickAfter(ms: number): void {
    this.#timer = this.#options.clock.after(ms, () => {
      this.#timer = null;
      this.kick();
    });
  }
}
