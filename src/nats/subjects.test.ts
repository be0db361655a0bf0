import fc from 'fast-check';
import { expect, test } from 'vitest';
import { actorSubject, escapeKey, unescapeKey } from './subjects.js';

test('every name survives as one token of a subject and of a KV key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      const key = escapeKey(name);
      expect(key).toMatch(/^[-=\w]+$/);
      expect(unescapeKey(key)).toBe(name);
    }),
  );
});

test('different names have different keys', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(escapeKey(a) === escapeKey(b)).toBe(a === b);
    }),
  );
});

test('plain names stay readable', () => {
  expect(escapeKey('mysql-replica-01')).toBe('mysql-replica-01');
  expect(escapeKey('a.b c')).toBe('a=2Eb=20c');
  expect(escapeKey('')).toBe('=');
  expect(actorSubject('source', 'db.1')).toBe('dm.actor.source.db=2E1');
});

test('refuses what it cannot have made', () => {
  for (const bad of ['a=2', 'a.b=20', '=zz', '=FF']) expect(() => unescapeKey(bad)).toThrow(RangeError);
});
