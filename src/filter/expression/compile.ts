/** From the tree to functions of a row: types are decided here, once. */
import { unreachable } from '../../model/assert.js';
import { arithmetic, bits, negate } from './arithmetic.js';
import type { BinaryOp, Expr } from './ast.js';
import { cast } from './cast.js';
import { compileLike } from './collation.js';
import { commonType } from './common-type.js';
import { collationOf, commonText, pairOf } from './compare.js';
import { parseDecimal } from './decimal.js';
import { dateFunction, shift, unixTimestamp } from './date-functions.js';
import { FUNCTIONS, strict, textConstant } from './functions.js';
import { findJson, parseJsonPath, unquoteJson } from './json-path.js';
import {
  columnNode,
  constantNode,
  derived,
  EXPLICIT,
  INT,
  nullNode,
  OF_COLUMN,
  refuseCut,
  small,
  truthOf,
  type CompileContext,
  type Node,
  type Row,
  type SqlType,
} from './node.js';
import { Refusal } from './problem.js';
import { parseDate, parseDatetime, parseTime } from './temporal.js';

/** Throws Refusal for what cannot be evaluated exactly. */
export function compile(expr: Expr, context: CompileContext): Node {
  try {
    return compileHere(expr, context);
  } catch (error) {
    if (error instanceof Refusal && error.at < 0) throw new Refusal(error.message, expr.at);
    throw error;
  }
}

function compileHere(expr: Expr, context: CompileContext): Node {
  const { at } = expr;
  const sub = (inner: Expr): Node => compile(inner, context);
  switch (expr.kind) {
    case 'column':
      return columnNode(context, expr.name, at);
    case 'null':
      return nullNode(at);
    case 'integer': {
      const type: SqlType = { t: 'int', unsigned: expr.value > 0x7fff_ffff_ffff_ffffn };
      const node = constantNode(type, small(expr.value), at);
      return expr.truth === true ? { ...node, isTruth: true } : node;
    }
    case 'decimal': {
      const value = parseDecimal(expr.text);
      return constantNode({ t: 'decimal', scale: value.scale }, value, at);
    }
    case 'double':
      return constantNode({ t: 'double' }, expr.value, at);
    case 'string':
      return textConstant(expr.value, at);
    case 'temporal':
      return temporalLiteral(expr);
    case 'unary':
      switch (expr.op) {
        case '-':
          return negate(sub(expr.value), at);
        case '~':
          return bits('~', [sub(expr.value)], at);
        case 'not': {
          const value = sub(expr.value);
          const truth = truthOf(value);
          return derived(at, INT, [value], (row) => number(not(truth(row))));
        }
        default:
          return unreachable(expr);
      }
    case 'binary':
      return binary(expr.op, sub(expr.left), sub(expr.right), at);
    case 'is':
      return is(sub(expr.value), expr.truth, expr.negated, at);
    case 'in': {
      const value = sub(expr.value);
      const items = expr.list.map(sub);
      refuseCut([value, ...items], at);
      refuseMixedSigns([value, ...items], at);
      const tests = items.map((item) => compareNode('=', value, item, at));
      return derived(at, INT, [value, ...tests], (row) => number(negated(expr.negated, any(tests, row))));
    }
    case 'between': {
      const value = sub(expr.value);
      const [low, high] = [sub(expr.low), sub(expr.high)];
      sameKind([value, low, high], at);
      refuseCut([value, low, high], at);
      const from = truthOf(compareNode('>=', value, low, at));
      const to = truthOf(compareNode('<=', value, high, at));
      return derived(at, INT, [value, low, high], (row) =>
        number(negated(expr.negated, and(from(row), to(row)))),
      );
    }
    case 'like':
      return like(sub(expr.value), sub(expr.pattern), expr.escape, expr.negated, at);
    case 'case':
      return caseNode(expr, context);
    case 'call':
      return call(expr.name, expr.args.map(sub), context, at);
    case 'cast':
      return cast(sub(expr.value), expr.target, at);
    case 'collate': {
      const value = sub(expr.value);
      if (value.type.t !== 'string') throw new Refusal('COLLATE is for texts only', at);
      const type: SqlType = { t: 'string', collation: expr.collation, coercibility: EXPLICIT };
      collationOf(type);
      return { ...value, type };
    }
    case 'shift':
      return shift(sub(expr.date), sub(expr.amount), expr.unit, expr.sign, at);
    default:
      return unreachable(expr);
  }
}

