/**
 * Whether, and how, updates of one table become one `INSERT .. VALUES (..),(..) ON DUPLICATE KEY UPDATE`.
 *
 * It costs the target a half to a third of what single UPDATEs cost, and does the same where
 * - the key stays, is a plain one, and travels whole: the row is found as the WHERE would find it;
 * - the source gives every column that the target stores: no default is needed or checked meanwhile;
 * - no trigger of the target sees an INSERT that is none.
 * What it would do otherwise, insert a row that is missing, shows in the affected rows and is undone before
 * the commit (upsert.ts).
 */
import type { ColumnCodec } from '../../binlog/rows.js';
import { quoteName } from '../../model/table-name.js';
import type { Column, Index } from '../../schema/table.js';
import type { PlanInput } from '../lanes/plan.js';

export interface UpsertPlan {
  /** How many of the written columns, from the first on, are the key. */
  readonly keyColumns: number;
  /** What follows ON DUPLICATE KEY UPDATE, for each written column. */
  readonly assignments: readonly string[];
}

export interface WrittenColumn {
  readonly column: ColumnCodec;
  readonly ordinal: number;
  readonly target: Column | undefined;
}

/** Brings the key's columns of `written` to the front where it gives a plan. */
export function planUpserts(
  input: Pick<PlanInput, 'target' | 'targetHasTriggers'>,
  identity: Index | undefined,
  hasOtherUniques: boolean,
  written: WrittenColumn[],
): UpsertPlan | null {
  if (identity === undefined || input.targetHasTriggers === true) return null;
  const travels = new Set(written.map(({ column }) => column.name.toLowerCase()));
  const whole = input.target.columns.every(
    (column) => column.generated !== undefined || travels.has(column.name.toLowerCase()),
  );
  if (!whole || written.some(({ target }) => target === undefined)) return null;
  const keys = new Set<string>();
  for (const part of identity.parts) {
    const name = part.column.toLowerCase();
    if (part.length !== undefined || !travels.has(name)) return null;
    const { base } = written.find(({ column }) => column.name.toLowerCase() === name)?.target?.type ?? {};
    if (base === undefined || base === 'float' || base === 'double') return null;
    keys.add(name);
  }
  const isKey = ({ column }: WrittenColumn) => keys.has(column.name.toLowerCase());
  written.sort((a, b) => Number(isKey(b)) - Number(isKey(a)));
  // Another row that holds one of the other unique values must not be taken for the one that is missing.
  const guard = [...keys].map((key) => `${quoteName(key)}=VALUES(${quoteName(key)})`).join(' AND ');
  return {
    keyColumns: keys.size,
    assignments: written.map(({ column }) => {
      const name = quoteName(column.name);
      return hasOtherUniques ? `${name}=IF(${guard},VALUES(${name}),${name})` : `${name}=VALUES(${name})`;
    }),
  };
}
