import { describe, expect, it } from 'vitest';
import { SlotLimit } from './slot-limit.js';

/** A target whose rate depends on how many work at once; returns the limit after so many commits. */
function settle(limit: SlotLimit, rate: (slots: number) => number, commits: number): number[] {
  const seen: number[] = [];
  let now = 0;
  for (let i = 0; i < commits; i++) {
    now += 1000 / rate(limit.value);
    limit.note(1000, true, now);
    seen.push(limit.value);
  }
  return seen;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('SlotLimit', () => {
  it('grows to all lanes where the target is far away', () => {
    const seen = settle(new SlotLimit(64), (slots) => slots * 50, 20_000);
    expect(mean(seen.slice(-1000))).toBeGreaterThan(50);
  });

  it('stays low where more do not help', () => {
    const seen = settle(new SlotLimit(256), (slots) => 1000 / Math.max(1, slots / 4), 20_000);
    expect(mean(seen.slice(-5000))).toBeLessThan(6);
  });

  it('never leaves what it was given', () => {
    const seen = settle(new SlotLimit(2), (slots) => slots * 100, 5000);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...seen)).toBe(2);
    expect(new SlotLimit(1).value).toBe(1);
  });

  it('does not judge while nothing waits', () => {
    const limit = new SlotLimit(64);
    for (let now = 0; now < 100_000; now += 10) limit.note(10, false, now);
    expect(limit.value).toBe(2);
  });
});
