/**
 * MySQL's binary JSON to text in the form the server prints, and to a tree for partial updates. Scalars
 * stay text all the way, so no number ever loses a digit.
 */
import { ByteWriter } from '../mysql/byte-writer.js';
import { binlogError } from './binlog-error.js';
import { decimalSize, MAX_PRECISION, writeDecimal } from './column-numbers.js';
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

/** Levels of arrays and objects that a server accepts. */
export const MAX_DEPTH = 100;

/** Throws a DmError 36069 when the bytes are no JSON value; reads nothing outside of them. */
export function parseJsonBinary(buf: Buffer, start: number, length: number): JsonNode {
  if (length === 0) return { kind: 'scalar', text: 'null' };
  return new JsonReader(buf, length).value(buf[start], start + 1, start + length, 0);
}

function broken(): Error {
  return binlogError('broken binary JSON value');
}

function isInline(type: number, large: boolean): boolean {
  return (
    type === LITERAL || type === INT16 || type === UINT16 || (large && (type === INT32 || type === UINT32))
  );
}

/** A whole double keeps its `.0`: without it the target would store an integer. */
function doubleJson(value: number): string {
  if (!Number.isFinite(value)) throw broken();
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value).replace('e+', 'e');
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** `end` is always the end of the innermost container. */
class JsonReader {
  readonly #buf: Buffer;
  /**
   * Values refer to each other by offset. In a sound document no byte belongs to two values; in a broken
   * one a few bytes could make millions of them, so all that is read is counted.
   */
  #left: number;

  constructor(buf: Buffer, length: number) {
    this.#buf = buf;
    this.#left = length;
  }

  value(type: number, at: number, end: number, depth: number): JsonNode {
    switch (type) {
      case SMALL_OBJECT:
      case LARGE_OBJECT:
        return this.#container(at, end, type === LARGE_OBJECT, true, depth + 1);
      case SMALL_ARRAY:
      case LARGE_ARRAY:
        return this.#container(at, end, type === LARGE_ARRAY, false, depth + 1);
      default:
        return { kind: 'scalar', text: this.#scalar(type, at, end) };
    }
  }

  #need(at: number, count: number, end: number): number {
    if (at + count > end) throw broken();
    return at;
  }

  #spend(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw broken();
  }

  #scalar(type: number, at: number, end: number): string {
    const buf = this.#buf;
    switch (type) {
      case LITERAL:
        switch (buf[this.#need(at, 1, end)]) {
          case 0:
            return 'null';
          case 1:
            return 'true';
          case 2:
            return 'false';
          default:
            throw broken();
        }
      case INT16:
        return String(buf.readInt16LE(this.#need(at, 2, end)));
      case UINT16:
        return String(buf.readUInt16LE(this.#need(at, 2, end)));
      case INT32:
        return String(buf.readInt32LE(this.#need(at, 4, end)));
      case UINT32:
        return String(buf.readUInt32LE(this.#need(at, 4, end)));
      case INT64:
        return String(buf.readBigInt64LE(this.#need(at, 8, end)));
      case UINT64:
        return String(buf.readBigUInt64LE(this.#need(at, 8, end)));
      case DOUBLE:
        return doubleJson(buf.readDoubleLE(this.#need(at, 8, end)));
      case STRING: {
        const head = this.#length(at, end);
        return quoteJson(buf.utf8Slice(head.at, head.at + head.length));
      }
      case OPAQUE: {
        const head = this.#length(at + 1, end);
        return opaqueText(buf, buf[at], head.at, head.length);
      }
      default:
        throw binlogError(`unknown JSON type ${type}`);
    }
  }

  /** Lengths are 7 bits a byte, the lowest first. */
  #length(at: number, end: number): { at: number; length: number } {
    let length = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.#buf[this.#need(at + i, 1, end)];
      length += (byte & 0x7f) * 2 ** (7 * i);
      if ((byte & 0x80) === 0) {
        this.#spend(length);
        return { at: this.#need(at + i + 1, length, end), length };
      }
    }
    throw broken();
  }

  #offset(at: number, end: number, large: boolean): number {
    const buf = this.#buf;
    return large ? buf.readUInt32LE(this.#need(at, 4, end)) : buf.readUInt16LE(this.#need(at, 2, end));
  }

  #container(base: number, end: number, large: boolean, object: boolean, depth: number): JsonNode {
    if (depth > MAX_DEPTH) throw broken();
    const width = large ? 4 : 2;
    const count = this.#offset(base, end, large);
    const size = this.#offset(base + width, end, large);
    const limit = this.#need(base, size, end) + size;
    let keys = base + 2 * width;
    let values = keys + (object ? count * (width + 2) : 0);
    const first = values + count * (1 + width);
    if (first > limit) throw broken();
    this.#spend(count);
    const entries = new Map<string, JsonNode>();
    const items: JsonNode[] = [];
    for (let i = 0; i < count; i++, values += 1 + width) {
      const type = this.#buf[values];
      const inline = isInline(type, large);
      const at = inline ? values + 1 : base + this.#offset(values + 1, limit, large);
      // Behind the table of values: so no container can be inside itself.
      if (!inline && at < first) throw broken();
      const node = this.value(type, at, limit, depth);
      if (object) {
        entries.set(this.#key(base, keys, limit, large), node);
        keys += width + 2;
      } else items.push(node);
    }
    return object ? { kind: 'object', entries } : { kind: 'array', items };
  }

  #key(base: number, entry: number, limit: number, large: boolean): string {
    const length = this.#buf.readUInt16LE(entry + (large ? 4 : 2));
    const at = this.#need(base + this.#offset(entry, limit, large), length, limit);
    this.#spend(length);
    return this.#buf.utf8Slice(at, at + length);
  }
}

function opaqueText(buf: Buffer, type: number, at: number, length: number): string {
  switch (type) {
    case TYPE.NEWDECIMAL: {
      if (length < 3) throw broken();
      const [precision, scale] = [buf[at], buf[at + 1]];
      const sound = precision > 0 && precision <= MAX_PRECISION && scale <= precision;
      if (!sound || decimalSize(precision, scale) > length - 2) throw broken();
      const out = new ByteWriter(128);
      writeDecimal(buf, at + 2, precision, scale, out);
      return out.buffer.latin1Slice(0, out.length);
    }
    case TYPE.DATE:
    case TYPE.DATETIME:
    case TYPE.TIMESTAMP:
      if (length < 8) throw broken();
      return `"${packedDatetime(buf.readBigInt64LE(at), type === TYPE.DATE)}"`;
    case TYPE.TIME:
      if (length < 8) throw broken();
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
