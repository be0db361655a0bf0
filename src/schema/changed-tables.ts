/** Which names a statement changes or takes something from: what decides whether a copy holds its effect. */
import { tableKey, type TableName } from '../model/table-name.js';
import type { ForeignKeyTarget, ParsedStatement } from './ddl-types.js';

/** Names that a RENAME gives and takes away again, as when two tables change places. */
export function passingNames(parsed: ParsedStatement): ReadonlySet<string> {
  const passing = new Set<string>();
  if (parsed.kind !== 'rename-table') return passing;
  const given = new Set<string>();
  for (const { from, to } of parsed.pairs) {
    if (given.has(tableKey(from.name))) passing.add(tableKey(from.name));
    given.add(tableKey(to.name));
  }
  return passing;
}

/**
 * The tables (for a statement on a database: the database, with an empty table name) whose content or
 * existence the statement moves on. Without those that only a foreign key names, and without passing ones.
 * ALTER DATABASE changes no table: a copy does not hold it, since the target may have had the database before.
 */
export function changedTables(parsed: ParsedStatement): TableName[] {
  if (parsed.kind === 'other-ddl' || parsed.kind === 'alter-database') return [];
  const passing = passingNames(parsed);
  const referenced = new Set(references(parsed).map(({ table }) => table.start));
  const names = new Map<string, TableName>();
  for (const { name, start } of parsed.tables) {
    if (referenced.has(start) || passing.has(tableKey(name))) continue;
    names.set(tableKey(name), name);
  }
  return [...names.values()];
}

function references(parsed: ParsedStatement): ForeignKeyTarget[] {
  switch (parsed.kind) {
    case 'create-table':
      return [
        ...parsed.foreignKeys.map(({ target }) => target),
        ...parsed.columns.flatMap(({ references: target }) => target ?? []),
      ];
    case 'alter-table':
      return parsed.operations.flatMap((one) => {
        if (one.op === 'add-foreign-key') return one.foreignKey.target;
        if (one.op === 'add-column' || one.op === 'change-column') return one.column.references ?? [];
        return [];
      });
    default:
      return [];
  }
}
