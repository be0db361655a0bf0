/** Comparison: which rule holds for a pair of types, decided once. */
import { charsetOfCollation } from '../../schema/charsets.js';
import { findCollation, type Collation } from './collation.js';
import { compareJson, jsonOf, type JsonValue } from './json-compare.js';
import { compareDecimals, roundDecimal, type Decimal } from './decimal.js';
import { doubleOf, isNumeric, toDecimal, type Node, type Row, type SqlType, type Value } from './node.js';
import { Refusal } from './problem.js';
import { midnight, parseDate, parseDatetime, parseTime } from './temporal.js';

/** Of two values that are not NULL. */
export type Order = (a: Value, b: Value) => number;

export interface Pair {
  readonly left: (row: Row) => Value;
  readonly right: (row: Row) => Value;
  readonly order: Order;
}

type TextType = Extract<SqlType, { t: 'string' }>;

/** The collation under which texts meet. Throws Refusal where the servers would, or nobody knows. */
export function commonText(types: readonly TextType[], at: number): TextType {
  let best = types[0];
  for (const type of types.slice(1)) {
    if (type.coercibility < best.coercibility) best = type;
    else if (type.coercibility === best.coercibility && type.collation !== best.collation) {
      // Of two collations of one character set the binary one wins.
      const same = charsetOfCollation(type.collation) === charsetOfCollation(best.collation);
      if (!same || type.coercibility === 0) {
        throw new Refusal(`the collations ${best.collation} and ${type.collation} do not go together`, at);
      }
      if (type.collation.endsWith('_bin')) best = type;
      else if (!best.collation.endsWith('_bin')) {
        throw new Refusal(`the collations ${best.collation} and ${type.collation} do not go together`, at);
      }
    }
  }
  return best;
}

export function collationOf(type: TextType): Collation {
  return findCollation(type.collation);
}

/** Throws Refusal where the pair cannot be compared exactly. */
export function pairOf(a: Node, b: Node): Pair {
  const plain = (order: Order): Pair => ({ left: a.run, right: b.run, order });
  const x = a.type;
  const y = b.type;
  if (x.t === 'null' || y.t === 'null') return plain(() => 0);
  if (x.t === 'int' && y.t === 'int') return plain(compareScalars);
  if (x.t === 'string' && y.t === 'string') {
    const collation = collationOf(commonText([x, y], a.at));
    return plain((left, right) => collation.compare(left as string, right as string));
  }
  if (isNumeric(x) && isNumeric(y)) {
    if (x.t !== 'double' && y.t !== 'double') {
      const first = decimalOf(x);
      const second = decimalOf(y);
      return plain((left, right) => compareDecimals(first(left), second(right)));
    }
    return asDoubles(a, b);
  }
  if (isNumeric(x) && y.t === 'string') return numberAndText(a, b);
  if (x.t === 'string' && isNumeric(y)) return turned(numberAndText(b, a));
  if (isTemporal(x) && isTemporal(y)) return temporals(a, b);
  if (isTemporal(x) && y.t === 'string') return temporals(a, temporalConstant(b, x));
  if (x.t === 'string' && isTemporal(y)) return temporals(temporalConstant(a, y), b);
  if (x.t === 'bytes' && y.t === 'bytes') return plain(compareBytes);
  if (x.t === 'bytes' && y.t === 'string')
    return { left: a.run, right: bytesConstant(b), order: compareBytes };
  if (x.t === 'string' && y.t === 'bytes')
    return { left: bytesConstant(a), right: b.run, order: compareBytes };
  if (x.t === 'json' || y.t === 'json') return jsons(a, b);
  throw new Refusal(`a ${x.t} and a ${y.t} cannot be compared exactly here: use CAST, or ->> for JSON`, a.at);
}

function jsons(a: Node, b: Node): Pair {
  const left = jsonOf(a);
  const right = jsonOf(b);
  if (left === null || right === null) {
    throw new Refusal(
      `a ${a.type.t} and a ${b.type.t} cannot be compared exactly here: use CAST, or ->>`,
      a.at,
    );
  }
  const read = (convert: (value: Value) => JsonValue, { constant }: Node) => {
    if (constant === undefined || constant.value === null) return convert;
    const known = convert(constant.value);
    return () => known;
  };
  const first = read(left, a);
  const second = read(right, b);
  return { left: a.run, right: b.run, order: (x, y) => compareJson(first(x), second(y)) };
}

