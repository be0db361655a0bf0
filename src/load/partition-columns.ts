/**
 * MariaDB takes no RANGE or LIST of a generated column whose expression could not stand there itself, which MySQL
 * does: error 1486. As RANGE COLUMNS or LIST COLUMNS it takes the same column, and each row is in the same partition.
 */
import { SqlError } from '../mysql/session.js';
import type { Log } from '../runtime/ports.js';

const NOT_ALLOWED = 1486;
const BY_COLUMN =
  /\bPARTITION\s+BY\s+(?:RANGE|LIST)(?=\s*\(\s*(?:`(?:[^`]|``)+`|[\w$\u0080-\uffff]+)\s*\))/gi;

/** Runs a statement, by columns where the target wants that. Throws what `run` throws of the statement as it is. */
export async function runWithPartitionColumns(
  sql: string,
  log: Log,
  run: (sql: string) => Promise<void>,
): Promise<void> {
  try {
    await run(sql);
  } catch (error) {
    if (!(error instanceof SqlError) || error.errno !== NOT_ALLOWED) throw error;
    const changed = byColumns(sql);
    if (changed === sql) throw error;
    try {
      await run(changed);
    } catch (second) {
      throw second instanceof SqlError ? error : second;
    }
    log.warn('the target partitions by a generated column only as COLUMNS', { sql: changed });
  }
}

/** The clause stands behind everything that could look like it. */
export function byColumns(sql: string): string {
  const last = [...sql.matchAll(BY_COLUMN)].at(-1);
  if (last === undefined) return sql;
  const end = last.index + last[0].length;
  return `${sql.slice(0, end)} COLUMNS${sql.slice(end)}`;
}
