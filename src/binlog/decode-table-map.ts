/** TABLE_MAP_EVENT with its optional metadata (binlog_row_metadata = MINIMAL or FULL). */
import { binlogError } from './binlog-error.js';
import { Cursor } from './bytes.js';
import { decodeCharset } from './charset.js';
import { collationCharset } from './collations.js';
import type { TableMap } from './events.js';
import { TYPE } from './event-types.js';

type Optional = { -readonly [K in keyof TableMap['optional']]: TableMap['optional'][K] };

export function decodeTableMap(buf: Buffer, start: number, end: number): TableMap {
  const cursor = new Cursor(buf, start, end);
  const tableId = cursor.u48();
  cursor.skip(2);
  const schema = cursor.utf8(cursor.u8());
  cursor.skip(1);
  const table = cursor.utf8(cursor.u8());
  cursor.skip(1);
  const count = cursor.lenenc();
  const types = Uint8Array.from(cursor.bytes(count));
  const metadata = decodeMetadata(types, cursor.bytes(cursor.lenenc()));
  const nullBits = cursor.bytes((count + 7) >> 3);
  const nullable: boolean[] = [];
  for (let i = 0; i < count; i++) nullable.push((nullBits[i >> 3] & (1 << (i & 7))) !== 0);
  const optional = decodeOptional(types, cursor);
  return { tableId, schema, table, types, metadata, nullable, optional };
}

/** Rewrites STRING columns that are really ENUM or SET, and notes each column's metadata as one number. */
function decodeMetadata(types: Uint8Array, bytes: Buffer): Uint16Array {
  const metadata = new Uint16Array(types.length);
  const cursor = new Cursor(bytes, 0, bytes.length);
  for (let i = 0; i < types.length; i++) {
    switch (types[i]) {
      case TYPE.STRING: {
        const first = cursor.u8();
        const second = cursor.u8();
        // Lengths over 255 borrow two bits of the type byte, stored inverted.
        if ((first & 0x30) !== 0x30) {
          metadata[i] = second | (((first & 0x30) ^ 0x30) << 4);
          types[i] = first | 0x30;
        } else {
          metadata[i] = second;
          if (first === TYPE.ENUM || first === TYPE.SET) types[i] = first;
        }
        break;
      }
      case TYPE.NEWDECIMAL: {
        const precision = cursor.u8();
        metadata[i] = (precision << 8) | cursor.u8();
        break;
      }
      case TYPE.BIT: {
        const bits = cursor.u8();
        metadata[i] = (cursor.u8() << 8) | bits;
        break;
      }
      case TYPE.VARCHAR:
      case TYPE.VAR_STRING:
      case TYPE.VARCHAR_COMPRESSED:
        metadata[i] = cursor.u16();
        break;
      case TYPE.ENUM:
      case TYPE.SET:
        cursor.skip(1);
        metadata[i] = cursor.u8();
        break;
      case TYPE.FLOAT:
      case TYPE.DOUBLE:
      case TYPE.TINY_BLOB:
      case TYPE.MEDIUM_BLOB:
      case TYPE.LONG_BLOB:
      case TYPE.BLOB:
      case TYPE.BLOB_COMPRESSED:
      case TYPE.GEOMETRY:
      case TYPE.JSON:
      case TYPE.VECTOR:
      case TYPE.TIMESTAMP2:
      case TYPE.DATETIME2:
      case TYPE.TIME2:
        metadata[i] = cursor.u8();
        break;
      case TYPE.TINY:
      case TYPE.SHORT:
      case TYPE.LONG:
      case TYPE.LONGLONG:
      case TYPE.INT24:
      case TYPE.NULL:
      case TYPE.TIMESTAMP:
      case TYPE.DATE:
      case TYPE.TIME:
      case TYPE.DATETIME:
      case TYPE.YEAR:
      case TYPE.NEWDATE:
      case TYPE.DECIMAL:
        break;
      default:
        throw binlogError(`table map with unknown column type ${types[i]}`);
    }
  }
  return metadata;
}

function isNumeric(type: number): boolean {
  switch (type) {
    case TYPE.TINY:
    case TYPE.SHORT:
    case TYPE.INT24:
    case TYPE.LONG:
    case TYPE.LONGLONG:
    case TYPE.NEWDECIMAL:
    case TYPE.FLOAT:
    case TYPE.DOUBLE:
    case TYPE.YEAR:
      return true;
    default:
      return false;
  }
}

function isCharacter(type: number): boolean {
  switch (type) {
    case TYPE.STRING:
    case TYPE.VAR_STRING:
    case TYPE.VARCHAR:
    case TYPE.BLOB:
    case TYPE.TINY_BLOB:
    case TYPE.MEDIUM_BLOB:
    case TYPE.LONG_BLOB:
    case TYPE.VARCHAR_COMPRESSED:
    case TYPE.BLOB_COMPRESSED:
      return true;
    default:
      return false;
  }
}

