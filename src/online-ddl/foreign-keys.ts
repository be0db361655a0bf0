/**
 * Names of foreign keys are unique in a schema, so a tool gives those of its ghost table other ones
 * (pt-online-schema-change: by an underscore), and the real table has these after the swap.
 */
import { quoteName, quoteTable, type TableName } from '../model/table-name.js';
import type { ParsedStatement } from '../schema/ddl-types.js';
import { applyEdits, tableEdits, type Edit } from '../schema/rewrite.js';
import type { ForeignKey, TableSchema } from '../schema/table.js';

/** `name`, or what a foreign key of that name in `ghost` is called in `real`. */
function nameIn(real: TableSchema, ghost: TableSchema, name: string): string {
  const same = (key: ForeignKey) => key.name.toLowerCase() === name.toLowerCase();
  const key = ghost.foreignKeys.find(same);
  if (key === undefined || real.foreignKeys.some(same)) return name;
  return real.foreignKeys.find((other) => meansSame(other, key))?.name ?? name;
}

/** The text by which a change of the ghost is kept: full names, foreign keys by their names in the real table. */
export function textForReal(
  statement: ParsedStatement,
  ghost: TableSchema | undefined,
  real: TableSchema | undefined,
): string {
  const edits: Edit[] = [...tableEdits(statement, (name) => name)];
  if (statement.kind === 'alter-table' && ghost !== undefined && real !== undefined) {
    for (const operation of statement.operations) {
      if (operation.op !== 'drop-foreign-key' && operation.op !== 'drop-constraint') continue;
      const name = nameIn(real, ghost, operation.name);
      if (name === operation.name) continue;
      const { start, end } = operation;
      const exists = operation.ifExists ? 'IF EXISTS ' : '';
      edits.push({ start, end, text: `DROP FOREIGN KEY ${exists}${quoteName(name)}` });
    }
  }
  edits.sort((a, b) => a.start - b.start);
  return applyEdits(statement.sql, 0, statement.sql.length, edits);
}

/**
 * What gives the foreign keys of `real` the names that they have in `ghost`; null where none has another.
 * `isThere`: the target has a foreign key of that name.
 */
export function renamedKeys(
  name: TableName,
  real: TableSchema,
  ghost: TableSchema,
  isThere: (key: string) => boolean,
): string | null {
  const names = new Set(ghost.foreignKeys.map((key) => key.name.toLowerCase()));
  const parts = real.foreignKeys.flatMap((key) => {
    if (names.has(key.name.toLowerCase()) || !isThere(key.name)) return [];
    const now = ghost.foreignKeys.find((other) => meansSame(other, key));
    return now === undefined ? [] : [`DROP FOREIGN KEY ${quoteName(key.name)}`, `ADD ${definition(now)}`];
  });
  return parts.length === 0 ? null : `ALTER TABLE ${quoteTable(name)} ${parts.join(', ')}`;
}

function meansSame(a: ForeignKey, b: ForeignKey): boolean {
  const text = ({ columns, referencedSchema, referencedTable, referencedColumns }: ForeignKey) =>
    JSON.stringify([columns, referencedSchema, referencedTable, referencedColumns]).toLowerCase();
  return text(a) === text(b);
}

function definition(key: ForeignKey): string {
  const list = (columns: readonly string[]) => `(${columns.map(quoteName).join(', ')})`;
  const to = quoteTable({ schema: key.referencedSchema, table: key.referencedTable });
  return [
    `CONSTRAINT ${quoteName(key.name)} FOREIGN KEY ${list(key.columns)} REFERENCES ${to} ${list(key.referencedColumns)}`,
    ...(key.onDelete === undefined ? [] : [`ON DELETE ${key.onDelete}`]),
    ...(key.onUpdate === undefined ? [] : [`ON UPDATE ${key.onUpdate}`]),
  ].join(' ');
}
