/**
 * Which tables are those of a tool for online DDL, told by their names as in DM: a ghost (shadow) table
 * becomes the new form of a real one, a trash table is what is left of it, or the tool's own notes.
 */
import { RE2JS } from 're2js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { TableName } from '../model/table-name.js';

export type TableKind = 'real' | 'ghost' | 'trash';

export interface ClassifiedTable {
  readonly kind: TableKind;
  /** The table that the tool works on; of a real one the table itself. */
  readonly real: TableName;
}

export interface OnlineDdlPatterns {
  readonly shadowTableRules: readonly string[];
  readonly trashTableRules: readonly string[];
}

/** gh-ost's `_t_gho`, pt-online-schema-change's `_t_new`. */
export const DEFAULT_SHADOW_RULE = '^_(.+)_(?:new|gho)$';
/** gh-ost's `_t_ghc` and `_t_del`, pt-online-schema-change's `_t_old`. */
export const DEFAULT_TRASH_RULE = '^_(.+)_(?:ghc|del|old)$';

interface Verdict {
  readonly kind: TableKind;
  readonly table: string;
}

/** Names beyond this many are forgotten, and judged again. */
const MAX_KNOWN = 100_000;

export class OnlineDdlRules {
  readonly #shadow: readonly RE2JS[];
  readonly #trash: readonly RE2JS[];
  readonly #known = new Map<string, Verdict>();

  /** Throws DmError 20048 for what is no regular expression of RE2 syntax. */
  constructor(patterns: OnlineDdlPatterns) {
    const compile = (key: string, list: readonly string[]) =>
      list.map((pattern) => {
        const problem = checkRule(pattern);
        if (problem === undefined) return RE2JS.compile(pattern);
        throw new DmError(CODES.configOnlineDdlInvalidRegex, invalidRule(key, pattern, problem));
      });
    this.#shadow = compile('shadow-table-rules', patterns.shadowTableRules);
    this.#trash = compile('trash-table-rules', patterns.trashTableRules);
  }

  classify(name: TableName): ClassifiedTable {
    let verdict = this.#known.get(name.table);
    if (verdict === undefined) {
      verdict = this.#judge(name.table);
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(name.table, verdict);
    }
    return { kind: verdict.kind, real: { schema: name.schema, table: verdict.table } };
  }

  #judge(table: string): Verdict {
    if (table === '') return { kind: 'real', table };
    for (const rule of this.#shadow) {
      const real = realOf(rule, table);
      if (real !== undefined) return { kind: 'ghost', table: real };
    }
    for (const rule of this.#trash) {
      const real = realOf(rule, table);
      if (real !== undefined) return { kind: 'trash', table: real };
    }
    return { kind: 'real', table };
  }
}

/** The first group of the match; undefined where the rule does not match. */
function realOf(rule: RE2JS, table: string): string | undefined {
  const matcher = rule.matcher(table);
  if (!matcher.find()) return undefined;
  return matcher.groupCount() > 0 ? (matcher.group(1) ?? table) : table;
}

/** What is wrong with a rule; undefined when nothing is. */
export function checkRule(pattern: string): string | undefined {
  let groups: number;
  try {
    groups = RE2JS.compile(pattern).groupCount();
  } catch (error) {
    return `it is not a regular expression of RE2 syntax: ${error instanceof Error ? error.message : String(error)}`;
  }
  return groups > 0
    ? undefined
    : 'it has no group in round brackets that gives the name of the real table, as in `^_(.+)_gho$`';
}

/** DM's text of 20048. */
export function invalidRule(key: string, pattern: string, reason: string): string {
  return `config '${key}' regex pattern '${pattern}' invalid, reason: ${reason}`;
}
