import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import type { BinlogLocation } from '../model/location.js';
import { compileRowCodec } from './codec.js';
import { BinlogDecoder } from './decoder.js';
import { dumpCommand } from './dump-command.js';
import { EVENT, FLAG_ARTIFICIAL, TYPE } from './event-types.js';
import type { BinlogEvent } from './events.js';
import { jsonText } from './json-binary.js';
import { PassOver } from './pass-over.js';
import { newRowIndex } from './row-indexer.js';

const GB = 2 ** 30;

interface EventOptions {
  readonly logPos?: number;
  readonly flags?: number;
  readonly checksum?: boolean;
}

function event(type: number, body: Buffer, options: EventOptions = {}): Buffer {
  const checksum = options.checksum ?? true;
  const buf = Buffer.alloc(19 + body.length + (checksum ? 4 : 0));
  buf.writeUInt32LE(1_700_000_000, 0);
  buf[4] = type;
  buf.writeUInt32LE(1, 5);
  buf.writeUInt32LE(buf.length, 9);
  buf.writeUInt32LE((options.logPos ?? 0) % 2 ** 32, 13);
  buf.writeUInt16LE(options.flags ?? 0, 17);
  body.copy(buf, 19);
  if (checksum) buf.writeUInt32LE(crc32(buf.subarray(0, -4)), buf.length - 4);
  return buf;
}

function format(checksums: boolean): Buffer {
  const body = Buffer.alloc(2 + 50 + 4 + 1 + 40 + 1);
  body.writeUInt16LE(4, 0);
  body.write('10.11.6-MariaDB-log', 2);
  body[56] = 19;
  body[body.length - 1] = checksums ? 1 : 0;
  return event(EVENT.FORMAT_DESCRIPTION, body);
}

function rotate(name: string, pos: number, options: EventOptions = {}): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigUInt64LE(BigInt(pos));
  return event(EVENT.ROTATE, Buffer.concat([body, Buffer.from(name)]), options);
}

const xid = (logPos: number, checksum = true): Buffer =>
  event(EVENT.XID, Buffer.alloc(8, 7), { logPos, checksum });

function decode(decoder: BinlogDecoder, buf: Buffer): BinlogEvent {
  const decoded = decoder.decode(buf, 0, buf.length) ?? decoder.pending();
  if (!decoded) throw new Error('no event');
  return decoded;
}

function started(checksums = true): BinlogDecoder {
  const decoder = new BinlogDecoder({ flavor: 'mariadb' });
  decode(decoder, format(checksums));
  return decoder;
}

const broken = (cause: RegExp): unknown =>
  expect.objectContaining({ code: 36069, rawCause: expect.stringMatching(cause) as string });

test('positions go on beyond 4 GB', () => {
  const decoder = new BinlogDecoder({ flavor: 'mariadb' });
  decode(decoder, rotate('f.000007', 4, { flags: FLAG_ARTIFICIAL }));
  decode(decoder, format(true));
  const positions = [
    1000,
    3 * GB,
    4 * GB - 10,
    4 * GB + 40,
    5 * GB,
    7.5 * GB,
    8 * GB + 1,
    8 * GB + 1,
    9 * GB,
  ];
  expect(positions.map((pos) => decode(decoder, xid(pos)).header.logPos)).toEqual(positions);
  // A new file begins from its own position, which may be a far one as well.
  decode(decoder, rotate('f.000008', 6 * GB, { flags: FLAG_ARTIFICIAL }));
  const next = decode(decoder, xid(6 * GB + 100)).header;
  expect([next.file, next.logPos]).toEqual(['f.000008', 6 * GB + 100]);
});

test('a start beyond 4 GB asks for the whole file and passes over what is before it', () => {
  const from: BinlogLocation = { name: 'f.000007', pos: 5 * GB, gtidSet: '' };
  const dump = dumpCommand(
    { db: {} as never, flavor: 'mariadb', serverId: 1, useGtid: false, from },
    '10.11.6-MariaDB',
    true,
  );
  expect(dump.packet.readUInt32LE(5)).toBe(4);
  const passOver = new PassOver(dump.skipUpTo);
  const decoder = new BinlogDecoder({ flavor: 'mariadb' });
  const seen = [
    rotate('f.000007', 4, { flags: FLAG_ARTIFICIAL }),
    format(true),
    ...[1000, 3 * GB, 4 * GB + 5, 5 * GB, 5 * GB + 31, 6 * GB].map((pos) => xid(pos)),
  ]
    .map((buf) => decode(decoder, buf))
    .filter((each) => !passOver.passes(each));
  expect(seen.map((each) => [each.type, each.header.logPos])).toEqual([
    ['rotate', 0],
    ['format', 0],
    ['xid', 5 * GB + 31],
    ['xid', 6 * GB],
  ]);
});

