/** A session for the control path that is made anew when it is gone. */
import { isTransient, toDmError } from '../mysql/db-error.js';
import type { Session } from '../mysql/session.js';
import type { Clock } from '../runtime/ports.js';
import type { ErrorScope } from '../errors/dm-error.js';

export interface ControlSessionOptions {
  readonly connect: () => Promise<Session>;
  readonly clock: Clock;
  readonly scope: ErrorScope;
  readonly retryMs: number;
  readonly signal: AbortSignal;
}

const CLOSE_WAIT_MS = 500;

export class ControlSession {
  readonly #options: ControlSessionOptions;
  #session: Session | null = null;
  #connecting: Promise<Session> | null = null;

  constructor(options: ControlSessionOptions) {
    this.#options = options;
  }

  /** The session; rejects with DmError 10001 when none can be had within `retryMs`. */
  get(): Promise<Session> {
    if (this.#session !== null && !this.#session.closed) return Promise.resolve(this.#session);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  /** The session where there is one now; starts making one where there is none. */
  get current(): Session | null {
    if (this.#session !== null && !this.#session.closed) return this.#session;
    if (!this.#options.signal.aborted) this.get().catch(() => undefined);
    return null;
  }

  /** Runs something that may be run again, until it works or the trouble does not pass. */
  async retry<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const { clock, signal, retryMs, scope } = this.#options;
    const started = clock.monotonic();
    for (let backoff = 50; ; backoff = Math.min(backoff * 2, 2000)) {
      const session = await this.get();
      try {
        return await work(session);
      } catch (error) {
        if (!isTransient(error)) throw error;
        if (clock.monotonic() - started > retryMs) throw toDmError(error, scope);
        if (!session.closed) session.destroy();
        await clock.sleep(backoff, signal);
      }
    }
  }

  /** Orderly, but a statement that runs on (a DDL can take hours) is left to the server. */
  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    if (session === null) return;
    const giveUp = this.#options.clock.after(CLOSE_WAIT_MS, () => session.destroy());
    await session.close();
    giveUp.cancel();
  }

  destroy(): void {
    this.#session?.destroy();
    this.#session = null;
  }

  async #connect(): Promise<Session> {
    const { connect, clock, signal, retryMs, scope } = this.#options;
    const started = clock.monotonic();
    for (let backoff = 50; ; backoff = Math.min(backoff * 2, 2000)) {
      try {
        this.#session = await connect();
        return this.#session;
      } catch (error) {
        signal.throwIfAborted();
        if (!isTransient(error) || clock.monotonic() - started > retryMs) throw toDmError(error, scope);
        await clock.sleep(backoff, signal);
      }
    }
  }
}
