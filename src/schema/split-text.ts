/** Cuts a text of several statements at the semicolons that stand outside quotes and comments. */
import type { Dialect } from './dialect.js';
import { Tokenizer } from './tokenizer.js';

/** The statements without their semicolons; empty ones are left out. Throws DmError 11006 on unclosed text. */
export function splitText(text: string, dialect: Dialect): string[] {
  const tokens = new Tokenizer(text, dialect);
  const statements: string[] = [];
  let start = 0;
  let words = 0;
  const cut = (end: number): void => {
    if (words > 0) statements.push(text.slice(start, end).trim());
    words = 0;
  };
  for (let token = tokens.next(); token.kind !== 'end'; token = tokens.next()) {
    if (token.kind === 'op' && token.text === ';') {
      cut(token.start);
      start = token.end;
    } else {
      words++;
    }
  }
  cut(text.length);
  return statements;
}
