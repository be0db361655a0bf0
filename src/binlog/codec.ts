/** Compiles the reader of one table's row images. */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { ByteWriter } from '../mysql/byte-writer.js';
import { hashedUniques } from '../schema/hashed-uniques.js';
import type { Column, TableSchema } from '../schema/table.js';
import { stringBinding } from './binding.js';
import { binlogError } from './binlog-error.js';
import { writeString } from './escape.js';
import { collationCharset } from './collations.js';
import * as numbers from './column-numbers.js';
import { oldTimeColumn, oldTimeSize } from './column-old-times.js';
import * as text from './column-text.js';
import * as times from './column-times.js';
import { TYPE } from './event-types.js';
import type { TableMap } from './events.js';
import { jsonText } from './json-binary.js';
import { RowIndexer, type Layout } from './row-indexer.js';
import type { ColumnCodec, RowCodec } from './rows.js';

/**
 * Column types come from the table map; names, character sets, signs and members from the schema model
 * when there is one, else from the table map's optional metadata, else: `@1..`, utf8mb4, signed, numbers.
 * Throws a DmError 36027 when the schema has another number of columns than the table map.
 */
export function compileRowCodec(map: TableMap, table: TableSchema | null): RowCodec {
  const count = map.types.length;
  if (table && !fitsTable(map, table)) {
    throw new DmError(
      CODES.syncColumnCount,
      `Column count doesn't match value count: ${table.columns.length} (columns) vs ${count} (values)`,
    );
  }
  const scratch = new ByteWriter(128);
  const columns: ColumnCodec[] = [];
  const layouts: Layout[] = [];
  for (let i = 0; i < count; i++) {
    const column = table?.columns[i];
    layouts.push(layoutOf(map, i, column));
    // What is behind the table's own columns is passed over.
    if (table === null || column !== undefined) columns.push(columnCodec(map, i, column, scratch));
  }
  const indexer = new RowIndexer(map, layouts);
  return { columns, index: (event, into) => indexer.index(event, into) };
}

/**
 * Whether rows of the map are of this structure, by the number of columns. MariaDB logs the hidden columns
 * of its hashed unique keys too, behind all others.
 */
export function fitsTable(map: TableMap, table: TableSchema): boolean {
  const extra = map.types.length - table.columns.length;
  if (extra === 0) return true;
  if (extra < 0 || extra > hashedUniques(table)) return false;
  return map.types.subarray(-extra).every((type) => type === TYPE.LONGLONG);
}

/** How many bytes a value takes: a fixed number, or what a prefix of 1 to 4 bytes says. */
function layoutOf(map: TableMap, i: number, column: Column | undefined): Layout {
  const meta = map.metadata[i];
  checkMetadata(map.types[i], meta);
  const fixed = (size: number): Layout => ({ prefix: 0, size });
  switch (map.types[i]) {
    case TYPE.TINY:
    case TYPE.YEAR:
      return fixed(1);
    case TYPE.SHORT:
      return fixed(2);
    case TYPE.INT24:
    case TYPE.DATE:
    case TYPE.NEWDATE:
      return fixed(3);
    case TYPE.LONG:
    case TYPE.FLOAT:
      return fixed(4);
    case TYPE.LONGLONG:
    case TYPE.DOUBLE:
      return fixed(8);
    case TYPE.TIME:
    case TYPE.TIMESTAMP:
    case TYPE.DATETIME:
      return fixed(oldTimeSize(map.types[i], column?.type.decimals ?? 0));
    case TYPE.NULL:
      return fixed(0);
    case TYPE.TIMESTAMP2:
      return fixed(4 + times.fractionBytes(meta));
    case TYPE.DATETIME2:
      return fixed(5 + times.fractionBytes(meta));
    case TYPE.TIME2:
      return fixed(3 + times.fractionBytes(meta));
    case TYPE.NEWDECIMAL:
      return fixed(numbers.decimalSize(meta >> 8, meta & 0xff));
    case TYPE.BIT:
      return fixed((meta >> 8) + ((meta & 0xff) > 0 ? 1 : 0));
    case TYPE.ENUM:
    case TYPE.SET:
      return fixed(meta);
    case TYPE.STRING:
    case TYPE.VARCHAR:
    case TYPE.VAR_STRING:
    case TYPE.VARCHAR_COMPRESSED:
      return { prefix: meta > 255 ? 2 : 1, size: 0 };
    case TYPE.TINY_BLOB:
    case TYPE.MEDIUM_BLOB:
    case TYPE.LONG_BLOB:
    case TYPE.BLOB:
    case TYPE.BLOB_COMPRESSED:
    case TYPE.GEOMETRY:
    case TYPE.JSON:
    case TYPE.VECTOR:
      return { prefix: meta as 1 | 2 | 3 | 4, size: 0 };
    default:
      throw binlogError(`column type ${map.types[i]} cannot be replicated`);
  }
}

