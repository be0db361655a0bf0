import { expect, test } from 'vitest';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { formatPlaces, parsePlaces, withGtidSets } from './place.js';

const start = { name: 'mysql-bin.000002', pos: 154, gtidSet: '0-1-5,1-1-3' };
const end = { name: 'mysql-bin.000002', pos: 1540, gtidSet: '' };

test('what was put in front of a message is read back', () => {
  const place = {
    start: { name: 'mysql-bin.000002', pos: 154 },
    end: { name: 'mysql-bin.000002', pos: 1540 },
  };
  expect(parsePlaces(`${formatPlaces(start, end)}: x`)).toEqual({ ...place, statement: false });
  const tricky = 'ALTER TABLE t COMMENT "startLocation: [position: (a, 1), gtid-set: ], endLocation: ["';
  expect(parsePlaces(`${formatPlaces(start, end, tricky)}: x`)).toEqual({ ...place, statement: true });
});

test('a message without a place has none', () => {
  expect(parsePlaces(`x ${formatPlaces(start, end)}`)).toBeNull();
  expect(parsePlaces('')).toBeNull();
});

test('the executed set takes the place of the GTID of one transaction', () => {
  const of = (pos: number, gtidSet: string) => ({ name: 'b.000001', pos, gtidSet });
  const rows = new DmError(CODES.databaseExecute, `${formatPlaces(of(4, 'u:7'), of(9, 'u:7'))}: [failed]`, {
    rawCause: 'x',
  });
  const sets: Record<number, string> = { 4: 'u:1-6', 9: 'u:1-7' };
  const shown = withGtidSets(rows, ({ pos }) => sets[pos] ?? null);
  expect(shown.message).toBe(`${formatPlaces(of(4, 'u:1-6'), of(9, 'u:1-7'))}: [failed]`);
  expect(shown.rawCause).toBe('x');
  expect(withGtidSets(rows, () => null).message).toBe(rows.message);
  const ddl = `${formatPlaces(of(4, ''), of(9, ''), 'ALTER TABLE t')}: failed`;
  expect(withGtidSets(new DmError(CODES.databaseExecute, ddl), () => null).message).toBe(ddl);
});
