/** Whether a statement of the binlog is in the full copy already. */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { ChunkPositions } from '../load/chunk-positions.js';
import { quoteTable, type TableName } from '../model/table-name.js';
import { changedTables } from '../schema/changed-tables.js';
import type { ParsedStatement } from '../schema/ddl-types.js';
import type { NameFilter } from '../schema/fetch.js';
import { isAfter } from './dispatcher.js';
import type { Transaction } from './transaction.js';

/**
 * True where the copy of all that the statement changes was made after it. Throws DmError 60430 where it
 * comes between the places of its tables: the copy sees to it that none does (src/load/inexact.ts).
 */
export function isCopied(
  parsed: ParsedStatement,
  transaction: Pick<Transaction, 'name' | 'pos'>,
  copied: ChunkPositions,
  filter: Pick<NameFilter, 'allows'>,
): boolean {
  const place = (name: TableName) =>
    name.table === '' ? copied.lastOf(name.schema) : copied.positionFor(name, null);
  const names = changedTables(parsed).filter((name) => name.table === '' || filter.allows(name));
  const before = names.filter((name) => !isAfter(transaction, place(name)));
  if (before.length === 0) return false;
  if (before.length === names.length) return true;
  const shown = (list: TableName[]) => list.map(quoteTable).join(', ');
  throw new DmError(
    CODES.syncCopyMixed,
    `the statement comes after the full copy of ${shown(names.filter((name) => !before.includes(name)))} and before that of ${shown(before)}`,
  );
}
