/** Functions of texts and numbers, and those that choose among values. */
import { commonType } from './common-type.js';
import { collationOf, commonText, pairOf } from './compare.js';
import { floorDecimal, roundDecimal, truncateDecimal, type Decimal } from './decimal.js';
import {
  constantNode,
  derived,
  INT,
  LITERAL_TEXT,
  nullNode,
  refuseCut,
  small,
  textOf,
  truthOf,
  type Node,
  type Row,
  type SqlType,
  type Value,
} from './node.js';
import { arithmetic } from './arithmetic.js';
import { charsetOfCollation } from '../../schema/charsets.js';
import { Refusal, rowError } from './problem.js';

export type Builder = (args: readonly Node[], at: number) => Node;

type TextType = Extract<SqlType, { t: 'string' }>;

/** Throws Refusal where the number of arguments is another one. */
export function arity(args: readonly Node[], low: number, high: number, at: number): void {
  if (args.length >= low && args.length <= high) return;
  throw new Refusal(`${low === high ? low : `${low} to ${high}`} arguments were expected`, at);
}

/** NULL when an argument is; else `run` with all of them. */
export function strict(
  type: SqlType,
  args: readonly Node[],
  at: number,
  run: (values: readonly Value[]) => Value,
): Node {
  if (args.some((arg) => arg.type.t === 'null')) return nullNode(at);
  const runs = args.map((arg) => arg.run);
  const values: Value[] = new Array<Value>(args.length).fill(null);
  return derived(at, type, args, (row: Row) => {
    for (let i = 0; i < runs.length; i++) {
      const value = runs[i](row);
      if (value === null) return null;
      values[i] = value;
    }
    return run(values);
  });
}

export function resultText(args: readonly Node[], at: number): TextType {
  const types = args.flatMap(({ type }) => (type.t === 'string' ? [type] : []));
  return types.length === 0 ? LITERAL_TEXT : commonText(types, at);
}

/** Texts are what `run` gets, whatever the arguments are. */
function ofTexts(
  args: readonly Node[],
  at: number,
  type: SqlType,
  run: (texts: readonly string[]) => Value,
): Node {
  if (args.some((arg) => arg.type.t === 'null')) return nullNode(at);
  const convert = args.map((arg) => textOf(arg.type));
  return strict(type, args, at, (values) => run(values.map((value, i) => convert[i](value))));
}

function integerArgument(node: Node, at: number): void {
  if (node.type.t !== 'int' && node.type.t !== 'null') throw new Refusal('an integer was expected', at);
}

/** Code points, so that a character beyond the basic plane counts as one. */
function characters(text: string): readonly string[] | string {
  return /[\ud800-\udfff]/.test(text) ? [...text] : text;
}

function slice(text: string, from: number, to: number): string {
  const all = characters(text);
  return typeof all === 'string' ? all.slice(from, to) : all.slice(from, to).join('');
}

function substring(text: string, position: number, length: number): string {
  const count = characters(text).length;
  const from = position > 0 ? position - 1 : count + position;
  if (position === 0 || from < 0 || from >= count || length <= 0) return '';
  return slice(text, from, Math.min(count, from + length));
}

/** Case of ASCII and Latin-1, where all servers agree. */
function changeCase(text: string, upper: boolean): string {
  let result = '';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const changed = upper ? char.toUpperCase() : char.toLowerCase();
    if (changed === char || (code < 0x100 && (changed.length !== 1 || code === 0xdf))) {
      result += char;
    } else if (code > 0xff) throw rowError(`the servers differ in the other case of "${char}"`);
    else result += changed;
  }
  return result;
}

function byteLength(type: SqlType): (text: string) => number {
  const charset = type.t === 'string' ? (charsetOfCollation(type.collation) ?? 'utf8mb4') : 'utf8mb4';
  switch (charset) {
    case 'utf8mb4':
    case 'utf8mb3':
      return Buffer.byteLength;
    case 'latin1':
    case 'ascii':
      return (text) => text.length;
    default:
      throw new Refusal(`LENGTH of a ${charset} text is not understood: use CHAR_LENGTH`);
  }
}

function rounding(
  args: readonly Node[],
  at: number,
  change: (value: Decimal, scale: number) => Decimal,
): Node {
  arity(args, 1, 2, at);
  const [value, places] = args;
  const digits = places === undefined ? 0 : places.constant?.value;
  if (typeof digits !== 'number') throw new Refusal('the number of digits must be a constant', at);
  switch (value.type.t) {
    case 'null':
      return nullNode(at);
    case 'int':
      if (digits < 0) throw new Refusal('rounding before the point is not understood', at);
      return value;
    case 'decimal': {
      if (digits < 0) throw new Refusal('rounding before the point is not understood', at);
      const scale = Math.min(value.type.scale, digits);
      if (places === undefined) {
        return strict(INT, [value], at, ([x]) => small(change(x as Decimal, 0).digits));
      }
      return strict({ t: 'decimal', scale }, [value], at, ([x]) => change(x as Decimal, digits));
    }
    default:
      throw new Refusal(`rounding a ${value.type.t} is not exact: use CAST(... AS DECIMAL(m, d))`, at);
  }
}

