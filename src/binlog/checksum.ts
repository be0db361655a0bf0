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