function isEnumOrSet(type: number): boolean {
  return type === TYPE.ENUM || type === TYPE.SET;
}

function decodeOptional(types: Uint8Array, cursor: Cursor): TableMap['optional'] {
  const optional: Optional = {};
  const collations = new Array<number>(types.length).fill(0);
  let sawCollations = false;
  let enums: Cursor | undefined;
  let sets: Cursor | undefined;
  while (cursor.left > 0) {
    const kind = cursor.u8();
    const length = cursor.lenenc();
    const bytes = cursor.bytes(length);
    const field = new Cursor(bytes, 0, length);
    switch (kind) {
      case 1:
        optional.unsigned = decodeSignedness(types, bytes);
        break;
      case 2:
      case 10:
        defaultCharset(types, field, collations, kind === 2 ? isCharacter : isEnumOrSet);
        sawCollations = true;
        break;
      case 3:
      case 11:
        for (let i = 0; i < types.length; i++) {
          if ((kind === 3 ? isCharacter : isEnumOrSet)(types[i])) collations[i] = field.lenenc();
        }
        sawCollations = true;
        break;
      case 4:
        optional.columnNames = [];
        while (field.left > 0) optional.columnNames.push(field.utf8(field.lenenc()));
        break;
      case 5:
        sets = field;
        break;
      case 6:
        enums = field;
        break;
      case 7:
        optional.geometryTypes = [];
        while (field.left > 0) optional.geometryTypes.push(field.lenenc());
        break;
      case 8:
        optional.primaryKey = primaryKey(field, false);
        break;
      case 9:
        optional.primaryKey = primaryKey(field, true);
        break;
      case 12:
        optional.visible = Array.from(types, (_, i) => (bytes[i >> 3] & (0x80 >> (i & 7))) !== 0);
        break;
      case 13:
        optional.vectorDimensions = [];
        while (field.left > 0) optional.vectorDimensions.push(field.lenenc());
        break;
      default:
        // Later servers append kinds; each carries its length, so it can be passed over.
        break;
    }
  }
  if (sawCollations) optional.collations = collations;
  // Members are text in the column's own character set, which may stand after them.
  if (enums) optional.enumMembers = members(types, TYPE.ENUM, enums, collations);
  if (sets) optional.setMembers = members(types, TYPE.SET, sets, collations);
  return optional;
}

function decodeSignedness(types: Uint8Array, bits: Buffer): boolean[] {
  // MySQL counts eight numeric types; MariaDB counts YEAR too. The length of the bitmap tells where it
  // differs by a byte; where it does not, YEAR is unsigned for both and shifts the bits after it.
  const unsigned = new Array<boolean>(types.length).fill(false);
  let bit = 0;
  for (let i = 0; i < types.length; i++) {
    if (!isNumeric(types[i])) continue;
    unsigned[i] = (bits[bit >> 3] & (0x80 >> (bit & 7))) !== 0;
    bit++;
  }
  return unsigned;
}

function defaultCharset(
  types: Uint8Array,
  field: Cursor,
  collations: number[],
  wanted: (type: number) => boolean,
): void {
  const fallback = field.lenenc();
  const exceptions = new Map<number, number>();
  while (field.left > 0) {
    const index = field.lenenc();
    exceptions.set(index, field.lenenc());
  }
  let index = 0;
  for (let i = 0; i < types.length; i++) {
    if (wanted(types[i])) collations[i] = exceptions.get(index++) ?? fallback;
  }
}

function primaryKey(field: Cursor, withPrefix: boolean): { column: number; prefix: number }[] {
  const parts: { column: number; prefix: number }[] = [];
  while (field.left > 0) {
    const column = field.lenenc();
    parts.push({ column, prefix: withPrefix ? field.lenenc() : 0 });
  }
  return parts;
}

function members(
  types: Uint8Array,
  type: number,
  field: Cursor,
  collations: number[],
): (string[] | undefined)[] {
  const result = new Array<string[] | undefined>(types.length).fill(undefined);
  for (let i = 0; i < types.length; i++) {
    if (types[i] !== type || field.left === 0) continue;
    const charset = collationCharset(collations[i]) ?? 'utf8mb4';
    const list: string[] = [];
    const count = field.lenenc();
    for (let k = 0; k < count; k++) {
      const bytes = field.bytes(field.lenenc());
      list.push(decodeCharset(charset, bytes, 0, bytes.length));
    }
    result[i] = list;
  }
  return result;
}
