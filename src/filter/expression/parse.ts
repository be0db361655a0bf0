/**
 * Parses a filter expression into a tree, with the servers' own precedence.
 *
 * It stands on the tokenizer of src/schema, which keeps numbers and texts exactly as written: 1, 1.0 and
 * 1e0 are an integer, a decimal and a double, and compare differently.
 */
import { tokenize } from '../../schema/tokenizer.js';
import type { Token } from '../../schema/tokens.js';
import type { BinaryOp, CastTarget, Expr, Truth } from './ast.js';
import { Refusal } from './problem.js';

/** Binding powers, from the servers' grammar; a higher one binds tighter. */
const POWER = {
  or: 1,
  xor: 2,
  and: 3,
  not: 4,
  compare: 6,
  predicate: 7,
  bitOr: 8,
  bitAnd: 9,
  shift: 10,
  add: 11,
  multiply: 12,
  bitXor: 13,
  unary: 14,
  collate: 16,
  json: 17,
} as const;

const WORD_OPS: Readonly<Record<string, readonly [BinaryOp, number]>> = {
  OR: ['or', POWER.or],
  XOR: ['xor', POWER.xor],
  AND: ['and', POWER.and],
  DIV: ['div', POWER.multiply],
  MOD: ['%', POWER.multiply],
};

const SYMBOLS: Readonly<Record<string, readonly [BinaryOp, number]>> = {
  '||': ['or', POWER.or],
  '&&': ['and', POWER.and],
  '=': ['=', POWER.compare],
  '<=>': ['<=>', POWER.compare],
  '<>': ['<>', POWER.compare],
  '!=': ['<>', POWER.compare],
  '<': ['<', POWER.compare],
  '<=': ['<=', POWER.compare],
  '>': ['>', POWER.compare],
  '>=': ['>=', POWER.compare],
  '|': ['|', POWER.bitOr],
  '&': ['&', POWER.bitAnd],
  '<<': ['<<', POWER.shift],
  '>>': ['>>', POWER.shift],
  '+': ['+', POWER.add],
  '-': ['-', POWER.add],
  '*': ['*', POWER.multiply],
  '/': ['/', POWER.multiply],
  '%': ['%', POWER.multiply],
  '^': ['^', POWER.bitXor],
  '->': ['->', POWER.json],
  '->>': ['->>', POWER.json],
};

const LONGEST_FIRST = Object.keys(SYMBOLS)
  .filter((symbol) => symbol.length > 1)
  .sort((a, b) => b.length - a.length);

const UNITS = new Set(['MICROSECOND', 'SECOND', 'MINUTE', 'HOUR', 'DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR']);

const END: Token = { kind: 'end', start: 0, end: 0, text: '', upper: '' };

