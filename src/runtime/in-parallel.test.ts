import { describe, expect, it } from 'vitest';
import { inParallel } from './in-parallel.js';

describe('inParallel', () => {
  it('works on all, never on more than its width at a time, and tells the first failure at the end', async () => {
    let now = 0;
    let most = 0;
    const done: number[] = [];
    const items = Array.from({ length: 20 }, (_, i) => i);
    const all = inParallel(items, 3, async (item) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      if (item === 4 || item === 9) throw new Error(`item ${item}`);
      done.push(item);
    });
    await expect(all).rejects.toThrow('item 4');
    expect(most).toBe(3);
    expect(done).toHaveLength(18);
  });

  it('has nothing to do with nothing', async () => {
    await expect(inParallel([], 3, () => Promise.reject(new Error('called')))).resolves.toBeUndefined();
  });
});
