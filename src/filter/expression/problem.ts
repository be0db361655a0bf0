/** Why an expression filter cannot work. */
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';

/** DmError 60403: known when the task is checked. */
export function refuse(text: string, at: number, reason: string): DmError {
  const near = text.slice(at, at + 30);
  return new DmError(
    CODES.filterExpression,
    `cannot use the filter expression \`${text}\`: ${reason}${near === '' ? '' : `, near "${near}" at character ${at + 1}`}`,
  );
}

/** A reason for which compiling stops; the compiler adds the place. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(
    message: string,
    readonly at = -1,
  ) {
    super(message);
  }
}

/** DmError 60404: the server would fail here, or nobody can tell what it would say. */
export function rowError(reason: string): DmError {
  return new DmError(CODES.filterExpressionRow, `the filter expression has no exact value: ${reason}`);
}
