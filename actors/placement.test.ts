import { describe, expect, it } from 'vitest';
import type { PlacementDocument } from './documents.js';
import { reconcilePlacements, type PlaceableWorker } from './placement.js';

function placed(source: string, worker: string, epoch: number, session = `${worker}-1`): PlacementDocument {
  return {
    type: 'placement',
    source,
    worker,
    session: worker === '' ? '' : session,
    epoch,
    lastWorker: worker,
  };
}

function reconcile(options: {
  sources: string[];
  placements?: PlacementDocument[];
  workers: (string | PlaceableWorker)[];
  seen?: Record<string, number>;
}) {
  const workers = options.workers.map((one) =>
    typeof one === 'string' ? { name: one, session: `${one}-1`, accepting: true } : one,
  );
  const writes = reconcilePlacements({
    sources: options.sources,
    placements: new Map((options.placements ?? []).map((one) => [one.source, one])),
    workers: new Map(workers.map((one) => [one.name, one])),
    seenEpoch: (source) => options.seen?.[source] ?? 0,
  });
  return writes.map(({ source, worker, session, epoch }) => ({ source, worker, session, epoch }));
}

describe('reconcilePlacements', () => {
  it('leaves alone what is as it should be', () => {
    expect(reconcile({ sources: ['a'], placements: [placed('a', 'w', 4)], workers: ['w', 'v'] })).toEqual([]);
  });

  it('gives each worker one source and says that the others wait', () => {
    expect(reconcile({ sources: ['a', 'b'], workers: ['w'] })).toEqual([
      { source: 'a', worker: 'w', session: 'w-1', epoch: 1 },
      { source: 'b', worker: '', session: '', epoch: 0 },
    ]);
    expect(reconcile({ sources: ['b'], placements: [placed('b', '', 0)], workers: [] })).toEqual([]);
  });

  it('moves the source of a dead worker under a higher epoch', () => {
    expect(reconcile({ sources: ['a'], placements: [placed('a', 'w', 4)], workers: ['v'] })).toEqual([
      { source: 'a', worker: 'v', session: 'v-1', epoch: 5 },
    ]);
  });

  it('places a source anew on a worker that was started again', () => {
    const again = { name: 'w', session: 'w-2', accepting: true };
    expect(reconcile({ sources: ['a'], placements: [placed('a', 'w', 4)], workers: [again, 'v'] })).toEqual([
      { source: 'a', worker: 'w', session: 'w-2', epoch: 5 },
    ]);
  });

  it('prefers the last worker of a source over any other', () => {
    const waiting = { ...placed('b', '', 3), lastWorker: 'w' };
    expect(reconcile({ sources: ['a', 'b'], placements: [waiting], workers: ['v', 'w'] })).toEqual([
      { source: 'b', worker: 'w', session: 'w-1', epoch: 4 },
      { source: 'a', worker: 'v', session: 'v-1', epoch: 1 },
    ]);
  });

  it('leaves a source with a worker that is leaving until it has let go, and gives it no new one', () => {
    const leaving = { name: 'w', session: 'w-1', accepting: false };
    expect(reconcile({ sources: ['a'], placements: [placed('a', 'w', 4)], workers: [leaving, 'v'] })).toEqual(
      [],
    );
    expect(reconcile({ sources: ['a'], workers: [leaving] })).toEqual([
      { source: 'a', worker: '', session: '', epoch: 0 },
    ]);
  });

  it('goes above an epoch that somebody has seen', () => {
    expect(
      reconcile({ sources: ['a'], placements: [placed('a', 'w', 4)], workers: ['w'], seen: { a: 9 } }),
    ).toEqual([{ source: 'a', worker: 'w', session: 'w-1', epoch: 10 }]);
  });

  it('is quick for many sources', () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `s${i}`);
    const began = performance.now();
    expect(reconcile({ sources: names, workers: names.map((_, i) => `w${i}`) })).toHaveLength(2_000);
    expect(performance.now() - began).toBeLessThan(500);
  });
});
