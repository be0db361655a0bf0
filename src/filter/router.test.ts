import { describe, expect, it } from 'vitest';
import { DmError } from '../errors/dm-error.js';
import type { RouteRule } from '../model/subtask-config.js';
import { checkRouteRule, Router } from './router.js';

function rule(
  schemaPattern: string,
  tablePattern: string,
  targetSchema: string,
  targetTable: string,
): RouteRule {
  return { schemaPattern, tablePattern, targetSchema, targetTable };
}

const route = (rules: RouteRule[], schema: string, table: string, caseSensitive = false) =>
  new Router(rules, { caseSensitive }).route({ schema, table });

// The examples of manual 1.3.1.1.3.
describe('table routes', () => {
  const merge = [rule('test_*', 't_*', 'test', 't'), rule('test_*', '', 'test', '')];

  it('merges sharded schemas and tables', () => {
    expect(route(merge, 'test_1', 't_2')).toEqual({ schema: 'test', table: 't' });
    expect(route(merge, 'test_3', '')).toEqual({ schema: 'test', table: '' });
    expect(route(merge, 'test_3', 'other')).toEqual({ schema: 'test', table: 'other' });
    expect(route(merge, 'other', 't_1')).toEqual({ schema: 'other', table: 't_1' });
  });

  it('merges sharded schemas', () => {
    const rules = [rule('test_*', '', 'test', '')];
    expect(route(rules, 'test_1', 't_2')).toEqual({ schema: 'test', table: 't_2' });
  });

  it('refuses a table that two rules match', () => {
    const rules = [rule('test_*', 't_*', 'test', 't'), rule('test_1_bak', 't_1_bak', 'test', 't_bak')];
    const attempt = () => route(rules, 'test_1_bak', 't_1_bak');
    expect(attempt).toThrow('table test_1_bak.t_1_bak matches more than one rule');
    try {
      attempt();
    } catch (error) {
      expect(error).toBeInstanceOf(DmError);
      expect((error as DmError).code).toBe(40080);
    }
    expect(route(rules, 'test_1', 't_1')).toEqual({ schema: 'test', table: 't' });
  });

  it('takes regular expressions and keeps the target names as written', () => {
    expect(route([rule('~^Test_\\d$', '~^t_', 'Test', 'T')], 'TEST_1', 'T_9')).toEqual({
      schema: 'Test',
      table: 'T',
    });
    expect(route([rule('~^Test_\\d$', '~^t_', 'Test', 'T')], 'TEST_1', 'T_9', true)).toEqual({
      schema: 'TEST_1',
      table: 'T_9',
    });
  });

  it('gives the same object for the same name', () => {
    const router = new Router(merge, { caseSensitive: true });
    expect(router.route({ schema: 'test_1', table: 't_1' })).toBe(
      router.route({ schema: 'test_1', table: 't_1' }),
    );
  });

  it('reports bad rules', () => {
    expect(checkRouteRule(rule('', 'a*b', '', '')).map((problem) => problem.path)).toEqual([
      'schema-pattern',
      'table-pattern',
      'target-schema',
    ]);
    expect(() => new Router([rule('a', '[', 'b', '')], { caseSensitive: true })).toThrow(DmError);
  });
});
