/** What the contract suites need of a back end: real servers, or the simulated twins. */
import type { Bus, Clock, Ids, KvStore } from '../../src/runtime/ports.js';

export interface Peer {
  readonly bus: Bus;
  readonly store: KvStore;
}

export interface Harness {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Another process of the cluster. */
  connect(name: string): Promise<Peer>;
  /** Runs a test body; the simulation drives its virtual time meanwhile. */
  run(body: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export type HarnessFactory = () => Promise<Harness>;

/** Waits for a condition with a deadline; says what it waited for. */
export async function until(
  clock: Clock,
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 60_000,
): Promise<void> {
  const end = clock.monotonic() + deadlineMs;
  while (!(await condition())) {
    if (clock.monotonic() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await clock.sleep(5);
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);
