import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../mysql/byte-writer.js';
import { RowFormat } from './row-format.js';
import type { SourceColumn, Transfer } from './source-tables.js';

function row(values: (Buffer | string | null)[]): Buffer {
  const parts = values.map((value) => {
    if (value === null) return Buffer.from([0xfb]);
    const bytes = Buffer.from(value as string);
    const { length } = bytes;
    if (length < 0xfb) return Buffer.concat([Buffer.from([length]), bytes]);
    if (length < 0x10000) return Buffer.concat([Buffer.from([0xfc, length & 0xff, length >> 8]), bytes]);
    return Buffer.concat([Buffer.from([0xfd, length & 0xff, (length >> 8) & 0xff, length >> 16]), bytes]);
  });
  return Buffer.concat(parts);
}

function columns(...transfers: Transfer[]): SourceColumn[] {
  return transfers.map((transfer, i) => ({ name: `c${i}`, type: transfer, transfer }));
}

function written(format: 'csv' | 'sql', transfers: Transfer[], values: (Buffer | string | null)[]): string {
  const out = new ByteWriter(16);
  const packet = row(values);
  new RowFormat(columns(...transfers), format).write(packet, 0, packet.length, out);
  return out.view().toString('utf8');
}

describe('RowFormat', () => {
  it('writes csv', () => {
    expect(
      written(
        'csv',
        ['number', 'text', 'binary', 'text'],
        ['-12', 'a"b\\c\n,é', Buffer.from([0, 255]), null],
      ),
    ).toBe('-12,"a\\"b\\\\c\n,é",00ff,\\N\n');
    expect(written('csv', ['text', 'binary'], ['\\N', ''])).toBe('"\\\\N",\n');
  });

  it('writes sql tuples', () => {
    expect(
      written('sql', ['number', 'text', 'binary', 'text'], ['1.50', `it's "x"\\`, Buffer.from([1]), null]),
    ).toBe(`(1.50,'it\\'s "x"\\\\',x'01',NULL)`);
  });

  it('treats long values as short ones', () => {
    const long = `${'x"\\'.repeat(200)}ü${'y'.repeat(70_000)}`;
    const escaped = long.replace(/["\\]/g, (c) => '\\' + c);
    expect(written('csv', ['text'], [long])).toBe(`"${escaped}"\n`);
    const bytes = Buffer.alloc(3_000_000, 0xab);
    expect(written('csv', ['binary'], [bytes])).toBe(`${'ab'.repeat(3_000_000)}\n`);
  });

  it.each(['csv', 'sql'] as const)('escapes at every place of a value: %s', (format) => {
    const quote = format === 'csv' ? '"' : "'";
    for (let length = 0; length < 14; length++) {
      for (let at = 0; at <= length; at++) {
        for (const c of [quote, '\\', '\xff', '\0', ']', '#', '&', '(', '!', ';']) {
          const value = Buffer.from(`${'a'.repeat(at)}${c}${'\xe9'.repeat(length - at)}`, 'latin1');
          const out = new ByteWriter(4);
          const packet = row([value]);
          new RowFormat(columns('text'), format).write(packet, 0, packet.length, out);
          const escaped = value.toString('latin1').replace(c === quote || c === '\\' ? c : '\x01', `\\${c}`);
          const end = format === 'csv' ? '\n' : ')';
          const begin = format === 'csv' ? '' : '(';
          expect(out.view().toString('latin1')).toBe(`${begin}${quote}${escaped}${quote}${end}`);
        }
      }
    }
  });

  it('counts empty enum values', () => {
    const format = new RowFormat(columns('enum', 'enum'), 'csv');
    const packet = row(['', 'a']);
    format.write(packet, 0, packet.length, new ByteWriter());
    expect(format.emptyEnums).toBe(1);
  });
});
