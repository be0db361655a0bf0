/**
 * Changes the table names of a statement in place, and takes statements that do several things apart.
 * All other text is kept to the character.
 */
import type { TableName } from '../model/table-name.js';
import { quoteName, quoteTable } from '../model/table-name.js';
import type { AlterOperation, AlterTable, ParsedStatement, Range } from './ddl-types.js';

export type NameMap = (name: TableName) => TableName;

interface Edit extends Range {
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

function tableEdits(statement: ParsedStatement, map: NameMap): Edit[] {
  const edits: Edit[] = statement.removals.map(({ start, end }) => ({ start, end, text: '' }));
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
function applyEdits(sql: string, start: number, end: number, edits: readonly Edit[]): string {
  let text = '';
  let at = start;
  for (const edit of edits) {
    if (edit.start < start || edit.end > end) continue;
    text += sql.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + sql.slice(at, end);
}

/**
 * The statement as single operations with mapped names: an ALTER TABLE of several operations becomes
 * one ALTER TABLE each, a DROP or RENAME of several tables one each; else it is the one rewritten
 * statement. ALGORITHM, LOCK and the like are left out of what is taken apart, and a renaming of the
 * table comes last, as the servers do it. An ALTER that cannot be run step by step (columns that
 * exchange names) stays whole.
 */
export function splitStatement(statement: ParsedStatement, map: NameMap): string[] {
  switch (statement.kind) {
    case 'alter-table':
      return splitAlter(statement, map);
    case 'drop-table': {
      if (statement.tables.length < 2) break;
      const exists = statement.ifExists ? 'IF EXISTS ' : '';
      return statement.tables.map((ref) => `DROP TABLE ${exists}${quoteTable(map(ref.name))}`);
    }
    case 'rename-table':
      if (statement.pairs.length < 2) break;
      return statement.pairs.map(
        ({ from, to }) => `RENAME TABLE ${quoteTable(map(from.name))} TO ${quoteTable(map(to.name))}`,
      );
    default:
      break;
  }
  return [rewriteTables(statement, map)];
}

export function splitAlter(statement: AlterTable, map: NameMap): string[] {
  const steps = statement.operations.filter((operation) => operation.op !== 'modifier');
  if (steps.length < 2 || dependsOnOldNames(steps)) return [rewriteTables(statement, map)];
  // A comment that is run may begin in one step and end in another: only its content is kept.
  const marks: Edit[] = statement.marks.map(({ start, end }) => ({ start, end, text: '' }));
  const edits = [...tableEdits(statement, map), ...marks].sort((a, b) => a.start - b.start);
  const head = `ALTER TABLE ${statement.ifExists ? 'IF EXISTS ' : ''}${quoteTable(map(statement.table.name))} `;
  const ordered = [
    ...steps.filter((step) => step.op !== 'rename-table'),
    ...steps.filter((step) => step.op === 'rename-table'),
  ];
  return ordered.map((step) => {
    // What parsing put in front of an element of ADD COLUMN (a, b).
    const prefix = step.text.slice(0, step.text.length - (step.end - step.start));
    return head + prefix + applyEdits(statement.sql, step.start, step.end, edits);
  });
}

/** Whether a step takes a column name that another step gives up later, or refers to it by either name. */
function dependsOnOldNames(steps: readonly AlterOperation[]): boolean {
  const renamed = new Map<string, string>();
  for (const step of steps) {
    if (step.op === 'rename-column') renamed.set(step.name.toLowerCase(), step.newName.toLowerCase());
    else if (step.op === 'change-column' && step.name.toLowerCase() !== step.column.name.toLowerCase()) {
      renamed.set(step.name.toLowerCase(), step.column.name.toLowerCase());
    }
  }
  for (const newName of renamed.values()) if (renamed.has(newName)) return true;
  if (renamed.size === 0) return dropsAndAddsSame(steps);
  const news = new Set(renamed.values());
  // A column that takes the place of a renamed or dropped one, or the other way about.
  return steps.some((step) => {
    switch (step.op) {
      case 'add-column':
        return renamed.has(step.column.name.toLowerCase()) || takesPlaceBehind(step.position, renamed, news);
      case 'drop-column':
        return news.has(step.name.toLowerCase());
      case 'change-column':
        return takesPlaceBehind(step.position, renamed, news);
      default:
        return false;
    }
  });
}

function takesPlaceBehind(
  position: { first: true } | { after: string } | undefined,
  renamed: ReadonlyMap<string, string>,
  news: ReadonlySet<string>,
): boolean {
  if (position === undefined || !('after' in position)) return false;
  const after = position.after.toLowerCase();
  return renamed.has(after) || news.has(after);
}

/** ADD COLUMN a ... before DROP COLUMN a: the order of the text does not work step by step. */
function dropsAndAddsSame(steps: readonly AlterOperation[]): boolean {
  const added = new Set<string>();
  for (const step of steps) {
    if (step.op === 'add-column') added.add(step.column.name.toLowerCase());
    else if (step.op === 'drop-column' && added.has(step.name.toLowerCase())) return true;
  }
  return false;
}
