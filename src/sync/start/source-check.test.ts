import { describe, expect, it } from 'vitest';
import { missingInMariaDb, missingInMysql } from './source-check.js';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = '4e11fa47-71ca-11e1-9e33-c80aa9429562';

describe('transactions that the source lacks', () => {
  it('are the difference of the sets on MySQL', () => {
    expect(missingInMysql(`${A}:1-100`, `${A}:1-90`, [])).toBe('');
    expect(missingInMysql(`${A}:1-100,${B}:1-7`, `${A}:1-100`, [`${B}:7`])).toBe('');
    expect(missingInMysql(`${A}:1-89:91-100`, `${A}:1-90`, [])).toBe(`${A}:90`);
    expect(missingInMysql(`${A}:1-100`, `${A}:1-100`, [`${B}:8`])).toBe(`${B}:8`);
    expect(missingInMysql('', `${A}:1-3`, [])).toBe(`${A}:1-3`);
  });

  it.each([
    ['0-1-100', '0-1-90', [], ''],
    ['0-1-100', '0-1-101', [], '0-1-101'],
    ['', '0-1-1', [], '0-1-1'],
    ['', '', [], ''],
    // A new first server of the domain has gone on from there.
    ['0-1-100,0-2-150', '0-1-100', [], ''],
    ['0-1-99,0-2-150', '0-1-100', [], '0-1-100'],
    ['0-2-150', '0-1-100', [], ''],
    // Another source serves domain 7.
    ['0-1-100', '0-1-90,7-3-5', [], ''],
    ['0-1-100', '0-1-90', ['0-1-100'], ''],
    ['0-1-100', '0-1-90', ['0-1-101', '0-1-101'], '0-1-101'],
    ['0-1-99,0-2-150', '0-1-90', ['0-1-100'], '0-1-100'],
  ])('by domain and server on MariaDB: state %s, read %s, applied %s', (state, read, applied, missing) => {
    expect(missingInMariaDb(state, read, applied as string[])).toBe(missing);
  });
});
