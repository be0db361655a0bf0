/** Tokens of SQL text, and the classes of characters that make them. */

export type TokenKind =
  /** Unquoted identifier or keyword; `text` as written. */
  | 'word'
  /** Quoted identifier; `text` without quotes. */
  | 'quoted'
  /** Text literal; `text` unescaped. */
  | 'string'
  | 'number'
  /** 0x.. and x'..'; 0b.. and b'..'. `text` as written. */
  | 'hex'
  | 'bit'
  /** @name, @@name, @'name', also the at-sign of user@host with what follows it. */
  | 'variable'
  /** One operator or punctuation character. */
  | 'op'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Offsets into the statement, in UTF-16 units, quotes included. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Upper-case text of a word, else ''. */
  readonly upper: string;
}

export const CH = {
  tab: 9,
  lf: 10,
  cr: 13,
  space: 32,
  bang: 33,
  dquote: 34,
  hash: 35,
  dollar: 36,
  quote: 39,
  star: 42,
  plus: 43,
  minus: 45,
  dot: 46,
  slash: 47,
  at: 64,
  lbracket: 91,
  backslash: 92,
  rbracket: 93,
  underscore: 95,
  backtick: 96,
} as const;

export function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

export function isHexDigit(c: number): boolean {
  return isDigit(c) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102);
}

/** Letters, digits, `_`, `$` and everything beyond ASCII make words. */
export function isWordChar(c: number): boolean {
  return (
    (c >= 97 && c <= 122) ||
    (c >= 65 && c <= 90) ||
    isDigit(c) ||
    c === CH.underscore ||
    c === CH.dollar ||
    c >= 0x80
  );
}

export function isSpace(c: number): boolean {
  return c === CH.space || (c >= 9 && c <= 13);
}
