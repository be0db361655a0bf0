import type { Dialect } from './dialect.js';
import { applyEdits, type Edit } from './rewrite.js';
import { readTokens } from './tokenizer.js';
import type { Token } from './tokens.js';

/**
 * A DDL of MySQL without the NOT NULL of generated columns, which MariaDB does not understand. What the
 * source has computed is not NULL anyhow.
 */
export function withoutGeneratedNotNull(sql: string, dialect: Dialect): string {
  const tokens = readTokens(sql, dialect);
  const edits: Edit[] = [];
  for (let i = 0; i + 1 < tokens.length; i++) {
    if (tokens[i].upper !== 'AS' || !isOp(tokens[i + 1], '(')) continue;
    let at = closing(tokens, i + 1) + 1;
    // The other attributes of the column, up to the next one.
    for (; at < tokens.length && !isOp(tokens[at], ',') && !isOp(tokens[at], ')'); at++) {
      if (isOp(tokens[at], '(')) at = closing(tokens, at);
      else if (tokens[at].upper === 'NOT' && tokens[at + 1]?.upper === 'NULL') {
        edits.push({ start: tokens[at].start, end: tokens[at + 1].end, text: '' });
      }
    }
    i = at - 1;
  }
  return applyEdits(sql, 0, sql.length, edits);
}

/** Index of the parenthesis that closes the one at `open`; the last token where none does. */
function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (isOp(tokens[i], '(')) depth++;
    else if (isOp(tokens[i], ')') && --depth === 0) return i;
  }
  return tokens.length - 1;
}

function isOp(token: Token, text: string): boolean {
  return token.kind === 'op' && token.text === text;
}
