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

/** In the flags of the format event: the server has not closed the file. */
const FLAG_IN_USE = 0x01;

/**
 * Raw events of a file, as views of buffers that are never reused. A file that is still written to, or
 * was when the server died, ends with its last complete event; any other must not end within one.
 */
export async function* readRawEvents(
  file: string,
): AsyncGenerator<{ buf: Buffer; start: number; end: number }> {
  const handle = await open(file, 'r');
  try {
    let buf = Buffer.alloc(0);
    let at = 0;
    let offset = 0;
    let inUse = true;
    for (;;) {
      const rest = buf.length - at;
      const missing = eventSize(buf, at) - rest;
      // A broken size must not make a buffer that no file fills.
      const left = missing > CHUNK ? (await handle.stat()).size - offset : missing;
      const fresh = Buffer.allocUnsafe(rest + Math.max(CHUNK, Math.min(missing, left)));
      buf.copy(fresh, 0, at);
      const { bytesRead } = await handle.read(fresh, rest, fresh.length - rest);
      buf = fresh.subarray(0, rest + bytesRead);
      at = 0;
      if (offset === 0) {
        if (buf.length < 4 || buf.compare(BINLOG_MAGIC, 0, 4, 0, 4) !== 0) {
          throw binlogError(`${path.basename(file)} is no binlog file`);
        }
        at = 4;
        if (buf.length >= 4 + HEADER_LENGTH) inUse = (buf[4 + 17] & FLAG_IN_USE) !== 0;
      }
      offset += bytesRead;
      for (;;) {
        const size = eventSize(buf, at);
        if (size === 0 || buf.length - at < size) break;
        yield { buf, start: at, end: at + size };
        at += size;
      }
      if (bytesRead > 0) continue;
      if (at < buf.length && !inUse) throw binlogError(`${path.basename(file)} ends within an event`);
      return;
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
