import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCodec } from './codec.js';

test('what JSON can say comes back the same, but for a field named __proto__', () => {
  const codec = createCodec();
  const json = fc
    .jsonValue({ noUnicodeString: false })
    .filter((value) => !JSON.stringify(value).includes('__proto__'));
  fc.assert(
    fc.property(json, (value) => {
      expect(codec.decode(codec.encode(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('a field named __proto__ changes no prototype: it comes back as __proto_', () => {
  const codec = createCodec();
  const decoded = codec.decode(codec.encode(JSON.parse('{"__proto__":{"admin":true}}')));
  expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
  expect(decoded).toEqual({ __proto_: { admin: true } });
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
