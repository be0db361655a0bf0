import { describe, expect, it } from 'vitest';
import { DEFAULT_SHADOW_RULE, DEFAULT_TRASH_RULE, OnlineDdlRules } from './rules.js';

const defaults = { shadowTableRules: [DEFAULT_SHADOW_RULE], trashTableRules: [DEFAULT_TRASH_RULE] };

function classify(table: string, patterns = defaults): string {
  const { kind, real } = new OnlineDdlRules(patterns).classify({ schema: 's', table });
  expect(real.schema).toBe('s');
  return `${kind} ${real.table}`;
}

describe('OnlineDdlRules', () => {
  it.each([
    ['_t_gho', 'ghost t'],
    ['_t_new', 'ghost t'],
    ['_a_b_new', 'ghost a_b'],
    ['__t_gho_gho', 'ghost _t_gho'],
    ['_t_ghc', 'trash t'],
    ['_t_del', 'trash t'],
    ['_t_old', 'trash t'],
    ['t', 'real t'],
    ['t_new', 'real t_new'],
    ['_t', 'real _t'],
    ['__new', 'real __new'],
    ['_t_new_1', 'real _t_new_1'],
    // As in DM: the case counts.
    ['_T_OLD', 'real _T_OLD'],
    ['', 'real '],
  ])('takes %s for %s', (table, expected) => {
    expect(classify(table)).toBe(expected);
  });

  it('takes rules of the user, a shadow rule before a trash rule', () => {
    const patterns = { shadowTableRules: ['^~(.+)$', '(?i)^_(.+)_gho$'], trashTableRules: ['^~?(.+)~$'] };
    expect(classify('~t', patterns)).toBe('ghost t');
    expect(classify('~t~', patterns)).toBe('ghost t~');
    expect(classify('t~', patterns)).toBe('trash t');
    expect(classify('_T_GHO', patterns)).toBe('ghost T');
    expect(classify('_t_new', patterns)).toBe('real _t_new');
  });

  it.each(['^_(.+_gho$', '^_(?=x)(.+)$', '^_.+_gho$'])('refuses %s', (rule) => {
    expect(() => new OnlineDdlRules({ shadowTableRules: [rule], trashTableRules: [] })).toThrow(
      expect.objectContaining({ code: 20048 }) as Error,
    );
  });
});
