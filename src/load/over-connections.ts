/** Work on the target's objects over several connections: a server waits for its disk with each DDL. */
import type { Session } from '../mysql/session.js';

const CONNECTIONS = 8;

export interface Connections {
  readonly target: Session;
  readonly connect: () => Promise<Session>;
  /** At most so many connections beside `target`. */
  readonly limit: number;
}

/**
 * Calls `work` for each item, one after the other on each connection; `each` items are worth one more.
 * Rejects with the first error; what others have begun is over by then.
 */
export async function overConnections<T>(
  { target, connect, limit }: Connections,
  items: readonly T[],
  work: (item: T, session: Session) => Promise<void>,
  each = 1,
): Promise<void> {
  const more = Math.min(CONNECTIONS - 1, limit, Math.floor(items.length / each) - 1);
  let next = 0;
  let failed = false;
  const goOn = async (session: Session) => {
    while (!failed && next < items.length) await work(items[next++], session);
  };
  const onItsOwn = async () => {
    const session = await connect();
    try {
      await goOn(session);
    } finally {
      await session.close();
    }
  };
  const workers = [goOn(target)];
  for (let i = 0; i < more; i++) workers.push(onItsOwn());
  const fail = (error: unknown): never => {
    failed = true;
    throw error;
  };
  const ends = await Promise.allSettled(workers.map((worker) => worker.catch(fail)));
  const end = ends.find(({ status }) => status === 'rejected');
  if (end?.status === 'rejected') throw end.reason as Error;
}
