/**
 * Changes the table names of a statement in place, and takes statements that do several things apart.
 * All other text is kept to the character.
 */
import type { TableName } from '../model/table-name.js';
import { quoteName, quoteTable } from '../model/table-name.js';
import type { ParsedStatement, Range } from './ddl-types.js';

export type NameMap = (name: TableName) => TableName;

/** `text` takes the place of the range. */
export interface Edit extends Range {
  readonly text: string;
}

/**
 * The statement with every table name replaced by `map` of it, quoted and with its schema. A name that
 * `map` leaves alone stays as it is written when it has its schema, and gets it when it has not. Parts
 * that only the source's own server understands are left out.
 */
export function rewriteTables(statement: ParsedStatement, map: NameMap): string {
  return applyEdits(statement.sql, 0, statement.sql.length, tableEdits(statement, map));
}

/** In the order of the text. */
export function tableEdits(statement: ParsedStatement, map: NameMap): Edit[] {
  const edits: Edit[] = statement.removals.map(({ start, end, text }) => ({ start, end, text: text ?? '' }));
  for (const ref of statement.tables) {
    const to = map(ref.name);
    if (!ref.implicit && to.schema === ref.name.schema && to.table === ref.name.table) continue;
    if (ref.name.table === '') {
      edits.push({ start: ref.start, end: ref.end, text: quoteName(to.schema) + (ref.implicit ? ' ' : '') });
    } else edits.push({ start: ref.start, end: ref.end, text: quoteTable(to) });
  }
  return edits.sort((a, b) => a.start - b.start);
}

/** The part of `sql` from `start` to `end` with those of the sorted edits done that lie within. */
export function applyEdits(sql: string, start: number, end: number, edits: readonly Edit[]): string {
  let text = '';
  let at = start;
  for (const edit of edits) {
    if (edit.start < start || edit.end > end) continue;
    text += sql.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + sql.slice(at, end);
}
