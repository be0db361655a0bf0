/** Events that carry GTIDs: MySQL's (plain, anonymous, tagged, previous set) and MariaDB's. */
import { binlogError } from './binlog-error.js';
import { Cursor } from './bytes.js';
import type { BinlogEvent, EventHeader } from './events.js';
import { MysqlGtidSet } from './gtid-mysql.js';

type GtidEvent = Extract<BinlogEvent, { type: 'gtid' }>;

const FL_STANDALONE = 1;
const FL_PREPARED_XA = 0x40;
/** In the upper 24 bits of the immediate commit timestamp: the original one follows because it differs. */
const ORIGINAL_FOLLOWS = 1 << 23;

export function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** The text of UUIDs; that of the last one is kept, since most transactions of a binlog are of one server. */
export class UuidTexts {
  readonly #last = Buffer.alloc(16);
  readonly #words = new DataView(this.#last.buffer, this.#last.byteOffset, 16);
  #text = formatUuid(this.#last);

  of(buf: Buffer, at: number): string {
    const last = this.#words;
    for (let i = 0; i < 16; i += 4) {
      if (buf.readInt32LE(at + i) === last.getInt32(i, true)) continue;
      buf.copy(this.#last, 0, at, at + 16);
      this.#text = formatUuid(this.#last);
      break;
    }
    return this.#text;
  }
}

/** GTID_LOG_EVENT, or ANONYMOUS_GTID_LOG_EVENT where there are no `uuids` to name. */
export function decodeMysqlGtid(
  header: EventHeader,
  buf: Buffer,
  start: number,
  end: number,
  uuids: UuidTexts | null,
): GtidEvent {
  const cursor = new Cursor(buf, start, end);
  cursor.skip(1 + 16 + 8);
  let gtid = '';
  if (uuids !== null) {
    const high = buf.readUInt32LE(start + 21);
    const gno =
      high < SAFE_HIGH ? high * 2 ** 32 + buf.readUInt32LE(start + 17) : buf.readBigUInt64LE(start + 17);
    gtid = `${uuids.of(buf, start + 1)}:${gno}`;
  }
  // MySQL 5.6 ends here; 5.7 adds the logical clock; 8.0 the timestamps.
  if (cursor.left < 1 + 16 + 7 || cursor.u8() !== 2) {
    return { type: 'gtid', header, flavor: 'mysql', gtid, standalone: false };
  }
  cursor.skip(16);
  const low = cursor.u32();
  const high = cursor.u24();
  const differs = (high & ORIGINAL_FOLLOWS) !== 0;
  const immediate = u56(low, high & ~ORIGINAL_FOLLOWS);
  return {
    type: 'gtid',
    header,
    flavor: 'mysql',
    gtid,
    standalone: false,
    immediateCommitTimestamp: immediate,
    originalCommitTimestamp: differs ? u56(cursor.u32(), cursor.u24()) : immediate,
  };
}

/** Below this upper part a number is exact. */
const SAFE_HIGH = 2 ** 21;

function u56(low: number, high: number): bigint {
  return high < SAFE_HIGH ? BigInt(high * 2 ** 32 + low) : (BigInt(high) << 32n) | BigInt(low);
}

/**
 * MySQL's own serialisation (libs/mysql/serialization): the number of 1 bits at the low end of the first
 * byte is the number of bytes that follow it.
 */
function readVar(cursor: Cursor): bigint {
  const first = cursor.u8();
  let extra = 0;
  while (extra < 8 && (first & (1 << extra)) !== 0) extra++;
  let value = BigInt(first) >> BigInt(extra + 1);
  let shift = BigInt(extra >= 8 ? 0 : 7 - extra);
  for (let i = 0; i < extra; i++) {
    value |= BigInt(cursor.u8()) << shift;
    shift += 8n;
  }
  return value;
}

function readSigned(cursor: Cursor): bigint {
  const raw = readVar(cursor);
  return (raw & 1n) === 0n ? raw >> 1n : -((raw >> 1n) + 1n);
}

function readVarNumber(cursor: Cursor): number {
  return Number(readVar(cursor));
}

/** GTID_TAGGED_LOG_EVENT (8.3+): fields by id, in order; an absent field has its default. */
export function decodeTaggedGtid(header: EventHeader, buf: Buffer, start: number, end: number): GtidEvent {
  const cursor = new Cursor(buf, start, end);
  const version = readVarNumber(cursor);
  if (version !== 1) throw binlogError(`tagged GTID event with unknown serialisation version ${version}`);
  readVar(cursor); // size of the message
  readVar(cursor); // last field that may not be ignored
  let uuid = '';
  let gno = 0n;
  let tag = '';
  let immediate: bigint | undefined;
  let original: bigint | undefined;
  while (cursor.left > 0) {
    const field = readVarNumber(cursor);
    switch (field) {
      case 1: {
        const bytes = Buffer.alloc(16);
        for (let i = 0; i < 16; i++) bytes[i] = readVarNumber(cursor);
        uuid = formatUuid(bytes);
        break;
      }
      case 2:
        gno = readSigned(cursor);
        break;
      case 3:
        tag = cursor.utf8(readVarNumber(cursor));
        break;
      case 6:
        immediate = readVar(cursor);
        break;
      case 7:
        original = readVar(cursor);
        break;
      case 0: // flags
      case 4: // last committed
      case 5: // sequence number
      case 8: // transaction length
      case 9: // immediate server version
      case 10: // original server version
      case 11: // commit group ticket
        readVar(cursor);
        break;
      default:
        throw binlogError(`tagged GTID event with unknown field ${field}`);
    }
  }
  return {
    type: 'gtid',
    header,
    flavor: 'mysql',
    gtid: tag === '' ? `${uuid}:${gno}` : `${uuid}:${tag}:${gno}`,
    standalone: false,
    ...(immediate === undefined ? {} : { immediateCommitTimestamp: immediate }),
    ...(original === undefined && immediate === undefined
      ? {}
      : { originalCommitTimestamp: original ?? immediate }),
  };
}

/** The body of PREVIOUS_GTIDS is a GTID set in the binary form of the protocol. */
export function decodePreviousGtids(buf: Buffer, start: number, end: number): string {
  const cursor = new Cursor(buf, start, end);
  const set = new MysqlGtidSet();
  const head = cursor.u64();
  // With tags the head is format (1), count (6 bytes), format (1); without, a plain 8-byte count.
  const tagged = head >> 56n === 1n;
  const count = Number(tagged ? (head >> 8n) & 0xffffffffffffn : head);
  for (let i = 0; i < count; i++) {
    let source = formatUuid(cursor.bytes(16));
    if (tagged) {
      const tag = cursor.utf8(readVarNumber(cursor));
      if (tag !== '') source += `:${tag}`;
    }
    const intervals = cursor.u64Number();
    for (let k = 0; k < intervals; k++) {
      const from = cursor.u64Number();
      set.addInterval(source, from, cursor.u64Number());
    }
  }
  return set.toString();
}

export function decodeMariaDbGtid(header: EventHeader, buf: Buffer, start: number, end: number): GtidEvent {
  const cursor = new Cursor(buf, start, end);
  const seq = cursor.u64();
  const domain = cursor.u32();
  const flags = cursor.u8();
  return {
    type: 'gtid',
    header,
    flavor: 'mariadb',
    gtid: `${domain}-${header.serverId}-${seq}`,
    standalone: (flags & FL_STANDALONE) !== 0,
    ...((flags & FL_PREPARED_XA) !== 0 && { preparesXa: true }),
  };
}

/**
 * GTID_LIST holds the last GTID of every (domain, server) pair; the last one named of a domain is the
 * position of that domain.
 */
export function decodeMariaDbGtidList(buf: Buffer, start: number, end: number): string {
  const cursor = new Cursor(buf, start, end);
  const count = cursor.u32() & 0x0fffffff;
  const byDomain = new Map<number, string>();
  for (let i = 0; i < count; i++) {
    const domain = cursor.u32();
    const server = cursor.u32();
    byDomain.set(domain, `${domain}-${server}-${cursor.u64()}`);
  }
  return [...byDomain.entries()]
    .sort((a, b) => a[0] - b[0])
    .map((entry) => entry[1])
    .join(',');
}