/** Throws Refusal with the offset. */
export function parseExpression(text: string): Expr {
  const tokens = tokenize(text, {
    flavor: 'mysql',
    serverVersion: '',
    ansiQuotes: false,
    noBackslashEscapes: false,
  });
  return new Parser(tokens, text.length).whole();
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #length: number;
  #i = 0;

  constructor(tokens: readonly Token[], length: number) {
    this.#tokens = tokens;
    this.#length = length;
  }

  whole(): Expr {
    const expr = this.#expr(0);
    if (this.#i < this.#tokens.length) throw this.#fail('an operator was expected');
    return expr;
  }

  get #token(): Token {
    return this.#tokens[this.#i] ?? { ...END, start: this.#length };
  }

  #fail(message: string): Refusal {
    return new Refusal(message, this.#token.start);
  }

  /** The operator at this place, made of as many adjoining characters as belong to one. */
  #symbol(): string {
    const first = this.#token;
    if (first.kind !== 'op') return '';
    for (const symbol of LONGEST_FIRST) {
      let fits = true;
      for (let k = 0; k < symbol.length && fits; k++) {
        const token = this.#tokens[this.#i + k];
        fits = token?.kind === 'op' && token.text === symbol[k] && token.start === first.start + k;
      }
      if (fits) return symbol;
    }
    return first.text;
  }

  #takeOp(text: string): boolean {
    if (this.#symbol() !== text) return false;
    this.#i += text.length;
    return true;
  }

  #needOp(text: string): void {
    if (!this.#takeOp(text)) throw this.#fail(`"${text}" was expected`);
  }

  #takeWord(word: string): boolean {
    const token = this.#token;
    if (token.kind !== 'word' || token.upper !== word) return false;
    this.#i++;
    return true;
  }

  #needWord(word: string): void {
    if (!this.#takeWord(word)) throw this.#fail(`${word} was expected`);
  }

  #expr(power: number): Expr {
    let left = this.#prefix();
    for (;;) {
      const next = this.#infix(left, power);
      if (next === undefined) return left;
      left = next;
    }
  }

  #infix(left: Expr, power: number): Expr | undefined {
    const token = this.#token;
    const at = token.start;
    if (token.kind === 'word') {
      const op = WORD_OPS[token.upper];
      if (op !== undefined) {
        if (op[1] <= power) return undefined;
        this.#i++;
        return { kind: 'binary', op: op[0], left, right: this.#expr(op[1]), at };
      }
      return this.#predicate(left, power, at);
    }
    const symbol = this.#symbol();
    const op = SYMBOLS[symbol];
    if (op === undefined || op[1] <= power) return undefined;
    this.#i += symbol.length;
    if ((symbol === '+' || symbol === '-') && this.#takeWord('INTERVAL')) {
      return this.#interval(left, symbol === '+' ? 1 : -1, at);
    }
    return { kind: 'binary', op: op[0], left, right: this.#expr(op[1]), at };
  }

  #predicate(left: Expr, power: number, at: number): Expr | undefined {
    if (this.#token.upper === 'COLLATE' && power < POWER.collate) {
      this.#i++;
      const name = this.#token;
      if (name.kind !== 'word') throw this.#fail('a collation was expected');
      this.#i++;
      return { kind: 'collate', value: left, collation: name.text.toLowerCase(), at };
    }
    if (power < POWER.compare && this.#takeWord('IS')) {
      const negated = this.#takeWord('NOT');
      const truth = this.#token.upper.toLowerCase();
      if (!['null', 'true', 'false', 'unknown'].includes(truth)) {
        throw this.#fail('NULL, TRUE, FALSE or UNKNOWN was expected');
      }
      this.#i++;
      return { kind: 'is', value: left, truth: truth as Truth, negated, at };
    }
    if (power >= POWER.predicate) return undefined;
    const start = this.#i;
    const negated = this.#takeWord('NOT');
    if (this.#takeWord('IN')) {
      this.#needOp('(');
      return { kind: 'in', value: left, list: this.#list(), negated, at };
    }
    if (this.#takeWord('BETWEEN')) {
      const low = this.#expr(POWER.predicate);
      this.#needWord('AND');
      return { kind: 'between', value: left, low, high: this.#expr(POWER.compare), negated, at };
    }
    if (this.#takeWord('LIKE')) {
      const pattern = this.#expr(POWER.predicate);
      const escape = this.#takeWord('ESCAPE') ? this.#escape() : '\\';
      return { kind: 'like', value: left, pattern, escape, negated, at };
    }
    if (['REGEXP', 'RLIKE', 'SOUNDS', 'MEMBER'].includes(this.#token.upper)) {
      throw this.#fail(`${this.#token.upper} is not understood: servers differ in it; LIKE is`);
    }
    this.#i = start;
    return undefined;
  }

  #escape(): string {
    const token = this.#token;
    if (token.kind !== 'string' || [...token.text].length !== 1) {
      throw this.#fail('one character in quotes was expected');
    }
    this.#i++;
    return token.text;
  }

  #interval(date: Expr, sign: 1 | -1, at: number): Expr {
    const amount = this.#expr(0);
    const unit = this.#token.upper;
    if (!UNITS.has(unit)) throw this.#fail(`one of ${[...UNITS].join(', ')} was expected`);
    this.#i++;
    return { kind: 'shift', date, amount, unit, sign, at };
  }

  /** Up to the closing bracket; at least one element. */
  #list(): Expr[] {
    const list = [this.#expr(0)];
    while (this.#takeOp(',')) list.push(this.#expr(0));
    this.#needOp(')');
    return list;
  }

  #prefix(): Expr {
    const token = this.#token;
    const at = token.start;
    switch (token.kind) {
      case 'number':
        this.#i++;
        return numberOf(token.text, at);
      case 'string': {
        this.#i++;
        let value = token.text;
        // 'a' 'b' is one text.
        while (this.#token.kind === 'string') value += this.#tokens[this.#i++].text;
        return { kind: 'string', value, at };
      }
      case 'quoted':
        this.#i++;
        return this.#column(token.text, at);
      case 'word':
        return this.#word(token, at);
      case 'op':
        break;
      case 'hex':
      case 'bit':
        throw this.#fail('hexadecimal and bit literals are not understood: write the number or the text');
      case 'variable':
        throw this.#fail('variables have no value here');
      case 'end':
        throw this.#fail('the expression ends too early');
    }
    if (this.#takeOp('(')) {
      const inner = this.#expr(0);
      if (this.#symbol() === ',') throw this.#fail('row values are not understood: compare one by one');
      this.#needOp(')');
      return inner;
    }
    if (this.#takeOp('-')) {
      const value = this.#expr(POWER.unary);
      if (value.kind === 'integer') return { kind: 'integer', value: -value.value, at };
      if (value.kind === 'decimal' && !value.text.startsWith('-')) {
        return { kind: 'decimal', text: `-${value.text}`, at };
      }
      return { kind: 'unary', op: '-', value, at };
    }
    if (this.#takeOp('+')) return this.#expr(POWER.unary);
    if (this.#takeOp('~')) return { kind: 'unary', op: '~', value: this.#expr(POWER.unary), at };
    if (this.#takeOp('!')) return { kind: 'unary', op: 'not', value: this.#expr(POWER.unary + 1), at };
    throw this.#fail('a value was expected');
  }

  #word(token: Token, at: number): Expr {
    this.#i++;
    const next = this.#token;
    switch (token.upper) {
      case 'NULL':
        return { kind: 'null', at };
      case 'TRUE':
      case 'FALSE':
        return { kind: 'integer', value: token.upper === 'TRUE' ? 1n : 0n, truth: true, at };
      case 'NOT':
        return { kind: 'unary', op: 'not', value: this.#expr(POWER.not), at };
      case 'DATE':
      case 'TIME':
      case 'TIMESTAMP':
        if (next.kind === 'string') {
          this.#i++;
          const type = token.upper.toLowerCase() as 'date' | 'time' | 'timestamp';
          return { kind: 'temporal', type, value: next.text, at };
        }
        break;
      case 'CASE':
        return this.#case(at);
      case 'CURRENT_TIMESTAMP':
      case 'CURRENT_DATE':
      case 'LOCALTIMESTAMP':
      case 'UTC_TIMESTAMP':
      case 'UTC_DATE':
        if (this.#symbol() !== '(') return { kind: 'call', name: token.upper, args: [], at };
        break;
      case 'EXISTS':
      case 'SELECT':
        throw new Refusal('queries are not understood', at);
      default:
        break;
    }
    if (this.#symbol() === '(' && next.start === token.end) return this.#call(token.upper, at);
    if (token.text.startsWith('_') && next.kind === 'string') {
      throw new Refusal('character set introducers are not understood', at);
    }
    return this.#column(token.text, at);
  }

  /** `c`, `t.c` or `s.t.c`: only the last counts, since there is one table. */
  #column(first: string, at: number): Expr {
    let name = first;
    while (this.#takeOp('.')) {
      const token = this.#token;
      if (token.kind !== 'word' && token.kind !== 'quoted') throw this.#fail('a column was expected');
      name = token.text;
      this.#i++;
    }
    return { kind: 'column', name, at };
  }

  #case(at: number): Expr {
    const operand = this.#token.upper === 'WHEN' ? undefined : this.#expr(0);
    const branches: { when: Expr; then: Expr }[] = [];
    while (this.#takeWord('WHEN')) {
      const when = this.#expr(0);
      this.#needWord('THEN');
      branches.push({ when, then: this.#expr(0) });
    }
    const otherwise = this.#takeWord('ELSE') ? this.#expr(0) : undefined;
    this.#needWord('END');
    if (branches.length === 0) throw new Refusal('CASE without WHEN', at);
    return { kind: 'case', operand, branches, otherwise, at };
  }

  #call(name: string, at: number): Expr {
    this.#needOp('(');
    switch (name) {
      case 'CAST':
      case 'CONVERT': {
        const value = this.#expr(0);
        if (name === 'CAST') this.#needWord('AS');
        else this.#needOp(',');
        const target = this.#castTarget();
        this.#needOp(')');
        return { kind: 'cast', value, target, at };
      }
      case 'DATE_ADD':
      case 'DATE_SUB':
      case 'ADDDATE':
      case 'SUBDATE': {
        const date = this.#expr(0);
        this.#needOp(',');
        this.#needWord('INTERVAL');
        const sign = name === 'DATE_ADD' || name === 'ADDDATE' ? 1 : -1;
        const shift = this.#interval(date, sign, at);
        this.#needOp(')');
        return shift;
      }
      default:
        if (this.#takeOp(')')) return { kind: 'call', name, args: [], at };
        return { kind: 'call', name, args: this.#list(), at };
    }
  }

  #castTarget(): CastTarget {
    const word = this.#token.upper;
    this.#i++;
    switch (word) {
      case 'SIGNED':
      case 'UNSIGNED':
        if (!this.#takeWord('INTEGER')) this.#takeWord('INT');
        return { type: word === 'SIGNED' ? 'signed' : 'unsigned' };
      case 'CHAR':
        return { type: 'char', length: this.#numbers()[0] };
      case 'DECIMAL': {
        const [length, decimals] = this.#numbers();
        return { type: 'decimal', length: length ?? 10, decimals: decimals ?? 0 };
      }
      case 'DOUBLE':
        return { type: 'double' };
      case 'DATE':
        return { type: 'date' };
      case 'DATETIME':
        return { type: 'datetime', decimals: this.#numbers()[0] ?? 0 };
      default:
        this.#i--;
        throw this.#fail(`a cast to ${word} is not understood`);
    }
  }

  #numbers(): number[] {
    const numbers: number[] = [];
    if (!this.#takeOp('(')) return numbers;
    do {
      if (!/^\d+$/.test(this.#token.text)) throw this.#fail('a number was expected');
      numbers.push(Number(this.#tokens[this.#i++].text));
    } while (this.#takeOp(','));
    this.#needOp(')');
    return numbers;
  }
}

function numberOf(text: string, at: number): Expr {
  if (/[eE]/.test(text)) return { kind: 'double', value: Number(text), at };
  if (text.includes('.')) return { kind: 'decimal', text, at };
  const value = BigInt(text);
  // Beyond BIGINT UNSIGNED a whole number is a decimal.
  return value > 0xffff_ffff_ffff_ffffn ? { kind: 'decimal', text, at } : { kind: 'integer', value, at };
}
