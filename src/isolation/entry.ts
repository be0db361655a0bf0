/**
 * What the side log holds, as bytes. Rows stay the bytes that the source logged; the table map and the
 * source's structure that tell how to read them are an entry of their own, written where they change.
 */
import { deserialize, serialize } from 'node:v8';
import type { RowsEvent, TableMap } from '../binlog/events.js';
import type { TableSchema } from '../schema/table.js';
import type { QueryEvent } from '../sync/ddl/ddl.js';

export type EntryKind = 'table' | 'rows' | 'ddl';

export interface KeptTable {
  readonly map: TableMap;
  /** The source's structure at this place; null when it was not known. */
  readonly schema: TableSchema | null;
}

/** The transaction that a change was part of. */
export interface KeptTransaction {
  readonly gtid: string;
  readonly name: string;
  readonly pos: number;
  readonly timestamp: number;
}

export interface KeptRows {
  readonly transaction: KeptTransaction;
  /** `seq` of the entry with table map and structure. */
  readonly tableSeq: number;
  readonly event: Omit<RowsEvent, 'map'>;
  /** The change was read while safe mode was on. */
  readonly safeMode: boolean;
  /** 1 for each image that a lane has applied before the table was parked; null when none. */
  readonly done: Uint8Array | null;
}

export interface KeptDdl {
  readonly transaction: KeptTransaction;
  readonly event: QueryEvent;
  /** The source's table as it was, by which event filters judge. */
  readonly before: TableSchema | undefined;
}

export interface Entry {
  readonly seq: number;
  readonly kind: EntryKind;
  /** `file:pos` of the transaction. */
  readonly place: string;
  readonly payload: Buffer;
}

export function encodeTable(table: KeptTable): Buffer {
  return serialize(table);
}

export function encodeRows(rows: Omit<KeptRows, 'event'>, event: RowsEvent): Buffer {
  // Without the map, and only the bytes of the rows.
  const { header, kind, columnsBefore, columnsAfter, partialJson, endOfStatement, buf, start, end } = event;
  const plain: Omit<RowsEvent, 'map'> = {
    type: 'rows',
    header,
    kind,
    buf: buf.subarray(start, end),
    start: 0,
    end: end - start,
    columnsBefore,
    columnsAfter,
    partialJson,
    endOfStatement,
  };
  return serialize({ ...rows, event: plain });
}

export function encodeDdl(ddl: KeptDdl): Buffer {
  return serialize(ddl);
}

export function decodeTable(payload: Buffer): KeptTable {
  return deserialize(payload) as KeptTable;
}

export function decodeRows(payload: Buffer): KeptRows {
  return deserialize(payload) as KeptRows;
}

export function decodeDdl(payload: Buffer): KeptDdl {
  return deserialize(payload) as KeptDdl;
}
