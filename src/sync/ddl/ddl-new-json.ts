/**
 * New JSON columns that may not be NULL. MySQL gives the rows that are there the JSON value `null`, MariaDB
 * the empty text, which is no JSON. So MariaDB is given a default for the moment in which the column is made.
 */
import { parseDdl } from '../../schema/ddl.js';
import type { AlterOperation } from '../../schema/ddl-types.js';
import type { Dialect } from '../../schema/dialect.js';
import { quoteName, quoteTable } from '../../model/table-name.js';
import { applyEdits } from '../../schema/rewrite.js';

type AddColumn = Extract<AlterOperation, { op: 'add-column' }>;

/** The statements of a MySQL source that do on MariaDB what this one does, in order. */
export function fillNewJson(sql: string, dialect: Dialect): string[] {
  if (!/\bjson\b/i.test(sql) || !/\bnot\s+null\b/i.test(sql)) return [sql];
  const parsed = parseDdl(sql, { ...dialect, defaultSchema: '' });
  if (parsed.kind !== 'alter-table') return [sql];
  const added = parsed.operations.filter(isNewJson);
  if (added.length === 0) return [sql];
  const edits = added.map(({ column: { end } }) => ({ start: end, end, text: " DEFAULT 'null'" }));
  const renamed = parsed.operations.find((one) => one.op === 'rename-table');
  const table = (renamed?.op === 'rename-table' ? renamed.to : parsed.table).name;
  const drops = added.map(({ column }) => `ALTER COLUMN ${quoteName(column.name)} DROP DEFAULT`);
  const target = table.schema === '' ? quoteName(table.table) : quoteTable(table);
  return [applyEdits(sql, 0, sql.length, edits), `ALTER TABLE ${target} ${drops.join(', ')}`];
}

function isNewJson(operation: AlterOperation): operation is AddColumn {
  if (operation.op !== 'add-column') return false;
  const { type, nullable, default: given, generated } = operation.column;
  return type.base === 'json' && nullable === false && given === undefined && generated === undefined;
}
