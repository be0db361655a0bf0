/** The table of a statement that is not understood as a whole: good for "something has changed about it". */
import type { TableName } from '../model/table-name.js';
import type { Dialect } from './dialect.js';
import { Tokenizer } from './tokenizer.js';
import type { Token } from './tokens.js';

/** How many words may stand before TABLE: CREATE OR REPLACE TEMPORARY ..., ALTER ONLINE IGNORE ... */
const HEAD_WORDS = 6;

/** The first table behind TABLE, or behind ON of a statement about an index; null where there is none. */
export function statementTable(sql: string, dialect: Dialect, defaultSchema: string): TableName | null {
  const tokens = new Tokenizer(sql, dialect);
  try {
    let index = false;
    for (let i = 0; ; i++) {
      const token = tokens.next();
      if (token.kind === 'end' || (i >= HEAD_WORDS && !index)) return null;
      index ||= token.upper === 'INDEX' && i < HEAD_WORDS;
      if (token.upper === (index ? 'ON' : 'TABLE')) return nameBehind(tokens, defaultSchema);
    }
  } catch {
    return null;
  }
}

function nameBehind(tokens: Tokenizer, defaultSchema: string): TableName | null {
  let token = tokens.next();
  while (token.upper === 'IF' || token.upper === 'NOT' || token.upper === 'EXISTS') token = tokens.next();
  if (!isName(token)) return null;
  const first = token.text;
  token = tokens.next();
  if (token.kind !== 'op' || token.text !== '.') return { schema: defaultSchema, table: first };
  token = tokens.next();
  return isName(token) ? { schema: first, table: token.text } : null;
}

function isName(token: Token): boolean {
  return token.kind === 'word' || token.kind === 'quoted';
}
