/** Indexes as the servers keep them: names for the unnamed, order, and those made for foreign keys. */
import type { ForeignKeyDef, IndexDef } from './ddl-types.js';
import { maxBytes } from './charsets.js';
import { textCapacity } from './column-type.js';
import type { Column, Index, IndexPart } from './table.js';

export type ColumnMap = ReadonlyMap<string, Column>;

export function columnMap(columns: readonly Column[]): Map<string, Column> {
  return new Map(columns.map((column) => [column.name.toLowerCase(), column]));
}

/** An index that is about to be part of a table; '' names are filled in by `nameIndexes`. */
export function indexFromDef(def: IndexDef): Index {
  const index: Index = { name: def.name, kind: def.kind, parts: def.parts.map((part) => ({ ...part })) };
  if (def.invisible) index.invisible = true;
  if (def.comment !== undefined) index.comment = def.comment;
  return index;
}

/** The index that a server adds so that a foreign key has one. */
export function indexForForeignKey(def: ForeignKeyDef): Index {
  return {
    name: def.name || def.indexName,
    kind: 'index',
    parts: def.columns.map((column) => ({ column })),
    generated: true,
  };
}

/** Unnamed indexes get the name of their first column, with _2, _3 ... where it is taken. */
export function nameIndexes(indexes: readonly Index[]): Index[] {
  const taken = new Set<string>();
  return indexes.map((index) => {
    let { name } = index;
    if (name === '') {
      const first = index.parts[0];
      const base = first.column === '' ? 'functional_index' : first.column;
      name = base;
      for (let n = 2; taken.has(name.toLowerCase()) || name.toUpperCase() === 'PRIMARY'; n++) {
        name = `${base}_${n}`;
      }
    }
    taken.add(name.toLowerCase());
    return index.name === name ? index : { ...index, name };
  });
}

/** Leaves out generated indexes that begin like another index. */
export function dropRedundant(indexes: readonly Index[]): Index[] {
  const kept: Index[] = [];
  for (const index of indexes) {
    if (index.generated && kept.some((other) => covers(other, index))) continue;
    const shadowed = kept.findIndex((other) => other.generated === true && covers(index, other));
    if (shadowed >= 0) kept.splice(shadowed, 1);
    kept.push(index);
  }
  return kept;
}

function covers(index: Index, generated: Index): boolean {
  if (index.kind === 'fulltext' || index.kind === 'spatial' || index.kind === 'vector') return false;
  return generated.parts.every(
    (part, i) => index.parts[i]?.column.toLowerCase() === part.column.toLowerCase(),
  );
}

/**
 * The servers' own order: unique before others; among those the ones without nullable columns first,
 * the primary key before all, whole columns before prefixes; fulltext last.
 */
export function sortIndexes(indexes: readonly Index[], columns: ColumnMap): Index[] {
  const rank = (index: Index): number => {
    const unique = index.kind === 'primary' || index.kind === 'unique';
    if (!unique) return index.kind === 'fulltext' ? 9 : 8;
    if (index.kind === 'primary') return 0;
    const nullable = index.parts.some((part) => columns.get(part.column.toLowerCase())?.nullable !== false);
    const prefix = index.parts.some((part) => part.length !== undefined);
    // MariaDB keeps a unique index over a whole text as a hash, behind the real ones.
    const hashed = index.parts.some((part) => {
      const type = columns.get(part.column.toLowerCase())?.type;
      return part.length === undefined && type !== undefined && textCapacity(type.base) > 0;
    });
    if (hashed) return 7;
    return 1 + (nullable ? 4 : 0) + (prefix ? 1 : 0);
  };
  return indexes
    .map((index, i) => ({ index, i, rank: rank(index) }))
    .sort((a, b) => a.rank - b.rank || a.i - b.i)
    .map(({ index }) => index);
}

const NUMERIC = new Set(['decimal', 'bit', 'float', 'double']);

/** InnoDB's longest key part in bytes. */
const MAX_PART = 3072;

/**
 * A prefix as long as the column is none; nor has a column of another type than text a prefix. MariaDB
 * cuts the parts of an index that need not be unique to what the engine can take.
 */
export function fitPrefixes(index: Index, columns: ColumnMap): Index {
  const parts = index.parts.map((part): IndexPart => {
    const type = columns.get(part.column.toLowerCase())?.type;
    if (type === undefined) return part;
    if (part.length === undefined) {
      const perCharacter = maxBytes(type.charset);
      const bytes = textCapacity(type.base) || (type.length ?? 0) * perCharacter;
      const cut = index.kind === 'index' && bytes > MAX_PART && !NUMERIC.has(type.base);
      return cut ? { ...part, length: Math.floor(MAX_PART / perCharacter) } : part;
    }
    const sized = ['char', 'varchar', 'binary', 'varbinary'].includes(type.base);
    if (textCapacity(type.base) > 0 || (sized && part.length < (type.length ?? 0))) return part;
    const { length: _length, ...whole } = part;
    return whole;
  });
  return { ...index, parts };
}

/** All that a server does to the list of indexes at the end of CREATE or ALTER TABLE. */
export function settleIndexes(indexes: readonly Index[], columns: readonly Column[]): Index[] {
  const map = columnMap(columns);
  const settled = nameIndexes(dropRedundant(indexes)).map((index) => fitPrefixes(index, map));
  return sortIndexes(settled, map);
}

/** Columns of the primary key are NOT NULL. */
export function primaryNotNull(columns: readonly Column[], indexes: readonly Index[]): Column[] {
  const primary = indexes.find((index) => index.kind === 'primary');
  if (!primary) return [...columns];
  const names = new Set(primary.parts.map((part) => part.column.toLowerCase()));
  return columns.map((column) =>
    column.nullable && names.has(column.name.toLowerCase()) ? { ...column, nullable: false } : column,
  );
}
