/** Creates the tables of a copy, many at a time. */
import type { SourceTable } from '../dump/source-tables.js';
import type { Session } from '../mysql/session.js';
import { overConnections, type Connections } from './over-connections.js';

/** Fewer are not worth a log-in. */
const TABLES_EACH = 4;

export async function createTables(
  connections: Connections,
  tables: readonly SourceTable[],
  create: (table: SourceTable, session: Session) => Promise<void>,
): Promise<void> {
  // Parents and children locked in different orders would be deadlocks: these one after the other.
  const related = ({ createSql }: SourceTable) => /\bFOREIGN KEY\b/.test(createSql);
  const alone = tables.filter(related);
  const rest = tables.filter((table) => !related(table));
  await overConnections(connections, rest, create, TABLES_EACH);
  for (const table of alone) await create(table, connections.target);
}
