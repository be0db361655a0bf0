/** Rows events of all versions: the head is decoded, the images stay bytes for the codec. */
import { binlogError } from './binlog-error.js';
import { Cursor } from './bytes.js';
import { inflateMariaDb } from './decode-compressed.js';
import { EVENT } from './event-types.js';
import type { BinlogEvent, EventHeader, RowsEvent } from './events.js';
import type { TableMaps } from './table-maps.js';

const STMT_END = 1;
/** The table id of an event that only ends a statement. */
const DUMMY_TABLE_ID = 0x00ffffff;

interface Form {
  readonly kind: RowsEvent['kind'];
  /** Version 2 has room for extra data after the flags. */
  readonly extra: boolean;
  readonly compressed: boolean;
}

function form(typeCode: number): Form {
  switch (typeCode) {
    case EVENT.WRITE_ROWS_V1:
      return { kind: 'insert', extra: false, compressed: false };
    case EVENT.UPDATE_ROWS_V1:
      return { kind: 'update', extra: false, compressed: false };
    case EVENT.DELETE_ROWS_V1:
      return { kind: 'delete', extra: false, compressed: false };
    case EVENT.WRITE_ROWS_V2:
      return { kind: 'insert', extra: true, compressed: false };
    case EVENT.UPDATE_ROWS_V2:
    case EVENT.PARTIAL_UPDATE_ROWS:
      return { kind: 'update', extra: true, compressed: false };
    case EVENT.DELETE_ROWS_V2:
      return { kind: 'delete', extra: true, compressed: false };
    case EVENT.MARIADB_WRITE_ROWS_COMPRESSED_V1:
      return { kind: 'insert', extra: false, compressed: true };
    case EVENT.MARIADB_UPDATE_ROWS_COMPRESSED_V1:
      return { kind: 'update', extra: false, compressed: true };
    case EVENT.MARIADB_DELETE_ROWS_COMPRESSED_V1:
      return { kind: 'delete', extra: false, compressed: true };
    case EVENT.MARIADB_WRITE_ROWS_COMPRESSED:
      return { kind: 'insert', extra: true, compressed: true };
    case EVENT.MARIADB_UPDATE_ROWS_COMPRESSED:
      return { kind: 'update', extra: true, compressed: true };
    case EVENT.MARIADB_DELETE_ROWS_COMPRESSED:
      return { kind: 'delete', extra: true, compressed: true };
    default:
      throw binlogError(`event type ${typeCode} is no rows event`);
  }
}

export function decodeRows(
  header: EventHeader,
  buf: Buffer,
  start: number,
  end: number,
  maps: TableMaps,
): BinlogEvent {
  const { kind, extra, compressed } = form(header.typeCode);
  const cursor = new Cursor(buf, start, end);
  const tableId = cursor.u48();
  const flags = cursor.u16();
  if (extra) {
    const length = cursor.u16();
    if (length < 2) throw binlogError(`rows event with bad extra length ${length}`);
    cursor.skip(length - 2);
  }
  const map = maps.get(tableId);
  if (!map) {
    if (tableId === DUMMY_TABLE_ID) return { type: 'other', header, name: 'dummy-rows' };
    throw binlogError(`rows event of table id ${tableId}, which no table map has named`);
  }
  const width = cursor.lenenc();
  if (width !== map.types.length) {
    throw binlogError(
      `rows event of \`${map.schema}\`.\`${map.table}\` has ${width} columns, its table map ${map.types.length}`,
    );
  }
  const bitmap = (width + 7) >> 3;
  const first = cursor.bytes(bitmap);
  const second = kind === 'update' ? cursor.bytes(bitmap) : null;
  let rows = buf;
  let rowsStart = cursor.at;
  let rowsEnd = end;
  if (compressed) {
    rows = inflateMariaDb(cursor.rest());
    rowsStart = 0;
    rowsEnd = rows.length;
  }
  return {
    type: 'rows',
    header,
    kind,
    map,
    buf: rows,
    start: rowsStart,
    end: rowsEnd,
    columnsBefore: kind === 'insert' ? null : first,
    columnsAfter: kind === 'insert' ? first : second,
    partialJson: header.typeCode === EVENT.PARTIAL_UPDATE_ROWS,
    endOfStatement: (flags & STMT_END) !== 0,
  };
}
