/**
 * A statement that was made for a table's definition fails in as many ways as a definition can change: a column
 * is gone, or is a POINT now with which nobody calculates, or its values no longer fit into the target's table.
 * So the codes of errors tell nothing: whatever fails, the source is asked what the table is now. Only where it
 * is still what the statement was made for does the error stand.
 */
import { readSourceTable, sameDefinition, type SourceTable } from '../dump/source-tables.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable } from '../model/table-name.js';
import { isTransient } from '../mysql/db-error.js';
import type { Session } from '../mysql/session.js';
import { FencedError, PlanTaken } from './copy-meta.js';
import { SourceChanged } from './source-changed.js';

export interface DefinitionErrorInput {
  readonly error: unknown;
  /** What the statement was made for. */
  readonly tables: readonly SourceTable[];
  readonly config: SubtaskConfig;
  /** Told the present definitions; throws as connecting does. */
  readonly withSource: <T>(work: (source: Session) => Promise<T>) => Promise<T>;
}

/** The error, or SourceChanged where one of the tables is another by now. Throws SqlError, ConnectionError. */
export async function orSourceChanged(input: DefinitionErrorInput): Promise<unknown> {
  const { error, tables, config, withSource } = input;
  const known = error instanceof SourceChanged || error instanceof PlanTaken || error instanceof FencedError;
  if (known || isTransient(error)) return error;
  return withSource(async (source) => {
    for (const table of tables) {
      if (isSame(table, await readSourceTable(source, config, table.source))) continue;
      const text = `the definition of ${quoteTable(table.source)} has just changed: ${String(error)}`;
      return new SourceChanged(text, { cause: error });
    }
    return error;
  });
}

/** Columns are read apart from the definition: a change may have come between the two. */
function isSame(used: SourceTable, now: SourceTable | null): boolean {
  if (now === null || !sameDefinition(used.createSql, now.createSql)) return false;
  if (used.splitColumn !== now.splitColumn || used.transactional !== now.transactional) return false;
  const columns = new Map([...now.columns, ...now.generated].map((column) => [column.name, column]));
  return [...used.columns, ...used.generated].every(({ name, type, errorText }) => {
    const column = columns.get(name);
    return column?.type === type && column.errorText === errorText;
  });
}
