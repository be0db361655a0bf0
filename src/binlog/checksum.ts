/** CRC32 of events. Native for long ones; a table for the short ones, where the call would cost more. */
import { crc32 } from 'node:zlib';

const TABLE = new Uint32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  TABLE[n] = c >>> 0;
}

/** Below this many bytes the table wins over the native call with its view object. */
const NATIVE_FROM = 96;

export function checksumOf(buf: Buffer, start: number, end: number): number {
  if (end - start >= NATIVE_FROM) return crc32(buf.subarray(start, end));
  let c = 0xffffffff;
  for (let i = start; i < end; i++) c = TABLE[(c ^ buf[i]) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** Whether the last four bytes before `end` are the CRC32 of those before them. */
export function checksumMatches(buf: Buffer, start: number, end: number): boolean {
  return end - start > 4 && checksumOf(buf, start, end - 4) === buf.readUInt32LE(end - 4);
}

/**
 * Whether the format event at buf[start..end) is as it was written, as far as can be told. The in-use
 * flag is cleared in the file when it is closed and in the stream, and the checksum is the one without
 * it. In a file without checksums this event has one all the same, but a server that changes the event
 * for a stream from the middle of a file leaves that one as it was. What can be told then is whether the
 * event says `none` only because the byte that says it is broken.
 */
export function formatIsSound(buf: Buffer, start: number, end: number, checksum: 'none' | 'crc32'): boolean {
  if (checksum === 'crc32' && checksumMatches(buf, start, end)) return true;
  const copy = Buffer.from(buf.subarray(start, end));
  copy[17] &= ~1;
  if (checksum === 'crc32') return checksumMatches(copy, 0, copy.length);
  copy[copy.length - 5] = 1;
  if (checksumMatches(copy, 0, copy.length)) return false;
  copy[17] = buf[start + 17];
  return !checksumMatches(copy, 0, copy.length);
}
