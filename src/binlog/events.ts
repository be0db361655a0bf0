/**
 * Binlog events as the decoder hands them on. Row values are not materialised: a RowsEvent keeps the
 * bytes, and a RowCodec (rows.ts) finds and converts them when somebody wants them.
 */
import type { Flavor } from '../model/stage.js';

export interface EventHeader {
  /** Seconds since 1970 on the source. */
  readonly timestamp: number;
  readonly typeCode: number;
  readonly serverId: number;
  readonly eventSize: number;
  /** End of the event in its file; 0 for artificial events. Extended beyond 32 bits by the reader. */
  readonly logPos: number;
  readonly flags: number;
  /** File the event stands in, kept by the reader from rotate events. */
  readonly file: string;
}

export interface TableMap {
  readonly tableId: number;
  readonly schema: string;
  readonly table: string;
  /** MySQL binlog type code per column (enum, set and string already told apart). */
  readonly types: Uint8Array;
  /** Type-specific metadata per column (length, precision<<8|scale, fsp, pack length ...). */
  readonly metadata: Uint16Array;
  readonly nullable: boolean[];
  /** From the optional metadata (binlog_row_metadata), where the source wrote it. */
  readonly optional: {
    readonly unsigned?: boolean[];
    readonly columnNames?: string[];
    /** Collation id per column, 0 for columns that are not text. */
    readonly collations?: number[];
    readonly enumMembers?: (string[] | undefined)[];
    readonly setMembers?: (string[] | undefined)[];
    readonly geometryTypes?: number[];
    readonly primaryKey?: { readonly column: number; readonly prefix: number }[];
    readonly visible?: boolean[];
    readonly vectorDimensions?: number[];
  };
}

export interface RowsEvent {
  readonly type: 'rows';
  readonly header: EventHeader;
  readonly kind: 'insert' | 'update' | 'delete';
  readonly map: TableMap;
  /** Bytes with the row images from `start` to `end` (decompressed, checksum cut off). */
  readonly buf: Buffer;
  readonly start: number;
  readonly end: number;
  /** Bitmaps of the columns that are in the before (delete, update) and after (insert, update) image. */
  readonly columnsBefore: Buffer | null;
  readonly columnsAfter: Buffer | null;
  /** PARTIAL_UPDATE_ROWS: JSON columns may be diffs. */
  readonly partialJson: boolean;
  /** Statement ends with this event (STMT_END_F). */
  readonly endOfStatement: boolean;
}

/** Status variables of a query event that matter to whoever runs the statement again. */
export interface QueryStatus {
  readonly sqlMode?: bigint;
  readonly flags2?: number;
  readonly catalog?: string;
  readonly autoIncrement?: { readonly increment: number; readonly offset: number };
  readonly charset?: { readonly client: number; readonly connection: number; readonly server: number };
  readonly timeZone?: string;
  readonly lcTimeNames?: number;
  readonly databaseCharset?: number;
  readonly microseconds?: number;
  readonly explicitDefaultsForTimestamp?: boolean;
  readonly defaultCollationForUtf8mb4?: number;
  readonly ddlXid?: bigint;
}

export type BinlogEvent =
  | {
      readonly type: 'format';
      readonly header: EventHeader;
      readonly serverVersion: string;
      readonly checksum: 'none' | 'crc32';
    }
  /** `fake`: made up by the server at the start of a dump, not in the file. */
  | {
      readonly type: 'rotate';
      readonly header: EventHeader;
      readonly name: string;
      readonly pos: number;
      readonly fake: boolean;
    }
  /**
   * A transaction begins. `gtid` is '' when anonymous. `standalone`: a MariaDB DDL event group without
   * an XID at its end. MySQL says the same by a query event that is not BEGIN.
   */
  | {
      readonly type: 'gtid';
      readonly header: EventHeader;
      readonly flavor: Flavor;
      readonly gtid: string;
      readonly standalone: boolean;
      /** MariaDB: the group ends with XA PREPARE (MySQL says XA START in a query event). */
      readonly preparesXa?: boolean;
      readonly immediateCommitTimestamp?: bigint;
      readonly originalCommitTimestamp?: bigint;
    }
  /** PREVIOUS_GTIDS, or MariaDB GTID_LIST: the set executed before this file. */
  | { readonly type: 'gtid-set'; readonly header: EventHeader; readonly gtidSet: string }
  | {
      readonly type: 'query';
      readonly header: EventHeader;
      /** The default schema of the session. */
      readonly schema: string;
      /** The statement as bytes in the client's character set. */
      readonly sqlBytes: Buffer;
      /** The statement decoded by the status variables' client character set. */
      readonly sql: string;
      readonly threadId: number;
      readonly errorCode: number;
      readonly execSeconds: number;
      readonly status: QueryStatus;
    }
  | RowsEvent
  | { readonly type: 'annotate'; readonly header: EventHeader; readonly sql: string }
  | { readonly type: 'xid'; readonly header: EventHeader; readonly xid: bigint }
  | {
      readonly type: 'xa-prepare';
      readonly header: EventHeader;
      readonly onePhase: boolean;
      readonly formatId: number;
      readonly gtrid: Buffer;
      readonly bqual: Buffer;
    }
  | { readonly type: 'heartbeat'; readonly header: EventHeader; readonly name: string; readonly pos: number }
  | {
      readonly type: 'incident';
      readonly header: EventHeader;
      readonly code: number;
      readonly message: string;
    }
  | { readonly type: 'stop'; readonly header: EventHeader }
  /** Known and of no interest (user variables before a statement, start encryption, ...) or ignorable. */
  | { readonly type: 'other'; readonly header: EventHeader; readonly name: string };
