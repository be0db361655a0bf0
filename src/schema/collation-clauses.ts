/**
 * The character set and collation clauses of a DDL text: collations that the target does not know take
 * their nearest name there, and where the task asks for it (`collation_compatible: strict`) what the source
 * would fill in by itself is written out, since the target would fill in something else.
 */
import type { Dialect } from './dialect.js';
import { applyEdits, type Edit } from './rewrite.js';
import { readTokens } from './tokenizer.js';
import type { Token } from './tokens.js';

export interface CollationChoice {
  /** The target's name for a collation of the source. */
  readonly collation: (name: string) => string;
  /** The target's name for a character set of the source. */
  readonly charset: (name: string) => string;
  /** What is written out where the statement leaves it open; null: nothing is. */
  readonly explicit: {
    /** The source's default collation of a character set; undefined: not known, nothing is written. */
    readonly ofCharset: (charset: string) => string | undefined;
    /** Of a database without a clause; and of a table without one. */
    readonly database: string | undefined;
    readonly table: string | undefined;
  } | null;
}

/** A stretch of clauses that belong to one column, or to the table or database. */
interface Region {
  charset: Token | null;
  collated: boolean;
}

export function chooseCollations(sql: string, dialect: Dialect, choice: CollationChoice): string {
  const tokens = readTokens(sql, dialect);
  const edits: Edit[] = [];
  const body = definitionList(tokens);
  const { explicit } = choice;
  let depth = 0;
  let region: Region = { charset: null, collated: false };
  /** Clauses of the table as a whole: those behind the list of columns. */
  let ofTable = false;
  let tableSays = false;
  const endRegion = () => {
    const { charset, collated } = region;
    if (ofTable && (charset !== null || collated)) tableSays = true;
    if (charset !== null && !collated) {
      const added = explicit?.ofCharset(charset.text);
      if (added !== undefined) {
        edits.push({ start: charset.end, end: charset.end, text: ` COLLATE ${choice.collation(added)}` });
      }
    }
    region = { charset: null, collated: false };
  };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token.kind === 'op') {
      if (token.text === '(') {
        depth++;
        if (i === body?.open) endRegion();
      } else if (token.text === ')') {
        if (depth === 1 && i === body?.close) {
          endRegion();
          ofTable = true;
        }
        depth--;
      } else if (token.text === ',' && depth <= 1 && !(ofTable && depth === 0)) endRegion();
      continue;
    }
    if (token.kind !== 'word') continue;
    const charset = charsetName(tokens, i);
    if (charset !== null) {
      rename(charset, choice.charset, edits);
      if (depth <= 1) region.charset = charset;
    } else if (token.upper === 'COLLATE') {
      const name = tokens[isOp(tokens[i + 1], '=') ? i + 2 : i + 1];
      if (name === undefined || !isName(name)) continue;
      rename(name, choice.collation, edits);
      if (depth <= 1) region.collated = true;
    } else if (token.upper === 'BINARY' && depth <= 1 && region.charset !== null) region.collated = true;
  }
  endRegion();
  if (explicit !== null) addMissing(tokens, body, tableSays, edits, choice, explicit);
  edits.sort((a, b) => a.start - b.start);
  return applyEdits(sql, 0, sql.length, edits);
}

function addMissing(
  tokens: readonly Token[],
  body: { close: number } | null,
  tableSays: boolean,
  edits: Edit[],
  choice: CollationChoice,
  explicit: NonNullable<CollationChoice['explicit']>,
): void {
  if (body !== null) {
    if (tableSays || explicit.table === undefined) return;
    const at = tokens[body.close].end;
    edits.push({ start: at, end: at, text: ` COLLATE ${choice.collation(explicit.table)}` });
    return;
  }
  const [create, what] = tokens;
  if (create?.upper !== 'CREATE' || (what?.upper !== 'DATABASE' && what?.upper !== 'SCHEMA')) return;
  const says = tokens.some((_, i) => tokens[i].upper === 'COLLATE' || charsetName(tokens, i) !== null);
  if (says || explicit.database === undefined) return;
  const end = tokens.findLast((token) => !isOp(token, ';'))?.end ?? 0;
  edits.push({ start: end, end, text: ` COLLATE ${choice.collation(explicit.database)}` });
}

/** The parentheses round the columns of a CREATE TABLE; null in other statements, and of LIKE. */
function definitionList(tokens: readonly Token[]): { open: number; close: number } | null {
  const table = tokens.findIndex((token) => token.upper === 'TABLE');
  if (tokens[0]?.upper !== 'CREATE' || table < 0 || table > 4) return null;
  const open = tokens.findIndex((token, i) => i > table && isOp(token, '('));
  const before = tokens.slice(table, Math.max(open, table));
  if (open < 0 || tokens[open + 1]?.upper === 'LIKE') return null;
  if (before.some(({ upper }) => upper === 'LIKE' || upper === 'AS' || upper === 'SELECT')) return null;
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (isOp(tokens[i], '(')) depth++;
    else if (isOp(tokens[i], ')') && --depth === 0) return { open, close: i };
  }
  return null;
}

/** The name in a clause CHARACTER SET [=] x or CHARSET [=] x that begins at `i`; null for DEFAULT too. */
function charsetName(tokens: readonly Token[], i: number): Token | null {
  let at: number;
  const { upper } = tokens[i];
  if (upper === 'CHARSET') at = i + 1;
  else if ((upper === 'CHARACTER' || upper === 'CHAR') && tokens[i + 1]?.upper === 'SET') at = i + 2;
  else return null;
  if (isOp(tokens[at], '=')) at++;
  const name = tokens[at];
  return name !== undefined && isName(name) && name.upper !== 'DEFAULT' ? name : null;
}

function isName(token: Token): boolean {
  return token.kind === 'word' || token.kind === 'quoted' || token.kind === 'string';
}

function isOp(token: Token | undefined, text: string): boolean {
  return token?.kind === 'op' && token.text === text;
}

function rename(token: Token, to: (name: string) => string, edits: Edit[]): void {
  if (token.upper === 'DEFAULT') return;
  const name = to(token.text);
  if (name !== token.text) edits.push({ start: token.start, end: token.end, text: name });
}
