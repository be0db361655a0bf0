/**
 * The tokenizer of MySQL, MariaDB and TiDB SQL. It works on demand, in one pass, and keeps the true
 * offsets of all tokens, also of those inside executable comments, so that a statement can be changed
 * in places and is otherwise kept to the byte.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { isExecutable, readCommentHead, skipComment } from './comments.js';
import type { Dialect } from './dialect.js';
import { CH, isDigit, isHexDigit, isSpace, isWordChar, type Token, type TokenKind } from './tokens.js';

/** A statement that cannot be read: DmError 11006 with line and column and what stands there. */
export function parseError(sql: string, at: number, message: string): DmError {
  const before = sql.slice(0, at);
  const line = before.split('\n').length;
  const column = at - (before.lastIndexOf('\n') + 1) + 1;
  const near = sql.slice(at, at + 40);
  return new DmError(
    CODES.functionalParseSql,
    `parse statement: line ${line} column ${column} near "${near}": ${message}`,
    { rawCause: sql.length > 2000 ? `${sql.slice(0, 2000)}...` : sql },
  );
}

/** Where an executable comment that is run opens or closes, or one, of whatever server, that is passed over. */
export interface Mark {
  readonly kind: 'open' | 'close' | 'passed-over';
  readonly start: number;
  readonly end: number;
}

export class Tokenizer {
  readonly #sql: string;
  readonly #dialect: Dialect;
  #at = 0;
  /** Start of the executable comment we are in, or -1. */
  #comment = -1;
  /** The last token was a dot: what follows is a name, digits or not. */
  #afterDot = false;
  #afterName = false;
  /** Of executable comments, so far: text that is not part of what is run. */
  readonly marks: Mark[] = [];

  constructor(sql: string, dialect: Dialect) {
    this.#sql = sql;
    this.#dialect = dialect;
  }