function number(truth: boolean | null): number | null {
  return truth === null ? null : truth ? 1 : 0;
}

function not(truth: boolean | null): boolean | null {
  return truth === null ? null : !truth;
}

function negated(turn: boolean, truth: boolean | null): boolean | null {
  return turn ? not(truth) : truth;
}

function and(a: boolean | null, b: boolean | null): boolean | null {
  if (a === false || b === false) return false;
  return a === null || b === null ? null : true;
}

function any(tests: readonly Node[], row: Row): boolean | null {
  let unknown = false;
  for (const { run } of tests) {
    const value = run(row);
    if (value === 1) return true;
    if (value === null) unknown = true;
  }
  return unknown ? null : false;
}

function binary(op: BinaryOp, a: Node, b: Node, at: number): Node {
  switch (op) {
    case 'and':
    case 'or':
    case 'xor':
      return logic(op, a, b, at);
    case '=':
    case '<=>':
    case '<>':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compareNode(op, a, b, at);
    case '+':
    case '-':
    case '*':
    case '/':
    case 'div':
    case '%':
      return arithmetic(op, a, b, at);
    case '|':
    case '&':
    case '^':
    case '<<':
    case '>>':
      return bits(op, [a, b], at);
    case '->':
    case '->>':
      return json(a, b, op === '->>', at);
    default:
      return unreachable(op);
  }
}

function logic(op: 'and' | 'or' | 'xor', a: Node, b: Node, at: number): Node {
  const left = truthOf(a);
  const right = truthOf(b);
  if (op === 'xor') {
    return derived(at, INT, [a, b], (row) => {
      const x = left(row);
      const y = right(row);
      return x === null || y === null ? null : x === y ? 0 : 1;
    });
  }
  // What decides by itself: false for AND, true for OR.
  const decisive = op === 'or';
  return derived(at, INT, [a, b], (row) => {
    const x = left(row);
    if (x === decisive) return number(decisive);
    const y = right(row);
    if (y === decisive) return number(decisive);
    return x === null || y === null ? null : number(!decisive);
  });
}

type CompareOp = '=' | '<=>' | '<>' | '<' | '<=' | '>' | '>=';

function compareNode(op: CompareOp, a: Node, b: Node, at: number): Node {
  const { left, right, order } = pairOf(a, b);
  const holds = HOLDS[op];
  return derived(at, INT, [a, b], (row) => {
    const x = left(row);
    const y = right(row);
    if (x === null || y === null) {
      if (op !== '<=>') return null;
      return x === y ? 1 : 0;
    }
    return holds(order(x, y)) ? 1 : 0;
  });
}

const HOLDS: Readonly<Record<CompareOp, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<=>': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** MySQL's IN takes -1 and 18446744073709551615 for equal; MariaDB's does not. */
function refuseMixedSigns(nodes: readonly Node[], at: number): void {
  const isNatural = ({ constant }: Node) => typeof constant?.value === 'number' && constant.value >= 0;
  const open = nodes.filter((node) => node.type.t === 'int' && !isNatural(node));
  const unsigned = open.filter(({ type }) => type.t === 'int' && type.unsigned);
  if (unsigned.length > 0 && unsigned.length < open.length) {
    throw new Refusal('IN with signed and unsigned integers differs between servers: use = and OR', at);
  }
}

/** BETWEEN compares all three by one rule; where pairs would have different ones it is refused. */
function sameKind(nodes: readonly Node[], at: number): void {
  const [value, ...bounds] = nodes.map(({ type }) => kindOf(type));
  const temporal = value === 'temporal' && bounds.every((kind) => kind === 'temporal' || kind === 'string');
  const plain = bounds.every((kind) => kind === value || kind === 'null') || value === 'null';
  if (!temporal && !plain) {
    throw new Refusal('BETWEEN with values of different types is not understood: use >= and <=', at);
  }
}

function kindOf(type: SqlType): string {
  switch (type.t) {
    case 'int':
    case 'decimal':
      return 'exact';
    case 'date':
    case 'datetime':
      return 'temporal';
    default:
      return type.t;
  }
}

