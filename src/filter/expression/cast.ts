/** CAST and CONVERT. */
import type { CastTarget } from './ast.js';
import { asDatetime, temporalConstant } from './compare.js';
import { decimalText, parseDecimal, roundDecimal, type Decimal } from './decimal.js';
import { strict, textConstant } from './functions.js';
import {
  doubleOf,
  INT,
  LITERAL_TEXT,
  nullNode,
  small,
  textOf,
  toDecimal,
  type Node,
  type SqlType,
  type Value,
} from './node.js';
import { Refusal, rowError } from './problem.js';

export function cast(node: Node, target: CastTarget, at: number): Node {
  if (node.type.t === 'null') return nullNode(at);
  switch (target.type) {
    case 'signed':
    case 'unsigned':
      return toInteger(node, target.type === 'unsigned', at);
    case 'double': {
      const convert = doubleOf(node.type);
      return strict({ t: 'double' }, [node], at, ([value]) => convert(value));
    }
    case 'decimal':
      return toDecimalCast(node, target.length ?? 10, target.decimals ?? 0, at);
    case 'char': {
      const convert = textOf(node.type);
      const type: SqlType = { ...LITERAL_TEXT, coercibility: 2 };
      const { length } = target;
      if (node.constant !== undefined && length === undefined)
        return textConstant(convert(node.constant.value), at);
      return strict(type, [node], at, ([value]) => {
        const text = convert(value);
        return length === undefined ? text : [...text].slice(0, length).join('');
      });
    }
    case 'date':
    case 'datetime':
      return toTemporal(node, target, at);
  }
}

function toInteger(node: Node, unsigned: boolean, at: number): Node {
  const type: SqlType = unsigned ? { t: 'int', unsigned } : INT;
  const wrap = (value: bigint) => small(unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value));
  switch (node.type.t) {
    case 'int':
      return strict(type, [node], at, ([value]) =>
        typeof value === 'number' && (value >= 0 || !unsigned) ? value : wrap(BigInt(value as bigint)),
      );
    case 'decimal':
      return strict(type, [node], at, ([value]) => {
        const whole = roundDecimal(value as Decimal, 0).digits;
        const fits = unsigned ? whole >= 0n && whole < 1n << 64n : whole >= -(1n << 63n) && whole < 1n << 63n;
        if (!fits) throw rowError('a decimal does not fit into an integer');
        return small(whole);
      });
    case 'string':
      return strict(type, [node], at, ([value]) => {
        const match = /^\s*([+-]?\d{1,18})(?!\d)/.exec(value as string);
        if (match) return wrap(BigInt(match[1]));
        if (/^\s*[+-]?\d/.test(value as string)) throw rowError('a text has more digits than an integer');
        return 0;
      });
    default:
      throw new Refusal(`a cast of a ${node.type.t} to an integer is not understood`, at);
  }
}

function toDecimalCast(node: Node, length: number, decimals: number, at: number): Node {
  const read = (value: Value): Decimal => {
    if (typeof value !== 'string') return toDecimal(value);
    const match = /^\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+))([eE][+-]?\d)?/.exec(value);
    if (match?.[2] !== undefined) throw rowError('a text with an exponent');
    return match === null ? { digits: 0n, scale: 0 } : parseDecimal(match[1].replace('+', ''));
  };
  if (!['int', 'decimal', 'string'].includes(node.type.t)) {
    throw new Refusal(`a cast of a ${node.type.t} to a DECIMAL is not exact`, at);
  }
  const limit = 10n ** BigInt(length - decimals);
  return strict({ t: 'decimal', scale: decimals }, [node], at, ([value]) => {
    const rounded = roundDecimal(read(value), decimals);
    const unit = 10n ** BigInt(rounded.scale);
    if (rounded.digits >= limit * unit || rounded.digits <= -limit * unit) {
      throw rowError(`${decimalText(rounded)} does not fit into DECIMAL(${length},${decimals})`);
    }
    return rounded;
  });
}

function toTemporal(node: Node, target: CastTarget, at: number): Node {
  const from = node.type.t === 'string' ? temporalConstant(node, { t: 'date' }) : node;
  if (from.type.t !== 'date' && from.type.t !== 'datetime') {
    throw new Refusal(`a cast of a ${from.type.t} to a date is not understood`, at);
  }
  if (target.type === 'date') {
    return strict({ t: 'date' }, [from], at, ([value]) => (value as string).slice(0, 10));
  }
  const fsp = target.decimals ?? 0;
  if (from.type.t === 'datetime' && from.type.fsp > fsp && node.constant === undefined) {
    throw new Refusal(
      `a cast that rounds a DATETIME(${from.type.fsp}) is not understood: say DATETIME(6)`,
      at,
    );
  }
  const run = asDatetime(from);
  const full: Node = { ...from, run, constant: undefined };
  const zeros = '.000000'.slice(fsp === 0 ? 0 : fsp + 1);
  return strict({ t: 'datetime', fsp }, [full], at, ([value]) => {
    const text = value as string;
    if (!text.endsWith(zeros)) throw rowError('a fraction that the cast would round');
    return text;
  });
}
