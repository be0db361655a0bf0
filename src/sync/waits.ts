/** Waits of the sync unit that end early: with the unit, or because something else needs looking at. */
import type { EventStream } from './event-stream.js';

/** A wait that ends at once when the unit ends or fails. */
export async function unlessAborted(waiting: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([waiting, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
  }
}

/** Waiting for the source's next event, which `wake` ends. */
export class IdleWait {
  #sleep: AbortController | null = null;
  #woken = false;

  wake(): void {
    this.#woken = true;
    this.#sleep?.abort(WOKEN);
  }

  /** Resolves when the stream may have something, or when woken since the last call. */
  async ready(stream: EventStream, signal: AbortSignal): Promise<void> {
    const sleep = new AbortController();
    const stop = () => sleep.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    this.#sleep = sleep;
    try {
      if (!this.#woken) await stream.ready(sleep.signal);
    } catch (error) {
      if (error !== WOKEN) throw error;
    } finally {
      this.#woken = false;
      this.#sleep = null;
      signal.removeEventListener('abort', stop);
    }
  }
}

const WOKEN = new Error('woken');
