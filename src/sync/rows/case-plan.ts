/**
 * Whether updates of one table become one `UPDATE .. SET c=CASE key WHEN .. THEN .. END WHERE key IN (..)`, or
 * `SET c=ELT(key-n, ..) WHERE key BETWEEN .. AND ..`.
 *
 * It costs the target half of what an upsert does, carries only what has changed, counts what it finds and
 * inserts nothing. It does the same as single UPDATEs where
 * - the key is one integer, and stays: numbers are compared as WHERE compares them;
 * - the values are of one kind, so that a CASE of them is what each of them is, and their text what they are;
 * - neither the order of the rows matters, nor what a row was in between: nothing unique changes, no foreign
 *   key or trigger looks on.
 */
import type { Column, Index } from '../../schema/table.js';
import type { PlanInput } from '../lanes/plan.js';
import type { WrittenColumn } from './upsert-plan.js';

export interface CasePlan {
  /** Ordinal of the key's column. */
  readonly key: number;
  /** 1 for written columns whose values fit, by place in `plan.columns`. */
  readonly fits: Uint8Array;
}

/** Columns that one statement sets at most: each costs a search through the keys for each row. */
export const MAX_CASE_COLUMNS = 4;

const INTEGERS = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint']);
const TEXTS = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext']);
const ALIKE = new Set(['decimal', 'date', 'time', 'datetime', 'timestamp']);

/** To be called when the order of `written` is settled. */
export function planCases(
  input: Pick<PlanInput, 'target' | 'references' | 'targetHasTriggers'>,
  identity: Index | undefined,
  written: readonly WrittenColumn[],
  source: ReadonlyMap<string, Column>,
): CasePlan | null {
  const { target } = input;
  if (identity?.parts.length !== 1 || identity.parts[0].length !== undefined) return null;
  if (input.targetHasTriggers === true) return null;
  if ((input.references ?? []).length > 0 || target.foreignKeys.length > 0) return null;
  const from = ({ column }: WrittenColumn) => source.get(column.name.toLowerCase());
  const keyName = identity.parts[0].column.toLowerCase();
  const key = written.find(({ column }) => column.name.toLowerCase() === keyName);
  if (key === undefined || !isInteger(key.target) || !isInteger(from(key))) return null;
  const unique = new Set<string>();
  for (const { kind, parts } of target.indexes) {
    if (kind !== 'primary' && kind !== 'unique') continue;
    for (const { column } of parts) unique.add(column.toLowerCase());
  }
  // What is computed from the columns that change may be unique as well.
  const computed = target.columns.filter(({ generated }) => generated !== undefined);
  if (unique.has('') || computed.some(({ name }) => unique.has(name.toLowerCase()))) return null;
  return {
    key: key.ordinal,
    fits: Uint8Array.from(written, (one) =>
      !unique.has(one.column.name.toLowerCase()) && isOfOneKind(from(one), one.target) ? 1 : 0,
    ),
  };
}

function isInteger(column: Column | undefined): boolean {
  // Beyond 2^63 some literals are unsigned and some are not.
  return column !== undefined && INTEGERS.has(column.type.base) && !isUnsignedBig(column);
}

function isUnsignedBig({ type }: Column): boolean {
  return type.base === 'bigint' && type.unsigned;
}

function isOfOneKind(source: Column | undefined, target: Column | undefined): boolean {
  if (source === undefined || target === undefined) return false;
  if (isInteger(source)) return isInteger(target);
  // A number is rounded with a note, its text may be refused.
  if (source.type.base === 'decimal' && (target.type.decimals ?? 0) < (source.type.decimals ?? 0))
    return false;
  if (ALIKE.has(source.type.base)) return source.type.base === target.type.base;
  return isText(source) && isText(target);
}

function isText({ type }: Column): boolean {
  return TEXTS.has(type.base) && type.charset !== 'binary';
}
