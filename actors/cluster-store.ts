/** The cluster's documents in memory, opened once a process and shared by everything in it. */
import { asDmUnavailable } from './unavailable.js';
import type { ActorDocument } from '../src/runtime/host/document.js';
import type { Clock, KvStore, Kv } from '../src/runtime/ports.js';
import { BUCKETS, type ExpectedDocument, type MemberDocument } from './documents.js';
import { KvView } from './kv-view.js';

export interface ClusterStore {
  readonly expected: KvView<ExpectedDocument>;
  readonly members: KvView<MemberDocument>;
  /** Only masters keep what is observed in memory: null on a worker. */
  readonly observed: KvView<ActorDocument> | null;
  readonly actors: Kv;
  readonly leases: Kv;
  close(): Promise<void>;
}

export async function openClusterStore(
  store: KvStore,
  options: { readonly observe: boolean },
): Promise<ClusterStore> {
  try {
    const expected = new KvView<ExpectedDocument>(await store.bucket(BUCKETS.expected));
    const members = new KvView<MemberDocument>(await store.bucket(BUCKETS.members));
    const actors = await store.bucket(BUCKETS.actors);
    const leases = await store.bucket(BUCKETS.leases);
    const observed = options.observe ? new KvView<ActorDocument>(actors) : null;
    const views = [expected, members, ...(observed ? [observed] : [])];
    await Promise.all(views.map((view) => view.open()));
    return {
      expected,
      members,
      observed,
      actors,
      leases,
      close: async () => {
        await Promise.all(views.map((view) => view.close()));
      },
    };
  } catch (error) {
    throw asDmUnavailable(error);
  }
}

/** Resolves true once the condition holds; false when `timeoutMs` has passed. Checked on every change. */
export async function waitUntil(
  condition: () => boolean,
  views: readonly { onChange(listener: () => void): () => void }[],
  clock: Clock,
  timeoutMs: number,
): Promise<boolean> {
  if (condition()) return true;
  return new Promise<boolean>((resolve) => {
    const stops: (() => void)[] = [];
    const finish = (held: boolean): void => {
      timer.cancel();
      for (const stop of stops) stop();
      resolve(held);
    };
    const timer = clock.after(timeoutMs, () => finish(condition()));
    for (const view of views) {
      stops.push(
        view.onChange(() => {
          if (condition()) finish(true);
        }),
      );
    }
  });
}
