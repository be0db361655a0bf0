/**
 * Binlog event filter (manual 1.3.1.3): which kinds of row changes and statements of a table pass.
 *
 * Rules are asked in their order. Per rule, first the event type, then the statement's text against
 * `sql-pattern`: an Ignore or Error rule that matches decides, a Do rule that does not match ignores.
 * A rule without `table-pattern` is about the schema: an Ignore or Error rule of that kind also holds for
 * the schema's tables, a Do rule only for tables that no rule with a `table-pattern` matches. (So
 * `do-schema-rule` of the manual's example, which lets CREATE DATABASE pass, does not stop the rows.)
 */
import { RE2JS } from 're2js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import {
  canonicalEvent,
  EVENT_NAMES,
  isIncompatible,
  type DdlEvent,
  type DmlEvent,
} from '../model/event-names.js';
import type { EventFilterRule } from '../model/subtask-config.js';
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import type { PatternProblem } from './router.js';
import { checkPattern, compilePattern, PatternError, type NamePattern } from './wildcard.js';

export type EventAction = EventFilterRule['action'];

interface CompiledRule {
  readonly rule: EventFilterRule;
  readonly schema: NamePattern;
  /** Absent in a rule about schemas. */
  readonly table: NamePattern | undefined;
  readonly events: readonly string[];
  readonly sql: RE2JS | undefined;
}

/** Which DML of a table pass; the same object for the same table. */
export interface DmlVerdicts {
  readonly insert: EventAction;
  readonly update: EventAction;
  readonly delete: EventAction;
}

const ALL_PASS: DmlVerdicts = { insert: 'Do', update: 'Do', delete: 'Do' };

export class EventFilter {
  readonly #rules: readonly CompiledRule[];
  readonly #verdicts = new Map<string, DmlVerdicts>();

  /** Throws DmError 20037 for a rule that cannot work. */
  constructor(rules: readonly EventFilterRule[], options: { readonly caseSensitive: boolean }) {
    this.#rules = rules.map((rule) => compileRule(rule, options.caseSensitive));
  }

  /** Nothing is filtered. */
  get empty(): boolean {
    return this.#rules.length === 0;
  }

  dml(name: TableName): DmlVerdicts {
    if (this.#rules.length === 0) return ALL_PASS;
    const key = tableKey(name);
    let verdicts = this.#verdicts.get(key);
    if (verdicts === undefined) {
      const rules = this.#match(name);
      verdicts = {
        insert: decide(rules, ['insert'], 'dml', undefined),
        update: decide(rules, ['update'], 'dml', undefined),
        delete: decide(rules, ['delete'], 'dml', undefined),
      };
      this.#verdicts.set(key, verdicts);
    }
    return verdicts;
  }

  /** `events` are all the types that one part of a statement has, `sql` is the statement as the source ran it. */
  ddl(name: TableName, events: readonly DdlEvent[], sql: string): EventAction {
    return decide(this.#match(name), events, 'ddl', sql);
  }

  /** A statement that nobody could parse: only its text is known, and the schema it was run in. */
  text(schema: string, sql: string): EventAction {
    const rules = this.#rules.filter((rule) => rule.table === undefined && rule.schema.matches(schema));
    return decide(
      rules.filter((rule) => rule.rule.action !== 'Do'),
      [],
      'ddl',
      sql,
    );
  }

  #match(name: TableName): CompiledRule[] {
    const matching = this.#rules.filter(
      (rule) =>
        rule.schema.matches(name.schema) &&
        (rule.table === undefined || (name.table !== '' && rule.table.matches(name.table))),
    );
    const ofTable = matching.some((rule) => rule.table !== undefined);
    return matching.filter((rule) => rule.table !== undefined || rule.rule.action !== 'Do' || !ofTable);
  }
}

function decide(
  rules: readonly CompiledRule[],
  events: readonly (DdlEvent | DmlEvent)[],
  kind: 'dml' | 'ddl',
  sql: string | undefined,
): EventAction {
  for (const { rule, events: listed, sql: pattern } of rules) {
    if (events.length > 0) {
      const matched = matchesEvent(listed, events, kind);
      if (matched && rule.action !== 'Do') return rule.action;
      if (!matched && rule.action === 'Do') return 'Ignore';
    }
    if (sql === undefined || pattern === undefined) continue;
    const matched = pattern.matcher(sql).find();
    if (matched && rule.action !== 'Do') return rule.action;
    if (!matched && rule.action === 'Do') return 'Ignore';
  }
  return 'Do';
}

/** The first entry of `events` that says something about the event decides, as in DM. */
function matchesEvent(
  listed: readonly string[],
  events: readonly (DdlEvent | DmlEvent)[],
  kind: 'dml' | 'ddl',
): boolean {
  for (const entry of listed) {
    switch (entry) {
      case 'all':
        return true;
      case 'none':
        return false;
      case 'all dml':
      case 'all ddl':
        if (entry.endsWith(kind)) return true;
        break;
      case 'none dml':
      case 'none ddl':
        if (entry.endsWith(kind)) return false;
        break;
      case 'incompatible ddl changes':
        if (kind === 'ddl' && events.some((event) => isIncompatible(event as DdlEvent))) return true;
        break;
      default:
        if (events.some((event) => event === entry)) return true;
    }
  }
  return false;
}

function compileRule(rule: EventFilterRule, caseSensitive: boolean): CompiledRule {
  const problem = checkEventFilterRule(rule)[0];
  if (problem !== undefined) {
    throw new DmError(
      CODES.configBinlogEventFilter,
      `generate binlog event filter error: ${problem.path} "${problem.pattern}" ${problem.message}`,
    );
  }
  return {
    rule,
    schema: compilePattern(rule.schemaPattern, caseSensitive),
    table: rule.tablePattern === '' ? undefined : compilePattern(rule.tablePattern, caseSensitive),
    events: rule.events.map(canonicalEvent),
    sql: rule.sqlPattern.length === 0 ? undefined : compileSqlPattern(rule.sqlPattern.join('|')),
  };
}

function compileSqlPattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE);
  } catch (error) {
    throw new PatternError(
      pattern,
      `is not a regular expression of RE2 syntax: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** All that is wrong with one rule, by the task file's keys. */
export function checkEventFilterRule(rule: EventFilterRule): PatternProblem[] {
  const problems: PatternProblem[] = [];
  const add = (path: string, pattern: string, message: string | undefined): void => {
    if (message !== undefined) problems.push({ path, pattern, message });
  };
  const schema = rule.schemaPattern === '' ? 'is empty' : checkPattern(rule.schemaPattern);
  add('schema-pattern', rule.schemaPattern, schema);
  add('table-pattern', rule.tablePattern, checkPattern(rule.tablePattern));
  rule.events.forEach((event, i) => {
    const known = EVENT_NAMES.has(canonicalEvent(event));
    add(`events[${i}]`, event, known ? undefined : 'is not an event type');
  });
  rule.sqlPattern.forEach((pattern, i) => {
    try {
      compileSqlPattern(pattern);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      add(`sql-pattern[${i}]`, pattern, error.message);
    }
  });
  return problems;
}

/** The error of a rule with the action Error. */
export function eventRefused(name: TableName, what: string): DmError {
  return new DmError(
    CODES.syncEventFilterError,
    `a binlog event filter with the action Error matches [${what}] of ${quoteTable(name)}`,
  );
}
