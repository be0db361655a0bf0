/**
 * Bytes to events. One decoder follows one stream or file: it keeps the file's name and 64-bit position,
 * whether events carry checksums, and the table maps of the statement that is running.
 */
import type { Flavor } from '../model/stage.js';
import { binlogError } from './binlog-error.js';
import { Cursor, readUInt64Number } from './bytes.js';
import { checksumMatches, checksumOf, formatIsSound } from './checksum.js';
import { decompressPayload } from './decode-compressed.js';
import {
  decodeMariaDbGtid,
  decodeMariaDbGtidList,
  decodeMysqlGtid,
  decodePreviousGtids,
  decodeTaggedGtid,
  UuidTexts,
} from './decode-gtid.js';
import { decodeQuery } from './decode-query.js';
import { decodeRows } from './decode-rows.js';
import { decodeFormat, decodeHeartbeatV2, decodeIncident, decodeXaPrepare } from './decode-misc.js';
import { EVENT, FLAG_ARTIFICIAL, FLAG_IGNORABLE, HEADER_LENGTH, OTHER_EVENTS } from './event-types.js';
import type { BinlogEvent, EventHeader } from './events.js';
import { TableMaps } from './table-maps.js';

const POSITION_WRAP = 0x100000000;
/** Servers number their files: `<base>.000001`. */
const FILE_NAME = /^\P{Cc}+\.\d+$/u;

export interface DecoderOptions {
  readonly flavor: Flavor;
  /** File the bytes come from, until a rotate event says otherwise. */
  readonly file?: string;
  /** Default true. */
  readonly verifyChecksum?: boolean;
}

interface MutableHeader {
  timestamp: number;
  typeCode: number;
  serverId: number;
  eventSize: number;
  logPos: number;
  flags: number;
  file: string;
}

export class BinlogDecoder {
  readonly #flavor: Flavor;
  readonly #verify: boolean;
  readonly #maps = new TableMaps();
  readonly #uuids = new UuidTexts();
  #file: string;
  /** End of the last event that stood in the file: the base on which 32-bit positions are extended. */
  #position = 0;
  /** What the last format event said; null before the first, when only it and rotate events may come. */
  #checksum: 'none' | 'crc32' | null = null;
  /** The inside of a transaction payload event that is being handed out. */
  #inner: { buf: Buffer; at: number; logPos: number } | null = null;

  constructor(options: DecoderOptions) {
    this.#flavor = options.flavor;
    this.#file = options.file ?? '';
    this.#verify = options.verifyChecksum ?? true;
  }

  /** The file of the next event. */
  get file(): string {
    return this.#file;
  }

  /**
   * Decodes the event at buf[start..end). The result is null when the event is only an envelope or has
   * been taken into the decoder (table maps): go on with `pending()`, then the next event. Rows events keep a view
   * of `buf`, which must therefore not be overwritten.
   */
  decode(buf: Buffer, start: number, end: number): BinlogEvent | null {
    if (end - start < HEADER_LENGTH) throw binlogError(`event of ${end - start} bytes has no header`);
    const header = this.#header(buf, start);
    if (header.eventSize !== end - start) {
      throw binlogError(`event says ${header.eventSize} bytes, ${end - start} have come ${this.#where()}`);
    }
    let bodyEnd = end;
    const type = header.typeCode;
    if (type === EVENT.FORMAT_DESCRIPTION) {
      return this.#format(header, buf, start + HEADER_LENGTH, end);
    }
    if (type === EVENT.ROTATE) {
      return this.#rotate(header, buf, start, end);
    }
    if (this.#checksum === null) throw binlogError(`event of type ${type} before any format event`);
    if (this.#checksum === 'crc32') {
      bodyEnd -= 4;
      if (bodyEnd - start < HEADER_LENGTH) throw binlogError(`event has no checksum ${this.#where()}`);
      if (this.#verify && checksumOf(buf, start, bodyEnd) !== buf.readUInt32LE(bodyEnd)) {
        throw binlogError(`event checksum does not match ${this.#where()}`);
      }
    }
    this.#place(header);
    return this.#body(header, buf, start + HEADER_LENGTH, bodyEnd);
  }

  /** The next event from inside a compressed transaction; null when there is none. */
  pending(): BinlogEvent | null {
    while (this.#inner) {
      const inner = this.#inner;
      if (inner.at >= inner.buf.length) {
        this.#inner = null;
        return null;
      }
      const start = inner.at;
      if (inner.buf.length - start < HEADER_LENGTH) throw binlogError('transaction payload is cut off');
      const header = this.#header(inner.buf, start);
      const end = start + header.eventSize;
      if (header.eventSize < HEADER_LENGTH || end > inner.buf.length) {
        throw binlogError(`bad event size ${header.eventSize} inside a transaction payload`);
      }
      if (header.typeCode === EVENT.TRANSACTION_PAYLOAD) {
        throw binlogError('a transaction payload inside a transaction payload');
      }
      inner.at = end;
      header.logPos = inner.logPos;
      const event = this.#body(header, inner.buf, start + HEADER_LENGTH, end);
      if (event) return event;
    }
    return null;
  }

  #where(): string {
    return `in ${this.#file || 'the stream'} after position ${this.#position}`;
  }

