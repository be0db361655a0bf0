/**
 * How the rows of one source table become SQL on its target table. Compiled once per (table map, source
 * structure, target structure); the same plan object means statements can be merged.
 */
import type { RowCodec, RowIndex } from '../../binlog/rows.js';
import { quoteName, quoteTable, tableKey, type TableName } from '../../model/table-name.js';
import { renderColumn } from '../../schema/create-sql.js';
import { columnsMissing } from '../../schema/missing-columns.js';
import { identityIndex, type Column, type Index, type TableSchema } from '../../schema/table.js';
import type { WrittenTypes } from '../../mysql/evaluation-warnings.js';
import type { RowFilter } from '../row-filter.js';
import { blockOf, chooseFold, finish, hashText, hashValue, mix, type Fold } from './fold.js';
import { planForeignKeys, type ForeignKeyPlan, type Reference } from './foreign-keys.js';
import { planBulk, type BulkPlan } from '../rows/bulk-plan.js';
import { planCases, type CasePlan } from '../rows/case-plan.js';
import { planLax } from '../rows/lax-statement.js';
import { planUpserts, type UpsertPlan } from '../rows/upsert-plan.js';

interface KeyPart {
  /** Ordinal of the source column. */
  readonly column: number;
  readonly fold: Fold;
  /** Index prefix, 0 for the whole column. */
  readonly prefix: number;
}

export interface KeyPlan {
  readonly seed: number;
  readonly parts: readonly KeyPart[];
}

/** How a column is compared in a WHERE. */
export type Comparison =
  | 'plain'
  /** FLOAT: compares as the double that the stored value is, not as the decimal text. */
  | 'float'
  /** Byte by byte beyond the collation: rows without a key, or with one of prefixes, are told apart exactly. */
  | 'exact-text'
  /** An ENUM with '' among its members: the error value 0 is equal to it, where no index is used. */
  | 'enum'
  /** A JSON column never equals a string. */
  | 'json';

export interface WhereColumn {
  readonly column: number;
  /** `name` quoted. */
  readonly name: string;
  readonly comparison: Comparison;
}

export interface TablePlan {
  readonly source: TableName;
  readonly target: TableName;
  readonly codec: RowCodec;
  /** Source columns that are written, by ordinal; those of the identity first where `upserts` is set. */
  readonly columns: Int32Array;
  /** `name`= of each written column. */
  readonly assignments: readonly string[];
  /** 1 where SET must name the column even when unchanged: the target would change it by itself. */
  readonly always: Uint8Array;
  /** Written ENUM columns, by ordinal: their value 0 is refused by a strict sql_mode. */
  readonly enums: Int32Array;
  readonly insertHead: Buffer;
  readonly replaceHead: Buffer;
  readonly updateHead: Buffer;
  readonly deleteHead: Buffer;
  /** The key that finds a row and chooses the lane; null: the whole row does, in one lane. */
  readonly identity: KeyPlan | null;
  readonly where: readonly WhereColumn[];
  /** How many updates become one statement; null where each must stay an UPDATE of its own. */
  readonly upserts: UpsertPlan | null;
  /** How they become one UPDATE by CASE, which is cheaper; null where they do not. */
  readonly cases: CasePlan | null;
  /** What a lax session must leave as it is; null where its comparisons could find other rows. */
  readonly lax: WrittenTypes | null;
  /** How inserts go as bound values; null where they do not. */
  readonly bulk: BulkPlan | null;
  /** Other unique keys: conflicts between lanes. */
  readonly uniques: readonly KeyPlan[];
  /** Null where the target does not check foreign keys, or the table has none and is not referred to. */
  readonly foreignKeys: ForeignKeyPlan | null;
  /** First column of the source's primary key, by which a full copy is cut into chunks; -1 without one. */
  readonly chunkColumn: number;
  /** null: every row passes. */
  readonly rowFilter: RowFilter | null;
  /** The lane hash of a table without key. */
  readonly tableHash: number;
}

export interface PlanInput {
  readonly rowFilter?: RowFilter | null;
  readonly source: TableName;
  readonly target: TableSchema;
  readonly codec: RowCodec;
  /** Structure of the source table at this place of the binlog. */
  readonly sourceSchema: TableSchema;
  readonly targetIsMariaDb: boolean;
  /** The target table has triggers, which an INSERT .. ON DUPLICATE KEY UPDATE fires otherwise than an UPDATE. */
  readonly targetHasTriggers?: boolean;
  /** Foreign keys that the target checks. */
  readonly references?: readonly Reference[];
}

