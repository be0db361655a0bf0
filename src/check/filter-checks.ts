/** Checks that the expression filters can be evaluated exactly over the tables they name. */
import { compileExpression } from '../filter/expression/expression.js';
import { expressionsOf } from '../filter/expression/rules.js';
import { DmError } from '../errors/dm-error.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import { MigratedTables } from '../online-ddl/migrated-tables.js';
import { fetchTableSchemas, listTables } from '../schema/fetch.js';
import type { Finding } from './types.js';

export async function checkExpressionFilters(session: Session, config: SubtaskConfig): Promise<Finding> {
  const filter = new MigratedTables(config);
  const problems: string[] = [];
  const missing: string[] = [];
  const there = await listTables(session, filter);
  const folded = (name: string) => (config.caseSensitive ? name : name.toLowerCase());
  for (const rule of config.expressionFilters) {
    const meant = there.filter(
      ({ schema, table }) => folded(schema) === folded(rule.schema) && folded(table) === folded(rule.table),
    );
    const name = { schema: rule.schema, table: rule.table };
    if (meant.length === 0 && filter.allows(name)) missing.push(quoteTable(name));
    for (const table of await fetchTableSchemas(session, meant)) {
      for (const { key, text } of expressionsOf(rule)) {
        try {
          compileExpression(text, { table, wall: () => 0 });
        } catch (error) {
          if (!(error instanceof DmError)) throw error;
          problems.push(`${key} of ${quoteTable(table)}: [code=${error.code}] ${error.message}`);
        }
      }
    }
  }
  if (problems.length > 0) {
    return {
      state: 'fail',
      errorMsg: problems.join('; '),
      instruction: 'Please write the expression in another way, see docs/filters.md for what is understood.',
    };
  }
  if (missing.length > 0) {
    return {
      state: 'warn',
      errorMsg: `expression filters name tables that are not there: ${missing.join(', ')}`,
      instruction: 'Please check `schema` and `table` of the expression filters; they take no patterns.',
    };
  }
  return { state: 'success' };
}
