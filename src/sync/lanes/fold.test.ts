import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column, ColumnType } from '../../schema/table.js';
import { blockOf, chooseFold, finish, hashValue, type Fold } from './fold.js';

function column(type: Partial<ColumnType> & { base: string }): Column {
  return {
    name: 'c',
    type: { unsigned: false, zerofill: false, ...type },
    nullable: false,
    default: null,
    autoIncrement: false,
    comment: '',
  };
}

function hash(fold: Fold, value: string | number | bigint | Buffer, prefix = 0): number {
  return finish(hashValue(7, fold, value, prefix));
}

describe('the fold of key values', () => {
  it('gives equal hashes to what a loose collation takes for equal', () => {
    const pairs: [string, string][] = [
      ['abc', 'ABC'],
      ['abc', 'abc   '],
      ['straße', 'STRASSE'],
      ['Ärger', 'arger'],
      ['é', 'e\u0301'],
      ['ＡＢＣ', 'abc'],
      ['Æon', 'aeon'],
      ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
      ['Ёлка', 'елка'],
      ['a\u0000b', 'ab'],
      ['ﬁn', 'FIN'],
      ['Ä', 'æ'],
      ['ä', 'ae'],
      ['ÿ', 'Ü'],
      ['٣', '3'],
      ['Ð', 'd'],
    ];
    for (const [a, b] of pairs) expect(hash('loose', a), `${a} = ${b}`).toBe(hash('loose', b));
  });

  it('tells ordinary keys apart', () => {
    const keys = ['order b', 'order d', 'user-1', 'user-2', '中文', '文中', '4f2a', '4f2b'];
    expect(new Set(keys.map((key) => hash('loose', key))).size).toBe(keys.length);
  });

  it('is blind to case and trailing blanks of any ASCII text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => hash('loose', text) === hash('loose', `${text.toUpperCase()}  `)),
      { examples: [['ı'], ['ŉ']] },
    );
  });

  it('ignores only trailing blanks under a binary collation', () => {
    expect(hash('padded', 'a ')).toBe(hash('padded', 'a'));
    expect(hash('padded', 'A')).not.toBe(hash('padded', 'a'));
  });

  it('takes whole characters for prefixes', () => {
    expect(hash('padded', '😀😀x', 2)).toBe(hash('padded', '😀😀y', 2));
    expect(hash('padded', '😀x', 2)).not.toBe(hash('padded', '😀y', 2));
    expect(hash('bytes', Buffer.from('abcd'), 2)).toBe(hash('bytes', Buffer.from('abxx'), 2));
  });

  it('spreads integers and keeps 64 bits of them', () => {
    const hashes = new Set(Array.from({ length: 1000 }, (_, i) => hash('integer', i)));
    expect(hashes.size).toBe(1000);
    expect(hash('integer', 1n)).toBe(hash('integer', 1));
    expect(hash('integer', -1n)).toBe(hash('integer', -1));
    expect(hash('integer', 18446744073709551615n)).not.toBe(hash('integer', 18446744073709551614n));
  });

  it('knows that -0 equals 0', () => {
    expect(hash('text', -0)).toBe(hash('text', 0));
  });

  it('is constant wherever the target could round or compare otherwise', () => {
    const choose = (a: Parameters<typeof column>[0], b: Parameters<typeof column>[0]) =>
      chooseFold(column(a), column(b));
    expect(choose({ base: 'int' }, { base: 'bigint', unsigned: true })).toBe('integer');
    expect(choose({ base: 'varchar' }, { base: 'int' })).toBe('constant');
    expect(choose({ base: 'datetime', decimals: 6 }, { base: 'datetime' })).toBe('constant');
    expect(choose({ base: 'datetime' }, { base: 'datetime', decimals: 6 })).toBe('text');
    expect(choose({ base: 'varchar' }, { base: 'char', collation: 'utf8mb4_bin' })).toBe('padded');
    expect(choose({ base: 'varchar' }, { base: 'char', collation: 'utf8mb4_general_ci' })).toBe('loose-bmp');
    expect(choose({ base: 'varchar' }, { base: 'char', collation: 'utf8mb4_0900_ai_ci' })).toBe('loose');
    expect(choose({ base: 'varchar' }, { base: 'char', collation: 'macce_general_ci' })).toBe('constant');
    expect(choose({ base: 'varbinary' }, { base: 'binary', length: 4 })).toBe('constant');
    expect(chooseFold(undefined, column({ base: 'int' }))).toBe('constant');
    const computed = { ...column({ base: 'int' }), generated: { expression: 'a % 7', stored: true } };
    expect(chooseFold(column({ base: 'int' }), computed)).toBe('constant');
    expect(chooseFold(computed, computed)).toBe('integer');
  });
});

describe('blocks of integer keys', () => {
  it('hold neighbours alone, and never more than a 256th of the keys up to them', () => {
    const key = fc.integer({ min: -1000, max: Number.MAX_SAFE_INTEGER - 300 });
    fc.assert(
      fc.property(fc.oneof(key, fc.integer({ min: 0, max: 200_000 })), (first) => {
        const block = blockOf(first);
        const size = Math.min(256, Math.max(1, first / 256));
        for (const other of [first + Math.ceil(size), first - Math.ceil(size)]) {
          expect(blockOf(other)).not.toBe(block);
        }
        return true;
      }),
    );
    const small = new Set(Array.from({ length: 500 }, (_, i) => blockOf(i)));
    expect(small.size).toBe(500);
    const large = new Set(Array.from({ length: 2560 }, (_, i) => blockOf(1_000_000 + i)));
    expect(large.size).toBeLessThanOrEqual(11);
    expect(blockOf(2n ** 60n + 1n)).toBe(blockOf(2n ** 60n));
  });
});
