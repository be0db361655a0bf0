/** The real clock: the only place of the product (beside its tests) where timers and clocks are touched. */
import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from '../ports.js';

/** `setTimeout` fires at once for anything longer; longer waits are cut into pieces. */
const LONGEST_TIMER_MS = 2_147_483_647;

export class RealClock implements Clock {
  monotonic(): number {
    return performance.now();
  }

  wall(): number {
    return Date.now();
  }

  after(ms: number, fn: () => void): Timer {
    const due = performance.now() + ms;
    let handle: NodeJS.Timeout;
    const arm = (left: number): void => {
      handle = setTimeout(
        () => {
          const rest = due - performance.now();
          // A timer of Node may fire up to a millisecond early; nobody may act before its time.
          if (rest > 0) arm(rest);
          else fn();
        },
        Math.min(Math.ceil(Math.max(left, 0)), LONGEST_TIMER_MS),
      );
    };
    arm(ms);
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        timer.cancel();
        reject(signal!.reason);
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
