import { describe, expect, it } from 'vitest';
import type { SyncTimes } from '../model/status.js';
import { bottleneckOf } from './bottleneck.js';

const NOTHING: SyncTimes = {
  read: 0,
  decode: 0,
  transform: 0,
  sockets: 0,
  waitForLane: 0,
  statements: 0,
  limited: 0,
  execute: 0,
  commit: 0,
};

describe('who keeps a sync unit from going faster', () => {
  it.each([
    ['nobody, before anything is known', {}, false, 'none'],
    ['nobody, where all is there', { read: 0.9, execute: 0.1 }, true, 'none'],
    [
      'the source, where its events are waited for',
      { read: 0.8, decode: 0.1, execute: 0.2 },
      false,
      'source',
    ],
    ['the target, where it works on what was read', { read: 0.8, execute: 0.9 }, false, 'target'],
    ['the target, where lanes have no room', { waitForLane: 0.7, decode: 0.2, execute: 1 }, false, 'target'],
    ['the target, where it runs DDL', { statements: 0.9 }, false, 'target'],
    ['the worker', { decode: 0.3, transform: 0.4, sockets: 0.2, execute: 1 }, false, 'worker'],
    ['a limit', { limited: 0.6, read: 0.3 }, false, 'limit'],
  ] as const)('is %s', (_, shares, synced, expected) => {
    expect(bottleneckOf({ ...NOTHING, ...shares }, synced)).toBe(expected);
  });
});
