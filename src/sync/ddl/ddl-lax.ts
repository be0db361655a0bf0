/**
 * DDL on a table whose computed values a strict session refuses (a lax session of the source has stored its rows,
 * see evaluation-warnings.ts). The source may have changed the definition alone, where the target reads all rows
 * and computes them anew: the same statement without strictness, where it changes no value that is stored.
 */
import { mayBeStrictness } from '../../mysql/evaluation-warnings.js';
import { SqlError } from '../../mysql/session.js';
import type { AlterOperation } from '../../schema/ddl-types.js';
import { parseDdl } from '../../schema/ddl.js';
import type { Dialect } from '../../schema/dialect.js';
import type { QueryEvent } from './ddl.js';
import type { Log } from '../../runtime/ports.js';

/** They may make other values of those that are stored, or put rows elsewhere. */
const CHANGES_VALUES: ReadonlySet<AlterOperation['op']> = new Set([
  'change-column',
  'convert-charset',
  'partition-by',
  'partitions',
  'versioning',
]);

const STRICT_BITS = (1n << 21n) | (1n << 22n);

/** The statement of a session that had no strict mode. */
export function withoutStrictness(event: QueryEvent): QueryEvent {
  const { status } = event;
  return { ...event, status: { ...status, sqlMode: (status.sqlMode ?? 0n) & ~STRICT_BITS } };
}

export interface LaxRunInput {
  readonly sql: string;
  readonly dialect: Dialect;
  readonly defaultSchema: string;
  readonly log: Log;
  readonly run: (sql: string, lax: boolean) => Promise<void>;
}

/** Throws what the strict session says where the other one would not do the same to the rows. */
export async function runAsStored({ sql, dialect, defaultSchema, log, run }: LaxRunInput): Promise<void> {
  try {
    await run(sql, false);
  } catch (error) {
    if (!(error instanceof SqlError) || !mayBeStrictness(error.errno)) throw error;
    if (!keepsValues(sql, { ...dialect, defaultSchema })) throw error;
    log.warn('a DDL is refused for values that are computed of rows: again without strictness', {
      sql,
      error: error.message,
    });
    await run(sql, true);
  }
}

function keepsValues(sql: string, dialect: Parameters<typeof parseDdl>[1]): boolean {
  const parsed = parseDdl(sql, dialect);
  if (parsed.kind === 'create-index') return true;
  return parsed.kind === 'alter-table' && !parsed.operations.some(({ op }) => CHANGES_VALUES.has(op));
}