function decimalOf(type: SqlType): (value: Value) => Decimal {
  if (type.t !== 'decimal' || type.cut !== true) return toDecimal;
  return (value) => roundDecimal(value as Decimal, type.scale);
}

const compareScalars: Order = (a, b) => {
  const left = a as number;
  const right = b as number;
  return left < right ? -1 : left > right ? 1 : 0;
};

const compareBytes: Order = (a, b) => (a as Buffer).compare(b as Buffer);

function turned(pair: Pair): Pair {
  return { left: pair.right, right: pair.left, order: (a, b) => -pair.order(b, a) };
}

function asDoubles(a: Node, b: Node): Pair {
  const left = doubleOf(a.type);
  const right = doubleOf(b.type);
  return { left: a.run, right: b.run, order: (x, y) => compareScalars(left(x), right(y)) };
}

/** The servers compare as doubles, but an integer column with a constant as integers: the same for short ones. */
function numberAndText(number: Node, text: Node): Pair {
  if (number.type.t === 'int') {
    const value = text.constant?.value;
    if (typeof value !== 'string') return asDoubles(number, text);
    if (!/^-?\d{1,15}$/.test(value)) {
      throw new Refusal('an integer is compared with a text that is no integer of up to 15 digits', text.at);
    }
  }
  return asDoubles(number, text);
}

function isTemporal(type: SqlType): boolean {
  return type.t === 'date' || type.t === 'datetime' || type.t === 'time';
}

function temporals(a: Node, b: Node): Pair {
  const x = a.type.t;
  const y = b.type.t;
  if (x === y) return { left: a.run, right: b.run, order: compareScalars };
  if (x === 'time' || y === 'time') {
    throw new Refusal('a TIME is compared with a date: the servers differ in what that means', a.at);
  }
  return { left: asDatetime(a), right: asDatetime(b), order: compareScalars };
}

export function asDatetime(node: Node): (row: Row) => Value {
  const { run } = node;
  if (node.type.t === 'datetime') return run;
  const constant = node.constant?.value;
  if (typeof constant === 'string') {
    const value = midnight(constant);
    return () => value;
  }
  return (row) => {
    const value = run(row);
    return value === null ? null : midnight(value as string);
  };
}

/** A text constant beside a date or time. Throws Refusal where it is none of the plain form. */
export function temporalConstant(node: Node, beside: SqlType): Node {
  const text = node.constant?.value;
  if (typeof text !== 'string') {
    throw new Refusal(
      'a date is compared with a text that is no constant: use CAST(... AS DATETIME)',
      node.at,
    );
  }
  if (beside.t === 'time') {
    const micros = parseTime(text);
    if (micros === undefined) throw new Refusal(`"${text}" is no time such as 12:34:56`, node.at);
    return constant(node, { t: 'time', fsp: 6 }, micros);
  }
  const date = parseDate(text);
  if (date !== undefined) return constant(node, { t: 'date' }, date);
  const value = parseDatetime(text) ?? zeroDate(text);
  if (value === undefined) {
    throw new Refusal(`"${text}" is no date or time such as 2021-01-01 12:34:56+08:00`, node.at);
  }
  return constant(node, { t: 'datetime', fsp: 6 }, value);
}

function zeroDate(text: string): string | undefined {
  return /^0000-00-00(?: 00:00:00(?:\.0+)?)?$/.test(text) ? midnight('0000-00-00') : undefined;
}

function constant(node: Node, type: SqlType, value: Value): Node {
  return { type, at: node.at, run: () => value, constant: { value } };
}

function bytesConstant(node: Node): (row: Row) => Value {
  const text = node.constant?.value;
  if (typeof text !== 'string')
    throw new Refusal('bytes are compared with a text that is no constant', node.at);
  const bytes = Buffer.from(text);
  return () => bytes;
}
