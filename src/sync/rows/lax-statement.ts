/**
 * A statement that a strict session has refused though the source has stored its rows: again without strictness,
 * where that changes none of the values (evaluation-warnings.ts).
 */
import {
  isHarmless,
  isOfEvaluation,
  mayBeStrictness,
  MOST_WARNINGS,
  type WrittenTypes,
} from '../../mysql/evaluation-warnings.js';
import { SqlError, type Session, type StatementResult } from '../../mysql/session.js';
import type { Column } from '../../schema/table.js';
import type { TablePlan } from '../lanes/plan.js';
import type { WrittenColumn } from './upsert-plan.js';

// Names of our own: a packet may have a change of mode open around the statement.
const LAX =
  'SET @sluice_row_mode=@@SESSION.sql_mode,@sluice_warnings=@@SESSION.max_error_count,' +
  "SESSION sql_mode=REPLACE(REPLACE(@@SESSION.sql_mode,'STRICT_TRANS_TABLES',''),'STRICT_ALL_TABLES','')," +
  `SESSION max_error_count=${MOST_WARNINGS}`;
const AS_BEFORE = 'SET SESSION sql_mode=@sluice_row_mode,SESSION max_error_count=@sluice_warnings';

/**
 * The types in the target of what is written; null where rows are found by comparing what is not of one kind (a
 * number with a text): only strictness keeps such a comparison from finding others.
 */
export function planLax(
  identity: readonly string[] | null,
  written: readonly WrittenColumn[],
  source: ReadonlyMap<string, Column>,
  target: ReadonlyMap<string, Column>,
): WrittenTypes | null {
  const compared = identity ?? written.map(({ column }) => column.name.toLowerCase());
  for (const name of compared) {
    const kind = kindOf(source.get(name));
    if (kind === '' || kind !== kindOf(target.get(name))) return null;
  }
  return new Map(written.map(({ column, target: to }) => [column.name.toLowerCase(), to?.type.base ?? '']));
}

const NUMBERS = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'float', 'double']);
/** MariaDB's JSON is a LONGTEXT. A real JSON is compared with a CAST, which is no less strict for a lax session. */
const STRINGS = /^(?:(?:var)?(?:char|binary)|(?:tiny|medium|long)?(?:text|blob)|json)$/;

function kindOf(column: Column | undefined): string {
  const base = column?.type.base ?? '';
  if (NUMBERS.has(base)) return 'number';
  return STRINGS.test(base) ? 'string' : base;
}

/** Nothing but strictness may have failed there: the statements are worth another try, one by one. */
export function maybeTooStrict(error: unknown, plan: TablePlan | null | undefined): error is SqlError {
  return error instanceof SqlError && plan?.lax != null && mayBeStrictness(error.errno);
}

/** Throws what the strict session says where the lax one would change a value, or refuses it too. */
export async function executeAsStored(
  session: Session,
  sql: Buffer,
  plan: TablePlan | null,
): Promise<StatementResult> {
  try {
    return (await session.execute(sql))[0];
  } catch (error) {
    const written = plan?.lax;
    if (written == null || !maybeTooStrict(error, plan)) throw error;
    const result = await executeLax(session, sql, written);
    if (result === null) throw error;
    return result;
  }
}

async function executeLax(
  session: Session,
  sql: Buffer,
  written: WrittenTypes,
): Promise<StatementResult | null> {
  await session.execute(LAX);
  try {
    const [result] = await session.execute(sql);
    const listed = result.warnings === 0 ? [] : (await session.execute('SHOW WARNINGS'))[0].rows;
    if (listed.length < result.warnings || listed.length >= MOST_WARNINGS) return null;
    const harmless = listed.every(
      ([level, code, message]) =>
        isHarmless(level, Number(code)) || isOfEvaluation(Number(code), message ?? '', written),
    );
    return harmless ? result : null;
  } catch (error) {
    if (error instanceof SqlError && mayBeStrictness(error.errno)) return null;
    throw error;
  } finally {
    if (!session.closed) await session.execute(AS_BEFORE);
  }
}
