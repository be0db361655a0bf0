import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCodec } from './codec.js';

test('what JSON can say comes back the same', () => {
  const codec = createCodec();
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      expect(codec.decode(codec.encode(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('an encoded message is not touched by the next one', () => {
  const codec = createCodec();
  const first = codec.encode({ type: 'START', n: 1 });
  codec.encode({ type: 'STOP', n: 2 });
  expect(codec.decode(first)).toEqual({ type: 'START', n: 1 });
});

test('carries bytes, bigint and undefined fields', () => {
  const codec = createCodec();
  const value = { bytes: Buffer.from([0, 255]), big: 18446744073709551615n, none: undefined };
  expect(codec.decode(codec.encode(value))).toEqual(value);
});
