/**
 * MySQL's binary JSON to text in the form the server prints, and to a tree for partial updates. Scalars
 * stay text all the way, so no number ever loses a digit.
 */
import { ByteWriter } from '../mysql/byte-writer.js';
import { binlogError } from './binlog-error.js';
import { writeDecimal } from './column-numbers.js';
import { TYPE } from './event-types.js';

export type JsonNode =
  | { readonly kind: 'scalar'; readonly text: string }
  | { readonly kind: 'array'; readonly items: JsonNode[] }
  | { readonly kind: 'object'; readonly entries: Map<string, JsonNode> };

const SMALL_OBJECT = 0;
const LARGE_OBJECT = 1;
const SMALL_ARRAY = 2;
const LARGE_ARRAY = 3;
const LITERAL = 4;
const INT16 = 5;
const UINT16 = 6;
const INT32 = 7;
const UINT32 = 8;
const INT64 = 9;
const UINT64 = 10;
const DOUBLE = 11;
const STRING = 12;
const OPAQUE = 15;

/**
 * Ours, no type of the server's: JSON text follows. A partial update that was applied to its before image
 * stands in the event's patched copy in this form.
 */
export const TEXT_FOLLOWS = 0xff;

export function jsonText(buf: Buffer, start: number, length: number): string {
  // An empty value is what a NULL column turned NOT NULL holds; the server prints null.
  if (length === 0) return 'null';
  if (buf[start] === TEXT_FOLLOWS) return buf.utf8Slice(start + 1, start + length);
  return formatJson(parseJsonBinary(buf, start, length));
}

export function parseJsonBinary(buf: Buffer, start: number, length: number): JsonNode {
  if (length === 0) return { kind: 'scalar', text: 'null' };
  return parseValue(buf, buf[start], start + 1, start + length);
}

function broken(): Error {
  return binlogError('broken binary JSON value');
}

function parseValue(buf: Buffer, type: number, at: number, end: number): JsonNode {
  switch (type) {
    case SMALL_OBJECT:
    case LARGE_OBJECT:
      return parseContainer(buf, at, end, type === LARGE_OBJECT, true);
    case SMALL_ARRAY:
    case LARGE_ARRAY:
      return parseContainer(buf, at, end, type === LARGE_ARRAY, false);
    default:
      return { kind: 'scalar', text: scalarText(buf, type, at, end) };
  }
}

function scalarText(buf: Buffer, type: number, at: number, end: number): string {
  switch (type) {
    case LITERAL:
      if (buf[at] === 0) return 'null';
      if (buf[at] === 1) return 'true';
      if (buf[at] === 2) return 'false';
      throw broken();
    case INT16:
      return String(buf.readInt16LE(at));
    case UINT16:
      return String(buf.readUInt16LE(at));
    case INT32:
      return String(buf.readInt32LE(at));
    case UINT32:
      return String(buf.readUInt32LE(at));
    case INT64:
      return String(buf.readBigInt64LE(at));
    case UINT64:
      return String(buf.readBigUInt64LE(at));
    case DOUBLE:
      return doubleJson(buf.readDoubleLE(at));
    case STRING: {
      const head = readLength(buf, at, end);
      return quoteJson(buf.utf8Slice(head.at, head.at + head.length));
    }
    case OPAQUE: {
      const head = readLength(buf, at + 1, end);
      return opaqueText(buf, buf[at], head.at, head.length);
    }
    default:
      throw binlogError(`unknown JSON type ${type}`);
  }
}

/** A whole double keeps its `.0`: without it the target would store an integer. */
function doubleJson(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value).replace('e+', 'e');
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** Lengths are 7 bits a byte, the lowest first. */
function readLength(buf: Buffer, at: number, end: number): { at: number; length: number } {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = buf[at + i];
    length += (byte & 0x7f) * 2 ** (7 * i);
    if ((byte & 0x80) === 0) {
      if (at + i + 1 + length > end) throw broken();
      return { at: at + i + 1, length };
    }
  }
  throw broken();
}

