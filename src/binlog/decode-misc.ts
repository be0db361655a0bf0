/** The small events: format description, XA prepare, incident, heartbeat v2. */
import { binlogError } from './binlog-error.js';
import { Cursor } from './bytes.js';
import type { BinlogEvent, EventHeader } from './events.js';

/** Server version text, zero-padded, in a format event. */
const VERSION_LENGTH = 50;
/** Events of MySQL 5.5. */
const OLD_EVENT_TYPES = 27;

/** `end` includes the room for the checksum. */
export function decodeFormat(
  buf: Buffer,
  start: number,
  end: number,
): { serverVersion: string; checksum: 'none' | 'crc32' } {
  const cursor = new Cursor(buf, start, end);
  const version = cursor.u16();
  if (version !== 4) throw binlogError(`binlog format version ${version} is not supported, only 4`);
  const bytes = cursor.bytes(VERSION_LENGTH);
  const zero = bytes.indexOf(0);
  const serverVersion = bytes.latin1Slice(0, zero < 0 ? bytes.length : zero);
  cursor.skip(4);
  const headerLength = cursor.u8();
  if (headerLength !== 19) throw binlogError(`binlog with event headers of ${headerLength} bytes`);
  if (!hasChecksums(serverVersion)) {
    // Servers that old knew fewer events; a longer list means that the version is not what was written.
    if (cursor.left > OLD_EVENT_TYPES) {
      throw binlogError(`format event does not fit server version ${JSON.stringify(serverVersion)}`);
    }
    return { serverVersion, checksum: 'none' };
  }
  // Post-header lengths, then one byte of algorithm and four of checksum.
  if (cursor.left < 5) throw binlogError('format event is too short');
  const algorithm = buf[end - 5];
  if (algorithm === 0 || algorithm === 255) return { serverVersion, checksum: 'none' };
  if (algorithm !== 1) throw binlogError(`unknown binlog checksum algorithm ${algorithm}`);
  return { serverVersion, checksum: 'crc32' };
}

/** MySQL from 5.6.1, MariaDB from 5.3. */
function hasChecksums(serverVersion: string): boolean {
  const [major, minor, patch] = serverVersion.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  if (/mariadb/i.test(serverVersion)) return major > 5 || (major === 5 && minor >= 3);
  return major > 5 || (major === 5 && (minor > 6 || (minor === 6 && patch >= 1)));
}

export function decodeXaPrepare(header: EventHeader, buf: Buffer, start: number, end: number): BinlogEvent {
  const cursor = new Cursor(buf, start, end);
  const onePhase = cursor.u8() !== 0;
  const formatId = cursor.u32() | 0;
  const gtridLength = cursor.u32();
  const bqualLength = cursor.u32();
  return {
    type: 'xa-prepare',
    header,
    onePhase,
    formatId,
    gtrid: cursor.bytes(gtridLength),
    bqual: cursor.bytes(bqualLength),
  };
}

export function decodeIncident(header: EventHeader, buf: Buffer, start: number, end: number): BinlogEvent {
  const cursor = new Cursor(buf, start, end);
  const code = cursor.u16();
  const message = cursor.left > 0 ? cursor.utf8(Math.min(cursor.u8(), cursor.left)) : '';
  return { type: 'incident', header, code, message };
}

/** A list of (kind, length, value): 1 the file's name, 2 the 64-bit position, 0 the end. */
export function decodeHeartbeatV2(buf: Buffer, start: number, end: number): { name: string; pos: number } {
  const cursor = new Cursor(buf, start, end);
  let name = '';
  let pos = 0;
  while (cursor.left > 0) {
    const kind = cursor.lenenc();
    if (kind === 0) break;
    const length = cursor.lenenc();
    if (kind === 1) name = cursor.utf8(length);
    else if (kind === 2) {
      const value = cursor.bytes(length);
      pos = new Cursor(value, 0, length).lenenc();
    } else cursor.skip(length);
  }
  return { name, pos };
}
