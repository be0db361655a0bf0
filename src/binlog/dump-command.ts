/** The bytes that ask a server for its binlog: session variables and the dump commands. */
import { binlogError } from './binlog-error.js';
import { GtidSyntaxError } from './gtid.js';
import { MariaDbGtidSet } from './gtid-mariadb.js';
import { MysqlGtidSet } from './gtid-mysql.js';
import type { BinlogStartOptions } from './reader.js';

const COM_QUERY = 0x03;
const COM_BINLOG_DUMP = 0x12;
const COM_BINLOG_DUMP_GTID = 0x1e;
/** MySQL from 8.0.26: heartbeats with 64-bit positions. */
const FLAG_HEARTBEAT_V2 = 0x02;
/** MariaDB: the statements' texts as annotate events. The same bit as MySQL's. */
const FLAG_ANNOTATE = 0x02;
const MAX_32 = 0xffffffff;

type StartOptions = BinlogStartOptions & { readonly annotate?: boolean };

function packet(payload: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUIntLE(payload.length, 0, 3);
  return Buffer.concat([head, payload]);
}

export function queryCommand(sql: string): Buffer {
  return packet(Buffer.concat([Buffer.from([COM_QUERY]), Buffer.from(sql, 'utf8')]));
}

/**
 * One SET for all. Servers read the variables they know (`master_` up to MySQL 8.3 and MariaDB,
 * `source_` in later MySQL) and ignore the rest.
 */
export function sessionSetup(options: StartOptions, heartbeatMs: number, isMariaDb: boolean): string {
  const nanoseconds = Math.round(heartbeatMs) * 1_000_000;
  const uuid = `'00000000-0000-0000-0000-${options.serverId.toString(16).padStart(12, '0')}'`;
  const variables = [
    '@master_binlog_checksum = @@global.binlog_checksum',
    '@source_binlog_checksum = @@global.binlog_checksum',
    `@master_heartbeat_period = ${nanoseconds}`,
    `@source_heartbeat_period = ${nanoseconds}`,
    `@slave_uuid = ${uuid}`,
    `@replica_uuid = ${uuid}`,
  ];
  if (isMariaDb) {
    variables.push('@mariadb_slave_capability = 4');
    if (options.useGtid) {
      const position = parse(() => MariaDbGtidSet.parse(options.from.gtidSet)).toString();
      variables.push(
        `@slave_connect_state = '${position}'`,
        '@slave_gtid_strict_mode = 0',
        '@slave_gtid_ignore_duplicates = 0',
      );
    }
  }
  return `SET ${variables.join(', ')}`;
}

function parse<T>(parser: () => T): T {
  try {
    return parser();
  } catch (error) {
    if (error instanceof GtidSyntaxError) throw binlogError(error.message);
    throw error;
  }
}

function atLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  for (let i = 0; i < wanted.length; i++) {
    if (parts[i] !== wanted[i]) return parts[i] > wanted[i];
  }
  return true;
}

/**
 * COM_BINLOG_DUMP holds 32 bits of position. A start beyond 4 GB asks for the file from its beginning,
 * and `skipUpTo` tells the stream which events to pass over.
 */
export function dumpCommand(
  options: StartOptions,
  serverVersion: string,
  isMariaDb: boolean,
): { packet: Buffer; skipUpTo: number } {
  if (options.useGtid && !isMariaDb) {
    const set = parse(() => MysqlGtidSet.parse(options.from.gtidSet)).encode();
    const head = Buffer.alloc(1 + 2 + 4 + 4 + 8 + 4);
    head[0] = COM_BINLOG_DUMP_GTID;
    head.writeUInt16LE(atLeast(serverVersion, [8, 0, 26]) ? FLAG_HEARTBEAT_V2 : 0, 1);
    head.writeUInt32LE(options.serverId, 3);
    head.writeUInt32LE(0, 7);
    head.writeBigUInt64LE(4n, 11);
    head.writeUInt32LE(set.length, 19);
    return { packet: packet(Buffer.concat([head, set])), skipUpTo: 0 };
  }
  const name = options.useGtid ? '' : options.from.name;
  const far = !options.useGtid && options.from.pos > MAX_32;
  const pos = options.useGtid || far ? 4 : Math.max(4, options.from.pos);
  const head = Buffer.alloc(1 + 4 + 2 + 4);
  head[0] = COM_BINLOG_DUMP;
  head.writeUInt32LE(pos, 1);
  let flags = 0;
  if (isMariaDb) flags = options.annotate ? FLAG_ANNOTATE : 0;
  else if (atLeast(serverVersion, [8, 0, 26])) flags = FLAG_HEARTBEAT_V2;
  head.writeUInt16LE(flags, 5);
  head.writeUInt32LE(options.serverId, 7);
  return {
    packet: packet(Buffer.concat([head, Buffer.from(name, 'utf8')])),
    skipUpTo: far ? options.from.pos : 0,
  };
}
