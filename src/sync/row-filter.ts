/**
 * Which row changes of a table are left out: by the event filter (manual 1.3.1.3) and by expressions
 * (1.4.3). Compiled with the table's plan; a table without filters has none.
 */
import type { RowCodec, RowIndex } from '../binlog/rows.js';
import { EventFilter, eventRefused, type DmlVerdicts } from '../filter/event-filter.js';
import { compileExpression, type Expression } from '../filter/expression/expression.js';
import type { ColumnValue, Row } from '../filter/expression/node.js';
import type { DmlEvent } from '../model/event-names.js';
import type { ExpressionFilterRule, SubtaskConfig } from '../model/subtask-config.js';
import type { TableName } from '../model/table-name.js';
import type { TableSchema } from '../schema/table.js';

export interface RowFiltersOptions {
  readonly events: EventFilter;
  readonly expressions: readonly ExpressionFilterRule[];
  readonly caseSensitive: boolean;
  /** Milliseconds since 1970, for NOW(). */
  readonly wall: () => number;
}

/** The event filter of a subtask, and what it and the expressions make of rows. Throws DmError 20037. */
export function taskFilters(
  config: Pick<SubtaskConfig, 'filters' | 'expressionFilters' | 'caseSensitive'>,
  wall: () => number,
): { events: EventFilter; rowFilters: RowFilters } {
  const { caseSensitive, expressionFilters: expressions } = config;
  const events = new EventFilter(config.filters, { caseSensitive });
  return { events, rowFilters: new RowFilters({ events, expressions, caseSensitive, wall }) };
}

/** The rules of a task, from which each table gets its own. */
export class RowFilters {
  readonly #options: RowFiltersOptions;

  constructor(options: RowFiltersOptions) {
    this.#options = options;
  }

  /** No row of the table is migrated: its target need not be there. */
  ignoresAll(source: TableName): boolean {
    const { insert, update, delete: remove } = this.#options.events.dml(source);
    return insert === 'Ignore' && update === 'Ignore' && remove === 'Ignore';
  }

  /** null where every row passes. Throws DmError 60403 for an expression that does not fit the table. */
  compile(source: TableName, codec: RowCodec, table: TableSchema): RowFilter | null {
    const { events, expressions, wall } = this.#options;
    const verdicts = events.dml(source);
    const rules = expressions.filter((rule) => this.#isFor(rule, source));
    const all = verdicts.insert === 'Do' && verdicts.update === 'Do' && verdicts.delete === 'Do';
    if (all && rules.length === 0) return null;
    const compile = (text: string | undefined): Expression | undefined =>
      text === undefined ? undefined : compileExpression(text, { table, wall });
    return new RowFilter(source, codec, verdicts, {
      inserts: rules.flatMap((rule) => compile(rule.insertValueExpr) ?? []),
      deletes: rules.flatMap((rule) => compile(rule.deleteValueExpr) ?? []),
      updates: rules.flatMap((rule) => {
        const before = compile(rule.updateOldValueExpr);
        const after = compile(rule.updateNewValueExpr);
        return before === undefined && after === undefined ? [] : [{ before, after }];
      }),
    });
  }

  #isFor(rule: ExpressionFilterRule, { schema, table }: TableName): boolean {
    if (this.#options.caseSensitive) return rule.schema === schema && rule.table === table;
    return (
      rule.schema.toLowerCase() === schema.toLowerCase() && rule.table.toLowerCase() === table.toLowerCase()
    );
  }
}

interface RowExpressions {
  readonly inserts: readonly Expression[];
  readonly deletes: readonly Expression[];
  /** Where both are there, both must be true. */
  readonly updates: readonly { readonly before?: Expression; readonly after?: Expression }[];
}

export class RowFilter {
  readonly #source: TableName;
  readonly #verdicts: DmlVerdicts;
  readonly #expressions: RowExpressions;
  readonly #row: IndexedRow;

  constructor(source: TableName, codec: RowCodec, verdicts: DmlVerdicts, expressions: RowExpressions) {
    this.#source = source;
    this.#verdicts = verdicts;
    this.#expressions = expressions;
    this.#row = new IndexedRow(codec);
  }

  /**
   * `image` is the row's own, of an update the one before. Throws DmError 60402 for a rule with the action
   * Error, 60404 where an expression has no value.
   */
  passes(kind: DmlEvent, index: RowIndex, image: number): boolean {
    switch (this.#verdicts[kind]) {
      case 'Ignore':
        return false;
      case 'Error':
        throw eventRefused(this.#source, kind);
      case 'Do':
        break;
    }
    switch (kind) {
      case 'insert':
        return !this.#any(this.#expressions.inserts, index, image);
      case 'delete':
        return !this.#any(this.#expressions.deletes, index, image);
      case 'update': {
        const row = this.#row;
        for (const { before, after } of this.#expressions.updates) {
          if (before !== undefined && before(row.at(index, image)) !== true) continue;
          if (after !== undefined && after(row.at(index, image + 1)) !== true) continue;
          return false;
        }
        return true;
      }
    }
  }

  #any(expressions: readonly Expression[], index: RowIndex, image: number): boolean {
    if (expressions.length === 0) return false;
    const row = this.#row.at(index, image);
    for (const expression of expressions) if (expression(row) === true) return true;
    return false;
  }
}

/** One object for all rows of a table. */
class IndexedRow implements Row {
  readonly #codec: RowCodec;
  #index: RowIndex | null = null;
  #base = 0;

  constructor(codec: RowCodec) {
    this.#codec = codec;
  }

  at(index: RowIndex, image: number): this {
    this.#index = index;
    this.#base = image * index.columnCount;
    return this;
  }

  column(ordinal: number): ColumnValue {
    const index = this.#index;
    if (index === null) return null;
    const at = this.#base + ordinal;
    const start = index.starts[at];
    return start < 0 ? null : this.#codec.columns[ordinal].value(index.buf, start, index.lengths[at]);
  }
}
