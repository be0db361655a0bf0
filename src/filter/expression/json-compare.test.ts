import { describe, expect, it } from 'vitest';
import { compareJson, readJson } from './json-compare.js';

describe('compareJson', () => {
  it('orders the kinds as MySQL does', () => {
    const pieces = ['null', '-1.5', '1', '1.0e1', '"10"', '"a"', '{"a": 1}', '[1]', 'false', 'true'];
    const values = pieces.map(readJson);
    for (let i = 1; i < values.length; i++) {
      expect(compareJson(values[i - 1]!, values[i]!), `${pieces[i - 1]} and ${pieces[i]}`).toBeLessThan(0);
      expect(compareJson(values[i]!, values[i - 1]!)).toBeGreaterThan(0);
    }
  });

  it('compares numbers by value, exactly where both are exact', () => {
    expect(compareJson(readJson('1.0'), readJson('1'))).toBe(0);
    expect(compareJson(readJson('10'), readJson('1e1'))).toBe(0);
    expect(compareJson(readJson('9007199254740993'), readJson('9007199254740992'))).toBe(1);
  });

  it('compares texts by their bytes, escapes read', () => {
    expect(compareJson(readJson('"\\u00e4"'), readJson('"ä"'))).toBe(0);
    expect(compareJson(readJson('"a"'), readJson('"a "'))).toBeLessThan(0);
    expect(compareJson(readJson('"\\uffee"'), readJson('"😀"'))).toBeLessThan(0);
  });

  it('does not compare two objects', () => {
    expect(() => compareJson(readJson('{}'), readJson('{}'))).toThrow(/60404|no exact value/);
  });
});
