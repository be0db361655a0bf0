/** A reading place in a statement's tokens, with the small pieces of grammar that all parsers share. */
import type { TableName } from '../model/table-name.js';
import type { Removal, TableRef } from './ddl-types.js';
import type { Dialect } from './dialect.js';
import { type Mark, parseError, Tokenizer } from './tokenizer.js';
import type { Token } from './tokens.js';

export interface CursorOptions extends Dialect {
  /** Schema of table names that have none; '' = unknown. */
  readonly defaultSchema: string;
}

export class Cursor {
  readonly sql: string;
  readonly options: CursorOptions;
  /** Every table reference read so far. */
  readonly tables: TableRef[] = [];
  readonly removals: Removal[] = [];
  /** End of the token consumed last. */
  lastEnd = 0;
  readonly #tokenizer: Tokenizer;
  /** Tokens read ahead and not consumed yet. */
  readonly #ahead: Token[] = [];

  constructor(sql: string, options: CursorOptions) {
    this.sql = sql;
    this.options = options;
    this.#tokenizer = new Tokenizer(sql, options);
  }

  /** What every parsed statement holds. The lists grow while the statement is read. */
  common(): { sql: string; tables: TableRef[]; removals: Removal[] } {
    return { sql: this.sql, tables: this.tables, removals: this.removals };
  }

  /** Of executable comments in what has been read so far. */
  get marks(): readonly Mark[] {
    return this.#tokenizer.marks;
  }

  peek(distance = 0): Token {
    while (this.#ahead.length <= distance) this.#ahead.push(this.#tokenizer.next());
    return this.#ahead[distance];
  }

  next(): Token {
    const token = this.#ahead.length > 0 ? this.#ahead.shift()! : this.#tokenizer.next();
    this.lastEnd = token.end;
    return token;
  }

  fail(message: string, token: Token = this.peek()): never {
    throw parseError(this.sql, token.start, message);
  }

  /** Whether the words stand next, one after the other. */
  is(...words: string[]): boolean {
    return words.every((word, i) => this.peek(i).upper === word);
  }

  isOneOf(...words: string[]): boolean {
    const { upper } = this.peek();
    return upper !== '' && words.includes(upper);
  }

  /** Consumes the words when all stand next. */
  accept(...words: string[]): boolean {
    if (!this.is(...words)) return false;
    for (let i = 0; i < words.length; i++) this.next();
    return true;
  }

  expect(...words: string[]): void {
    for (const word of words) if (!this.accept(word)) this.fail(`expected ${word}`);
  }

  isOp(op: string, distance = 0): boolean {
    const token = this.peek(distance);
    return token.kind === 'op' && token.text === op;
  }

  acceptOp(op: string): boolean {
    if (!this.isOp(op)) return false;
    this.next();
    return true;
  }

  expectOp(op: string): void {
    if (!this.acceptOp(op)) this.fail(`expected ${op}`);
  }

  atEnd(): boolean {
    return this.peek().kind === 'end' || (this.isOp(';') && this.peek(1).kind === 'end');
  }

  expectEnd(): void {
    if (!this.atEnd()) this.fail('this part of the statement is not understood');
  }

  isName(distance = 0): boolean {
    const { kind } = this.peek(distance);
    return kind === 'word' || kind === 'quoted';
  }

  /**
   * ALGORITHM and LOCK with their value: what the source was asked to grant, another server may be unable
   * to. A rewritten statement leaves the choice to the server that runs it.
   */
  skipAlgorithmOrLock(): void {
    this.next();
    this.acceptOp('=');
    const { start, end, upper } = this.peek();
    this.name('a word');
    if (upper !== 'DEFAULT') this.removals.push({ start, end, text: 'DEFAULT' });
  }

  name(what = 'a name'): string {
    if (!this.isName()) this.fail(`expected ${what}`);
    return this.next().text;
  }

  number(): number {
    const token = this.peek();
    if (token.kind !== 'number' || !/^\d+$/.test(token.text)) this.fail('expected a number');
    return Number(this.next().text);
  }

  /** A text literal; adjacent ones are one, as the servers have it. An introducer is passed over. */
  string(): string {
    if (this.peek().kind === 'word' && this.peek().text.startsWith('_')) this.next();
    const token = this.peek();
    if (token.kind === 'hex') return hexText(this.next().text);
    if (token.kind !== 'string') this.fail('expected a text literal');
    let text = this.next().text;
    while (this.peek().kind === 'string') text += this.next().text;
    return text;
  }

  /** Text from `start` to the end of the last consumed token. */
  textFrom(start: number): string {
    return this.sql.slice(start, this.lastEnd);
  }

  /** Consumes `( ... )` and returns what stands between. */
  parenthesized(): string {
    const open = this.peek();
    this.expectOp('(');
    let depth = 1;
    for (;;) {
      const token = this.next();
      if (token.kind === 'end') this.fail('parenthesis is not closed', open);
      if (token.kind !== 'op') continue;
      if (token.text === '(') depth++;
      else if (token.text === ')' && --depth === 0) return this.sql.slice(open.end, token.start).trim();
    }
  }

  /** Consumes everything up to the end of the statement. */
  skipToEnd(): void {
    while (!this.atEnd()) this.next();
  }

  /** `[schema.]table`; a leading dot (`.t`) means the default schema. */
  tableRef(defaultSchema = this.options.defaultSchema): TableRef {
    const { start } = this.peek();
    let name: TableName;
    let implicit = false;
    if (this.acceptOp('.')) {
      name = { schema: defaultSchema, table: this.name('a table name') };
      implicit = true;
    } else {
      const first = this.name('a table name');
      if (this.acceptOp('.')) name = { schema: first, table: this.name('a table name') };
      else {
        name = { schema: defaultSchema, table: first };
        implicit = true;
      }
    }
    const ref = { name, implicit, start, end: this.lastEnd };
    this.tables.push(ref);
    return ref;
  }

  schemaRef(): TableRef {
    const { start, end } = this.peek();
    const ref = { name: { schema: this.name('a schema name'), table: '' }, implicit: false, start, end };
    this.tables.push(ref);
    return ref;
  }

  ifExists(): boolean {
    return this.accept('IF', 'EXISTS');
  }

  ifNotExists(): boolean {
    return this.accept('IF', 'NOT', 'EXISTS');
  }

  /** MariaDB's WAIT n | NOWAIT behind a table name. */
  skipWait(): void {
    if (this.accept('NOWAIT')) return;
    if (this.is('WAIT') && this.peek(1).kind === 'number') {
      this.next();
      this.next();
    }
  }

  /** A character set or collation name, quoted or not; lower case. */
  charsetName(): string {
    const token = this.peek();
    if (token.kind === 'string') return this.string().toLowerCase();
    return this.name('a character set or collation name').toLowerCase();
  }

  /** Consumes CHARACTER SET, CHAR SET or CHARSET. */
  acceptCharset(): boolean {
    return this.accept('CHARACTER', 'SET') || this.accept('CHAR', 'SET') || this.accept('CHARSET');
  }
}

function hexText(literal: string): string {
  const digits = literal.startsWith('0x') ? literal.slice(2) : literal.slice(2, -1);
  return Buffer.from(digits, 'hex').toString('latin1');
}
