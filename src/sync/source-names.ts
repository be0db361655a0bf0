/** Names of tables in statements, as the source's server keeps them. */
import { tableKey, type TableName } from '../model/table-name.js';
import type { ParsedStatement } from '../schema/ddl-types.js';
import { rewriteTables } from '../schema/rewrite.js';

/**
 * The statement with its names as the server keeps them: with lower_case_table_names the text of a statement
 * may write them in upper case, rows never do, and the target may tell the two apart.
 */
export function withServerNames(
  statement: ParsedStatement,
  fold: (name: TableName) => TableName,
  reparse: (sql: string) => ParsedStatement,
): ParsedStatement {
  if (statement.tables.every(({ name }) => tableKey(fold(name)) === tableKey(name))) return statement;
  return reparse(rewriteTables(statement, fold));
}