function whole(
  args: readonly Node[],
  at: number,
  change: (value: Decimal) => bigint,
  ofDouble: (x: number) => number,
): Node {
  arity(args, 1, 1, at);
  const [value] = args;
  switch (value.type.t) {
    case 'null':
    case 'int':
      return value;
    case 'decimal':
      return strict(INT, args, at, ([x]) => small(change(x as Decimal)));
    case 'double':
      return strict({ t: 'double' }, args, at, ([x]) => ofDouble(x as number));
    default:
      throw new Refusal(`a ${value.type.t} is no number: use CAST`, at);
  }
}

function extreme(args: readonly Node[], at: number, sign: 1 | -1): Node {
  arity(args, 2, 1000, at);
  if (args.some(({ type }) => type.t === 'null')) return nullNode(at);
  const { type, runs } = commonType(args, at);
  const nodes = runs.map((run, i): Node => ({ type, at: args[i].at, run }));
  const { order } = pairOf(nodes[0], nodes[0]);
  return strict(type, nodes, at, (values) => {
    let best = values[0];
    for (let i = 1; i < values.length; i++) if (order(values[i], best) * sign > 0) best = values[i];
    return best;
  });
}

function coalesce(args: readonly Node[], at: number): Node {
  const { type, runs } = commonType(args, at);
  return derived(at, type, args, (row) => {
    for (const run of runs) {
      const value = run(row);
      if (value !== null) return value;
    }
    return null;
  });
}

export const FUNCTIONS: Readonly<Record<string, Builder>> = {
  IF(args, at) {
    arity(args, 3, 3, at);
    const condition = truthOf(args[0]);
    const { type, runs } = commonType(args.slice(1), at);
    return derived(at, type, args, (row) => runs[condition(row) === true ? 0 : 1](row));
  },
  IFNULL(args, at) {
    arity(args, 2, 2, at);
    return coalesce(args, at);
  },
  COALESCE(args, at) {
    arity(args, 1, 1000, at);
    return coalesce(args, at);
  },
  NULLIF(args, at) {
    arity(args, 2, 2, at);
    refuseCut(args, at);
    if (args[0].type.t === 'null') return nullNode(at);
    if (args[1].type.t === 'null') return args[0];
    const { left, right, order } = pairOf(args[0], args[1]);
    const { run } = args[0];
    return derived(at, args[0].type, args, (row) => {
      const a = left(row);
      const b = right(row);
      return a !== null && b !== null && order(a, b) === 0 ? null : run(row);
    });
  },
  ISNULL(args, at) {
    arity(args, 1, 1, at);
    const { run } = args[0];
    return derived(at, INT, args, (row) => (run(row) === null ? 1 : 0));
  },
  GREATEST: (args, at) => extreme(args, at, 1),
  LEAST: (args, at) => extreme(args, at, -1),
  MOD(args, at) {
    arity(args, 2, 2, at);
    return arithmetic('%', args[0], args[1], at);
  },
  ABS(args, at) {
    arity(args, 1, 1, at);
    const { type } = args[0];
    if (type.t === 'int' || type.t === 'double') {
      return strict(type, args, at, ([x]) => {
        if (typeof x === 'number') return Math.abs(x);
        const big = x as bigint;
        if (big === -0x8000_0000_0000_0000n) throw rowError('a BIGINT value is out of range');
        return big < 0n ? -big : big;
      });
    }
    if (type.t !== 'decimal' && type.t !== 'null')
      throw new Refusal(`a ${type.t} is no number: use CAST`, at);
    return strict(type, args, at, ([x]) => {
      const { digits, scale } = x as Decimal;
      return { digits: digits < 0n ? -digits : digits, scale };
    });
  },
  SIGN(args, at) {
    arity(args, 1, 1, at);
    const { type } = args[0];
    if (!['int', 'double', 'decimal', 'null'].includes(type.t)) {
      throw new Refusal(`a ${type.t} is no number: use CAST`, at);
    }
    return strict(INT, args, at, ([x]) => {
      const value = typeof x === 'object' ? (x as Decimal).digits : (x as number);
      return value > 0 ? 1 : value < 0 ? -1 : 0;
    });
  },
  FLOOR: (args, at) => whole(args, at, floorDecimal, Math.floor),
  CEIL: (args, at) => whole(args, at, ceiling, Math.ceil),
  CEILING: (args, at) => whole(args, at, ceiling, Math.ceil),
  ROUND: (args, at) => rounding(args, at, roundDecimal),
  TRUNCATE(args, at) {
    arity(args, 2, 2, at);
    return rounding(args, at, truncateDecimal);
  },
  CONCAT(args, at) {
    arity(args, 1, 1000, at);
    return ofTexts(args, at, resultText(args, at), (texts) => texts.join(''));
  },
  LOWER: (args, at) => cased(args, at, false),
  LCASE: (args, at) => cased(args, at, false),
  UPPER: (args, at) => cased(args, at, true),
  UCASE: (args, at) => cased(args, at, true),
  CHAR_LENGTH: charLength,
  CHARACTER_LENGTH: charLength,
  LENGTH(args, at) {
    arity(args, 1, 1, at);
    if (args[0].type.t === 'bytes') return strict(INT, args, at, ([x]) => (x as Buffer).length);
    const length = byteLength(args[0].type);
    return ofTexts(args, at, INT, ([text]) => length(text));
  },
  LEFT(args, at) {
    arity(args, 2, 2, at);
    integerArgument(args[1], at);
    return strictText(args, at, (text, [, n]) => slice(text, 0, Math.max(0, Number(n))));
  },
  RIGHT(args, at) {
    arity(args, 2, 2, at);
    integerArgument(args[1], at);
    return strictText(args, at, (text, [, n]) => {
      const count = characters(text).length;
      return Number(n) <= 0 ? '' : slice(text, Math.max(0, count - Number(n)), count);
    });
  },
  SUBSTRING: substringOf,
  SUBSTR: substringOf,
  MID: substringOf,
  TRIM: (args, at) => trimmed(args, at, /^ +| +$/g),
  LTRIM: (args, at) => trimmed(args, at, /^ +/),
  RTRIM: (args, at) => trimmed(args, at, / +$/),
  REPLACE(args, at) {
    arity(args, 3, 3, at);
    return ofTexts(args, at, resultText(args, at), ([text, from, to]) =>
      from === '' ? text : text.replaceAll(from, () => to),
    );
  },
  REVERSE(args, at) {
    arity(args, 1, 1, at);
    return ofTexts(args, at, resultText(args, at), ([text]) => [...text].reverse().join(''));
  },
  INSTR(args, at) {
    arity(args, 2, 2, at);
    return position(args, at);
  },
  LOCATE(args, at) {
    arity(args, 2, 2, at);
    return position([args[1], args[0]], at);
  },
  STRCMP(args, at) {
    arity(args, 2, 2, at);
    if (args.some(({ type }) => type.t === 'null')) return nullNode(at);
    const collation = collationOf(resultText(args, at));
    return ofTexts(args, at, INT, ([a, b]) => Math.sign(collation.compare(a, b)));
  },
};

