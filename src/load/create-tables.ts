/**
 * Creates the tables of a copy over several connections: a server waits for its disk with each CREATE TABLE,
 * which thousands of small tables feel more than anything else.
 */
import type { SourceTable } from '../dump/source-tables.js';
import type { Session } from '../mysql/session.js';

const CONNECTIONS = 8;
/** Fewer are not worth the log-ins. */
const TABLES_EACH = 4;

export interface CreateTablesInput {
  readonly target: Session;
  readonly connect: () => Promise<Session>;
  readonly tables: readonly SourceTable[];
  readonly create: (table: SourceTable, session: Session) => Promise<void>;
  /** At most so many connections beside `target`. */
  readonly limit: number;
}

/** Rejects with the first error; what others have begun is over by then. */
export async function createTables(input: CreateTablesInput): Promise<void> {
  const { target, tables, create } = input;
  // Parents and children locked in different orders would be deadlocks: these one after the other.
  const alone = tables.filter(({ createSql }) => /\bFOREIGN KEY\b/.test(createSql));
  const rest = tables.filter(({ createSql }) => !/\bFOREIGN KEY\b/.test(createSql));
  const more = Math.min(CONNECTIONS - 1, input.limit, Math.floor(rest.length / TABLES_EACH) - 1);
  let next = 0;
  let failed = false;
  const work = async (session: Session) => {
    while (!failed && next < rest.length) await create(rest[next++], session);
  };
  const workers = [work(target)];
  for (let i = 0; i < more; i++) workers.push(onItsOwn(input.connect, work));
  const ends = await Promise.allSettled(workers.map((worker) => worker.catch(fail)));
  const end = ends.find(({ status }) => status === 'rejected');
  if (end?.status === 'rejected') throw end.reason as Error;
  for (const table of alone) await create(table, target);

  function fail(error: unknown): never {
    failed = true;
    throw error;
  }
}

async function onItsOwn(
  connect: () => Promise<Session>,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const session = await connect();
  try {
    await work(session);
  } finally {
    await session.close();
  }
}
