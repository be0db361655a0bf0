import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../mysql/byte-writer.js';
import { binaryColumn, enumColumn, setColumn, textColumn, uuidColumn } from './column-text.js';
import { bitColumn, decimalColumn, floatColumn, integerColumn, yearColumn } from './column-numbers.js';
import { dateColumn } from './column-times.js';
import type { ColumnCodec } from './rows.js';

/** The bound form, and proof that it leads back to the literal. */
function bound(column: ColumnCodec, value: Buffer): Buffer {
  // At an odd place, with something in front and behind.
  const buf = Buffer.concat([Buffer.from('xyz'), value, Buffer.from('\xff\xff\xff\xff', 'latin1')]);
  const out = new ByteWriter(8);
  const literal = new ByteWriter(8);
  const back = new ByteWriter(8);
  out.ascii('..');
  column.binding?.bind(buf, 3, value.length, out);
  column.literal(buf, 3, value.length, literal);
  expect(column.binding?.unbind(out.buffer, 2, back)).toBe(out.length);
  expect(back.view().toString('latin1')).toBe(literal.view().toString('latin1'));
  return Buffer.from(out.view().subarray(2));
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('bound values', () => {
  it.each([
    { bytes: 1, unsigned: false, value: 'ff', type: 0x01, as: 'ff' },
    { bytes: 1, unsigned: true, value: 'ff', type: 0x8001, as: 'ff' },
    { bytes: 2, unsigned: false, value: '0080', type: 0x02, as: '0080' },
    { bytes: 3, unsigned: false, value: '000080', type: 0x03, as: '000080ff' },
    { bytes: 3, unsigned: true, value: 'ffffff', type: 0x8003, as: 'ffffff00' },
    { bytes: 3, unsigned: false, value: 'ffff7f', type: 0x03, as: 'ffff7f00' },
    { bytes: 4, unsigned: false, value: '00000080', type: 0x03, as: '00000080' },
    { bytes: 8, unsigned: true, value: 'ffffffffffffffff', type: 0x8008, as: 'ffffffffffffffff' },
    { bytes: 8, unsigned: false, value: '0000000000000080', type: 0x08, as: '0000000000000080' },
  ])('$bytes bytes of an integer, unsigned $unsigned', ({ bytes, unsigned, value, type, as }) => {
    const column = integerColumn('c', bytes, unsigned);
    expect(column.binding?.type).toBe(type);
    expect(bound(column, hex(value)).toString('hex')).toBe(as);
  });

  it('floats as their bytes', () => {
    const double = Buffer.alloc(8);
    double.writeDoubleLE(-1e-300);
    expect(bound(floatColumn('c', 8), double)).toEqual(double);
    const float = Buffer.alloc(4);
    float.writeFloatLE(0.1);
    expect(bound(floatColumn('c', 4), float)).toEqual(float);
  });

  it('bits as an unsigned number', () => {
    expect(bound(bitColumn('c'), hex('1f80')).toString('hex')).toBe('801f000000000000');
  });

  it('decimals, years and dates as text', () => {
    expect(bound(decimalColumn('c', 5, 2, new ByteWriter(8)), hex('807b2d')).toString()).toBe('\x06123.45');
    expect(bound(decimalColumn('c', 5, 2, new ByteWriter(8)), hex('7f84d2')).toString()).toBe('\x07-123.45');
    expect(bound(yearColumn('c'), hex('7c')).toString()).toBe('\x042024');
    expect(bound(yearColumn('c'), hex('00')).toString()).toBe('\x040000');
    const day = (2024 << 9) | (2 << 5) | 29;
    const packed = Buffer.from([day & 0xff, (day >> 8) & 0xff, day >> 16]);
    expect(bound(dateColumn('c', new ByteWriter(8)), packed).toString()).toBe('\x0a2024-02-29');
    const uuid = '123e4567-e89b-42d3-8456-426614174000';
    const stored = hex('426614174000 8456 42d3 e89b 123e4567'.replaceAll(' ', ''));
    expect(bound(uuidColumn('c'), stored).toString()).toBe(`\x24${uuid}`);
  });

  it('members of ENUM and SET as their text', () => {
    expect(bound(enumColumn('c', ['a', "it's"]), hex('02')).toString()).toBe("\x04it's");
    expect(bound(setColumn('c', ['x', 'y', 'z']), hex('05')).toString()).toBe('\x03x,z');
    expect(enumColumn('c', undefined).binding).toBeUndefined();
    expect(setColumn('c', undefined).binding).toBeUndefined();
  });

  it.each([0, 1, 3, 4, 250, 251, 255, 256, 257, 70_000])('%i bytes of text and of binary', (length) => {
    const prefix = length < 251 ? 1 : length < 0x10000 ? 3 : 4;
    const value = Buffer.from("a'\\\0b".repeat(length)).subarray(0, length);
    for (const column of [textColumn('c', 'utf8mb4'), binaryColumn('c')]) {
      const all = bound(column, value);
      expect(all.length).toBe(prefix + length);
      expect(all.subarray(prefix)).toEqual(value);
      if (prefix > 1) expect(all[0]).toBe(prefix === 3 ? 0xfc : 0xfd);
      if (prefix > 1) expect(all.readUIntLE(1, prefix - 1)).toBe(length);
    }
  });

  it.each(['', 'ab', 'abcd', "é'abcdefgh€", 'abcdefghij', '€'.repeat(90), 'x'.repeat(100)])(
    'latin1 as UTF-8: %s',
    (text) => {
      const value = Buffer.from(text.replaceAll('€', '\x80'), 'latin1');
      const all = bound(textColumn('c', 'latin1'), value);
      const prefix = value.length * 3 < 251 ? 1 : 3;
      expect(all.subarray(prefix).toString('utf8')).toBe(text);
    },
  );

  it('other character sets as UTF-8', () => {
    expect(bound(textColumn('c', 'sjis'), hex('955c')).toString()).toBe('\x03表');
    expect(bound(textColumn('c', 'swe7'), Buffer.from('[]')).toString()).toBe('\x04ÄÅ');
  });

  it('BINARY with its zero bytes', () => {
    expect(bound(binaryColumn('c', 4), hex('0102')).toString('hex')).toBe('0401020000');
  });
});
