/**
 * Comparing JSON values as MySQL does: a value that is no JSON becomes one first, values of one kind compare as
 * such, and of different kinds the order of the kinds decides, so that they are never equal. (MariaDB, which has
 * JSON as text, makes numbers of texts where a number stands beside them.)
 */
import { parseDecimal, compareDecimals, decimalText, type Decimal } from './decimal.js';
import { rowError } from './problem.js';
import { toDecimal, type Node, type Value } from './node.js';

/** In MySQL's order. */
const KINDS = { null: 0, number: 1, string: 2, object: 3, array: 4, boolean: 5 } as const;

export interface JsonValue {
  readonly kind: keyof typeof KINDS;
  /** Of a number: exact, unless it has an exponent or comes of a double. */
  readonly number?: Decimal | number;
  readonly text?: string;
  readonly truth?: boolean;
}

/** Of the piece of a document. */
export function readJson(piece: string): JsonValue {
  switch (piece[0]) {
    case 'n':
      return { kind: 'null' };
    case 't':
    case 'f':
      return { kind: 'boolean', truth: piece === 'true' };
    case '"':
      return { kind: 'string', text: JSON.parse(piece) as string };
    case '{':
      return { kind: 'object' };
    case '[':
      return { kind: 'array' };
    default:
      return { kind: 'number', number: /e/i.test(piece) ? Number(piece) : parseDecimal(piece) };
  }
}

/** How a node's values that are not NULL become JSON; null where its type has no such form here. */
export function jsonOf({ type, isTruth }: Node): ((value: Value) => JsonValue) | null {
  switch (type.t) {
    case 'json':
      return (value) => readJson(value as string);
    case 'int':
      if (isTruth === true) return (value) => ({ kind: 'boolean', truth: value === 1 });
      return (value) => ({ kind: 'number', number: toDecimal(value) });
    case 'decimal':
      return (value) => ({ kind: 'number', number: value as Decimal });
    case 'double':
      return (value) => ({ kind: 'number', number: value as number });
    case 'string':
      return (value) => ({ kind: 'string', text: value as string });
    default:
      return null;
  }
}

/** Throws DmError 60404 for two objects or two arrays. */
export function compareJson(a: JsonValue, b: JsonValue): number {
  if (a.kind !== b.kind) return KINDS[a.kind] - KINDS[b.kind];
  switch (a.kind) {
    case 'null':
      return 0;
    case 'number':
      return compareNumbers(a.number ?? 0, b.number ?? 0);
    case 'string':
      return Buffer.from(a.text ?? '').compare(Buffer.from(b.text ?? ''));
    case 'boolean':
      return Number(a.truth) - Number(b.truth);
    default:
      throw rowError(`JSON ${a.kind}s are compared`);
  }
}

function compareNumbers(a: Decimal | number, b: Decimal | number): number {
  if (typeof a !== 'number' && typeof b !== 'number') return compareDecimals(a, b);
  const left = asNumber(a);
  const right = asNumber(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

function asNumber(value: Decimal | number): number {
  return typeof value === 'number' ? value : Number(decimalText(value));
}
