/**
 * Where in the binlog each part of the full copy was read (design, section 6). Sync starts at `min`;
 * until it has passed `max` it applies to a row only the changes after the P of the row's own chunk.
 */
import type { BinlogLocation } from '../model/location.js';
import type { TableName } from '../model/table-name.js';
import type { SqlValue } from '../binlog/rows.js';

export interface CopySpan {
  readonly first: BinlogLocation;
  readonly last: BinlogLocation;
}

export interface ChunkPositions {
  readonly min: BinlogLocation;
  readonly max: BinlogLocation;
  /**
   * Copied with consistency none: changes up to here may be in the copy already and need safe mode; null
   * for an exact copy.
   */
  readonly safeModeUntil: BinlogLocation | null;
  /**
   * P of the chunk that holds this source row. `firstKeyValue` is the value of the first column of the
   * source table's primary key (chunks are ranges of it), null where the table has none. With null it is
   * the largest P of the table, before which its DDL is in the copy already; a table that was not copied
   * has `min`.
   */
  positionFor(source: TableName, firstKeyValue: SqlValue): BinlogLocation;
  /** The smallest and the largest P of the table's chunks; null where they are one, or it was not copied. */
  spanOf(source: TableName): CopySpan | null;
  /** The table's chunks are ranges of a text or binary key: a row's key does not tell its chunk, nor its P. */
  hidesChunks(source: TableName): boolean;
  /** The largest P of the schema's tables; `min` where none of it was copied. */
  lastOf(schema: string): BinlogLocation;
  /** The copy has made the source's database on the target. */
  madeDatabase(schema: string): boolean;
}
