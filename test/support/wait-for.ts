/**
 * Waiting in tests is for a condition, with a deadline, never for a time. The deadline only ends a test that
 * hangs: it says nothing about speed, and a machine that is busy with other things must not reach it.
 */
const DEADLINE_MS = 90_000;

export interface WaitOptions {
  readonly timeoutMs?: number | undefined;
  /** What is waited for: part of the error at the deadline. */
  readonly what: string;
  readonly intervalMs?: number;
  /** Added to the error at the deadline, e.g. the last status or log lines. */
  readonly details?: () => string;
}

/**
 * Resolves with the first value of `condition` that is neither false nor null nor undefined. Errors of
 * the condition count as "not yet" and are told at the deadline.
 */
export async function waitFor<T>(
  condition: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  options: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + (options.timeoutMs ?? DEADLINE_MS);
  for (;;) {
    let failure: unknown;
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined) return value;
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= deadline) {
      const details = options.details ? `\n${options.details()}` : '';
      throw new Error(`waited ${options.timeoutMs ?? DEADLINE_MS} ms in vain for ${options.what}${details}`, {
        cause: failure,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, options.intervalMs ?? 50));
  }
}
