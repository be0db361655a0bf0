import { expect, test } from 'vitest';
import { formatPlaces, parsePlaces } from './place.js';

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