test('a file without checksums', () => {
  const decoder = started(false);
  expect(decode(decoder, xid(500, false))).toMatchObject({ type: 'xid', xid: 0x0707070707070707n });
  const next = rotate('f.000002', 4, { checksum: false, logPos: 600 });
  expect(decode(decoder, next)).toMatchObject({ name: 'f.000002', fake: false });
});

test('a format event that says by a turned bit that there are no checksums', () => {
  const buf = format(true);
  buf[buf.length - 5] = 0;
  expect(() => decode(new BinlogDecoder({ flavor: 'mariadb' }), buf)).toThrow(
    broken(/checksum of the format/),
  );
  // 5.2.6: a server so old knew no checksums.
  const old = format(true);
  old.write('5.2.6-MariaDB\0\0\0\0\0\0', 21);
  expect(() => decode(new BinlogDecoder({ flavor: 'mariadb' }), old)).toThrow(broken(/does not fit server/));
});

test('the rotate event that begins a stream, with a turned bit', () => {
  const buf = rotate('f.000007', 4, { flags: FLAG_ARTIFICIAL });
  buf[30] ^= 1;
  expect(() => decode(new BinlogDecoder({ flavor: 'mariadb' }), buf)).toThrow(broken(/bad file name/));
  expect(() => decode(new BinlogDecoder({ flavor: 'mariadb' }), xid(100))).toThrow(
    broken(/before any format/),
  );
});

test('an incident event', () => {
  const body = Buffer.from([1, 0, 11, ...Buffer.from('LOST_EVENTS')]);
  expect(decode(started(), event(EVENT.INCIDENT, body))).toMatchObject({
    type: 'incident',
    code: 1,
    message: 'LOST_EVENTS',
  });
  expect(decode(started(), event(EVENT.INCIDENT, Buffer.from([1, 0])))).toMatchObject({ message: '' });
  expect(() => decode(started(), event(EVENT.INCIDENT, Buffer.from([1])))).toThrow(broken(/too early/));
});

test('a transaction payload inside a transaction payload', () => {
  const payload = (inner: Buffer, checksum: boolean): Buffer => {
    // Field 2: 255, not compressed. Field 1: the size. Then the end of the fields.
    const head = Buffer.from([2, 3, 252, 255, 0, 1, 1, inner.length, 0]);
    return event(EVENT.TRANSACTION_PAYLOAD, Buffer.concat([head, inner]), { checksum });
  };
  expect(decode(started(), payload(xid(9, false), true)).type).toBe('xid');
  const nested = payload(payload(xid(9, false), false), true);
  expect(() => decode(started(), nested)).toThrow(broken(/inside a transaction payload/));
});

test('rows without any column', () => {
  const decoder = started();
  const map = [1, 0, 0, 0, 0, 0, 1, 0, 1, 0x64, 0, 1, 0x74, 0, 1, TYPE.LONG, 0, 1];
  expect(decoder.decode(...whole(event(EVENT.TABLE_MAP, Buffer.from(map))))).toBeNull();
  const rows = (present: number, images: number[]): BinlogEvent =>
    decode(decoder, event(EVENT.WRITE_ROWS_V1, Buffer.from([1, 0, 0, 0, 0, 0, 1, 0, 1, present, ...images])));
  const index = newRowIndex();
  const run = (each: BinlogEvent): number => {
    if (each.type !== 'rows') throw new Error('no rows');
    compileRowCodec(each.map, null).index(each, index);
    return index.images;
  };
  expect(run(rows(1, [0, 5, 0, 0, 0, 0, 6, 0, 0, 0]))).toBe(2);
  expect(() => run(rows(0, [0]))).toThrow(broken(/do not fit/));
});

function whole(buf: Buffer): [Buffer, number, number] {
  return [buf, 0, buf.length];
}

test('JSON that contains itself, or the same bytes many times', () => {
  // A small array of one element of type small array at offset 0.
  const self = Buffer.from([2, 1, 0, 7, 0, 2, 0, 0]);
  expect(() => jsonText(self, 0, self.length)).toThrow(broken(/JSON/));
  // Arrays of 300 elements each, all of them the next array.
  const levels: Buffer[] = [];
  for (let i = 0; i < 20; i++) {
    const level = Buffer.alloc(4 + 300 * 3);
    const size = (20 - i) * level.length;
    level.writeUInt16LE(300, 0);
    level.writeUInt16LE(size, 2);
    for (let k = 0; k < 300; k++) {
      level[4 + k * 3] = i === 19 ? 4 : 2;
      level.writeUInt16LE(i === 19 ? 0 : level.length, 5 + k * 3);
    }
    levels.push(level);
  }
  const bomb = Buffer.concat([Buffer.from([2]), ...levels]);
  expect(() => jsonText(bomb, 0, bomb.length)).toThrow(broken(/JSON/));
});
