import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BINLOG_MAGIC, EVENT } from './event-types.js';
import { readRawEvents } from './file.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-binlog-file-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function event(type: number, length: number, flags = 0): Buffer {
  const buf = Buffer.alloc(length, type);
  buf[4] = type;
  buf.writeUInt32LE(length, 9);
  buf.writeUInt16LE(flags, 17);
  return buf;
}

async function sizes(...parts: Buffer[]): Promise<number[]> {
  const file = path.join(folder, 'f.000001');
  await writeFile(file, Buffer.concat(parts));
  const seen: number[] = [];
  for await (const raw of readRawEvents(file)) {
    expect(raw.buf[raw.start]).toBe(raw.buf[raw.start + 4]);
    seen.push(raw.end - raw.start);
  }
  return seen;
}

const closed = event(EVENT.FORMAT_DESCRIPTION, 120);
const open = event(EVENT.FORMAT_DESCRIPTION, 120, 1);
const broken = (cause: RegExp): unknown =>
  expect.objectContaining({ code: 36069, rawCause: expect.stringMatching(cause) as string });

test('events across the borders of the chunks that are read', async () => {
  const lengths = [700_000, 700_000, 19, 3_000_000, 30, 1_048_576 - 4];
  const events = lengths.map((length) => event(EVENT.XID, length));
  expect(await sizes(BINLOG_MAGIC, closed, ...events)).toEqual([120, ...lengths]);
});

test('a file that is still written to ends with its last complete event', async () => {
  const cut = event(EVENT.XID, 5000).subarray(0, 300);
  expect(await sizes(BINLOG_MAGIC, open, event(EVENT.XID, 31), cut)).toEqual([120, 31]);
  await expect(sizes(BINLOG_MAGIC, closed, event(EVENT.XID, 31), cut)).rejects.toEqual(broken(/ends within/));
});

test('broken sizes', async () => {
  const huge = event(EVENT.XID, 31);
  huge.writeUInt32LE(0xffffffff, 9);
  await expect(sizes(BINLOG_MAGIC, closed, huge)).rejects.toEqual(broken(/ends within/));
  huge.writeUInt32LE(18, 9);
  await expect(sizes(BINLOG_MAGIC, closed, huge)).rejects.toEqual(broken(/bad event size 18/));
  await expect(sizes(Buffer.from('no binlog'))).rejects.toEqual(broken(/no binlog file/));
  await expect(sizes()).rejects.toEqual(broken(/no binlog file/));
});
