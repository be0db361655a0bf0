import { describe, expect, it } from 'vitest';
import type { ChunkRow } from './copy-meta.js';
import { CopiedChunks } from './positions.js';

const at = (pos: number) => ({ name: 'bin.000001', pos, gtidSet: `0-1-${pos}` });

function chunk(
  table: string,
  number: number,
  low: bigint | null,
  high: bigint | null,
  pos: number,
): ChunkRow {
  return {
    source: { schema: 'd', table },
    chunk: number,
    range: { low, high },
    loaded: true,
    location: at(pos),
    exitSafe: null,
    readUntil: at(pos),
    rows: 1,
    bytes: 1,
  };
}

describe('CopiedChunks', () => {
  const chunks = new CopiedChunks([
    chunk('t', 1, 10n, 2n ** 60n, 30),
    chunk('t', 0, null, 10n, 50),
    chunk('t', 2, 2n ** 60n, null, 40),
    chunk('one', 0, null, null, 70),
  ]);
  const t = { schema: 'd', table: 't' };

  it('finds the chunk of a key, numbers and bigints alike', () => {
    expect(chunks.positionFor(t, -3)).toEqual(at(50));
    expect(chunks.positionFor(t, 9)).toEqual(at(50));
    expect(chunks.positionFor(t, 10)).toEqual(at(30));
    expect(chunks.positionFor(t, 2n ** 60n - 1n)).toEqual(at(30));
    expect(chunks.positionFor(t, 2n ** 60n)).toEqual(at(40));
    expect(chunks.positionFor(t, 2n ** 64n - 1n)).toEqual(at(40));
  });

  it('knows the ends, tables of one chunk, tables without a copy', () => {
    expect(chunks.min).toEqual(at(30));
    expect(chunks.max).toEqual(at(70));
    expect(chunks.safeModeUntil).toBeNull();
    expect(chunks.positionFor({ schema: 'd', table: 'one' }, 'text')).toEqual(at(70));
    expect(chunks.positionFor(t, null)).toEqual(at(50));
    expect(chunks.positionFor({ schema: 'd', table: 'later' }, 1)).toEqual(at(30));
    expect(chunks.spanOf(t)).toEqual({ first: at(30), last: at(50) });
    expect(chunks.spanOf({ schema: 'd', table: 'one' })).toBeNull();
    expect(chunks.spanOf({ schema: 'd', table: 'later' })).toBeNull();
  });
});
