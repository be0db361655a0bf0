// Executable comments: which servers run what stands inside.
//
//   /*! x */, /*!50110 x */      MySQL from that version on (5 digits, or 6), and MariaDB, which passes
//                                over MySQL's own range 50700..99999
//   /*M! x */, /*M!100100 x */   MariaDB
//   /*T! x */, /*T![f] x */      TiDB, which also runs /*! whatever the version
//
// One that is run may hold another; the first end closes both. (MariaDB 10.11, MySQL 5.6 and 9.7, by trying;
// MariaDB's range also: mariadb.com/docs, Comment Syntax.) In its binlog a server writes those that it has
// passed over as ordinary ones, but not those of another flavour, which are ordinary ones to it.
import { type Dialect, versionNumber } from './dialect.js';
import { CH, isDigit } from './tokens.js';

export type CommentHead =
  /** An ordinary comment, or an executable one that this server passes over. */
  | { readonly run: false }
  /** `body` is where the content begins. */
  | { readonly run: true; readonly body: number };

const UPPER_M = 77;
const UPPER_T = 84;

const PLAIN: CommentHead = { run: false };

/** Decides about the comment that begins at `at`. */
export function readCommentHead(sql: string, at: number, dialect: Dialect): CommentHead {
  const { flavor } = dialect;
  const c = sql.charCodeAt(at + 2);
  if (c === CH.bang) {
    const { version, end } = readVersion(sql, at + 3);
    if (version === undefined || flavor === 'tidb') return { run: true, body: end };
    if (flavor === 'mariadb' && version >= 50700 && version <= 99999) return PLAIN;
    return version <= versionNumber(dialect.serverVersion) ? { run: true, body: end } : PLAIN;
  }
  if (sql.charCodeAt(at + 3) !== CH.bang) return PLAIN;
  if (c === UPPER_M) {
    if (flavor !== 'mariadb') return PLAIN;
    const { version, end } = readVersion(sql, at + 4);
    if (version !== undefined && version > versionNumber(dialect.serverVersion)) return PLAIN;
    return { run: true, body: end };
  }
  if (c === UPPER_T) {
    if (flavor !== 'tidb') return PLAIN;
    if (sql.charCodeAt(at + 4) !== CH.lbracket) return { run: true, body: at + 4 };
    const close = sql.indexOf(']', at + 5);
    return close < 0 ? PLAIN : { run: true, body: close + 1 };
  }
  return PLAIN;
}

function readVersion(sql: string, at: number): { version: number | undefined; end: number } {
  let end = at;
  while (end < at + 6 && isDigit(sql.charCodeAt(end))) end++;
  if (end - at < 5) return { version: undefined, end: at };
  return { version: Number(sql.slice(at, end)), end };
}

/** Whether some server, this one or another, would run what the comment at `at` holds. */
export function isExecutable(sql: string, at: number): boolean {
  const c = sql.charCodeAt(at + 2);
  return c === CH.bang || ((c === UPPER_M || c === UPPER_T) && sql.charCodeAt(at + 3) === CH.bang);
}

/**
 * End of a comment that is passed over; -1 where it is not closed. One that this server might run, in
 * another version, may hold ordinary ones, one level deep.
 */
export function skipComment(sql: string, at: number, { flavor }: Dialect): number {
  const c = sql.charCodeAt(at + 2);
  const own = c === (flavor === 'mariadb' ? UPPER_M : flavor === 'tidb' ? UPPER_T : CH.bang);
  const nests = isExecutable(sql, at) && (c === CH.bang || own);
  let i = at + 2;
  for (;;) {
    const close = sql.indexOf('*/', i);
    if (close < 0) return -1;
    if (!nests) return close + 2;
    // Only up to `close`, to stay linear where many comments follow each other.
    if (!sql.slice(i, close).includes('/*')) return close + 2;
    i = close + 2;
  }
}
