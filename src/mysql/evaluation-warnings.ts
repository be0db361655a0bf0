/**
 * Strict or lax: the server applies the mode not only to the values that we write, but also to what it computes
 * of them: generated columns, CHECK constraints, functional indexes. A row that a lax session of the source has
 * stored (`CHECK (v <> 77)` with a text in `v`, a TINYINT generated of `n * 10`) is refused by a strict one. So
 * such a statement runs without strictness, and its warnings tell whether all written values are what they were.
 */

/** Columns that are written, by lower-case name: the base type that they have in the target. */
export type WrittenTypes = ReadonlyMap<string, string>;

/** As many warnings as a server lists at most, for `max_error_count`. */
export const MOST_WARNINGS = 65_535;

/** Deprecations, and what a server says about its own syntax. */
const HARMLESS: ReadonlySet<number> = new Set([1287, 1681, 1831, 3090, 3129, 3135, 3719, 3778, 1592]);

const TRUNCATED_WRONG_VALUE = 1292;

/**
 * Never said of a column: division by zero, arguments and overflows of functions and casts, text that a character set
 * does not have, values of functional indexes.
 */
const OF_EXPRESSIONS: ReadonlySet<number> = new Set([
  1365, 1411, 1441, 1916, 1917, 1918, 1977, 3751, 3752, 3854, 3907,
]);

/** What strictness makes an error of, besides OF_EXPRESSIONS. MySQL says of a CHECK that failed so only that it failed. */
const OF_STRICTNESS: ReadonlySet<number> = new Set([1264, 1265, TRUNCATED_WRONG_VALUE, 1366, 1406, 3819]);

/** A lax session might take the statement. */
export function mayBeStrictness(errno: number): boolean {
  return OF_STRICTNESS.has(errno) || OF_EXPRESSIONS.has(errno);
}

export function isHarmless(level: string | null, code: number): boolean {
  return level === 'Note' || HARMLESS.has(code);
}

const TEMPORAL = new Set(['date', 'time', 'datetime', 'timestamp', 'year']);

/** The warning is about what the server has computed, and no written value is another one than was sent. */
export function isOfEvaluation(code: number, message: string, written: WrittenTypes): boolean {
  if (OF_EXPRESSIONS.has(code)) return true;
  const column = namedColumn(message);
  if (column === null) return code === TRUNCATED_WRONG_VALUE && message.startsWith('Truncated incorrect ');
  const type = written.get(column);
  if (type === undefined) return true;
  // MariaDB names the column that the expression reads.
  return (
    code === TRUNCATED_WRONG_VALUE &&
    /^Incorrect (date|time|datetime|timestamp) value: /.test(message) &&
    !TEMPORAL.has(type)
  );
}

/** MySQL and TiDB: `for column 'c' at row 1`; MariaDB in places: `` for column `s`.`t`.`c` at row 1 ``. */
function namedColumn(message: string): string | null {
  const found = /.* for column (?:'(.+)'|(?:`(?:[^`]|``)*`\.){0,2}`((?:[^`]|``)+)`) at row \d+$/s.exec(
    message,
  );
  const name = found?.[1] ?? found?.[2]?.replaceAll('``', '`');
  return name === undefined ? null : name.toLowerCase();
}
