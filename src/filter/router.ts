/**
 * Table routes (manual 1.3.1.1): where on the target a source table goes.
 *
 * A rule without a table pattern is a schema rule. A table takes the one table rule that matches it,
 * else the one schema rule; without either it keeps its name. Two rules of the same kind for one name
 * are DmError 40080. An empty target schema or table keeps the source's.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { RouteRule } from '../model/subtask-config.js';
import type { TableName } from '../model/table-name.js';
import { checkPattern, compilePattern, type NamePattern, PatternError } from './wildcard.js';

export interface RouterOptions {
  readonly caseSensitive: boolean;
}

interface CompiledRoute {
  readonly rule: RouteRule;
  readonly schema: NamePattern;
  /** Absent in a schema rule. */
  readonly table: NamePattern | undefined;
}

export class Router {
  readonly #routes: readonly CompiledRoute[];
  readonly #cache = new Map<string, Map<string, TableName>>();

  /** Throws DmError 20045 for a bad pattern or a rule that lacks what it needs. */
  constructor(rules: readonly RouteRule[], options: RouterOptions) {
    this.#routes = rules.map((rule) => compileRoute(rule, options.caseSensitive));
  }

  /** Target of a table, or with an empty `table` of a schema. Cached. Throws DmError 40080. */
  route(name: TableName): TableName {
    let tables = this.#cache.get(name.schema);
    if (tables === undefined) {
      tables = new Map();
      this.#cache.set(name.schema, tables);
    }
    let target = tables.get(name.table);
    if (target === undefined) {
      target = this.#decide(name);
      tables.set(name.table, target);
    }
    return target;
  }

  #decide(name: TableName): TableName {
    const schemaRules: CompiledRoute[] = [];
    const tableRules: CompiledRoute[] = [];
    for (const route of this.#routes) {
      if (!route.schema.matches(name.schema)) continue;
      if (route.table === undefined) schemaRules.push(route);
      else if (name.table !== '' && route.table.matches(name.table)) tableRules.push(route);
    }
    const rules = tableRules.length > 0 ? tableRules : schemaRules;
    if (rules.length > 1) {
      throw new DmError(
        CODES.routeTableDupMatch,
        `table ${name.schema}.${name.table} matches more than one rule`,
        {
          rawCause: `the first two: ${describe(rules[0].rule)} and ${describe(rules[1].rule)}`,
        },
      );
    }
    if (rules.length === 0) return { schema: name.schema, table: name.table };
    const { rule } = rules[0];
    return {
      schema: rule.targetSchema === '' ? name.schema : rule.targetSchema,
      table: name.table === '' || rule.targetTable === '' ? name.table : rule.targetTable,
    };
  }
}

function compileRoute(rule: RouteRule, caseSensitive: boolean): CompiledRoute {
  const problem = checkRouteRule(rule)[0];
  if (problem !== undefined) {
    throw new DmError(
      CODES.configGenTableRouter,
      `generate table router error: ${problem.path} "${problem.pattern}" ${problem.message}`,
    );
  }
  try {
    return {
      rule,
      schema: compilePattern(rule.schemaPattern, caseSensitive),
      table: rule.tablePattern === '' ? undefined : compilePattern(rule.tablePattern, caseSensitive),
    };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new DmError(
      CODES.configGenTableRouter,
      `generate table router error: pattern "${error.pattern}" ${error.message}`,
      { cause: error },
    );
  }
}

/** What is wrong with a rule, with the way to it in the task file's own keys, e.g. `table-pattern`. */
export interface PatternProblem {
  readonly path: string;
  readonly pattern: string;
  readonly message: string;
}

/** All that is wrong with one route rule, by the task file's keys. */
export function checkRouteRule(rule: RouteRule): PatternProblem[] {
  const problems: PatternProblem[] = [];
  const add = (path: string, pattern: string, message: string | undefined): void => {
    if (message !== undefined) problems.push({ path, pattern, message });
  };
  add(
    'schema-pattern',
    rule.schemaPattern,
    rule.schemaPattern === '' ? 'is empty' : checkPattern(rule.schemaPattern),
  );
  add('table-pattern', rule.tablePattern, checkPattern(rule.tablePattern));
  if (rule.targetSchema === '') add('target-schema', '', 'is empty');
  return problems;
}

function describe(rule: RouteRule): string {
  const pattern =
    rule.tablePattern === '' ? rule.schemaPattern : `${rule.schemaPattern}.${rule.tablePattern}`;
  const target = rule.targetTable === '' ? rule.targetSchema : `${rule.targetSchema}.${rule.targetTable}`;
  return `${pattern} -> ${target}`;
}
