import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GtidSyntaxError, GtidTracker, gtidSetContains, normalizeGtidSet, parseGtidSet } from './gtid.js';
import { MariaDbGtidSet } from './gtid-mariadb.js';
import { MysqlGtidSet } from './gtid-mysql.js';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = 'b0000000-0000-0000-0000-000000000001';

/** A set as its plain members, the model that intervals are checked against. */
const members = fc.array(
  fc.tuple(fc.constantFrom(A, B, `${A}:red`, `${B}:blue`), fc.integer({ min: 1, max: 30 })),
  { maxLength: 60 },
);

function setOf(list: readonly (readonly [string, number])[]): MysqlGtidSet {
  const set = new MysqlGtidSet();
  for (const [source, gno] of list) set.add(`${source}:${gno}`);
  return set;
}

function keys(list: readonly (readonly [string, number])[]): Set<string> {
  return new Set(list.map(([source, gno]) => `${source}:${gno}`));
}

function expand(set: MysqlGtidSet): Set<string> {
  const all = new Set<string>();
  for (const source of [A, B, `${A}:red`, `${B}:blue`]) {
    for (let gno = 1; gno <= 30; gno++) if (set.has(`${source}:${gno}`)) all.add(`${source}:${gno}`);
  }
  return all;
}

describe('MySQL sets', () => {
  test.each([
    ['', ''],
    [`${A}:1`, `${A}:1`],
    [`${A.toUpperCase()}:1-3:5:4`, `${A}:1-5`],
    [` ${B}:7 ,\n${A}:1-2:9-12 `, `${A}:1-2:9-12,${B}:7`],
    [`${A}:1-3:Red:4:2:blue:1`, `${A}:1-3:blue:1:red:2:4`],
    [`${A}:5-3`, ''],
    [A.replaceAll('-', '') + ':1', `${A}:1`],
  ])('%s', (text, canonical) => {
    expect(normalizeGtidSet('mysql', text)).toBe(canonical);
  });

  test.each([
    ['x', 0],
    [`${A}`, 36],
    [`${A}:`, 37],
    [`${A}:0`, 37],
    [`${A}:1-`, 39],
    [`${A}:1;${B}:2`, 38],
    [`${A}:tag`, 40],
    [`${A}:99999999999999999999`, 37],
  ])('refuses %s at %i', (text, position) => {
    try {
      parseGtidSet('mysql', text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(GtidSyntaxError);
      expect((error as GtidSyntaxError).position).toBe(position);
    }
  });

  test('behave as sets of GTIDs do', () => {
    fc.assert(
      fc.property(members, members, (x, y) => {
        const a = setOf(x);
        const b = setOf(y);
        expect(expand(a)).toEqual(keys(x));
        expect(MysqlGtidSet.parse(a.toString()).equals(a)).toBe(true);
        const union = a.clone();
        union.union(b);
        expect(expand(union)).toEqual(keys([...x, ...y]));
        const rest = a.clone();
        rest.subtract(b);
        expect(expand(rest)).toEqual(new Set([...keys(x)].filter((key) => !keys(y).has(key))));
        expect(a.contains(b)).toBe([...keys(y)].every((key) => keys(x).has(key)));
        expect(union.contains(a) && union.contains(b)).toBe(true);
      }),
    );
  });

  test('binary form of a plain set', () => {
    const bytes = MysqlGtidSet.parse(`${A}:1-5:9`).encode();
    expect(bytes.length).toBe(8 + 16 + 8 + 4 * 8);
    expect(bytes.readBigUInt64LE(0)).toBe(1n);
    expect(bytes.readBigUInt64LE(24)).toBe(2n);
    expect([0, 1, 2, 3].map((i) => bytes.readBigUInt64LE(32 + i * 8))).toEqual([1n, 6n, 9n, 10n]);
  });
});

describe('MariaDB positions', () => {
  test.each([
    ['', ''],
    ['0-1-5', '0-1-5'],
    [' 2-1-9 , 0-4294967295-5 ', '0-4294967295-5,2-1-9'],
  ])('%s', (text, canonical) => {
    expect(normalizeGtidSet('mariadb', text)).toBe(canonical);
  });

  test.each([
    ['0-1', 3],
    ['0-1-', 4],
    ['a', 0],
    ['0-1-2 0-1-3', 6],
    ['0-1-2,0-1-3', 6],
    ['4294967296-1-2', 0],
  ])('refuses %s at %i', (text, position) => {
    expect(() => parseGtidSet('mariadb', text)).toThrow(`character ${position + 1}:`);
  });

  test('grow per domain', () => {
    const gtid = fc
      .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 50 }))
      .map((parts) => parts.join('-'));
    fc.assert(
      fc.property(fc.array(gtid), fc.array(gtid), (x, y) => {
        const make = (list: string[]): MariaDbGtidSet => {
          const set = new MariaDbGtidSet();
          for (const each of list) set.add(each);
          return set;
        };
        const [a, b] = [make(x), make(y)];
        const union = a.clone();
        union.union(b);
        expect(union.contains(a) && union.contains(b)).toBe(true);
        expect(x.every((each) => a.has(each))).toBe(true);
        expect(MariaDbGtidSet.parse(a.toString()).equals(a)).toBe(true);
        const rest = a.clone();
        rest.subtract(b);
        expect(rest.isEmpty).toBe(b.contains(a));
      }),
    );
  });
});

test('the tracker follows a stream', () => {
  const tracker = new GtidTracker('mysql', `${A}:1-10`);
  tracker.add(`${A}:11`);
  tracker.add('');
  tracker.add(`${B}:1`);
  expect(tracker.toString()).toBe(`${A}:1-11,${B}:1`);
  expect(gtidSetContains('mysql', tracker.toString(), `${A}:3-11`)).toBe(true);
});
