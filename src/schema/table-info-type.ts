/** Column types in TiDB's numbers: MySQL's type codes, flags, lengths. */
import type { Column, ColumnType } from './table.js';
import { isTextType } from './column-type.js';
import { portableCharset, portableCollation } from './create-sql.js';
import { normalizeCharset, normalizeCollation } from './charsets.js';

export interface TidbFieldType {
  Tp: number;
  Flag: number;
  Flen: number;
  Decimal: number;
  Charset: string;
  Collate: string;
  Elems: string[] | null;
}

export const FLAG = {
  notNull: 1,
  primary: 2,
  unique: 4,
  multiple: 8,
  blob: 16,
  unsigned: 32,
  zerofill: 64,
  binary: 128,
  autoIncrement: 512,
  noDefault: 4096,
  onUpdateNow: 8192,
} as const;

const UNSPECIFIED = -1;

interface Fixed {
  readonly tp: number;
  readonly flen: number;
}

/** Type code and usual length; -1 where the length is the column's own. */
const TYPES: Readonly<Record<string, Fixed>> = {
  tinyint: { tp: 1, flen: 4 },
  smallint: { tp: 2, flen: 6 },
  int: { tp: 3, flen: 11 },
  float: { tp: 4, flen: 12 },
  double: { tp: 5, flen: 22 },
  timestamp: { tp: 7, flen: 19 },
  bigint: { tp: 8, flen: 20 },
  mediumint: { tp: 9, flen: 9 },
  date: { tp: 10, flen: 10 },
  time: { tp: 11, flen: 10 },
  datetime: { tp: 12, flen: 19 },
  year: { tp: 13, flen: 4 },
  varchar: { tp: 15, flen: -1 },
  varbinary: { tp: 15, flen: -1 },
  bit: { tp: 16, flen: 1 },
  json: { tp: 245, flen: 4294967295 },
  decimal: { tp: 246, flen: 10 },
  enum: { tp: 247, flen: -1 },
  set: { tp: 248, flen: -1 },
  tinytext: { tp: 249, flen: 255 },
  tinyblob: { tp: 249, flen: 255 },
  mediumtext: { tp: 250, flen: 16777215 },
  mediumblob: { tp: 250, flen: 16777215 },
  longtext: { tp: 251, flen: 4294967295 },
  longblob: { tp: 251, flen: 4294967295 },
  text: { tp: 252, flen: 65535 },
  blob: { tp: 252, flen: 65535 },
  char: { tp: 254, flen: -1 },
  binary: { tp: 254, flen: -1 },
  uuid: { tp: 254, flen: 36 },
  inet4: { tp: 254, flen: 15 },
  inet6: { tp: 254, flen: 39 },
  vector: { tp: 225, flen: -1 },
};

/** TiDB has no spatial types; this is MySQL's own code for them. */
const GEOMETRY: Fixed = { tp: 255, flen: 4294967295 };

const INTEGER_TYPES = new Set([1, 2, 3, 8, 9]);

const UNSIGNED_WIDTHS: Readonly<Record<number, number>> = { 1: 3, 2: 5, 3: 10, 9: 8, 8: 20 };

export function encodeFieldType(column: Column): TidbFieldType {
  const { type } = column;
  const { tp, flen } = TYPES[type.base] ?? GEOMETRY;
  const text = isTextType(type.base);
  const json = type.base === 'json';
  let length = type.length ?? flen;
  if (INTEGER_TYPES.has(tp) && type.length === undefined && type.unsigned) length = UNSIGNED_WIDTHS[tp];
  let decimal = type.decimals ?? (INTEGER_TYPES.has(tp) || tp === 10 || tp === 13 ? 0 : UNSPECIFIED);
  if (tp === 7 || tp === 11 || tp === 12) {
    decimal = type.decimals ?? 0;
    length = flen + (decimal > 0 ? decimal + 1 : 0);
  }
  if (type.members !== undefined) {
    const lengths = type.members.map((member) => [...member].length);
    length =
      type.base === 'enum'
        ? Math.max(0, ...lengths)
        : lengths.reduce((sum, n) => sum + n, Math.max(0, lengths.length - 1));
  }
  let flag = 0;
  if (type.unsigned) flag |= FLAG.unsigned;
  if (type.zerofill) flag |= FLAG.zerofill;
  if (!text) flag |= FLAG.binary;
  if ((tp >= 249 && tp <= 252) || json) flag |= FLAG.blob;
  return {
    Tp: tp,
    Flag: flag,
    Flen: length,
    Decimal: decimal,
    Charset: text ? portableCharset(type.charset ?? 'utf8mb4') : json ? 'utf8mb4' : 'binary',
    Collate: text ? portableCollation(type.collation ?? 'utf8mb4_bin') : json ? 'utf8mb4_bin' : 'binary',
    Elems: type.members ?? null,
  };
}

/** Type codes back to base types: as text, and where the character set is binary. */
const BASES: ReadonlyMap<number, readonly [string, string]> = new Map(
  Object.entries({
    15: ['varchar', 'varbinary'],
    249: ['tinytext', 'tinyblob'],
    250: ['mediumtext', 'mediumblob'],
    251: ['longtext', 'longblob'],
    252: ['text', 'blob'],
    253: ['varchar', 'varbinary'],
    254: ['char', 'binary'],
  } as const).map(([tp, names]) => [Number(tp), names]),
);

const OTHER_BASES: ReadonlyMap<number, string> = new Map(
  Object.entries(TYPES)
    .filter(([, { tp }]) => !BASES.has(tp))
    .map(([base, { tp }]) => [tp, base]),
);

export function decodeFieldType(field: TidbFieldType): ColumnType {
  const binary = field.Charset === 'binary';
  const pair = BASES.get(field.Tp);
  const base = pair ? pair[binary ? 1 : 0] : (OTHER_BASES.get(field.Tp) ?? 'geometry');
  const type: ColumnType = {
    base,
    unsigned: (field.Flag & FLAG.unsigned) !== 0,
    zerofill: (field.Flag & FLAG.zerofill) !== 0,
  };
  if (isTextType(base)) {
    type.charset = normalizeCharset(field.Charset);
    type.collation = normalizeCollation(field.Collate);
  }
  switch (base) {
    case 'enum':
    case 'set':
      type.members = field.Elems ?? [];
      break;
    case 'char':
    case 'varchar':
    case 'binary':
    case 'varbinary':
    case 'bit':
    case 'vector':
      if (field.Flen >= 0) type.length = field.Flen;
      break;
    case 'decimal':
      type.length = field.Flen < 0 ? 10 : field.Flen;
      type.decimals = field.Decimal < 0 ? 0 : field.Decimal;
      break;
    case 'float':
    case 'double':
      if (field.Decimal >= 0) Object.assign(type, { length: field.Flen, decimals: field.Decimal });
      break;
    case 'time':
    case 'datetime':
    case 'timestamp':
      if (field.Decimal > 0) type.decimals = field.Decimal;
      break;
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
      if (type.zerofill || (base === 'tinyint' && field.Flen === 1)) type.length = field.Flen;
      break;
    default:
      break;
  }
  return type;
}
