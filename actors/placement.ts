/**
 * Who reads which source: one source a worker, as DM. Pure, linear in sources + workers, and level-triggered:
 * it looks at what is, never at what has just changed, so that a missed change costs a delay and no more.
 */
import type { PlacementDocument } from './documents.js';

export interface PlaceableWorker {
  readonly name: string;
  readonly session: string;
  /** False while it leaves: it gets nothing new, and gives its lease back once it holds nothing. */
  readonly accepting: boolean;
}

export interface PlacementInput {
  readonly sources: Iterable<string>;
  readonly placements: ReadonlyMap<string, PlacementDocument>;
  /** Those whose lease has not expired, by name. */
  readonly workers: ReadonlyMap<string, PlaceableWorker>;
  /** Highest placement epoch that anybody has seen in the target of this source; 0 = none seen. */
  readonly seenEpoch: (source: string) => number;
}

/** The placements to write. A source that keeps its placement is not among them. */
export function reconcilePlacements(input: PlacementInput): PlacementDocument[] {
  const { placements, workers } = input;
  const taken = new Set<string>();
  const homeless: PlacementDocument[] = [];
  const writes: PlacementDocument[] = [];
  for (const source of input.sources) {
    const placement = placements.get(source) ?? {
      type: 'placement',
      source,
      worker: '',
      session: '',
      epoch: 0,
      lastWorker: '',
    };
    const worker = placement.worker === '' ? undefined : workers.get(placement.worker);
    const seen = input.seenEpoch(source);
    if (worker && worker.session === placement.session && seen <= placement.epoch) {
      taken.add(worker.name);
      continue;
    }
    homeless.push({ ...placement, epoch: Math.max(placement.epoch, seen) });
  }
  const waiting: PlacementDocument[] = [];
  const place = (placement: PlacementDocument, worker: PlaceableWorker): void => {
    taken.add(worker.name);
    writes.push({
      ...placement,
      worker: worker.name,
      session: worker.session,
      epoch: placement.epoch + 1,
      lastWorker: worker.name,
    });
  };
  // First everybody who can stay where it was, then the rest to whoever is free.
  for (const placement of homeless) {
    const last = workers.get(placement.worker || placement.lastWorker);
    if (last?.accepting && !taken.has(last.name)) place(placement, last);
    else waiting.push(placement);
  }
  const free = [...workers.values()].filter((worker) => worker.accepting && !taken.has(worker.name));
  for (const placement of waiting) {
    const worker = free.shift();
    if (worker) place(placement, worker);
    else if (placement.worker !== '' || !placements.has(placement.source)) {
      writes.push({
        ...placement,
        worker: '',
        session: '',
        lastWorker: placement.worker || placement.lastWorker,
      });
    }
  }
  return writes;
}
