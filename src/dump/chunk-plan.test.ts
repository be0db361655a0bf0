import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkSelect, splitRange } from './chunk-plan.js';
import { chunkFile, schemaCreateFile, tableSchemaFile } from './file-names.js';

describe('splitRange', () => {
  it('covers every key exactly once', () => {
    const big = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(big, big, fc.integer({ min: 1, max: 300 }), big, (a, b, count, key) => {
        const ranges = splitRange(a < b ? a : b, a < b ? b : a, count);
        expect(ranges.length).toBeLessThanOrEqual(count);
        const holding = ranges.filter(
          ({ low, high }) =>
            (low === null || key >= (low as bigint)) && (high === null || key < (high as bigint)),
        );
        expect(holding).toHaveLength(1);
      }),
    );
  });
});

describe('chunkSelect', () => {
  const table = {
    source: { schema: 'd', table: 't`x' },
    target: { schema: 'd', table: 't' },
    transactional: true,
    createSql: '',
    columns: [
      { name: 'id', type: 'int', transfer: 'number' as const },
      { name: 'f', type: 'float', transfer: 'float' as const },
    ],
    generated: [],
    splitColumn: 'id',
    rows: 0,
    bytes: 0,
  };
  it('reads floats as doubles, ranges by the primary key', () => {
    expect(chunkSelect(table, { low: -5n, high: null }, 'f > 1')).toBe(
      'SELECT `id`, `f` * 1e0 FROM `d`.`t``x` FORCE INDEX (PRIMARY) WHERE `id` >= -5 AND (f > 1)',
    );
    expect(chunkSelect(table, { low: null, high: null }, undefined)).toBe(
      'SELECT `id`, `f` * 1e0 FROM `d`.`t``x`',
    );
  });
});

describe('file names', () => {
  it("are Dumpling's, with what could mislead percent-encoded", () => {
    expect(schemaCreateFile('a.b')).toBe('a%2Eb-schema-create.sql');
    expect(tableSchemaFile({ schema: 'd', table: 'x/y%' })).toBe('d.x%2Fy%25-schema.sql');
    expect(chunkFile({ schema: 'd', table: '中' }, 12, 3, 'csv')).toBe('d.中.0000000120003.csv');
  });
});
