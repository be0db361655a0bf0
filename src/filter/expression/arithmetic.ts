/** Arithmetic with the servers' result types: integers and decimals exact, all else doubles. */
import type { BinaryOp } from './ast.js';
import {
  addDecimals,
  divideDecimals,
  multiplyDecimals,
  remainderOfDecimals,
  type Decimal,
} from './decimal.js';
import {
  derived,
  doubleOf,
  INT,
  nullNode,
  refuseCut,
  small,
  toDecimal,
  type Node,
  type Row,
  type SqlType,
  type Value,
} from './node.js';
import { Refusal, rowError } from './problem.js';

/** div_precision_increment, as the servers have it by default. */
const DIVISION_DIGITS = 4;
const MAX_DIGITS = 65;

export type ArithmeticOp = Extract<BinaryOp, '+' | '-' | '*' | '/' | 'div' | '%'>;
export type BitOp = Extract<BinaryOp, '|' | '&' | '^' | '<<' | '>>'>;

export function arithmetic(op: ArithmeticOp, a: Node, b: Node, at: number): Node {
  for (const { type } of [a, b]) {
    if (!['null', 'int', 'decimal', 'double', 'string'].includes(type.t)) {
      throw new Refusal(`a ${type.t} is no number: use CAST, or INTERVAL for dates`, at);
    }
  }
  if (a.type.t === 'null' || b.type.t === 'null') return nullNode(at);
  refuseCut([a, b], at);
  const both = (type: SqlType, run: (x: Value, y: Value) => Value): Node => {
    const left = a.run;
    const right = b.run;
    return derived(at, type, [a, b], (row: Row) => {
      const x = left(row);
      if (x === null) return null;
      const y = right(row);
      return y === null ? null : run(x, y);
    });
  };
  const isDouble = [a, b].some(({ type }) => type.t === 'double' || type.t === 'string');
  if (isDouble) {
    if (op === 'div') throw new Refusal('DIV of a text or double is not exact: use CAST', at);
    const left = doubleOf(a.type);
    const right = doubleOf(b.type);
    const run = DOUBLE_OPS[op];
    return both({ t: 'double' }, (x, y) => run(left(x), right(y)));
  }
  const { type: x } = a;
  const { type: y } = b;
  if (x.t === 'int' && y.t === 'int' && op !== '/') {
    const unsigned = op === '%' ? x.unsigned : x.unsigned || y.unsigned;
    const run = integerOp(op, unsigned);
    return both({ t: 'int', unsigned }, (p, q) => run(p as number, q as number));
  }
  const scaleOf = (type: SqlType) => (type.t === 'decimal' ? type.scale : 0);
  const first = scaleOf(x);
  const second = scaleOf(y);
  const decimals = (scale: number, run: (p: Decimal, q: Decimal) => Decimal | null): Node => {
    if (scale > 30) throw new Refusal('a result with more than 30 digits behind the point', at);
    return both({ t: 'decimal', scale, cut: op === '/' }, (p, q) => {
      const result = run(toDecimal(p), toDecimal(q));
      if (result !== null && result.digits.toString().length > MAX_DIGITS) {
        throw rowError('a decimal with more than 65 digits');
      }
      return result;
    });
  };
  switch (op) {
    case '+':
      return decimals(Math.max(first, second), (p, q) => addDecimals(p, q, 1n));
    case '-':
      return decimals(Math.max(first, second), (p, q) => addDecimals(p, q, -1n));
    case '*':
      return decimals(first + second, multiplyDecimals);
    case '/':
      return decimals(first + DIVISION_DIGITS, (p, q) => divideDecimals(p, q, DIVISION_DIGITS));
    case '%':
      return decimals(Math.max(first, second), remainderOfDecimals);
    case 'div': {
      const unsigned = [x, y].some((type) => type.t === 'int' && type.unsigned);
      return both({ t: 'int', unsigned }, (p, q) => {
        const left = toDecimal(p);
        const right = toDecimal(q);
        if (right.digits === 0n) return null;
        const scale = Math.max(left.scale, right.scale);
        const whole =
          (left.digits * 10n ** BigInt(scale - left.scale)) /
          (right.digits * 10n ** BigInt(scale - right.scale));
        return inRange(whole, unsigned);
      });
    }
  }
}

