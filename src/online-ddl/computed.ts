/** New columns whose values a tool's copy computes row by row, and the replayed ALTER for all rows at once. */
import type { ParsedStatement } from '../schema/ddl-types.js';

/** Their names. */
export function computedColumns(statement: ParsedStatement): string[] {
  if (statement.kind !== 'alter-table') return [];
  return statement.operations.flatMap((operation) => {
    if (operation.op !== 'add-column') return [];
    const { column } = operation;
    return column.autoIncrement || isComputed(column.default) ? [column.name] : [];
  });
}

/** A default that is not the same for each row: all but literals. */
function isComputed(text: string | null | undefined): boolean {
  if (text === null || text === undefined) return false;
  return !/^(?:[-+]?[0-9.][0-9.e+-]*$|'|"|[bxn]'|_\w+ ?'|0x|true$|false$|null$|timestamp ?'|date ?'|time ?')/i.test(
    text.trim(),
  );
}
