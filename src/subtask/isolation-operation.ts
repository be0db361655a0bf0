/** `isolation list|retry|drop` on one subtask: in its running unit, else on what the target keeps of it. */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { IsolatingSyncer } from '../isolation/isolating-syncer.js';
import { ParkedTable } from '../isolation/parked-table.js';
import { isolationTables, loadParked, markParked, type ParkedRow } from '../isolation/store.js';
import { NO_LOCATION } from '../model/location.js';
import type { IsolationOperation, OperationAnswer } from '../model/operation.js';
import type { IsolatedTable } from '../model/status.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable, type TableName } from '../model/table-name.js';
import { connectSession } from '../mysql/connect.js';
import type { Session } from '../mysql/session.js';

/** The answer of `list` holds the tables as JSON. */
export async function operateIsolation(
  operation: IsolationOperation,
  config: SubtaskConfig,
  syncer: IsolatingSyncer | null,
): Promise<OperationAnswer> {
  if (syncer === null) return atRest(operation, config);
  const { isolation } = syncer;
  if (operation.op === 'list') return listed(isolation?.status() ?? []);
  const chosen = isolation === null ? [] : isolation.all().filter((table) => isNamed(table, operation.table));
  if (chosen.length === 0 || isolation === null) throw notFound(operation.table, isolation?.all() ?? []);
  for (const table of chosen) {
    if (operation.op === 'retry') isolation.retry(table);
    else await isolation.drop(table);
  }
  return { result: true, msg: '' };
}

async function atRest(operation: IsolationOperation, config: SubtaskConfig): Promise<OperationAnswer> {
  const session = await connectSession({ db: config.to });
  try {
    return await operateRows(operation, config, session);
  } finally {
    await session.close();
  }
}

async function operateRows(
  operation: IsolationOperation,
  config: SubtaskConfig,
  session: Session,
): Promise<OperationAnswer> {
  const tables = isolationTables(config);
  const rows = await loadParked(session, tables, config.sourceId);
  if (operation.op === 'list') {
    return listed(
      rows.map((row: ParkedRow) => new ParkedTable(row, { from: NO_LOCATION, gtidOrder: null }).status()),
    );
  }
  const chosen = rows.filter((row) => isNamed(row, operation.table));
  if (chosen.length === 0) throw notFound(operation.table, rows);
  // What is to be tried is tried by the next start in any case.
  const state = operation.op === 'retry' ? 'retry' : 'dropping';
  for (const row of chosen) await markParked(session, tables, config.sourceId, row.number, state);
  return { result: true, msg: 'the subtask is not running: it will be done once the task is resumed' };
}

function listed(tables: readonly IsolatedTable[]): OperationAnswer {
  return { result: true, msg: JSON.stringify(tables) };
}

/** `name` as `schema.table`, quoted or not; '' is every table. */
function isNamed({ target }: { readonly target: TableName }, name: string): boolean {
  if (name === '' || name === quoteTable(target)) return true;
  return `${target.schema}.${target.table}`.toLowerCase() === name.replaceAll('`', '').toLowerCase();
}

function notFound(name: string, tables: readonly { readonly target: TableName }[]): DmError {
  const known = tables.map(({ target }) => quoteTable(target)).join(', ') || 'none';
  const what = name === '' ? 'no table is set aside' : `the table ${name} is not set aside`;
  return new DmError(CODES.isolationNotFound, `${what}; those that are: ${known}`);
}
