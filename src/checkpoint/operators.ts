/**
 * What operators have decided about single statements of the source, kept in the target beside the
 * checkpoint: whoever owns the subtask next finds it, and it is as safe as the data that it decides about.
 */
import { comparePositions, type BinlogLocation } from '../model/location.js';
import type { Session } from '../mysql/session.js';
import { text, type MetaTables } from './tables.js';

export type OperatorKind = 'skip' | 'replace' | 'inject';

export type Place = Pick<BinlogLocation, 'name' | 'pos'>;

export interface Operator {
  /** Where the statement's event, or its transaction, begins. */
  readonly place: Place;
  readonly op: OperatorKind;
  /** Of replace and inject. */
  readonly sqls: readonly string[];
  /** Tells this decision from an earlier one about the same place. */
  readonly id: string;
  /** Of inject: so many steps of the statement itself ran on the target before it was decided on. */
  readonly doneSteps: number;
}

export interface OperatorKey {
  readonly tables: MetaTables;
  readonly sourceId: string;
}

const COLUMNS = 'binlog_name, binlog_pos, operator_id, op, sqls, done_steps';

/** All, in the order of the binlog. */
export async function readOperators(session: Session, key: OperatorKey): Promise<Operator[]> {
  const rows = await session.query(
    `SELECT ${COLUMNS} FROM ${key.tables.operator} WHERE id=${text(key.sourceId)}`,
  );
  return rows.map(operatorOf).sort((a, b) => comparePositions(a.place, b.place));
}

/** What is to be done at one of these places: the latest decision where there are several. */
export async function operatorAt(
  session: Session,
  key: OperatorKey,
  places: readonly Place[],
): Promise<Operator | null> {
  const [row] = await session.query(
    `SELECT ${COLUMNS} FROM ${key.tables.operator} WHERE ${where(key, places)} ORDER BY seq_no DESC LIMIT 1`,
  );
  return row === undefined ? null : operatorOf(row);
}

/** Takes the place of an earlier decision about the same place. */
export async function saveOperator(
  session: Session,
  key: OperatorKey,
  operator: Omit<Operator, 'id'>,
): Promise<void> {
  const { place, op, sqls, doneSteps } = operator;
  const id = text(key.sourceId);
  const [last] = await session.query(
    `SELECT MAX(seq_no) AS seq_no FROM ${key.tables.operator} WHERE id=${id}`,
  );
  await session.execute(
    `REPLACE INTO ${key.tables.operator} (id, binlog_name, binlog_pos, seq_no, operator_id, op, sqls, done_steps)` +
      ` VALUES (${id}, ${text(place.name)}, ${place.pos}, ${Number(last?.seq_no ?? 0) + 1}, UUID(),` +
      ` ${text(op)}, ${text(JSON.stringify(sqls))}, ${doneSteps})`,
  );
}

/** Returns how many there were. */
export async function deleteOperators(
  session: Session,
  key: OperatorKey,
  places: readonly Place[],
): Promise<number> {
  if (places.length === 0) return 0;
  const [result] = await session.execute(`DELETE FROM ${key.tables.operator} WHERE ${where(key, places)}`);
  return result.affectedRows;
}

/** Forgets those before the checkpoint: what they were for is never read again. */
export async function deletePassed(session: Session, key: OperatorKey, checkpoint: Place): Promise<void> {
  if (checkpoint.name === '') return;
  const known = await readOperators(session, key);
  // Names of another base are of another server: nobody can tell which comes first.
  const passed = known.filter(
    ({ place }) => sameBase(place.name, checkpoint.name) && comparePositions(place, checkpoint) < 0,
  );
  await deleteOperators(
    session,
    key,
    passed.map(({ place }) => place),
  );
}

function sameBase(a: string, b: string): boolean {
  const base = (name: string) => name.slice(0, name.lastIndexOf('.'));
  return base(a) === base(b);
}

function where(key: OperatorKey, places: readonly Place[]): string {
  const any = places.map(({ name, pos }) => `(binlog_name=${text(name)} AND binlog_pos=${pos})`);
  return `id=${text(key.sourceId)} AND (${any.join(' OR ')})`;
}

function operatorOf(row: Record<string, string | null>): Operator {
  return {
    place: { name: row.binlog_name ?? '', pos: Number(row.binlog_pos) },
    op: row.op as OperatorKind,
    sqls: JSON.parse(row.sqls ?? '[]') as string[],
    id: row.operator_id ?? '',
    doneSteps: Number(row.done_steps),
  };
}
