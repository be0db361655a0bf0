import { expect, it } from 'vitest';
import { ConflictTable } from './conflict-table.js';

it('tells of the last change by another lane, and chains them', () => {
  const table = new ConflictTable(10);
  expect(table.otherSeq(5, 0)).toBe(0);
  table.claim(5, 1, 10);
  expect(table.otherSeq(5, 1)).toBe(0);
  expect(table.otherSeq(5, 2)).toBe(10);
  expect(table.laneOf(5)).toBe(1);
  table.claim(5, 2, 11);
  expect(table.otherSeq(5, 1)).toBe(11);
});
