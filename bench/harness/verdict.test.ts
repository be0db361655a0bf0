import { describe, expect, test } from 'vitest';
import { judge, summary, type CaseResult } from './verdict.js';

const result = (median: number, extra: Partial<CaseResult> = {}): CaseResult => ({
  case: 'inserts',
  peer: 'replica',
  unit: 'rows/s',
  ours: median,
  theirs: 1,
  ratio: { min: median, median, max: median },
  equal: true,
  ...extra,
});

describe('a result of a benchmark', () => {
  test('says of must and aim whether they are met', () => {
    expect(judge(result(2, { must: 1.5, aim: 3 }))).toEqual({
      must: '>= 1.5 met',
      aim: '>= 3 missed',
      verdict: 'ok',
    });
    expect(judge(result(1, { must: 1.5 }))).toEqual({
      must: '>= 1.5 missed',
      aim: '-',
      verdict: 'MUST MISSED',
    });
    expect(judge(result(9, { equal: false })).verdict).toBe('NOT EQUAL');
  });

  test('stands in the summary of all', () => {
    const text = summary([
      {
        name: 'sync',
        exitCode: 1,
        seconds: 90,
        cases: [result(2, { must: 1 }), result(1, { must: 1.5, aim: 3 })],
      },
      { name: 'full', exitCode: 0, seconds: 30, cases: [result(2, { must: 1, aim: 1.5 })] },
      { name: 'lag', exitCode: 137, seconds: 6, cases: null },
    ]);
    expect(text.split('\n')).toEqual([
      'benchmark  musts met    aims met     data         minutes      ended',
      'sync       1 of 2       0 of 1       equal        1.5          with misses',
      'full       1 of 1       1 of 1       equal        0.5          well',
      'lag        -            -            -            0.1          exit code 137',
      '',
      'not as it has to be:',
      '  sync: inserts / replica: median ratio 1, must >= 1.5 missed, MUST MISSED',
    ]);
  });
});
