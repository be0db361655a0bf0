/** How long a committed row takes until the other side shows it. */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { DatabaseServer } from '../../test/servers/database.js';

export interface Pace {
  /** Transactions of one row a second. */
  readonly rate: number;
  readonly seconds: number;
}

const WRITERS = 8;
const POLL_MS = 1;
const DEADLINE_MS = 60_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Commits rows from id `first` at an even pace and notes when each was acknowledged. */
async function write(
  source: DatabaseServer,
  first: number,
  { rate, seconds }: Pace,
  committed: Float64Array,
): Promise<void> {
  const total = committed.length;
  const began = performance.now();
  let next = 0;
  const one = async (connection: Connection): Promise<void> => {
    while (next < total) {
      const i = next++;
      const due = began + (i * 1000) / rate;
      const wait = due - performance.now();
      if (wait > 0) await pause(wait);
      await connection.query(`INSERT INTO b.lag VALUES (${first + i}, 'row ${i}')`);
      committed[i] = performance.now();
    }
  };
  const count = Math.min(WRITERS, Math.max(1, Math.ceil(rate / 100)));
  const connections = await Promise.all(Array.from({ length: count }, () => source.connect()));
  try {
    await Promise.all(connections.map(one));
  } finally {
    await Promise.all(connections.map((connection) => connection.end()));
  }
  const needed = (performance.now() - began) / 1000;
  if (needed > seconds * 1.2) {
    process.stdout.write(`  the writer took ${needed.toFixed(1)} s instead of ${seconds}: pace not held\n`);
  }
}

/** Milliseconds from the acknowledged commit to the answer that shows the row, a row each. */
export async function measureLag(
  source: DatabaseServer,
  target: DatabaseServer,
  first: number,
  pace: Pace,
): Promise<number[]> {
  const total = Math.max(1, Math.round(pace.rate * pace.seconds));
  const committed = new Float64Array(total);
  const seen = new Float64Array(total);
  const connection = await target.connect();
  const writing = write(source, first, pace, committed);
  const deadline = performance.now() + pace.seconds * 1000 + DEADLINE_MS;
  let low = 0;
  try {
    while (low < total) {
      const [rows] = await connection.query<RowDataPacket[][]>({
        sql: `SELECT id FROM b.lag WHERE id >= ${first + low}`,
        rowsAsArray: true,
      });
      const now = performance.now();
      for (const row of rows as unknown as number[][]) {
        const i = Number(row[0]) - first;
        if (i < total && seen[i] === 0) seen[i] = now;
      }
      while (low < total && seen[low] !== 0) low++;
      if (now > deadline) throw new Error(`${total - low} rows have not arrived`);
      await pause(POLL_MS);
    }
    await writing;
  } finally {
    await connection.end();
  }
  // A row may be seen before its commit has been acknowledged.
  return Array.from(seen, (at, i) => Math.max(0.05, at - committed[i]!));
}
