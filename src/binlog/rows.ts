/**
 * The contract between the decoder and whoever applies rows.
 *
 * A codec is compiled once per (table map, schema model) pair. `index()` walks all images of an event
 * and notes where each value stands; the columns' `literal()` then moves bytes from the event into SQL
 * text, and `value()` makes a JavaScript value where one is needed (filters, tests, keys).
 */
import type { ByteWriter } from '../mysql/byte-writer.js';
import type { RowsEvent } from './events.js';

/** `starts[i]` is NULL_VALUE when the value is SQL NULL, ABSENT when the column is not in the image. */
export const NULL_VALUE = -1;
export const ABSENT = -2;

/**
 * Exact JavaScript form of a column value:
 * integers number, beyond 2^53 bigint; DECIMAL, TIME, DATE, DATETIME, TIMESTAMP text as the server
 * prints it (TIMESTAMP in UTC); FLOAT and DOUBLE number; BIT bigint; text string; binary, geometry
 * (SRID + WKB as stored) and vector Buffer; JSON its text; ENUM and SET member text, or the number
 * where the members are not known; uuid and inet text.
 */
export type SqlValue = number | bigint | string | Buffer | null;

/** Positions of the values of all images of one event. Reused from event to event. */
export interface RowIndex {
  /** Images: inserts and deletes one a row; updates before and after in turn. */
  images: number;
  columnCount: number;
  /** [image * columnCount + column] */
  starts: Int32Array;
  lengths: Int32Array;
  /** Bytes the positions refer to: the event's own, or a patched copy where partial JSON was applied. */
  buf: Buffer;
}

/** How a value becomes a parameter of MariaDB's array binding (binding.ts). */
export interface Binding {
  /** Type code of the protocol, in the form of the command: 0x8000 is added where it is unsigned. */
  readonly type: number;
  /** Appends the value as the command carries it. */
  bind(buf: Buffer, start: number, length: number, out: ByteWriter): void;
  /** Appends what stands bound at `at` as the literal that the column would have; returns its end. */
  unbind(from: Buffer, at: number, out: ByteWriter): number;
}

export interface ColumnCodec {
  readonly name: string;
  /** Absent where no bound value is known to be stored as the literal is. */
  readonly binding?: Binding;
  value(buf: Buffer, start: number, length: number): SqlValue;
  /**
   * Appends the value as an SQL literal that means the same under any sql_mode without
   * NO_BACKSLASH_ESCAPES, character_set_client utf8mb4 and time_zone '+00:00'.
   */
  literal(buf: Buffer, start: number, length: number, out: ByteWriter): void;
}

export interface RowCodec {
  /** In the order of the source table. */
  readonly columns: readonly ColumnCodec[];
  /** Throws a DmError 36069 when the bytes do not fit the table map. */
  index(event: RowsEvent, into: RowIndex): void;
}