export function compilePlan(input: PlanInput): TablePlan {
  const { target, codec, sourceSchema } = input;
  const ordinals = new Map(codec.columns.map((column, ordinal) => [column.name.toLowerCase(), ordinal]));
  const sourceColumns = new Map(sourceSchema.columns.map((column) => [column.name.toLowerCase(), column]));
  const targetColumns = new Map(target.columns.map((column) => [column.name.toLowerCase(), column]));
  const written = codec.columns
    .map((column, ordinal) => ({ column, ordinal, target: targetColumns.get(column.name.toLowerCase()) }))
    .filter(({ column, target: to }) => {
      if (to !== undefined) return to.generated === undefined;
      // What the source computes by itself is no loss.
      return sourceColumns.get(column.name.toLowerCase())?.generated === undefined;
    });
  const missing = written.filter(({ target: to }) => to === undefined);
  if (missing.length > 0) {
    throw columnsMissing(
      input.source,
      target,
      missing.map(({ column: { name } }) => {
        const from = sourceColumns.get(name.toLowerCase());
        return { name, definition: from ? renderColumn(from, sourceSchema) : quoteName(name) };
      }),
    );
  }
  const tableHash = hashText(0x811c9dc5, tableKey(target));

  const compileKey = (index: Index, number: number): KeyPlan => ({
    seed: mix(tableHash, number),
    parts: index.parts.map((part) => {
      const name = part.column.toLowerCase();
      const column = ordinals.get(name);
      return {
        column: column ?? 0,
        fold:
          column === undefined ? 'constant' : chooseFold(sourceColumns.get(name), targetColumns.get(name)),
        prefix: part.length ?? 0,
      };
    }),
  });

  // Only a key whose columns all travel can find a row.
  const usable = target.indexes.filter((index) =>
    index.parts.every((part) => ordinals.has(part.column.toLowerCase())),
  );
  const identity = identityIndex({ ...target, indexes: usable });
  const uniques = target.indexes.filter(
    (index) => index !== identity && (index.kind === 'primary' || index.kind === 'unique'),
  );
  const upserts = planUpserts(input, identity, uniques.length > 0, written);
  const names = written.map(({ column }) => quoteName(column.name));
  const table = quoteTable({ schema: target.schema, table: target.table });
  const where: WhereColumn[] = identity
    ? identity.parts.map((part) => {
        const name = part.column.toLowerCase();
        return {
          column: ordinals.get(name) ?? 0,
          name: quoteName(part.column),
          comparison: keyComparison(targetColumns.get(name), part.length !== undefined),
        };
      })
    : written.map(({ column, ordinal, target: to }) => ({
        column: ordinal,
        name: quoteName(column.name),
        comparison: fullRowComparison(to, input.targetIsMariaDb),
      }));
  return {
    source: input.source,
    target: { schema: target.schema, table: target.table },
    codec,
    columns: Int32Array.from(written, ({ ordinal }) => ordinal),
    assignments: names.map((name) => `${name}=`),
    always: Uint8Array.from(written, ({ target: to }) => (to?.onUpdate === undefined ? 0 : 1)),
    enums: Int32Array.from(
      written.filter(({ target: to }) => to?.type.base === 'enum'),
      ({ ordinal }) => ordinal,
    ),
    insertHead: Buffer.from(`INSERT INTO ${table} (${names.join(',')}) VALUES `),
    replaceHead: Buffer.from(`REPLACE INTO ${table} (${names.join(',')}) VALUES `),
    updateHead: Buffer.from(`UPDATE ${table} SET `),
    deleteHead: Buffer.from(`DELETE FROM ${table} WHERE `),
    identity: identity ? compileKey(identity, 0) : null,
    where,
    upserts,
    cases: planCases(input, identity, written, sourceColumns),
    lax: planLax(
      identity?.parts.map(({ column }) => column.toLowerCase()) ?? null,
      written,
      sourceColumns,
      targetColumns,
    ),
    bulk: planBulk({ ...input, columns: codec.columns, source: sourceColumns }, written),
    uniques: uniques.map((index) => compileKey(index, target.indexes.indexOf(index) + 1)),
    foreignKeys: planForeignKeys({
      target,
      references: input.references ?? [],
      column: (name) => ({
        ordinal: ordinals.get(name),
        source: sourceColumns.get(name),
        target: targetColumns.get(name),
      }),
    }),
    chunkColumn: ordinals.get(chunkColumnName(sourceSchema)) ?? -1,
    rowFilter: input.rowFilter ?? null,
    tableHash: finish(tableHash),
  };
}

