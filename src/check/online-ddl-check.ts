/** Looks for ghost tables: what was changed in them before the task begins is not known to it. */
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import { MigratedTables } from '../online-ddl/migrated-tables.js';
import type { Finding } from './types.js';

/** Names beyond this many are counted only. */
const SHOWN = 10;

/** A warning only: left-overs of aborted runs do no harm, and a task that is started again knows the changes. */
export async function checkOnlineDdl(session: Session, config: SubtaskConfig): Promise<Finding> {
  const migrated = new MigratedTables(config);
  const rows = await session.query(
    `SELECT table_schema AS s, table_name AS t FROM information_schema.tables WHERE table_type = 'BASE TABLE' ORDER BY 1, 2`,
  );
  const ghosts = rows
    .map(({ s, t }) => ({ schema: s ?? '', table: t ?? '' }))
    .filter((name) => migrated.follows(name) && migrated.rules?.classify(name).kind === 'ghost');
  if (ghosts.length === 0) return { state: 'success' };
  const shown = ghosts.slice(0, SHOWN).map(quoteTable).join(', ');
  const more = ghosts.length > SHOWN ? ` and ${ghosts.length - SHOWN} more` : '';
  return {
    state: 'warn',
    errorMsg: `there are ghost tables of an online DDL: ${shown}${more}`,
    instruction:
      'If gh-ost or pt-online-schema-change is at work, please start the task when it has ended: what it changed before is not known to a new task (error 36046). Tables that an aborted run has left can be dropped.',
  };
}
