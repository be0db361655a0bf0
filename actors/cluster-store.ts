/** The cluster's documents in memory, opened once a process and shared by everything in it. */
import { asDmUnavailable } from './unavailable.js';
import type { ActorDocument } from '../src/runtime/host/document.js';
import type { Clock, KvStore, Kv } from '../src/runtime/ports.js';
import { BUCKETS, type ExpectedDocument, type MemberDocument } from './documents.js';
import { KvView } from './kv-view.js';
import { ParsedConfigs } from './parsed-configs.js';

export interface ClusterStore {
  readonly expected: KvView<ExpectedDocument>;
  readonly members: KvView<MemberDocument>;
  /** Only masters keep what is observed in memory: null on a worker. */
  readonly observed: KvView<ActorDocument> | null;
  readonly actors: Kv;
  readonly leases: Kv;
  readonly configs: ParsedConfigs;
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
      configs: new ParsedConfigs(),
      close: async () => {
        await Promise.all(views.map((view) => view.close()));
      },
    };
  } catch (error) {
    throw asDmUnavailable(error);
  }
}

/** Something that tells of its changes; of those within a key or a folder, where one is named. */
export interface Changing {
  onChange(listener: () => void, within?: string): () => void;
}

/**
 * Resolves true once the condition holds; false when `timeoutMs` has passed. Checked on every change of what
 * is named: a view, or a view and the key or folder that the condition is about.
 */
export async function waitUntil(
  condition: () => boolean,
  views: readonly (Changing | readonly [Changing, string])[],
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
    const check = (): void => {
      if (condition()) finish(true);
    };
    for (const view of views) {
      stops.push('onChange' in view ? view.onChange(check) : view[0].onChange(check, view[1]));
    }
  });
}