function isInline(type: number, large: boolean): boolean {
  return (
    type === LITERAL || type === INT16 || type === UINT16 || (large && (type === INT32 || type === UINT32))
  );
}

function parseContainer(buf: Buffer, base: number, end: number, large: boolean, object: boolean): JsonNode {
  const width = large ? 4 : 2;
  const read = (at: number): number => {
    if (at + width > end) throw broken();
    return large ? buf.readUInt32LE(at) : buf.readUInt16LE(at);
  };
  const count = read(base);
  const size = read(base + width);
  const limit = base + size;
  if (limit > end) throw broken();
  let keys = base + 2 * width;
  let values = keys + (object ? count * (width + 2) : 0);
  const entries = new Map<string, JsonNode>();
  const items: JsonNode[] = [];
  for (let i = 0; i < count; i++) {
    const type = buf[values];
    const at = isInline(type, large) ? values + 1 : base + read(values + 1);
    if (at >= limit) throw broken();
    const node = parseValue(buf, type, at, limit);
    values += 1 + width;
    if (object) {
      const keyAt = base + read(keys);
      entries.set(buf.utf8Slice(keyAt, keyAt + buf.readUInt16LE(keys + width)), node);
      keys += width + 2;
    } else items.push(node);
  }
  return object ? { kind: 'object', entries } : { kind: 'array', items };
}

function opaqueText(buf: Buffer, type: number, at: number, length: number): string {
  switch (type) {
    case TYPE.NEWDECIMAL: {
      const out = new ByteWriter(128);
      writeDecimal(buf, at + 2, buf[at], buf[at + 1], out);
      return out.buffer.latin1Slice(0, out.length);
    }
    case TYPE.DATE:
    case TYPE.DATETIME:
    case TYPE.TIMESTAMP:
      return `"${packedDatetime(buf.readBigInt64LE(at), type === TYPE.DATE)}"`;
    case TYPE.TIME:
      return `"${packedTime(buf.readBigInt64LE(at))}"`;
    default:
      return `"base64:type${type}:${buf.subarray(at, at + length).toString('base64')}"`;
  }
}

function pad(value: bigint, digits: number): string {
  return value.toString().padStart(digits, '0');
}

function packedDatetime(packed: bigint, dateOnly: boolean): string {
  const value = packed < 0n ? -packed : packed;
  const whole = value >> 24n;
  const yearMonth = whole >> 22n;
  const date = `${pad(yearMonth / 13n, 4)}-${pad(yearMonth % 13n, 2)}-${pad((whole >> 17n) & 31n, 2)}`;
  if (dateOnly) return date;
  const time = `${pad((whole >> 12n) & 31n, 2)}:${pad((whole >> 6n) & 63n, 2)}:${pad(whole & 63n, 2)}`;
  return `${date} ${time}.${pad(value & 0xffffffn, 6)}`;
}

function packedTime(packed: bigint): string {
  const value = packed < 0n ? -packed : packed;
  const whole = value >> 24n;
  const time = `${pad((whole >> 12n) & 1023n, 2)}:${pad((whole >> 6n) & 63n, 2)}:${pad(whole & 63n, 2)}`;
  return `${packed < 0n ? '-' : ''}${time}.${pad(value & 0xffffffn, 6)}`;
}

/** JSON.stringify leaves 0x7f alone and escapes as the server does, but for lone surrogates, which cannot occur. */
export function quoteJson(text: string): string {
  return JSON.stringify(text);
}

/** As the server prints: a blank behind comma and colon. */
export function formatJson(node: JsonNode): string {
  switch (node.kind) {
    case 'scalar':
      return node.text;
    case 'array':
      return `[${node.items.map(formatJson).join(', ')}]`;
    case 'object':
      return `{${[...node.entries].map(([key, value]) => `${quoteJson(key)}: ${formatJson(value)}`).join(', ')}}`;
  }
}
