/** Under writes, the rows that a snapshot shows are exactly the commits before its place in the binlog. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RealClock } from '../../src/runtime/real/clock.js';
import { openSnapshot } from '../../src/dump/snapshot.js';
import type { DumpConfig } from '../../src/model/subtask-config.js';
import { describeWith, startDatabase } from '../servers/index.js';
import { silentLog, subtaskConfig } from './support.js';

type Server = Awaited<ReturnType<typeof startDatabase>>;

function cases(kind: 'mariadb-10.11' | 'mysql-9.7', modes: DumpConfig['consistency'][]): void {
  let server: Server;
  beforeAll(async () => {
    server = await startDatabase(kind, { gtid: true });
    await server.execute(
      `CREATE DATABASE d; CREATE USER modest IDENTIFIED BY 'Poor-Pass.1';
       GRANT SELECT, LOCK TABLES, REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO modest;
       CREATE TABLE d.log (id INT PRIMARY KEY AUTO_INCREMENT)`,
    );
  });
  afterAll(() => server?.stop());

  /** Transactions in a GTID set of one server: MariaDB 0-1-27, MySQL uuid:1-27. */
  const transactions = (gtidSet: string) => Number(/(\d+)$/.exec(gtidSet)?.[1]);

  async function check(
    user: { user: string; password: string },
    consistency: DumpConfig['consistency'],
    { rounds = 5, monitors = 0 } = {},
  ) {
    const from = { host: server.host, port: server.port, flavor: server.flavor, ...user };
    const base = subtaskConfig(from, server);
    const config = { ...base, dump: { ...base.dump, consistency } };
    let writing = true;
    const writers = [0, 1, 2, 3].map(async () => {
      const connection = await server.connect();
      while (writing) await connection.query('INSERT INTO d.log VALUES ()');
      await connection.end();
    });
    const monitoring = Array.from({ length: monitors }, async () => {
      const connection = await server.connect();
      while (writing) await connection.query("SHOW GLOBAL STATUS LIKE 'binlog_snapshot_%'");
      await connection.end();
    });
    try {
      const [start] = await server.query('SELECT COUNT(*) AS n FROM d.log');
      for (let round = 0; round < rounds; round++) {
        const snapshot = await openSnapshot({
          config,
          tables: [{ schema: 'd', table: 'log' }],
          connections: 3,
          clock: new RealClock(),
          log: silentLog,
          signal: new AbortController().signal,
        });
        const counts = await Promise.all(
          snapshot.connections.map(async ({ session, location }) => {
            const [{ n }] = await session.query('SELECT COUNT(*) AS n FROM d.log');
            return { rows: Number(n), before: transactions(location.gtidSet) };
          }),
        );
        snapshot.close();
        if (baseline === null) baseline = counts[0].before - counts[0].rows;
        for (const { rows, before } of counts) {
          expect(before - rows).toBe(baseline);
          expect(rows).toBeGreaterThanOrEqual(Number(start.n));
        }
      }
    } finally {
      writing = false;
      await Promise.all([...writers, ...monitoring]);
    }
  }
  /** Transactions before the first row: the set-up. */
  let baseline: number | null = null;

  const modest = { user: 'modest', password: 'Poor-Pass.1' };
  it.each(modes)('consistency %s', (mode) => check(server, mode));
  it('consistency auto without the right to flush', () => check(modest, 'auto'));
  if (kind === 'mariadb-10.11') {
    it('consistency snapshot while others ask for the status', () =>
      check(server, 'snapshot', { rounds: 60, monitors: 4 }));
  }
}

describe('a snapshot of MariaDB', () => cases('mariadb-10.11', ['auto', 'flush', 'lock', 'snapshot']));
await describeWith('mysql-9.7', 'a snapshot of MySQL', () => cases('mysql-9.7', ['auto', 'flush', 'lock']));
