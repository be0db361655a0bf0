import type { Clock } from './ports.js';

/** Waits for `work`, but no longer than `ms`; true when it was done by then. Rejects when it fails by then. */
export async function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const limit = new AbortController();
  const late = clock.sleep(ms, limit.signal).then(
    () => false,
    () => true,
  );
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    limit.abort(new Error('done'));
  }
}