  #header(buf: Buffer, start: number): MutableHeader {
    return {
      timestamp: buf.readUInt32LE(start),
      typeCode: buf[start + 4],
      serverId: buf.readUInt32LE(start + 5),
      eventSize: buf.readUInt32LE(start + 9),
      logPos: buf.readUInt32LE(start + 13),
      flags: buf[start + 17] | (buf[start + 18] << 8),
      file: this.#file,
    };
  }

  /** Extends the header's 32-bit position: within a file positions only grow. */
  #place(header: MutableHeader): void {
    if (header.logPos === 0 || (header.flags & FLAG_ARTIFICIAL) !== 0) return;
    let position = header.logPos + Math.floor(this.#position / POSITION_WRAP) * POSITION_WRAP;
    if (position < this.#position - POSITION_WRAP / 2) position += POSITION_WRAP;
    header.logPos = position;
    if (position > this.#position) this.#position = position;
  }

  #format(header: MutableHeader, buf: Buffer, start: number, end: number): BinlogEvent {
    const format = decodeFormat(buf, start, end);
    if (this.#verify && !formatIsSound(buf, start - HEADER_LENGTH, end, format.checksum)) {
      throw binlogError(`checksum of the format event does not match ${this.#where()}`);
    }
    this.#checksum = format.checksum;
    this.#place(header);
    this.#maps.clear();
    return { type: 'format', header, ...format };
  }

  /**
   * The fake rotate that begins a stream comes before the format event and carries a checksum where the
   * server writes them. One that does not match would be taken for the end of the name: hence the look at the name.
   */
  #rotate(header: MutableHeader, buf: Buffer, start: number, end: number): BinlogEvent {
    const at = start + HEADER_LENGTH;
    const matches = checksumMatches(buf, start, end);
    if (!matches && this.#verify && this.#checksum === 'crc32') {
      throw binlogError(`checksum of a rotate event does not match ${this.#where()}`);
    }
    const bodyEnd = matches || this.#checksum === 'crc32' ? end - 4 : end;
    if (bodyEnd - at < 9) throw binlogError('rotate event is too short');
    const pos = readUInt64Number(buf, at);
    const name = buf.utf8Slice(at + 8, bodyEnd);
    if (!FILE_NAME.test(name)) throw binlogError(`rotate event to a bad file name ${JSON.stringify(name)}`);
    const fake = (header.flags & FLAG_ARTIFICIAL) !== 0 || header.timestamp === 0 || header.logPos === 0;
    if (!fake) this.#place(header);
    this.#file = name;
    this.#position = pos;
    return { type: 'rotate', header, name, pos, fake };
  }

  #body(header: MutableHeader, buf: Buffer, start: number, end: number): BinlogEvent | null {
    switch (header.typeCode) {
      case EVENT.TABLE_MAP:
        this.#maps.take(buf, start, end);
        return null;
      case EVENT.WRITE_ROWS_V1:
      case EVENT.UPDATE_ROWS_V1:
      case EVENT.DELETE_ROWS_V1:
      case EVENT.WRITE_ROWS_V2:
      case EVENT.UPDATE_ROWS_V2:
      case EVENT.DELETE_ROWS_V2:
      case EVENT.PARTIAL_UPDATE_ROWS:
      case EVENT.MARIADB_WRITE_ROWS_COMPRESSED_V1:
      case EVENT.MARIADB_UPDATE_ROWS_COMPRESSED_V1:
      case EVENT.MARIADB_DELETE_ROWS_COMPRESSED_V1:
      case EVENT.MARIADB_WRITE_ROWS_COMPRESSED:
      case EVENT.MARIADB_UPDATE_ROWS_COMPRESSED:
      case EVENT.MARIADB_DELETE_ROWS_COMPRESSED:
        return decodeRows(header, buf, start, end, this.#maps);
      case EVENT.QUERY:
        return decodeQuery(header, buf, start, end, false);
      case EVENT.MARIADB_QUERY_COMPRESSED:
        return decodeQuery(header, buf, start, end, true);
      case EVENT.XID:
        return { type: 'xid', header, xid: new Cursor(buf, start, end).u64() };
      case EVENT.XA_PREPARE:
        return decodeXaPrepare(header, buf, start, end);
      case EVENT.GTID:
        return decodeMysqlGtid(header, buf, start, end, this.#uuids);
      case EVENT.ANONYMOUS_GTID:
        return decodeMysqlGtid(header, buf, start, end, null);
      case EVENT.GTID_TAGGED:
        return decodeTaggedGtid(header, buf, start, end);
      case EVENT.PREVIOUS_GTIDS:
        return { type: 'gtid-set', header, gtidSet: decodePreviousGtids(buf, start, end) };
      case EVENT.MARIADB_GTID:
        return decodeMariaDbGtid(header, buf, start, end);
      case EVENT.MARIADB_GTID_LIST:
        return { type: 'gtid-set', header, gtidSet: decodeMariaDbGtidList(buf, start, end) };
      case EVENT.MARIADB_ANNOTATE_ROWS:
        return { type: 'annotate', header, sql: buf.utf8Slice(start, end) };
      case EVENT.ROWS_QUERY:
        // One length byte that is wrong for long statements, then the text to the end.
        return { type: 'annotate', header, sql: buf.utf8Slice(start + 1, end) };
      case EVENT.TRANSACTION_PAYLOAD:
        this.#inner = { buf: decompressPayload(buf, start, end), at: 0, logPos: header.logPos };
        return null;
      case EVENT.HEARTBEAT:
        return { type: 'heartbeat', header, name: buf.utf8Slice(start, end), pos: header.logPos };
      case EVENT.HEARTBEAT_V2:
        return this.#heartbeat(header, decodeHeartbeatV2(buf, start, end));
      case EVENT.INCIDENT:
        return decodeIncident(header, buf, start, end);
      case EVENT.STOP:
        return { type: 'stop', header };
      default:
        return this.#other(header);
    }
  }

  #heartbeat(header: EventHeader, body: { name: string; pos: number }): BinlogEvent {
    if (body.name === this.#file && body.pos > this.#position) this.#position = body.pos;
    return { type: 'heartbeat', header, ...body };
  }

  #other(header: EventHeader): BinlogEvent {
    const name = OTHER_EVENTS.get(header.typeCode);
    if (name !== undefined) return { type: 'other', header, name };
    if ((header.flags & FLAG_IGNORABLE) !== 0) {
      return { type: 'other', header, name: `ignorable-${header.typeCode}` };
    }
    throw binlogError(`unknown ${this.#flavor} event type ${header.typeCode} ${this.#where()}`);
  }
}