function ceiling(value: Decimal): bigint {
  return -floorDecimal({ digits: -value.digits, scale: value.scale });
}

function cased(args: readonly Node[], at: number, upper: boolean): Node {
  arity(args, 1, 1, at);
  return ofTexts(args, at, resultText(args, at), ([text]) => changeCase(text, upper));
}

function charLength(args: readonly Node[], at: number): Node {
  arity(args, 1, 1, at);
  return ofTexts(args, at, INT, ([text]) => characters(text).length);
}

/** The first argument as text, the others as they are. */
function strictText(
  args: readonly Node[],
  at: number,
  run: (text: string, values: readonly Value[]) => Value,
): Node {
  if (args.some((arg) => arg.type.t === 'null')) return nullNode(at);
  const convert = textOf(args[0].type);
  return strict(resultText(args.slice(0, 1), at), args, at, (values) => run(convert(values[0]), values));
}

function substringOf(args: readonly Node[], at: number): Node {
  arity(args, 2, 3, at);
  for (const arg of args.slice(1)) integerArgument(arg, at);
  return strictText(args, at, (text, values) =>
    substring(text, Number(values[1]), values.length > 2 ? Number(values[2]) : Number.MAX_SAFE_INTEGER),
  );
}

function trimmed(args: readonly Node[], at: number, blanks: RegExp): Node {
  arity(args, 1, 1, at);
  return ofTexts(args, at, resultText(args, at), ([text]) => text.replace(blanks, ''));
}

function position([text, part]: readonly Node[], at: number): Node {
  if (text.type.t === 'null' || part.type.t === 'null') return nullNode(at);
  const { collation } = resultText([text, part], at);
  if (!collation.endsWith('_bin')) {
    throw new Refusal(
      `INSTR and LOCATE are understood for binary collations, not ${collation}: use LIKE`,
      at,
    );
  }
  return ofTexts([text, part], at, INT, ([whole, piece]) => {
    const found = whole.indexOf(piece);
    return found < 0 ? 0 : characters(whole.slice(0, found)).length + 1;
  });
}

export function textConstant(value: string, at: number): Node {
  return constantNode(LITERAL_TEXT, value, at);
}
