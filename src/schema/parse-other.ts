/**
 * Statements that are understood well enough to know that they are not migrated: DM's built-in skip
 * list (views, routines, users ...) and its like. Comments in front of them make no difference.
 */
import type { Cursor } from './cursor.js';

/** Objects of CREATE, ALTER and DROP that are not migrated. */
const OBJECTS = new Set([
  'VIEW',
  'TRIGGER',
  'PROCEDURE',
  'FUNCTION',
  'EVENT',
  'USER',
  'ROLE',
  'SERVER',
  'SEQUENCE',
  'PACKAGE',
  'TABLESPACE',
  'LOGFILE',
  'RESOURCE',
  'SPATIAL',
  'PLACEMENT',
  'INSTANCE',
  'CATALOG',
  'BINDING',
  'STATISTICS',
  'LIBRARY',
  'MASKING',
  'PREPARE',
]);

/** What may stand between CREATE or ALTER and the object. */
const PREFIXES = new Set([
  'OR',
  'REPLACE',
  'ALGORITHM',
  'DEFINER',
  'SQL',
  'SECURITY',
  'INVOKER',
  'UNDEFINED',
  'MERGE',
  'TEMPTABLE',
  'AGGREGATE',
  'UNDO',
  'CURRENT_USER',
  'CURRENT_ROLE',
  'TEMPORARY',
  'GLOBAL',
  'SESSION',
  'MATERIALIZED',
  'MASKING',
  'JSON',
  'RELATIONAL',
  'DUALITY',
]);

/** First words of statements that never change a table that is migrated. */
const VERBS = new Set([
  'ANALYZE',
  'BACKUP',
  'BINLOG',
  'CACHE',
  'CHANGE',
  'CHECK',
  'CHECKSUM',
  'CLONE',
  'DEALLOCATE',
  'EXECUTE',
  'EXPLAIN',
  'FLUSH',
  'GRANT',
  'HELP',
  'INSTALL',
  'KILL',
  'LOCK',
  'OPTIMIZE',
  'PREPARE',
  'PURGE',
  'RELEASE',
  'REPAIR',
  'RESET',
  'RESTART',
  'REVOKE',
  'SAVEPOINT',
  'SET',
  'SHOW',
  'SHUTDOWN',
  'SLAVE',
  'START',
  'STOP',
  'UNINSTALL',
  'UNLOCK',
  'USE',
]);

/**
 * Behind CREATE, ALTER or DROP: the name of the unmigrated object (`VIEW`), or undefined. Consumes the
 * rest of the statement in the first case and nothing in the second.
 */
export function parseOtherObject(cursor: Cursor): string | undefined {
  let distance = 0;
  // DEFINER = `a`@`b` and the like: a bounded number of tokens, no parentheses.
  for (let left = 24; left > 0; left--) {
    const token = cursor.peek(distance);
    if (token.kind === 'word' && OBJECTS.has(token.upper) && !isNameOf(cursor, distance)) {
      const what = token.upper === 'SPATIAL' ? spatialObject(cursor, distance) : token.upper;
      if (what === undefined) return undefined;
      if (what === 'SEQUENCE') skipSequence(cursor, distance);
      else skipBody(cursor);
      return what;
    }
    const passes =
      (token.kind === 'word' && PREFIXES.has(token.upper)) ||
      (distance > 0 &&
        (token.kind === 'quoted' ||
          token.kind === 'string' ||
          token.kind === 'variable' ||
          (token.kind === 'word' && cursor.isOp('=', distance - 1)) ||
          (token.kind === 'op' && /[=().@]/.test(token.text))));
    if (!passes) return undefined;
    distance++;
  }
  return undefined;
}

/** DEFINER = view ...: the word is a user's name, not the object. */
function isNameOf(cursor: Cursor, distance: number): boolean {
  return distance > 0 && cursor.isOp('=', distance - 1);
}

/** CREATE SPATIAL REFERENCE SYSTEM, unlike CREATE SPATIAL INDEX. */
function spatialObject(cursor: Cursor, distance: number): string | undefined {
  return cursor.peek(distance + 1).upper === 'REFERENCE' ? 'SPATIAL REFERENCE SYSTEM' : undefined;
}

/** Name of a statement that begins with one of VERBS, or undefined. */
export function parseOtherVerb(cursor: Cursor): string | undefined {
  const { kind, upper } = cursor.peek();
  if (kind !== 'word' || !VERBS.has(upper)) return undefined;
  skipBody(cursor);
  return upper;
}

/** Names of sequences are kept: RENAME TABLE and others take them too, and their values come as rows. */
function skipSequence(cursor: Cursor, distance: number): void {
  for (let i = 0; i <= distance; i++) cursor.next();
  if (!cursor.ifNotExists()) cursor.ifExists();
  do cursor.tableRef();
  while (cursor.acceptOp(','));
}

/** Bodies of routines are not read: they may hold anything. */
function skipBody(cursor: Cursor): void {
  cursor.next();
}
