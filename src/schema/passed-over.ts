/**
 * A statement without what its executable comments keep from another server. Whoever writes
 * `KEY k (a) /*!80000 INVISIBLE *\/` accepts that a server which does not know the attribute makes the rest:
 * where a target refuses the plain text (plain.ts), that is what it gets, as far as it holds the same rows.
 */
import { DmError } from '../errors/dm-error.js';
import { readCommentHead } from './comments.js';
import type { ExecutedComments, ParsedStatement } from './ddl-types.js';
import { parseDdl } from './ddl.js';
import type { Dialect } from './dialect.js';
import { applyEdits, type Edit } from './rewrite.js';

/** Places, texts, and attributes that no row's values depend on. */
const NO_MATTER = new Set([
  ...['start', 'end', 'sql', 'text', 'removals', 'comments'],
  ...['invisible', 'comment', 'srid', 'others'],
]);

/**
 * The statement without those contents that can be left out: not another column, type, default, key or operation.
 * Null where there are none.
 */
export function withoutPassedOver(
  statement: ParsedStatement,
  target: Pick<Dialect, 'flavor' | 'serverVersion'>,
): ParsedStatement | null {
  if (statement.comments === undefined || !isOutlined(statement)) return null;
  const { contents, options } = statement.comments;
  const wanted = outline(statement);
  let left: ParsedStatement | null = null;
  let edits: Edit[] = [];
  for (const { start, end, head } of contents) {
    if (readCommentHead(`${head} `, 0, { ...options, ...target }).run) continue;
    const more = [...edits, { start, end, text: ' ' }];
    const rest = tryParse(applyEdits(statement.sql, 0, statement.sql.length, more), options);
    if (rest === null || outline(rest) !== wanted) continue;
    left = rest;
    edits = more;
  }
  return left;
}

function tryParse(sql: string, options: ExecutedComments['options']): ParsedStatement | null {
  try {
    return parseDdl(sql, options);
  } catch (error) {
    // The rest is no statement of its own.
    if (error instanceof DmError) return null;
    throw error;
  }
}

/** What is done to single partitions is not part of what parsing keeps. */
function isOutlined(statement: ParsedStatement): boolean {
  return statement.kind !== 'alter-table' || statement.operations.every(({ op }) => op !== 'partitions');
}

function outline(statement: ParsedStatement): string {
  return JSON.stringify(statement, (key, value: unknown) => (NO_MATTER.has(key) ? undefined : value));
}
