/** Full copies of a MySQL source that allows no lock at all, and without consistency, while it is written to. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { bracket } from '../../src/dump/bracket.js';
import { openSnapshot } from '../../src/dump/snapshot.js';
import type { DumpConfig } from '../../src/model/subtask-config.js';
import { connectSession } from '../../src/mysql/connect.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { describeWith, startDatabase, startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { expectEqualTables } from '../sync/support.js';
import { only, Task } from '../values/support.js';
import { dbConfig, silentLog, subtaskConfig } from './support.js';

const MODEST = { user: 'modest', password: 'Poor-Pass.1' };

/** Connections that write without a pause, or with ever longer ones: on a slow machine a moment is longer. */
function write(server: DatabaseServer, sql: string, connections: number, pauseMs = 0) {
  let writing = true;
  const all = Array.from({ length: connections }, async () => {
    const connection = await server.connect();
    for (let pause = pauseMs; writing; pause *= 1.1) {
      // A deadlock is one transaction less.
      await connection.query(sql).catch((error: { errno?: number }) => {
        if (error.errno !== 1213) throw error;
      });
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(pause, 1_000)));
    }
    await connection.end();
  });
  return {
    stop: async () => {
      writing = false;
      await Promise.all(all);
    },
  };
}

await describeWith('mysql-9.7', 'a MySQL source that refuses every lock', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  beforeAll(async () => {
    source = await startDatabase('mysql-9.7');
    target = await startMariaDb();
    await source.execute(
      "CREATE USER modest IDENTIFIED BY 'Poor-Pass.1'; GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO modest",
    );
  });
  beforeEach(async () => {
    for (const server of [source, target]) {
      await server.execute('DROP DATABASE IF EXISTS b; DROP DATABASE IF EXISTS dm_meta');
    }
    await source.execute(
      "CREATE DATABASE b; CREATE TABLE b.t (id INT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL DEFAULT 0, v VARCHAR(64) NOT NULL DEFAULT '')",
    );
  });
  afterAll(async () => {
    await source?.stop();
    await target?.stop();
  });
  const config = (consistency: DumpConfig['consistency'] = 'auto') => {
    const base = subtaskConfig(source, source).dump;
    return { ...only('b'), from: { ...dbConfig(source), ...MODEST }, dump: { ...base, consistency } };
  };
  const change =
    "INSERT INTO b.t () VALUES (), (); UPDATE b.t SET n = n + 1, v = CONCAT('x', n) ORDER BY id DESC LIMIT 3; DELETE FROM b.t WHERE id % 7 = 3 ORDER BY id DESC LIMIT 1";

  it.for([
    ['auto', false],
    ['auto', true],
    ['none', false],
    ['none', true],
  ] as const)(
    'is copied and followed while it never rests, consistency %s, by GTID: %s',
    async ([consistency, enableGtid]) => {
      const writers = write(source, change, 4);
      const task = await Task.start(source, target, { ...config(consistency), enableGtid });
      try {
        await task.untilSynced();
        await writers.stop();
        await task.untilSynced();
      } finally {
        await writers.stop();
        await task.stop();
      }
      await expectEqualTables(source, target, ['b.t']);
    },
  );

  it('gives an exact snapshot when it rests for a moment, also for tables without a key', async () => {
    await source.execute('CREATE TABLE b.keyless (a INT, b INT)');
    const writers = write(
      source,
      'INSERT INTO b.keyless VALUES (1, 1); UPDATE b.keyless SET b = b + 1 LIMIT 2',
      2,
      30,
    );
    const task = await Task.start(source, target, config());
    try {
      await task.untilSynced();
      await writers.stop();
      await task.untilSynced();
    } finally {
      await writers.stop();
      await task.stop();
    }
    await expectEqualTables(source, target, ['b.keyless']);
  });

  it('is refused, with the reason, where it never rests and a table has no key', async () => {
    await source.execute('CREATE TABLE b.keyless (a INT, b INT, UNIQUE KEY (a))');
    const session = await connectSession({ db: dbConfig(source), role: 'source' });
    let opened = 0;
    let moves = 0;
    const result = bracket(session, {
      config: subtaskConfig(source, target, { taskMode: 'full' }),
      tables: [
        { schema: 'b', table: 't' },
        { schema: 'b', table: 'keyless' },
      ],
      clock: new RealClock(),
      log: silentLog,
      signal: new AbortController().signal,
      openReaders: () => Promise.resolve(void opened++),
      closeReaders: () => Promise.resolve(void opened--),
      end: () => Promise.resolve({ name: 'bin.000001', pos: ++moves, gtidSet: `u:1-${moves}` }),
    });
    await expect(result).rejects.toThrow(/written to all the time: `b`\.`keyless` without a key/);
    expect(opened).toBe(1);
    await session.close();
  });

  it.for(['auto', 'none'] as const)(
    'shows everything that is before its place, consistency %s',
    async (consistency) => {
      await source.execute('CREATE TABLE b.log (id INT AUTO_INCREMENT PRIMARY KEY)');
      const executed = (gtidSet: string) => Number(/(\d+)$/.exec(gtidSet)?.[1]);
      const [before] = await source.query('SELECT @@gtid_executed AS g');
      const base = executed(String(before!['g']));
      const writers = write(source, 'INSERT INTO b.log VALUES ()', 6);
      try {
        for (let round = 0; round < 3; round++) {
          const snapshot = await openSnapshot({
            config: subtaskConfig(source, source, config(consistency)),
            tables: [{ schema: 'b', table: 'log' }],
            connections: 2,
            clock: new RealClock(),
            log: silentLog,
            signal: new AbortController().signal,
          });
          for (const { session, location } of snapshot.connections) {
            const [{ n }] = await session.query('SELECT COUNT(*) AS n FROM b.log');
            const exit = snapshot.exitSafe ?? location;
            expect(Number(n)).toBeGreaterThanOrEqual(executed(location.gtidSet) - base);
            // What the binlog holds at the exit may count as executed a moment later.
            expect(exit.pos).toBeGreaterThanOrEqual(location.pos);
            // The place is where a transaction begins that is not among the executed ones, or the end.
            const events = await source.query(
              `SHOW BINLOG EVENTS IN '${location.name}' FROM ${location.pos} LIMIT 1`,
            );
            const next = /:(\d+)'?$/.exec(String(events[0]?.['Info'] ?? ''))?.[1];
            if (next !== undefined) expect(Number(next)).toBe(executed(location.gtidSet) + 1);
          }
          snapshot.close();
        }
      } finally {
        await writers.stop();
      }
    },
  );
});
