/** Takes statements that do several things apart, as DM does (manual 10.3), where that means the same. */
import { unreachable } from '../model/assert.js';
import { quoteTable } from '../model/table-name.js';
import type { AlterOperation, AlterTable, ParsedStatement } from './ddl-types.js';
import { applyEdits, type NameMap, rewriteTables, tableEdits } from './rewrite.js';
import type { TableSchema } from './table.js';

/**
 * The statement as single operations with mapped names: an ALTER TABLE of several operations becomes
 * one ALTER TABLE each, a DROP or RENAME of several tables one each; else it is the one rewritten
 * statement. ALGORITHM, LOCK and the like are left out of what is taken apart, and the steps are put into
 * the order in which a server carries them out.
 *
 * An ALTER that means something else step by step, or would fail so, stays whole: columns that exchange
 * names; a column that is dropped and added anew (it keeps its place in indexes); an AUTO_INCREMENT column
 * that comes with its key; another primary key. `before`, the source table as it was, lets more through.
 */
export function splitStatement(statement: ParsedStatement, map: NameMap, before?: TableSchema): string[] {
  switch (statement.kind) {
    case 'alter-table':
      return splitAlter(statement, map, before);
    case 'drop-table': {
      const exists = statement.ifExists ? 'IF EXISTS ' : '';
      return statement.tables.map((ref) => `DROP TABLE ${exists}${quoteTable(map(ref.name))}`);
    }
    case 'rename-table':
      return statement.pairs.map(
        ({ from, to }) => `RENAME TABLE ${quoteTable(map(from.name))} TO ${quoteTable(map(to.name))}`,
      );
    default:
      break;
  }
  return [rewriteTables(statement, map)];
}

/** With `keep` only these operations, each as a statement of its own. */
export function splitAlter(
  statement: AlterTable,
  map: NameMap,
  before?: TableSchema,
  keep?: (operation: AlterOperation) => boolean,
): string[] {
  const all = statement.operations.filter((operation) => operation.op !== 'modifier');
  const steps = keep === undefined ? all : all.filter(keep);
  const whole =
    steps.length < 2 ||
    dependsOnOldNames(steps) ||
    replacesColumn(steps, before) ||
    changesAdded(steps) ||
    convertsNew(steps) ||
    needsKeyAtOnce(steps) ||
    replacesPrimary(steps, before);
  if (whole && steps.length === all.length) return [rewriteTables(statement, map)];
  const edits = tableEdits(statement, map);
  const head = `ALTER TABLE ${statement.ifExists ? 'IF EXISTS ' : ''}${quoteTable(map(statement.table.name))} `;
  const dropsColumn = steps.some((step) => step.op === 'drop-column');
  const ordered = steps
    .map((step, i) => ({ step, i, phase: phaseOf(step, dropsColumn) }))
    .sort((a, b) => a.phase - b.phase || a.i - b.i)
    .map(({ step }) => step);
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

/** Whether a column is dropped and added in an order, or with indexes on it, that needs one statement. */
function replacesColumn(steps: readonly AlterOperation[], before: TableSchema | undefined): boolean {
  const added = new Set<string>();
  const dropped = new Set<string>();
  for (const step of steps) {
    if (step.op === 'drop-column') {
      if (added.has(step.name.toLowerCase())) return true;
      dropped.add(step.name.toLowerCase());
    } else if (step.op === 'add-column') {
      const name = step.column.name.toLowerCase();
      added.add(name);
      if (!dropped.has(name)) continue;
      const indexes = before?.indexes;
      if (!indexes || indexes.some(({ parts }) => parts.some((part) => part.column.toLowerCase() === name))) {
        return true;
      }
    }
  }
  return false;
}

/** ADD a, MODIFY IF EXISTS a: the condition looks at the table as it was. */
function changesAdded(steps: readonly AlterOperation[]): boolean {
  const added = new Set(
    steps.flatMap((step) => (step.op === 'add-column' ? [step.column.name.toLowerCase()] : [])),
  );
  return steps.some((step) => step.op === 'change-column' && added.has(step.name.toLowerCase()));
}

/** CONVERT TO CHARACTER SET wins over the character set that a new definition in the statement names. */
function convertsNew(steps: readonly AlterOperation[]): boolean {
  return (
    steps.some((step) => step.op === 'convert-charset') &&
    steps.some(
      (step) =>
        (step.op === 'add-column' || step.op === 'change-column') &&
        (step.column.type.charset !== undefined || step.column.type.collation !== undefined),
    )
  );
}

/** An AUTO_INCREMENT column has to have an index from the start. */
function needsKeyAtOnce(steps: readonly AlterOperation[]): boolean {
  const auto = steps.flatMap((step) =>
    (step.op === 'add-column' || step.op === 'change-column') && step.column.autoIncrement
      ? [step.column.name.toLowerCase()]
      : [],
  );
  return steps.some(
    (step) =>
      step.op === 'add-index' && step.index.parts.some((part) => auto.includes(part.column.toLowerCase())),
  );
}

/** The old primary key may hold an AUTO_INCREMENT column, which cannot be without an index. */
function replacesPrimary(steps: readonly AlterOperation[], before: TableSchema | undefined): boolean {
  if (!steps.some((step) => step.op === 'drop-primary')) return false;
  return before === undefined || before.columns.some((column) => column.autoIncrement);
}

/** Servers drop, then change columns, then make indexes, whatever the order of the text. */
function phaseOf(step: AlterOperation, dropsColumn: boolean): number {
  switch (step.op) {
    case 'drop-foreign-key':
      return 0;
    case 'drop-constraint':
      return 1;
    case 'drop-index':
    case 'drop-primary':
      // Behind the columns where it can be: an index may only be dropped once its column is no longer
      // AUTO_INCREMENT, and must be dropped before a column of it.
      return dropsColumn ? 2 : 5;
    case 'convert-charset':
    case 'table-options':
      return 3;
    case 'add-column':
    case 'drop-column':
    case 'change-column':
    case 'rename-column':
    case 'alter-column':
      return 4;
    case 'rename-index':
    case 'alter-index':
      return 6;
    case 'add-index':
      return 7;
    case 'add-check':
    case 'add-foreign-key':
      return 8;
    case 'partition-by':
    case 'partitions':
    case 'order-by':
    case 'modifier':
    case 'versioning':
      return 9;
    case 'rename-table':
      return 10;
    default:
      return unreachable(step);
  }
}
