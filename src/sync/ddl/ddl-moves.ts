/** Renames over the border of what is migrated. */
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import { quoteTable } from '../../model/table-name.js';
import type { AlterTable, ParsedStatement, TableRef } from '../../schema/ddl-types.js';

export interface BorderMoves {
  /** A table goes to a name that is not migrated: the target keeps what it has. */
  readonly leaves: boolean;
  /** DmError 60431 where a table comes from a name that is not migrated: nobody has its rows. */
  readonly enters: DmError | null;
}

export function borderMoves(parsed: ParsedStatement, allows: (ref: TableRef) => boolean): BorderMoves {
  let leaves = false;
  let enters: DmError | null = null;
  for (const { from, to } of moves(parsed)) {
    if (allows(from) && !allows(to)) leaves = true;
    if (!allows(from) && allows(to)) {
      enters ??= new DmError(
        CODES.syncRenameFromOutside,
        `${quoteTable(from.name)}, which is not migrated, becomes ${quoteTable(to.name)}: its rows are not in the target`,
      );
    }
  }
  return { leaves, enters };
}

function moves(parsed: ParsedStatement): { from: TableRef; to: TableRef }[] {
  if (parsed.kind === 'rename-table') return [...parsed.pairs];
  if (parsed.kind !== 'alter-table') return [];
  return parsed.operations.flatMap((one) =>
    one.op === 'rename-table' ? [{ from: parsed.table, to: one.to }] : [],
  );
}

/** Whether an ALTER gives the table this name. */
export function isNewName(parsed: AlterTable, ref: TableRef): boolean {
  return parsed.operations.some((one) => one.op === 'rename-table' && one.to === ref);
}
