import { describe, expect, it } from 'vitest';
import { checkPattern, compilePattern } from './wildcard.js';

const matches = (pattern: string, name: string, caseSensitive = true): boolean =>
  compilePattern(pattern, caseSensitive).matches(name);

describe('wildcards', () => {
  it.each([
    ['test', 'test', true],
    ['test', 'test1', false],
    ['test*', 'test', true],
    ['test*', 'test_1', true],
    ['test*', 'tes', false],
    ['*', '', true],
    ['t?', 't1', true],
    ['t?', 't', false],
    ['t?', 't12', false],
    ['t[1-5]', 't3', true],
    ['t[1-5]', 't6', false],
    ['test[123]', 'test2', true],
    ['test[!1-3]', 'test2', false],
    ['test[!1-3]', 'test4', true],
    ['t[0-63]', 't6', true],
    ['t[0-63]', 't63', false],
    ['?', '😀', true],
    ['a.b', 'axb', false],
    ['t[a-]*', 't-x', true],
  ])('%s on %s: %s', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  it('ignores case when told to', () => {
    expect(matches('Te[A-C]*', 'tEbX', false)).toBe(true);
    expect(matches('Te[A-C]*', 'tEbX', true)).toBe(false);
    expect(matches('~^\\S+$', 'ABC', false)).toBe(true);
    expect(matches('~^abc$', 'ABC', false)).toBe(true);
  });

  it('reports bad patterns', () => {
    expect(checkPattern('a*b')).toContain('not at the end');
    expect(checkPattern('a[b')).toContain('without `]`');
    expect(checkPattern('a[]')).toContain('empty');
    expect(checkPattern('a[9-0]')).toContain('reversed');
    expect(checkPattern('~a(?!b)')).toContain('RE2');
    expect(checkPattern('~^a.*$')).toBeUndefined();
  });

  it('matches a regular expression anywhere in the name', () => {
    expect(matches('~_2018$', 'messages_2018')).toBe(true);
    expect(matches('~_2018$', 'messages_2018_')).toBe(false);
  });
});
