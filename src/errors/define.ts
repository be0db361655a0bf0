import type { ErrorCode, ErrorLevel, ErrorScope } from './dm-error.js';

/** One entry of the code table. */
export function define(
  code: number,
  errorClass: string,
  scope: ErrorScope,
  level: ErrorLevel,
  workaround = '',
): ErrorCode {
  return { code, class: errorClass, scope, level, workaround };
}