function chunkColumnName(source: TableSchema): string {
  const primary = source.indexes.find((index) => index.kind === 'primary');
  return primary?.parts[0]?.column.toLowerCase() ?? '';
}

const TEXTS = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext']);

function fullRowComparison(column: Column | undefined, targetIsMariaDb: boolean): Comparison {
  if (column === undefined) return 'plain';
  if (column.type.base === 'float') return 'float';
  if (isEnumWithEmpty(column)) return 'enum';
  if (column.type.base === 'json') return targetIsMariaDb ? 'exact-text' : 'json';
  return isText(column) ? 'exact-text' : 'plain';
}

/**
 * Two texts with different first letters can be equal all the same ('ß' and 'ss'): where only a prefix is
 * unique, the collation does not tell rows apart.
 */
function keyComparison(column: Column | undefined, byPrefix: boolean): Comparison {
  if (column?.type.base === 'float') return 'float';
  if (isEnumWithEmpty(column)) return 'enum';
  return byPrefix && isText(column) ? 'exact-text' : 'plain';
}

function isEnumWithEmpty(column: Column | undefined): boolean {
  return column?.type.base === 'enum' && column.type.members?.includes('') === true;
}

/** One column that can be compared with a list of values. */
export function comparesAsList(where: readonly WhereColumn[]): boolean {
  return where.length === 1 && (where[0].comparison === 'plain' || where[0].comparison === 'float');
}

function isText(column: Column | undefined): boolean {
  return column !== undefined && TEXTS.has(column.type.base) && column.type.charset !== 'binary';
}

/** Hash of a key in one image; -1 when a part is NULL: such a key never conflicts. */
export function keyHash(plan: TablePlan, key: KeyPlan, index: RowIndex, image: number): number {
  return hashParts(plan, key, index, image, null);
}

/** The same for neighbours: keys whose last part is an integer are taken by blocks. */
export function blockHash(plan: TablePlan, key: KeyPlan, index: RowIndex, image: number): number {
  return hashParts(plan, key, index, image, key.parts[key.parts.length - 1]);
}

function hashParts(
  plan: TablePlan,
  key: KeyPlan,
  index: RowIndex,
  image: number,
  blocks: KeyPart | null,
): number {
  let hash = key.seed;
  const base = image * index.columnCount;
  for (const part of key.parts) {
    if (part.fold === 'constant') continue;
    const start = index.starts[base + part.column];
    if (start < 0) return -1;
    let value = plan.codec.columns[part.column].value(index.buf, start, index.lengths[base + part.column]);
    if (
      part === blocks &&
      part.fold === 'integer' &&
      (typeof value === 'number' || typeof value === 'bigint')
    )
      value = blockOf(value);
    hash = hashValue(hash, part.fold, value, part.prefix);
  }
  return finish(hash);
}

/** True where the two images hold the same bytes (or both NULL) in this column. */
export function sameBytes(index: RowIndex, imageA: number, imageB: number, column: number): boolean {
  const a = imageA * index.columnCount + column;
  const b = imageB * index.columnCount + column;
  const startA = index.starts[a];
  const startB = index.starts[b];
  if (startA < 0 || startB < 0) return startA === startB;
  const length = index.lengths[a];
  if (length !== index.lengths[b]) return false;
  const { buf } = index;
  if (length > 64) return buf.compare(buf, startA, startA + length, startB, startB + length) === 0;
  for (let i = 0; i < length; i++) if (buf[startA + i] !== buf[startB + i]) return false;
  return true;
}

/** True where an update leaves the key's value byte for byte. Parts that do not travel count as changed. */
export function keyUnchanged(key: KeyPlan, index: RowIndex, before: number, after: number): boolean {
  for (const part of key.parts) {
    if (part.fold === 'constant' || !sameBytes(index, before, after, part.column)) return false;
  }
  return true;
}
