/** QUERY_EVENT, and MariaDB's QUERY_COMPRESSED_EVENT. */
import { decodeCharset } from './charset.js';
import { collationCharset } from './collations.js';
import { inflateMariaDb } from './decode-compressed.js';
import { Cursor } from './bytes.js';
import type { BinlogEvent, EventHeader, QueryStatus } from './events.js';

type QueryEvent = Extract<BinlogEvent, { type: 'query' }>;

export function decodeQuery(
  header: EventHeader,
  buf: Buffer,
  start: number,
  end: number,
  compressed: boolean,
): QueryEvent {
  const cursor = new Cursor(buf, start, end);
  const threadId = cursor.u32();
  const execSeconds = cursor.u32();
  const schemaLength = cursor.u8();
  const errorCode = cursor.u16();
  const statusLength = cursor.u16();
  const statusBytes = cursor.bytes(statusLength);
  // Schema names are utf8 whatever the client speaks.
  const schema = cursor.utf8(schemaLength);
  cursor.skip(1);
  const body = cursor.rest();
  const sqlBytes = compressed ? inflateMariaDb(body) : body;
  const status = decodeStatus(statusBytes);
  const charset = status.charset ? collationCharset(status.charset.client) : undefined;
  return {
    type: 'query',
    header,
    schema,
    sqlBytes,
    sql: decodeCharset(charset ?? 'utf8mb4', sqlBytes, 0, sqlBytes.length),
    threadId,
    errorCode,
    execSeconds,
    status,
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The status variables are a list of (code, value) whose length only the code tells, so the list is read
 * up to the first code that is not known; servers append new codes at the end.
 */
function decodeStatus(bytes: Buffer): QueryStatus {
  const status: Mutable<QueryStatus> = {};
  const cursor = new Cursor(bytes, 0, bytes.length);
  while (cursor.left > 0) {
    switch (cursor.u8()) {
      case 0:
        status.flags2 = cursor.u32();
        break;
      case 1:
        status.sqlMode = cursor.u64();
        break;
      case 2:
        status.catalog = cursor.utf8(cursor.u8());
        cursor.skip(1);
        break;
      case 3:
        status.autoIncrement = { increment: cursor.u16(), offset: cursor.u16() };
        break;
      case 4:
        status.charset = { client: cursor.u16(), connection: cursor.u16(), server: cursor.u16() };
        break;
      case 5:
        status.timeZone = cursor.utf8(cursor.u8());
        break;
      case 6:
        status.catalog = cursor.utf8(cursor.u8());
        break;
      case 7:
        status.lcTimeNames = cursor.u16();
        break;
      case 8:
        status.databaseCharset = cursor.u16();
        break;
      case 9: // table map for update
      case 14: // commit timestamp
      case 15: // commit timestamp 2
      case 129: // MariaDB: XID of a DDL
        cursor.skip(8);
        break;
      case 10: // length of the statement on the master's master
        cursor.skip(4);
        break;
      case 11: // invoker: user and host
        cursor.skip(cursor.u8());
        cursor.skip(cursor.u8());
        break;
      case 12: {
        // Names of the databases that were changed, each ended by a zero; 254 = too many to list.
        const count = cursor.u8();
        if (count < 254) for (let i = 0; i < count; i++) while (cursor.u8() !== 0);
        break;
      }
      case 13: // microseconds of the statement's start
      case 128: // the same from MariaDB
        status.microseconds = cursor.u24();
        break;
      case 16:
        status.explicitDefaultsForTimestamp = cursor.u8() !== 0;
        break;
      case 17:
        status.ddlXid = cursor.u64();
        break;
      case 18:
        status.defaultCollationForUtf8mb4 = cursor.u16();
        break;
      case 19: // sql_require_primary_key
      case 20: // default_table_encryption
        cursor.skip(1);
        break;
      case 131: // MariaDB: character_set_collations, pairs of ids
        cursor.skip(4 * cursor.u8());
        break;
      default:
        return status;
    }
  }
  return status;
}
