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

/** Bytes buf[start..end). */
export interface Bytes {
  readonly buf: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * Raw events of a file, many whole ones at a time, in buffers that are never reused. A file that is still
 * written to, or was when the server died, ends with its last complete event; any other must not end within one.
 */
export async function* readEventRuns(file: string): AsyncGenerator<Bytes> {
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
      const start = at;
      // A broken size ends the run: what stands before it is handed out first.
      for (let left = buf.length - at; left >= HEADER_LENGTH; left = buf.length - at) {
        const size = buf.readUInt32LE(at + 9);
        if (size < HEADER_LENGTH || size > left) break;
        at += size;
      }
      if (at > start) yield { buf, start, end: at };
      if (bytesRead > 0) continue;
      if (at < buf.length && !inUse) throw binlogError(`${path.basename(file)} ends within an event`);
      return;
    }
  } finally {
    await handle.close();
  }
}

/** As readEventRuns, one by one. */
export async function* readRawEvents(file: string): AsyncGenerator<Bytes> {
  for await (const { buf, start, end } of readEventRuns(file)) {
    for (let at = start, next = at; at < end; at = next) {
      next += eventSize(buf, at);
      yield { buf, start: at, end: next };
    }
  }
}

/** Size of the event at `at`; 0 while its header is not complete. */
export function eventSize(buf: Buffer, at: number): number {
  if (buf.length - at < HEADER_LENGTH) return 0;
  const size = buf.readUInt32LE(at + 9);
  if (size < HEADER_LENGTH) throw binlogError(`bad event size ${size}`);
  return size;
}

export async function* readBinlogFile(file: string, options: BinlogFileOptions): AsyncGenerator<BinlogEvent> {
  const decoder = new BinlogDecoder({ ...options, file: path.basename(file) });
  for await (const { buf, start, end } of readEventRuns(file)) {
    for (let at = start, next = at; at < end; at = next) {
      next += eventSize(buf, at);
      const event = decoder.decode(buf, at, next);
      if (event) yield event;
      for (let inner = decoder.pending(); inner; inner = decoder.pending()) yield inner;
    }
  }
}
