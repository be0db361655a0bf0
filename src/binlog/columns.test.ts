import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../mysql/byte-writer.js';
import { decimalSize, integerColumn, writeDecimal, writeUnsigned } from './column-numbers.js';
import { inet6Text } from './column-text.js';
import { parsePath } from './json-diff.js';
import { writeUtf8Text } from './escape.js';

const text = (write: (out: ByteWriter) => void): string => {
  const out = new ByteWriter(8);
  write(out);
  return out.copy().toString('utf8');
};

/** The server's packing (strings/decimal.c decimal2bin), written from its description as an oracle. */
function pack(digits: string, scale: number, negative: boolean): Buffer {
  const bytesOf = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
  const whole = digits.slice(0, digits.length - scale);
  const groups: string[] = [];
  const head = whole.length % 9;
  if (head > 0) groups.push(whole.slice(0, head));
  for (let i = head; i < whole.length; i += 9) groups.push(whole.slice(i, i + 9));
  const fraction = digits.slice(digits.length - scale);
  for (let i = 0; i < fraction.length; i += 9) groups.push(fraction.slice(i, i + 9));
  const bytes = groups.flatMap((group) => {
    const size = bytesOf[group.length];
    const value = Number(group);
    return Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** (size - 1 - i)) % 256);
  });
  const packed = Buffer.from(negative ? bytes.map((byte) => byte ^ 0xff) : bytes);
  packed[0] ^= 0x80;
  return packed;
}

test('decimals of every precision and scale', () => {
  const shape = fc
    .integer({ min: 1, max: 65 })
    .chain((precision) =>
      fc.tuple(
        fc.constant(precision),
        fc.integer({ min: 0, max: Math.min(30, precision) }),
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: precision, maxLength: precision }),
        fc.boolean(),
      ),
    );
  fc.assert(
    fc.property(shape, ([precision, scale, list, negative]) => {
      const digits = list.join('');
      const packed = pack(digits, scale, negative);
      expect(packed.length).toBe(decimalSize(precision, scale));
      const whole = digits.slice(0, precision - scale).replace(/^0+(?=\d)/, '') || '0';
      const want = (negative ? '-' : '') + whole + (scale > 0 ? `.${digits.slice(precision - scale)}` : '');
      expect(text((out) => writeDecimal(packed, 0, precision, scale, out))).toBe(want);
    }),
  );
});

test('integers of every width', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      expect(text((out) => writeUnsigned(value, out))).toBe(String(value));
    }),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const buf = Buffer.alloc(8);
      buf.writeBigInt64LE(value);
      const print = (unsigned: boolean): string =>
        text((out) => integerColumn('c', 8, unsigned).literal(buf, 0, 8, out));
      expect(print(false)).toBe(String(value));
      expect(print(true)).toBe(String(BigInt.asUintN(64, value)));
      expect(text((out) => integerColumn('c', 3, false).literal(buf, 0, 3, out))).toBe(
        String(buf.readIntLE(0, 3)),
      );
    }),
  );
});

test('text literals are read back by unescaping', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (value) => {
      const bytes = Buffer.from(value, 'utf8');
      const literal = text((out) => writeUtf8Text(bytes, 0, bytes.length, out));
      expect(literal).toMatch(/^'([^'\\\0]|\\[0'\\])*'$/su);
      const back = literal.slice(1, -1).replace(/\\([0'\\])/g, (_, c: string) => (c === '0' ? '\0' : c));
      expect(back).toBe(bytes.toString('utf8'));
    }),
  );
});

test('IPv6 text', () => {
  expect(inet6Text(Buffer.alloc(16))).toBe('::');
  expect(inet6Text(Buffer.from('20010db8000000000000000000000001', 'hex'))).toBe('2001:db8::1');
});

test('JSON paths', () => {
  expect(parsePath('$')).toEqual([]);
  expect(parsePath('$.a[3]."b \\" c".d')).toEqual([
    { key: 'a' },
    { index: 3 },
    { key: 'b " c' },
    { key: 'd' },
  ]);
});