const DOUBLE_OPS: Readonly<Record<Exclude<ArithmeticOp, 'div'>, (x: number, y: number) => number | null>> = {
  '+': (x, y) => finite(x + y),
  '-': (x, y) => finite(x - y),
  '*': (x, y) => finite(x * y),
  '/': (x, y) => (y === 0 ? null : finite(x / y)),
  '%': (x, y) => (y === 0 ? null : x % y),
};

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw rowError('a DOUBLE value is out of range');
}

function inRange(value: bigint, unsigned: boolean): number | bigint {
  const fits = unsigned
    ? value >= 0n && value <= 0xffff_ffff_ffff_ffffn
    : value >= -0x8000_0000_0000_0000n && value <= 0x7fff_ffff_ffff_ffffn;
  if (!fits) throw rowError(`a BIGINT${unsigned ? ' UNSIGNED' : ''} value is out of range`);
  return small(value);
}

/** On numbers while all stays below 2^53, else on bigints. */
function integerOp(
  op: Exclude<ArithmeticOp, '/'>,
  unsigned: boolean,
): (x: number | bigint, y: number | bigint) => number | bigint | null {
  const slow = (x: number | bigint, y: number | bigint): number | bigint | null => {
    const p = BigInt(x);
    const q = BigInt(y);
    switch (op) {
      case '+':
        return inRange(p + q, unsigned);
      case '-':
        return inRange(p - q, unsigned);
      case '*':
        return inRange(p * q, unsigned);
      case 'div':
        return q === 0n ? null : inRange(p / q, unsigned);
      case '%':
        return q === 0n ? null : inRange(p % q, unsigned);
    }
  };
  return (x, y) => {
    if (typeof x !== 'number' || typeof y !== 'number') return slow(x, y);
    let result: number;
    switch (op) {
      case '+':
        result = x + y;
        break;
      case '-':
        result = x - y;
        break;
      case '*':
        result = x * y;
        break;
      case 'div':
        if (y === 0) return null;
        result = (x - (x % y)) / y;
        break;
      case '%':
        if (y === 0) return null;
        result = x % y;
        break;
    }
    // Also turns -0 into 0.
    return Number.isSafeInteger(result) && (!unsigned || result >= 0) ? result + 0 : slow(x, y);
  };
}

export function negate(a: Node, at: number): Node {
  const { run, type } = a;
  switch (type.t) {
    case 'null':
      return nullNode(at);
    case 'int': {
      const minus = integerOp('-', false);
      return derived(at, INT, [a], (row) => {
        const value = run(row);
        return value === null ? null : minus(0, value as number);
      });
    }
    case 'decimal':
      return derived(at, type, [a], (row) => {
        const value = run(row) as Decimal | null;
        return value === null ? null : { digits: -value.digits, scale: value.scale };
      });
    case 'double':
    case 'string': {
      const convert = doubleOf(type);
      return derived(at, { t: 'double' }, [a], (row) => {
        const value = run(row);
        return value === null ? null : -convert(value);
      });
    }
    default:
      throw new Refusal(`a ${type.t} is no number`, at);
  }
}

const MASK = 0xffff_ffff_ffff_ffffn;

/** 64 bits without sign, integers only. */
export function bits(op: BitOp | '~', args: readonly Node[], at: number): Node {
  if (args.some(({ type }) => type.t === 'null')) return nullNode(at);
  if (args.some(({ type }) => type.t !== 'int')) {
    throw new Refusal('bit operations are understood for integers only: use CAST', at);
  }
  return derived(at, { t: 'int', unsigned: true }, args, (row) => {
    const x = args[0].run(row);
    if (x === null) return null;
    const left = BigInt.asUintN(64, BigInt(x as number));
    if (op === '~') return small(left ^ MASK);
    const y = args[1].run(row);
    if (y === null) return null;
    const right = BigInt.asUintN(64, BigInt(y as number));
    switch (op) {
      case '|':
        return small(left | right);
      case '&':
        return small(left & right);
      case '^':
        return small(left ^ right);
      case '<<':
        return right > 63n ? 0 : small((left << right) & MASK);
      case '>>':
        return right > 63n ? 0 : small(left >> right);
    }
  });
}
