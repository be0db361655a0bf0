/** Expressions of filters (manual 1.4.3): text in, a function of a row out. */
import { DmError } from '../../errors/dm-error.js';
import type { TableSchema } from '../../schema/table.js';
import { compile } from './compile.js';
import { truthOf, type Row } from './node.js';
import { parseExpression } from './parse.js';
import { refuse, Refusal } from './problem.js';

export interface ExpressionOptions {
  /** The structure of the source table whose rows are going to be judged. */
  readonly table: TableSchema;
  /** Milliseconds since 1970, for NOW(). */
  readonly wall: () => number;
}

/** What the expression says of a row: null is SQL's UNKNOWN. May throw DmError 60404. */
export type Expression = (row: Row) => boolean | null;

/** Throws DmError 60403 with the reason for what is no expression, or cannot be evaluated exactly. */
export function compileExpression(text: string, options: ExpressionOptions): Expression {
  return explained(text, () => {
    const node = compile(parseExpression(text), options);
    return truthOf(node);
  });
}

/** The same for what can be told without the table. */
export function checkExpression(text: string): void {
  explained(text, () => parseExpression(text));
}

function explained<T>(text: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof Refusal) throw refuse(text, Math.max(0, error.at), error.message);
    if (error instanceof DmError) throw refuse(text, 0, error.message);
    throw error;
  }
}
