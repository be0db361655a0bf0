/** Character and byte strings, ENUM, SET, and the types that travel as byte strings. */
import type { ByteWriter } from '../mysql/byte-writer.js';
import { binaryBinding, shortTextBinding, stringBinding, textBinding } from './binding.js';
import { decodeCharset, isUtf8 } from './charset.js';
import { textLiteral, textWriter, writeBinary, writeString } from './escape.js';
import { writeUnsigned } from './column-numbers.js';
import { inflateColumn } from './decode-compressed.js';
import type { ColumnCodec } from './rows.js';

export function textColumn(name: string, charset: string): ColumnCodec {
  const write = textWriter(charset);
  const binding = textBinding(charset);
  if (isUtf8(charset)) {
    return {
      name,
      binding,
      value: (buf, start, length) => buf.utf8Slice(start, start + length),
      literal: (buf, start, length, out) => write(buf, start, start + length, out),
    };
  }
  return {
    name,
    binding,
    value: (buf, start, length) => decodeCharset(charset, buf, start, start + length),
    literal: (buf, start, length, out) => write(buf, start, start + length, out),
  };
}

/** `padTo`: BINARY(n) comes without its trailing zero bytes. */
export function binaryColumn(name: string, padTo = 0): ColumnCodec {
  return {
    name,
    value(buf, start, length) {
      const bytes = Buffer.alloc(Math.max(length, padTo));
      buf.copy(bytes, 0, start, start + length);
      return bytes;
    },
    literal: (buf, start, length, out) => writeBinary(buf, start, start + length, out, padTo),
    binding: binaryBinding(padTo),
  };
}

/** MariaDB's COMPRESSED columns: the value of another column, packed. */
export function compressedColumn(inner: ColumnCodec): ColumnCodec {
  const { binding } = inner;
  return {
    name: inner.name,
    binding: binding && {
      ...binding,
      bind(buf, start, length, out) {
        const plain = inflateColumn(buf, start, length);
        binding.bind(plain, 0, plain.length, out);
      },
    },
    value(buf, start, length) {
      const plain = inflateColumn(buf, start, length);
      return inner.value(plain, 0, plain.length);
    },
    literal(buf, start, length, out) {
      const plain = inflateColumn(buf, start, length);
      inner.literal(plain, 0, plain.length, out);
    },
  };
}

export function enumColumn(name: string, members: readonly string[] | undefined): ColumnCodec {
  const index = (buf: Buffer, start: number, length: number): number =>
    length === 1 ? buf[start] : buf.readUInt16LE(start);
  const literals = members?.map(textLiteral);
  return {
    name,
    binding: members && stringBinding((buf, start, length) => members[index(buf, start, length) - 1] ?? ''),
    value(buf, start, length) {
      const at = index(buf, start, length);
      if (!members) return at;
      // Index 0 is the empty text of a value that was refused in a lax sql_mode.
      return at === 0 ? '' : (members[at - 1] ?? at);
    },
    literal(buf, start, length, out) {
      const at = index(buf, start, length);
      const member = at > 0 ? literals?.[at - 1] : undefined;
      if (member === undefined) writeUnsigned(at, out);
      else out.bytes(member);
    },
  };
}

export function setColumn(name: string, members: readonly string[] | undefined): ColumnCodec {
  const bits = (buf: Buffer, start: number, length: number): bigint => {
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(buf[start + i]);
    return value;
  };
  const textOf = (value: bigint): string =>
    (members ?? []).filter((_, i) => (value & (1n << BigInt(i))) !== 0n).join(',');
  return {
    name,
    binding: members && stringBinding((buf, start, length) => textOf(bits(buf, start, length))),
    value(buf, start, length) {
      const value = bits(buf, start, length);
      if (!members) return value > Number.MAX_SAFE_INTEGER ? value : Number(value);
      return textOf(value);
    },
    literal(buf, start, length, out) {
      const value = bits(buf, start, length);
      if (!members || value >> BigInt(members.length) !== 0n) {
        out.ascii(value.toString());
        return;
      }
      writeString(textOf(value), out);
    },
  };
}

/** A type of fixed width whose text the server makes from the bytes. */
function formattedColumn(name: string, width: number, format: (bytes: Buffer) => string): ColumnCodec {
  const text = (buf: Buffer, start: number, length: number): string => {
    const bytes = Buffer.alloc(width);
    buf.copy(bytes, 0, start, start + Math.min(length, width));
    return format(bytes);
  };
  return {
    name,
    value: text,
    literal: (buf, start, length, out: ByteWriter) => out.ascii(`'${text(buf, start, length)}'`),
    binding: shortTextBinding((buf, start, length, out) => out.ascii(text(buf, start, length))),
  };
}

/**
 * MariaDB stores versions 1 to 5 of a UUID with its parts turned round so that they sort by time, and the
 * others as they are. In the turned form the variant's top bit stands in byte 6 and the version in byte 8.
 */
export function uuidColumn(name: string): ColumnCodec {
  return formattedColumn(name, 16, (b) => {
    const hex = (from: number, to: number): string => b.subarray(from, to).toString('hex');
    const turned = (b[6] & 0x80) !== 0 && b[8] > 0 && b[8] < 0x60;
    return turned
      ? `${hex(12, 16)}-${hex(10, 12)}-${hex(8, 10)}-${hex(6, 8)}-${hex(0, 6)}`
      : `${hex(0, 4)}-${hex(4, 6)}-${hex(6, 8)}-${hex(8, 10)}-${hex(10, 16)}`;
  });
}

export function inet4Column(name: string): ColumnCodec {
  return formattedColumn(name, 4, (bytes) => bytes.join('.'));
}

export function inet6Column(name: string): ColumnCodec {
  return formattedColumn(name, 16, inet6Text);
}

/** As the server prints: the longest run of zero groups as `::`, IPv4 in dots where it is embedded. */
export function inet6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2));
  let gapAt = -1;
  let gapLength = 0;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > gapLength) {
      gapAt = i;
      gapLength = length;
    }
    if (length > 0) i += length - 1;
  }
  const embedded = gapAt === 0 && (gapLength === 6 || (gapLength === 5 && groups[5] === 0xffff));
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === gapAt) {
      text += i === 0 ? '::' : ':';
      i += gapLength - 1;
      continue;
    }
    if (embedded && i === 6) return text + bytes.subarray(12).join('.');
    text += groups[i].toString(16);
    if (i < 7) text += ':';
  }
  return text;
}
