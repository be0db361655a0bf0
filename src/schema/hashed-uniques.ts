/**
 * MariaDB keeps a unique key that is too long for an index (whole TEXT and BLOB columns, or more bytes than a
 * key may have) by a hidden BIGINT column that holds a hash, one for each such key.
 */
import type { Column, IndexPart, TableSchema } from './table.js';

/** Bytes of a key in InnoDB, and in the engines that have the smallest ones. */
const MAX_KEY_BYTES = 3072;
const MAX_KEY_BYTES_OTHERS = 1000;

/** How many unique keys MariaDB keeps by a hash; a few too many where an engine allows longer keys. */
export function hashedUniques(table: TableSchema): number {
  const columns = new Map(table.columns.map((column) => [column.name.toLowerCase(), column]));
  const innodb = (table.options['ENGINE'] ?? 'InnoDB').toLowerCase() === 'innodb';
  const limit = innodb ? MAX_KEY_BYTES : MAX_KEY_BYTES_OTHERS;
  return table.indexes.filter(({ kind, parts }) => {
    if (kind !== 'unique') return false;
    let bytes = 0;
    for (const part of parts) bytes += partBytes(part, columns.get(part.column.toLowerCase()));
    return bytes > limit;
  }).length;
}

function partBytes(part: IndexPart, column: Column | undefined): number {
  if (column === undefined) return 0;
  const { base, charset, length } = column.type;
  const perCharacter = charset?.startsWith('utf8mb4') ? 4 : charset?.startsWith('utf8') ? 3 : 1;
  switch (base) {
    case 'char':
    case 'varchar':
      return (part.length ?? length ?? 1) * perCharacter;
    case 'binary':
    case 'varbinary':
      return part.length ?? length ?? 1;
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
      return part.length === undefined ? Infinity : part.length * perCharacter;
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
    case 'json':
      return part.length ?? Infinity;
    default:
      return 8;
  }
}
