/** Takes a statement apart into what it does to single tables, as online DDL looks at it. */
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import type { AlterTable, ParsedStatement } from '../schema/ddl-types.js';
import { rewriteTables } from '../schema/rewrite.js';
import { splitAlter } from '../schema/split.js';
import type { MigratedTables } from './migrated-tables.js';

export type Part =
  /** Nothing to do with a tool, or with a table that is not migrated. */
  | { readonly kind: 'plain'; readonly statement: ParsedStatement }
  /** CREATE TABLE of a ghost or trash table. */
  | { readonly kind: 'create'; readonly table: TableName; readonly statement: ParsedStatement }
  /** ALTER TABLE, CREATE INDEX, DROP INDEX on a ghost or trash table. */
  | { readonly kind: 'change'; readonly table: TableName; readonly statement: ParsedStatement }
  /** DROP TABLE of any table; `ifExists` as it was written. */
  | { readonly kind: 'drop'; readonly table: TableName; readonly ifExists: boolean }
  /** One pair of a RENAME. */
  | { readonly kind: 'rename'; readonly from: TableName; readonly to: TableName }
  /** Every table of the schema is gone. */
  | { readonly kind: 'drop-schema'; readonly schema: string; readonly statement: ParsedStatement }
  /** Without consequence: TRUNCATE of a ghost table. */
  | { readonly kind: 'nothing' };

/** Reads a statement that was made of the source's, under the same sql_mode. */
export type Reparse = (sql: string) => ParsedStatement;

const own = (name: TableName): TableName => name;

export function partsOf(parsed: ParsedStatement, migrated: MigratedTables, reparse: Reparse): Part[] {
  switch (parsed.kind) {
    case 'create-table':
      return migrated.follows(parsed.table.name)
        ? [{ kind: 'create', table: parsed.table.name, statement: parsed }]
        : [{ kind: 'plain', statement: parsed }];
    case 'drop-table':
      return parsed.tables.map(({ name }) => ({ kind: 'drop', table: name, ifExists: parsed.ifExists }));
    case 'rename-table':
      return parsed.pairs.map(({ from, to }) => ({ kind: 'rename', from: from.name, to: to.name }));
    case 'alter-table':
      return alterParts(parsed, migrated, reparse);
    case 'create-index':
    case 'drop-index':
      return migrated.follows(parsed.table.name)
        ? [{ kind: 'change', table: parsed.table.name, statement: parsed }]
        : [{ kind: 'plain', statement: parsed }];
    case 'truncate-table':
      return migrated.follows(parsed.table.name)
        ? [{ kind: 'nothing' }]
        : [{ kind: 'plain', statement: parsed }];
    case 'drop-database':
      return [{ kind: 'drop-schema', schema: parsed.database.name.schema, statement: parsed }];
    default:
      return [{ kind: 'plain', statement: parsed }];
  }
}

/** ALTER TABLE ... RENAME is what it says and a RENAME. */
function alterParts(parsed: AlterTable, migrated: MigratedTables, reparse: Reparse): Part[] {
  const renames = parsed.operations.flatMap((one) => (one.op === 'rename-table' ? [one.to.name] : []));
  const follows = [parsed.table.name, ...renames].some((name) => migrated.follows(name));
  if (!follows) return [{ kind: 'plain', statement: parsed }];
  const kind = migrated.follows(parsed.table.name) ? 'change' : 'plain';
  const changes =
    renames.length === 0
      ? [parsed]
      : splitAlter(parsed, own, undefined, (one) => one.op !== 'rename-table').map(reparse);
  const parts: Part[] = changes.map((statement) =>
    kind === 'plain' ? { kind, statement } : { kind, table: parsed.table.name, statement },
  );
  let from = parsed.table.name;
  for (const to of renames) {
    parts.push({ kind: 'rename', from, to });
    from = to;
  }
  return parts;
}

/** The statement about another table, and all else as it is. */
export function retarget(
  statement: ParsedStatement,
  from: TableName,
  to: TableName,
  reparse: Reparse,
): ParsedStatement {
  const key = tableKey(from);
  return reparse(rewriteTables(statement, (name) => (tableKey(name) === key ? to : name)));
}

export function dropStatement(table: TableName, ifExists: boolean, reparse: Reparse): ParsedStatement {
  return reparse(`DROP TABLE ${ifExists ? 'IF EXISTS ' : ''}${quoteTable(table)}`);
}

export function renameStatement(from: TableName, to: TableName, reparse: Reparse): ParsedStatement {
  return reparse(`RENAME TABLE ${quoteTable(from)} TO ${quoteTable(to)}`);
}

/** The text by which a change is kept: with its schema, and else as it was written. */
export function recordedText(statement: ParsedStatement): string {
  return rewriteTables(statement, own);
}
