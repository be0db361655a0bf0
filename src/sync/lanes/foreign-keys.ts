/**
 * Order between tables where the target checks foreign keys (`session: foreign_key_checks: 1`).
 *
 * Rows that refer to each other are of different lanes. So a child waits for the last write of its parent,
 * and a parent whose referenced values go (DELETE, or an UPDATE of them) waits for all that came before. Where
 * the target itself then changes children (ON DELETE CASCADE and the like; no binlog tells of these), all
 * tables with foreign keys wait for that. LaneSet does the waiting.
 */
import type { TableName } from '../../model/table-name.js';
import type { Session } from '../../mysql/session.js';
import type { Column } from '../../schema/table.js';
import { chooseFold, hashText, type Fold } from './fold.js';
import type { KeyPlan } from './plan.js';

/** One foreign key of the target. */
export interface Reference {
  readonly child: TableName;
  readonly parent: TableName;
  /** Pairs of columns, in the order of the key. */
  readonly columns: readonly { readonly child: string; readonly parent: string }[];
  /** A delete or update of the parent's values changes or removes children. */
  readonly cascades: boolean;
}

export interface ForeignKeyPlan {
  /** Values that a parent must hold. */
  readonly parents: readonly KeyPlan[];
  /** Values that children may hold. */
  readonly referenced: readonly KeyPlan[];
  readonly cascades: boolean;
  /** Refers to itself: the order of rows within a statement counts. */
  readonly toItself: boolean;
  /** Whether two values are equal cannot be told for sure: nothing passes a change of this table. */
  readonly serial: boolean;
}

/** All foreign keys of the target, [] where its sessions do not check them. */
export async function fetchReferences(session: Session): Promise<Reference[]> {
  const [checks] = await session.execute('SELECT @@SESSION.foreign_key_checks');
  if (checks.rows[0]?.[0] !== '1') return [];
  const rows = await session.query(
    'SELECT k.TABLE_SCHEMA AS child_schema, k.TABLE_NAME AS child_table, k.COLUMN_NAME AS child_column,' +
      ' k.REFERENCED_TABLE_SCHEMA AS parent_schema, k.REFERENCED_TABLE_NAME AS parent_table,' +
      ' k.REFERENCED_COLUMN_NAME AS parent_column, k.CONSTRAINT_NAME AS name,' +
      ' r.DELETE_RULE AS on_delete, r.UPDATE_RULE AS on_update' +
      ' FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r' +
      ' ON r.CONSTRAINT_SCHEMA=k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME=k.CONSTRAINT_NAME AND r.TABLE_NAME=k.TABLE_NAME' +
      ' WHERE k.REFERENCED_TABLE_NAME IS NOT NULL ORDER BY k.ORDINAL_POSITION',
  );
  const found = new Map<string, Reference & { columns: { child: string; parent: string }[] }>();
  for (const row of rows) {
    const child = { schema: row.child_schema ?? '', table: row.child_table ?? '' };
    const key = `${nameOf(child)}\u0000${row.name}`;
    const changes = [row.on_delete, row.on_update].some((rule) => /^(CASCADE|SET )/.test(rule ?? ''));
    const reference = found.get(key) ?? {
      child,
      parent: { schema: row.parent_schema ?? '', table: row.parent_table ?? '' },
      columns: [],
      cascades: changes,
    };
    reference.columns.push({ child: row.child_column ?? '', parent: row.parent_column ?? '' });
    found.set(key, reference);
  }
  return [...found.values()];
}

export interface ForeignKeyInput {
  readonly target: TableName;
  readonly references: readonly Reference[];
  /** By lower-case name: ordinal in the row, and the columns of both sides. */
  readonly column: (name: string) => { ordinal: number | undefined; source?: Column; target?: Column };
}

/** Null for a table without foreign keys that none refers to. */
export function planForeignKeys(input: ForeignKeyInput): ForeignKeyPlan | null {
  const own = nameOf(input.target);
  const asChild = input.references.filter(({ child }) => nameOf(child) === own);
  const asParent = input.references.filter(({ parent }) => nameOf(parent) === own);
  if (asChild.length === 0 && asParent.length === 0) return null;
  let serial = false;
  const compile =
    (side: 'child' | 'parent') =>
    (reference: Reference): KeyPlan => {
      // Both sides must come to the same hash: named and ordered by the parent's columns.
      const pairs = reference.columns
        .map((pair) => ({ of: pair[side].toLowerCase(), parent: pair.parent.toLowerCase() }))
        .sort((a, b) => (a.parent < b.parent ? -1 : 1));
      const parts = pairs.map(({ of }) => {
        const { ordinal, source, target } = input.column(of);
        const fold = ordinal === undefined ? 'constant' : chooseFold(source, target);
        if (!COMPARABLE.has(fold)) serial = true;
        return { column: ordinal ?? 0, fold, prefix: 0 };
      });
      const seed = hashText(
        0x51ed270b,
        [nameOf(reference.parent), ...pairs.map(({ parent }) => parent)].join('\u0000'),
      );
      return { seed, parts };
    };
  const parents = asChild.map(compile('child'));
  const referenced = asParent.map(compile('parent'));
  return {
    parents,
    referenced: referenced.filter((key, i) => referenced.findIndex(({ seed }) => seed === key.seed) === i),
    cascades: asParent.some(({ cascades }) => cascades),
    toItself: asParent.some(({ child }) => nameOf(child) === own),
    serial,
  };
}

/** Folds that do not depend on how a type is written on each side. */
const COMPARABLE: ReadonlySet<Fold> = new Set<Fold>(['integer', 'padded', 'loose', 'loose-bmp', 'bytes']);

/** Servers differ in the case of names here; that two tables are taken for one only makes for waits. */
function nameOf({ schema, table }: TableName): string {
  return `${schema}\u0000${table}`.toLowerCase();
}
