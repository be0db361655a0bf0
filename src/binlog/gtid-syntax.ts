/** What both flavours' GTID parsers share. */

/** Text that is not a GTID set of its flavour. `position` counts characters from 0. */
export class GtidSyntaxError extends Error {
  override readonly name = 'GtidSyntaxError';
  constructor(
    readonly text: string,
    readonly position: number,
    readonly expected: string,
  ) {
    const found = position < text.length ? `'${text.slice(position, position + 20)}'` : 'the end';
    super(`invalid GTID set at character ${position + 1}: expected ${expected}, found ${found}`);
  }
}

/** A decimal number at `at`; numbers beyond 2^53 do not occur in practice and are refused. */
export function readNumber(text: string, at: number): { value: number; next: number } {
  let next = at;
  let value = 0;
  while (next < text.length) {
    const digit = text.charCodeAt(next) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    next++;
  }
  if (next === at || value > Number.MAX_SAFE_INTEGER - 1) throw new GtidSyntaxError(text, at, 'a number');
  return { value, next };
}
