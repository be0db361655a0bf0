/** Compressed bodies: MariaDB's zlib blocks and MySQL's TRANSACTION_PAYLOAD (zstd). */
import { inflateRawSync, inflateSync } from 'node:zlib';
import { decompress } from 'fzstd';
import { binlogError } from './binlog-error.js';
import { Cursor } from './bytes.js';

/**
 * MariaDB's compressed block: one byte `1aaa 0nnn` (algorithm a, n bytes of length), the length
 * big-endian, then the zlib stream.
 */
export function inflateMariaDb(block: Buffer): Buffer {
  if (block.length < 2) throw binlogError('compressed block is too short');
  const algorithm = (block[0] & 0x70) >> 4;
  const lengthBytes = block[0] & 0x07;
  if (algorithm !== 0 || lengthBytes < 1 || lengthBytes > 4 || block.length <= 1 + lengthBytes) {
    throw binlogError(`compressed block with unknown header 0x${block[0].toString(16)}`);
  }
  const length = block.readUIntBE(1, lengthBytes);
  return inflate(block.subarray(1 + lengthBytes), length);
}

function inflate(data: Buffer, length: number): Buffer {
  let plain: Buffer;
  try {
    plain = inflateSync(data, { maxOutputLength: Math.max(length, 1) });
  } catch (cause) {
    throw binlogError(`compressed block cannot be inflated: ${String(cause)}`);
  }
  if (plain.length !== length) {
    throw binlogError(`compressed block holds ${plain.length} bytes, its header says ${length}`);
  }
  return plain;
}

/**
 * A value of MariaDB's COMPRESSED columns. Header byte `aaaa rnnn`: algorithm, a raw stream without zlib's
 * wrapping, number of bytes of the big-endian length that follows; 0 = not compressed.
 */
export function inflateColumn(buf: Buffer, start: number, length: number): Buffer {
  if (length === 0) return buf.subarray(start, start);
  const header = buf[start];
  if (header === 0) return buf.subarray(start + 1, start + length);
  const lengthBytes = header & 0x07;
  const raw = (header & 0x08) !== 0;
  if (header >> 4 !== 8) throw binlogError(`compressed column with unknown algorithm ${header >> 4}`);
  if (lengthBytes > 4 || 1 + lengthBytes > length) throw binlogError('compressed column is too short');
  const plainLength = lengthBytes === 0 ? 0 : buf.readUIntBE(start + 1, lengthBytes);
  const data = buf.subarray(start + 1 + lengthBytes, start + length);
  return raw ? inflateRaw(data, plainLength) : inflate(data, plainLength);
}

function inflateRaw(data: Buffer, length: number): Buffer {
  try {
    const plain = inflateRawSync(data, { maxOutputLength: Math.max(length, 1) });
    if (plain.length === length) return plain;
  } catch (cause) {
    throw binlogError(`compressed column cannot be inflated: ${String(cause)}`);
  }
  throw binlogError('compressed column has the wrong length');
}

/** The events inside a TRANSACTION_PAYLOAD event, one after the other and without checksums. */
export function decompressPayload(buf: Buffer, start: number, end: number): Buffer {
  const cursor = new Cursor(buf, start, end);
  let compression = 255;
  let uncompressed = 0;
  let size = -1;
  for (;;) {
    const field = cursor.lenenc();
    if (field === 0) break;
    const length = cursor.lenenc();
    const next = cursor.at + length;
    if (field === 1) size = cursor.lenenc();
    else if (field === 2) compression = cursor.lenenc();
    else if (field === 3) uncompressed = cursor.lenenc();
    cursor.at = next;
  }
  const payload = size < 0 ? cursor.rest() : cursor.bytes(size);
  if (compression === 255) return payload;
  if (compression !== 0) throw binlogError(`transaction payload with unknown compression ${compression}`);
  let plain: Uint8Array;
  try {
    plain = decompress(payload);
  } catch (cause) {
    throw binlogError(`transaction payload cannot be decompressed: ${String(cause)}`);
  }
  if (uncompressed !== 0 && plain.length !== uncompressed) {
    throw binlogError(`transaction payload holds ${plain.length} bytes, its header says ${uncompressed}`);
  }
  return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
}
