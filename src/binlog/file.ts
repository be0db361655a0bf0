/** Events of a binlog file on disk, through the same decoder as the stream. */
import { open } from 'node:fs/promises';
import path from 'node:path';
import type { Flavor } from '../model/stage.js';
import { binlogError } from './binlog-error.js';
import { BinlogDecoder } from './decoder.js';
import { BINLOG_MAGIC, HEADER_LENGTH } from './event-types.js';
import type { BinlogEvent } from './events.js';

const CHUNK = 1024 * 1024;

export interface BinlogFileOptions {
  readonly flavor: Flavor;
  readonly verifyChecksum?: boolean;
}

/** Raw events of a file, as views of buffers that are never reused; ends at the last complete event. */
export async function* readRawEvents(
  file: string,
): AsyncGenerator<{ buf: Buffer; start: number; end: number }> {
  const handle = await open(file, 'r');
  try {
    let buf = Buffer.alloc(0);
    let at = 0;
    let first = true;
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.max(CHUNK, eventSize(buf, at) - (buf.length - at)));
      const { bytesRead } = await handle.read(chunk, 0, chunk.length);
      const rest = buf.subarray(at);
      const fresh = chunk.subarray(0, bytesRead);
      buf = rest.length === 0 ? fresh : Buffer.concat([rest, fresh]);
      at = 0;
      if (first) {
        if (buf.length < 4 || buf.compare(BINLOG_MAGIC, 0, 4, 0, 4) !== 0) {
          throw binlogError(`${path.basename(file)} is no binlog file`);
        }
        at = 4;
        first = false;
      }
      for (;;) {
        const size = eventSize(buf, at);
        if (size === 0 || buf.length - at < size) break;
        yield { buf, start: at, end: at + size };
        at += size;
      }
      if (bytesRead === 0) return;
    }
  } finally {
    await handle.close();
  }
}

/** Size of the event at `at`; 0 while its header is not complete. */
function eventSize(buf: Buffer, at: number): number {
  if (buf.length - at < HEADER_LENGTH) return 0;
  const size = buf.readUInt32LE(at + 9);
  if (size < HEADER_LENGTH) throw binlogError(`bad event size ${size}`);
  return size;
}

export async function* readBinlogFile(file: string, options: BinlogFileOptions): AsyncGenerator<BinlogEvent> {
  const decoder = new BinlogDecoder({ ...options, file: path.basename(file) });
  for await (const raw of readRawEvents(file)) {
    const event = decoder.decode(raw.buf, raw.start, raw.end);
    if (event) yield event;
    for (let inner = decoder.pending(); inner; inner = decoder.pending()) yield inner;
  }
}