  /** The next token; `end` again and again after the last. Throws DmError 11006 on unclosed text. */
  next(): Token {
    this.#skipBlank();
    const start = this.#at;
    if (start >= this.#sql.length) {
      if (this.#comment >= 0) throw parseError(this.#sql, this.#comment, 'comment is not closed');
      return { kind: 'end', start, end: start, text: '', upper: '' };
    }
    const token = this.#read(start);
    this.#at = token.end;
    this.#afterDot = token.kind === 'op' && token.text === '.';
    this.#afterName = token.kind === 'word' || token.kind === 'quoted';
    return token;
  }

  #skipBlank(): void {
    const sql = this.#sql;
    for (;;) {
      const c = sql.charCodeAt(this.#at);
      if (isSpace(c)) {
        this.#at++;
      } else if (c === CH.hash) {
        this.#at = lineEnd(sql, this.#at);
      } else if (c === CH.minus && sql.charCodeAt(this.#at + 1) === CH.minus) {
        // `--` needs a blank, a control character or the end behind it, else it is two minus signs.
        const after = sql.charCodeAt(this.#at + 2);
        if (after > CH.space) return;
        this.#at = lineEnd(sql, this.#at);
      } else if (c === CH.slash && sql.charCodeAt(this.#at + 1) === CH.star) {
        const head = readCommentHead(sql, this.#at, this.#dialect);
        if (head.run) {
          this.#comment = this.#at;
          this.marks.push({ kind: 'open', start: this.#at, end: head.body });
          this.#at = head.body;
        } else {
          const end = skipComment(sql, this.#at, this.#dialect);
          if (end < 0) throw parseError(sql, this.#at, 'comment is not closed');
          if (isExecutable(sql, this.#at)) this.marks.push({ kind: 'passed-over', start: this.#at, end });
          this.#at = end;
        }
      } else if (c === CH.star && this.#comment >= 0 && sql.charCodeAt(this.#at + 1) === CH.slash) {
        this.#comment = -1;
        this.marks.push({ kind: 'close', start: this.#at, end: this.#at + 2 });
        this.#at += 2;
      } else {
        return;
      }
    }
  }

  #read(start: number): Token {
    const sql = this.#sql;
    const c = sql.charCodeAt(start);
    if (c === CH.quote) return this.#quoted('string', start, start, CH.quote, true);
    if (c === CH.backtick) return this.#quoted('quoted', start, start, CH.backtick, false);
    if (c === CH.dquote) {
      return this.#dialect.ansiQuotes
        ? this.#quoted('quoted', start, start, CH.dquote, false)
        : this.#quoted('string', start, start, CH.dquote, true);
    }
    if (c === CH.at) return this.#variable(start);
    if (isWordChar(c)) return this.#wordOrNumber(start, c);
    if (c === CH.dot && isDigit(sql.charCodeAt(start + 1)) && !this.#afterName) {
      return this.#number(start);
    }
    return { kind: 'op', start, end: start + 1, text: sql[start], upper: '' };
  }

  #wordOrNumber(start: number, first: number): Token {
    const sql = this.#sql;
    const next = sql.charCodeAt(start + 1);
    if (!this.#afterDot) {
      if (next === CH.quote && (first === 78 || first === 110)) {
        return this.#quoted('string', start, start + 1, CH.quote, true);
      }
      if (next === CH.quote && (first === 88 || first === 120)) return this.#radix('hex', start, isHexDigit);
      if (next === CH.quote && (first === 66 || first === 98))
        return this.#radix('bit', start, isBinaryDigit);
    }
    let end = start + 1;
    while (end < sql.length && isWordChar(sql.charCodeAt(end))) end++;
    if (isDigit(first) && !this.#afterDot) {
      const text = sql.slice(start, end);
      if (/^0x[0-9a-fA-F]+$/.test(text)) return { kind: 'hex', start, end, text, upper: '' };
      if (/^0b[01]+$/.test(text)) return { kind: 'bit', start, end, text, upper: '' };
      // A name may begin with digits (`1st`), but not look like a number (`1`, `1e5`).
      if (/^[0-9]+(?:[eE][0-9]*)?$/.test(text)) {
        const number = this.#number(start);
        if (number.end >= end) return number;
      }
    }
    const text = sql.slice(start, end);
    return { kind: 'word', start, end, text, upper: text.toUpperCase() };
  }

  #number(start: number): Token {
    const sql = this.#sql;
    let end = start;
    while (isDigit(sql.charCodeAt(end))) end++;
    if (sql.charCodeAt(end) === CH.dot) {
      end++;
      while (isDigit(sql.charCodeAt(end))) end++;
    }
    const e = sql.charCodeAt(end);
    if (e === 69 || e === 101) {
      let digits = end + 1;
      const sign = sql.charCodeAt(digits);
      if (sign === CH.plus || sign === CH.minus) digits++;
      if (isDigit(sql.charCodeAt(digits))) {
        while (isDigit(sql.charCodeAt(digits))) digits++;
        end = digits;
      }
    }
    return { kind: 'number', start, end, text: sql.slice(start, end), upper: '' };
  }

  #radix(kind: 'hex' | 'bit', start: number, isMember: (c: number) => boolean): Token {
    const sql = this.#sql;
    let end = start + 2;
    while (isMember(sql.charCodeAt(end))) end++;
    if (sql.charCodeAt(end) !== CH.quote) throw parseError(sql, start, `bad ${kind} literal`);
    return { kind, start, end: end + 1, text: sql.slice(start, end + 1), upper: '' };
  }

  #variable(start: number): Token {
    const sql = this.#sql;
    let at = start + 1;
    if (sql.charCodeAt(at) === CH.at) at++;
    const c = sql.charCodeAt(at);
    if (c === CH.quote || c === CH.backtick || c === CH.dquote) {
      const name = this.#quoted('variable', start, at, c, c !== CH.backtick);
      return { ...name, text: sql.slice(start, name.end) };
    }
    while (isWordChar(sql.charCodeAt(at)) || sql.charCodeAt(at) === CH.dot) at++;
    return { kind: 'variable', start, end: at, text: sql.slice(start, at), upper: '' };
  }

  /** Text between quotes that open at `open`; a doubled quote is one, backslashes where they escape. */
  #quoted(kind: TokenKind, start: number, open: number, quote: number, escapes: boolean): Token {
    const sql = this.#sql;
    const backslash = escapes && !this.#dialect.noBackslashEscapes;
    let pieces = '';
    let from = open + 1;
    let at = from;
    for (;;) {
      if (at >= sql.length) throw parseError(sql, start, 'quoted text is not closed');
      const c = sql.charCodeAt(at);
      if (c === quote) {
        if (sql.charCodeAt(at + 1) !== quote) break;
        pieces += sql.slice(from, at + 1);
        at += 2;
        from = at;
      } else if (backslash && c === CH.backslash) {
        if (at + 1 >= sql.length) throw parseError(sql, start, 'quoted text is not closed');
        pieces += sql.slice(from, at) + unescape(sql[at + 1]);
        at += 2;
        from = at;
      } else {
        at++;
      }
    }
    return { kind, start, end: at + 1, text: pieces + sql.slice(from, at), upper: '' };
  }
}

function isBinaryDigit(c: number): boolean {
  return c === 48 || c === 49;
}

function lineEnd(sql: string, at: number): number {
  const end = sql.indexOf('\n', at);
  return end < 0 ? sql.length : end + 1;
}

/** `\%` and `\_` keep their backslash outside of patterns, as the servers have it. */
function unescape(char: string): string {
  switch (char) {
    case '0':
      return '\0';
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'Z':
      return '\x1a';
    case '%':
    case '_':
      return `\\${char}`;
    default:
      return char;
  }
}

/** All tokens up to the end, without the `end` token. */
export function tokenize(sql: string, dialect: Dialect): Token[] {
  const tokenizer = new Tokenizer(sql, dialect);
  const tokens: Token[] = [];
  for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) tokens.push(token);
  return tokens;
}

/** Texts of the statements between `;`, empty ones left out. Bodies of routines are not understood. */
export function splitStatements(sql: string, dialect: Dialect): string[] {
  const tokenizer = new Tokenizer(sql, dialect);
  const statements: string[] = [];
  let first = -1;
  let last = 0;
  for (;;) {
    const token = tokenizer.next();
    const ends = token.kind === 'end' || (token.kind === 'op' && token.text === ';');
    if (ends) {
      // Up to the separator, so that an executable comment that closes before it is kept whole.
      if (first >= 0) statements.push(sql.slice(last, token.start).trim());
      if (token.kind === 'end') return statements;
      first = -1;
      last = token.end;
    } else if (first < 0) {
      first = token.start;
    }
  }
}

/** All tokens of a statement, without the end. Throws DmError 11006. */
export function readTokens(sql: string, dialect: Dialect): Token[] {
  const tokenizer = new Tokenizer(sql, dialect);
  const tokens: Token[] = [];
  for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) tokens.push(token);
  return tokens;
}