function is(value: Node, truth: 'null' | 'true' | 'false' | 'unknown', turn: boolean, at: number): Node {
  const { run } = value;
  if (truth === 'null') {
    return derived(at, INT, [value], (row) => ((run(row) === null) !== turn ? 1 : 0));
  }
  const test = truthOf(value);
  const wanted = truth === 'unknown' ? null : truth === 'true';
  return derived(at, INT, [value], (row) => ((test(row) === wanted) !== turn ? 1 : 0));
}

function like(value: Node, pattern: Node, escape: string, turn: boolean, at: number): Node {
  if (value.type.t === 'null' || pattern.type.t === 'null') return nullNode(at);
  if (value.type.t !== 'string' || pattern.type.t !== 'string') {
    throw new Refusal('LIKE is understood for texts only: use CAST(... AS CHAR)', at);
  }
  const text = pattern.constant?.value;
  if (typeof text !== 'string') throw new Refusal('the pattern of LIKE must be a constant', at);
  const matches = compileLike(text, escape, collationOf(commonText([value.type, pattern.type], at)));
  return strict(INT, [value], at, ([given]) => (matches(given as string) !== turn ? 1 : 0));
}

function caseNode(expr: Extract<Expr, { kind: 'case' }>, context: CompileContext): Node {
  const { at } = expr;
  const operand = expr.operand && compile(expr.operand, context);
  const whens = expr.branches.map(({ when }) => {
    const node = compile(when, context);
    if (operand !== undefined) refuseCut([operand, node], at);
    return operand === undefined ? node : compareNode('=', operand, node, when.at);
  });
  const tests = whens.map(truthOf);
  const last = expr.otherwise === undefined ? nullNode(at) : compile(expr.otherwise, context);
  const results = [...expr.branches.map(({ then }) => compile(then, context)), last];
  const { type, runs } = commonType(results, at);
  return derived(at, type, [...whens, ...results], (row) => {
    for (let i = 0; i < tests.length; i++) if (tests[i](row) === true) return runs[i](row);
    return runs[tests.length](row);
  });
}

function call(name: string, args: readonly Node[], context: CompileContext, at: number): Node {
  if (name === 'UNIX_TIMESTAMP') return unixTimestamp(args, at);
  if (name === 'JSON_EXTRACT' && args.length === 2) return json(args[0], args[1], false, at);
  if (name === 'JSON_UNQUOTE' && args.length === 1 && args[0].type.t === 'json') return unquote(args[0], at);
  const node = FUNCTIONS[name]?.(args, at) ?? dateFunction(name, args, context, at);
  if (node === undefined) throw new Refusal(`the function ${name} is not understood`, at);
  return node;
}

/** A document is a JSON column, or on MariaDB a text. */
function json(document: Node, path: Node, unquoted: boolean, at: number): Node {
  const where = path.constant?.value;
  if (typeof where !== 'string') throw new Refusal('the JSON path must be a constant', at);
  if (document.type.t !== 'json' && document.type.t !== 'string') {
    throw new Refusal(`a ${document.type.t} is no JSON document`, at);
  }
  const steps = parseJsonPath(where, at);
  const found = strict({ t: 'json' }, [document], at, ([text]) => findJson(text as string, steps));
  return unquoted ? unquote(found, at) : found;
}

function unquote(found: Node, at: number): Node {
  const type: SqlType = { t: 'string', collation: 'utf8mb4_bin', coercibility: OF_COLUMN };
  return strict(type, [found], at, ([piece]) => unquoteJson(piece as string));
}

function temporalLiteral(expr: Extract<Expr, { kind: 'temporal' }>): Node {
  const { at, value } = expr;
  const bad = () => new Refusal(`"${value}" is no ${expr.type} of the plain form`, at);
  switch (expr.type) {
    case 'date': {
      const date = parseDate(value);
      if (date === undefined) throw bad();
      return constantNode({ t: 'date' }, date, at);
    }
    case 'time': {
      const time = parseTime(value);
      if (time === undefined) throw bad();
      return constantNode({ t: 'time', fsp: 6 }, time, at);
    }
    case 'timestamp': {
      const datetime = parseDatetime(value);
      if (datetime === undefined) throw bad();
      return constantNode({ t: 'datetime', fsp: 6 }, datetime, at);
    }
    default:
      return unreachable(expr.type);
  }
}
