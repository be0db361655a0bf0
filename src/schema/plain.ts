/**
 * A statement as its server ran it: executable comments give way to what they hold, those that the server
 * passed over are gone. What one server runs another takes for a comment, and the other way about: only
 * the plain text means the same to both.
 */
import type { ExecutedComments } from './ddl-types.js';
import type { Mark } from './tokenizer.js';
import { isSpace } from './tokens.js';

export interface PlainText extends Pick<ExecutedComments, 'contents'> {
  readonly sql: string;
}

/** `marks`: of all of the statement, in its order. A blank takes their place where they alone part words. */
export function plainText(sql: string, marks: readonly Mark[]): PlainText {
  let text = '';
  let at = 0;
  const contents: { start: number; end: number; head: string }[] = [];
  let open: { start: number; head: string } | null = null;
  const close = () => {
    if (open !== null) contents.push({ ...open, end: text.length });
    open = null;
  };
  for (const { kind, start, end } of marks) {
    text += sql.slice(at, start);
    at = end;
    // The end of one comment closes all that are open.
    if (kind !== 'passed-over') close();
    // Two minus signs with a blank behind them would begin a comment.
    if (text.endsWith('-')) text += '/**/';
    else if (!isBlank(text, text.length - 1) && !isBlank(sql, end)) text += ' ';
    if (kind === 'open') open = { start: text.length, head: sql.slice(start, end) };
  }
  return { sql: text + sql.slice(at), contents };
}

/** Beyond either end is nothing to part from. */
function isBlank(text: string, at: number): boolean {
  return at < 0 || at >= text.length || isSpace(text.charCodeAt(at));
}
