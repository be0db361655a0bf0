import { describe, expect, it } from 'vitest';
import type { RowsEvent } from '../binlog/events.js';
import { NO_LOCATION, type BinlogLocation } from '../model/location.js';
import { rowsNumbers, XaRows } from './xa-rows.js';

const at = (pos: number): BinlogLocation => ({ name: 'bin.000001', pos, gtidSet: '' });
const rows = (bytes: number) =>
  ({
    buf: Buffer.alloc(bytes),
    start: 0,
    end: bytes,
    columnsBefore: null,
    columnsAfter: null,
  }) as unknown as RowsEvent;

function setup(maxHeldBytes: number) {
  const again: string[] = [];
  const xa = new XaRows({
    allows: () => true,
    readAgain: async (from, onRows) => {
      again.push(`read ${from.pos}`);
      await onRows(rows(1), 77);
    },
    find: (xid) => {
      again.push(`find ${xid}`);
      return Promise.resolve(at(9));
    },
    maxHeldBytes,
  });
  const seen: number[] = [];
  const take = (_: RowsEvent, number: number) => Promise.resolve(void seen.push(number));
  const prepare = (xid: string, pos: number, sizes: readonly number[]) => {
    xa.begin(at(pos));
    sizes.forEach((size, i) => xa.hold(rows(size), i + 1));
    xa.prepare(xid);
  };
  return { xa, again, seen, take, prepare };
}

describe('rows of XA transactions', () => {
  it('come in the order of their commits, and not after a rollback', async () => {
    const { xa, again, seen, take, prepare } = setup(100);
    prepare('a', 1, [10, 10]);
    prepare('b', 2, [10]);
    prepare('c', 3, [10, 10, 10]);
    await xa.commit('b', NO_LOCATION, take);
    xa.rollback('c');
    await xa.commit('a', NO_LOCATION, take);
    expect(seen).toEqual([1, 1, 2]);
    expect(again).toEqual([]);
  });

  it('are read again where they were too many, or are not known', async () => {
    const { xa, again, seen, take, prepare } = setup(25);
    prepare('a', 1, [10, 10]);
    prepare('b', 2, [10]);
    await xa.commit('b', NO_LOCATION, take);
    await xa.commit('a', NO_LOCATION, take);
    // What has been given out makes room again.
    prepare('d', 4, [25]);
    await xa.commit('d', NO_LOCATION, take);
    await xa.commit('e', at(5), take);
    expect(seen).toEqual([77, 1, 2, 1, 77]);
    expect(again).toEqual(['read 2', 'find e', 'read 9']);
  });

  it('of a transaction that broke off do not count', async () => {
    const { xa, seen, take } = setup(100);
    xa.begin(at(1));
    xa.hold(rows(10), 1);
    xa.interrupt();
    expect(xa.holding).toBe(false);
    xa.begin(at(1));
    xa.hold(rows(10), 1);
    xa.hold(rows(10), 2);
    await xa.commitOpen(take);
    expect(seen).toEqual([1, 2]);
  });

  it('have the numbers of the stream', () => {
    const next = rowsNumbers();
    expect([next(), next()]).toEqual([2 ** 24, 2 ** 25]);
  });
});