/** What the readers of values rely on, so that a broken table map cannot lead them out of a value. */
function checkMetadata(type: number, meta: number): void {
  let good = true;
  switch (type) {
    case TYPE.NEWDECIMAL: {
      const [precision, scale] = [meta >> 8, meta & 0xff];
      good = precision >= 1 && precision <= numbers.MAX_PRECISION && scale <= precision;
      break;
    }
    case TYPE.TIMESTAMP2:
    case TYPE.DATETIME2:
    case TYPE.TIME2:
      good = meta <= 6;
      break;
    case TYPE.BIT:
      good = (meta >> 8) * 8 + (meta & 0xff) <= 64 && (meta & 0xff) < 8;
      break;
    case TYPE.ENUM:
      good = meta === 1 || meta === 2;
      break;
    case TYPE.SET:
      good = meta >= 1 && meta <= 8;
      break;
    case TYPE.TINY_BLOB:
    case TYPE.MEDIUM_BLOB:
    case TYPE.LONG_BLOB:
    case TYPE.BLOB:
    case TYPE.BLOB_COMPRESSED:
    case TYPE.GEOMETRY:
    case TYPE.JSON:
    case TYPE.VECTOR:
      good = meta >= 1 && meta <= 4;
      break;
    default:
      break;
  }
  if (!good) throw binlogError(`table map with bad metadata ${meta} of a column of type ${type}`);
}

function columnCodec(map: TableMap, i: number, column: Column | undefined, scratch: ByteWriter): ColumnCodec {
  const name = column?.name ?? map.optional.columnNames?.[i] ?? `@${i + 1}`;
  const unsigned = column?.type.unsigned ?? map.optional.unsigned?.[i] ?? false;
  const meta = map.metadata[i];
  switch (map.types[i]) {
    case TYPE.TINY:
      return numbers.integerColumn(name, 1, unsigned);
    case TYPE.SHORT:
      return numbers.integerColumn(name, 2, unsigned);
    case TYPE.INT24:
      return numbers.integerColumn(name, 3, unsigned);
    case TYPE.LONG:
      return numbers.integerColumn(name, 4, unsigned);
    case TYPE.LONGLONG:
      return numbers.integerColumn(name, 8, unsigned);
    case TYPE.FLOAT:
      return numbers.floatColumn(name, 4);
    case TYPE.DOUBLE:
      return numbers.floatColumn(name, 8);
    case TYPE.NEWDECIMAL:
      return numbers.decimalColumn(name, meta >> 8, meta & 0xff, scratch);
    case TYPE.BIT:
      return numbers.bitColumn(name);
    case TYPE.YEAR:
      return numbers.yearColumn(name);
    case TYPE.DATE:
    case TYPE.NEWDATE:
      return times.dateColumn(name, scratch);
    case TYPE.TIME:
    case TYPE.DATETIME:
    case TYPE.TIMESTAMP:
      return oldTimeColumn(map.types[i], name, column?.type.decimals ?? 0, scratch);
    case TYPE.TIME2:
      return times.time2Column(name, meta, scratch);
    case TYPE.DATETIME2:
      return times.datetime2Column(name, meta, scratch);
    case TYPE.TIMESTAMP2:
      return times.timestamp2Column(name, meta, scratch);
    case TYPE.ENUM:
      return text.enumColumn(name, column?.type.members ?? map.optional.enumMembers?.[i]);
    case TYPE.SET:
      return text.setColumn(name, column?.type.members ?? map.optional.setMembers?.[i]);
    case TYPE.JSON:
      return {
        name,
        value: jsonText,
        literal: (buf, start, length, out) => writeString(jsonText(buf, start, length), out),
        binding: stringBinding(jsonText),
      };
    case TYPE.GEOMETRY:
    case TYPE.VECTOR:
      return text.binaryColumn(name);
    case TYPE.VARCHAR_COMPRESSED:
    case TYPE.BLOB_COMPRESSED:
      return text.compressedColumn(stringCodec(map, i, name, column));
    default:
      return stringCodec(map, i, name, column);
  }
}

function stringCodec(map: TableMap, i: number, name: string, column: Column | undefined): ColumnCodec {
  const padTo = map.types[i] === TYPE.STRING ? map.metadata[i] : 0;
  switch (column?.type.base) {
    case 'uuid':
      return text.uuidColumn(name);
    case 'inet4':
      return text.inet4Column(name);
    case 'inet6':
      return text.inet6Column(name);
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return text.binaryColumn(name, padTo);
    default:
      break;
  }
  const charset = column?.type.charset ?? collationCharset(map.optional.collations?.[i] ?? 0) ?? 'utf8mb4';
  return charset === 'binary' ? text.binaryColumn(name, padTo) : text.textColumn(name, charset);
}
