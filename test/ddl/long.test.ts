/** Statements that take long, and what may happen meanwhile: each runs exactly once. */
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSession } from '../../src/mysql/connect.js';
import { listConnections } from '../../src/checkpoint/connections.js';
import { collectingLog, dbConfig } from '../copy/support.js';
import { startDatabase } from '../servers/availability.js';
import { describeWith } from '../servers/describe-with.js';
import { startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { waitFor } from '../support/wait-for.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from '../sync/support.js';

describe('a DDL that takes long', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  let n = 0;
  beforeAll(async () => {
    [source, target] = await Promise.all([startMariaDb(), startMariaDb()]);
  });
  afterAll(() => Promise.all([source?.stop(), target?.stop()]));

  /** A task whose `ALTER TABLE t` waits in the target until `release`. */
  async function slowAlter(alter = 'ALTER TABLE t ADD COLUMN n INT NOT NULL DEFAULT 7') {
    const db = `l${++n}`;
    const create = `CREATE DATABASE ${db}; USE ${db}; CREATE TABLE t (id INT PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 2; CREATE TABLE x (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (2, 2), (4, 4); INSERT INTO x VALUES (6, 6)`;
    await source.execute(create);
    await target.execute(create);
    const config = await incremental(source, target, {
      task: `long${n}`,
      blockAllow: { doDbs: [db], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    const blocker: Connection = await target.connect({ database: db });
    await blocker.query('BEGIN');
    await blocker.query('SELECT * FROM t');
    await source.execute(`USE ${db}; ${alter}; INSERT INTO x VALUES (10, 10)`);
    const running = async () => {
      const rows = await target.query(
        "SELECT id AS id FROM information_schema.processlist WHERE command='Query' AND info LIKE 'ALTER TABLE%'",
      );
      return rows.map((row) => Number(row['id']));
    };
    const release = async () => {
      await blocker.query('ROLLBACK');
      await blocker.end();
    };
    const waits = () =>
      waitFor(async () => (await running()).length > 0, { what: 'the ALTER to wait', intervalMs: 10 });
    return { db, config, running, release, waits };
  }

  const EXCHANGE = 'ALTER TABLE t EXCHANGE PARTITION p0 WITH TABLE x';

  it('is sent again, once, when its connection is killed', async () => {
    for (const alter of [undefined, EXCHANGE]) {
      const { db, config, running, release, waits } = await slowAlter(alter);
      const task = startSyncer(config, 1);
      await waits();
      const [first] = await running();
      await target.query(`KILL ${first}`);
      await waitFor(async () => (await running()).some((id) => id !== first), {
        what: 'the ALTER to be sent again',
      });
      await release();
      await untilSynced(task);
      task.syncer.end();
      await task.done;
      await expectEqualTables(source, target, [`${db}.t`, `${db}.x`]);
    }
  });

  it('runs once when the worker dies and another takes over: the server ends it or it is waited for', async () => {
    for (const alter of [undefined, EXCHANGE]) {
      const { db, config, running, release, waits } = await slowAlter(alter);
      const dead = startSyncer(config, 1);
      await waits();
      dead.syncer.destroy();
      await Promise.allSettled([dead.done]);
      const log = collectingLog();
      const next = startSyncer(config, 2, log);
      await waitFor(() => log.lines.some((line) => /still running|running a DDL/.test(line)), {
        what: 'the next to come to the statement',
        details: () => log.lines.join('\n'),
      });
      expect((await running()).length).toBeLessThan(2);
      await release();
      await untilSynced(next);
      next.syncer.end();
      await next.done;
      await expectEqualTables(source, target, [`${db}.t`, `${db}.x`]);
    }
  });

  it('does not keep a task from pausing, and goes on in the target', async () => {
    const { db, config, release, waits } = await slowAlter();
    const paused = startSyncer(config, 1);
    await waits();
    paused.syncer.end();
    // Nobody has let the ALTER go on yet.
    expect(await paused.done).toEqual({ outcome: 'ended' });
    await release();
    const next = startSyncer(config, 2);
    await untilSynced(next);
    next.syncer.end();
    await next.done;
    await expectEqualTables(source, target, [`${db}.t`, `${db}.x`]);
  });

  it('is found done or done anew after the target has died in its midst', async () => {
    const { db, config, waits } = await slowAlter();
    const task = startSyncer(config, 1);
    await waits();
    await target.signal('SIGKILL');
    await target.restart();
    // Trouble with the connection may end the unit: it is resumed then, as a task does by itself.
    const resumed = await untilSynced(task).then(
      () => task,
      async (error: unknown) => {
        expect(String(error)).toContain('code=10001');
        const next = startSyncer(config, 2);
        await untilSynced(next);
        return next;
      },
    );
    resumed.syncer.end();
    await resumed.done;
    await expectEqualTables(source, target, [`${db}.t`, `${db}.x`]);
  });

  it('gives up with a clear error when its connection breaks each time', async () => {
    const { config, running, release, waits } = await slowAlter();
    const task = startSyncer(config, 1);
    await waits();
    let over = false;
    const failed = task.done.then(
      () => undefined,
      (error: unknown) => error,
    );
    void failed.then(() => (over = true));
    await waitFor(
      async () => {
        for (const id of over ? [] : await running()) await target.query(`KILL ${id}`).catch(() => undefined);
        return over;
      },
      { what: 'the task to give up', intervalMs: 20 },
    );
    const error = await failed;
    expect(String(error)).toContain('code=10001');
    expect(String(error)).toMatch(/broke 5 times while a DDL ran.*ALTER TABLE.*Workaround/s);
    await release();
  });

  it('whose lanes wait for a hung target: an answer that does not come counts as a lost connection', async () => {
    const session = await connectSession({ db: dbConfig(target), answerTimeoutMs: 2_000 });
    await expect(session.query('SELECT SLEEP(3600)')).rejects.toThrow('the server has not answered for 2 s');
    // While nothing is asked for, silence is no failure, however long.
    const idle = await connectSession({ db: dbConfig(target), answerTimeoutMs: 2_000 });
    await new Promise((resolve) => setTimeout(resolve, 2_300));
    expect(await idle.query('SELECT 1 AS one')).toEqual([{ one: '1' }]);
    await idle.close();
  });
});

await describeWith('mysql-9.7', 'connections of a target', () => {
  it('are listed while one runs a statement with characters beyond the BMP', async () => {
    const server = await startDatabase('mysql-9.7');
    const emoji = await server.connect();
    const session = await connectSession({ db: dbConfig(server) });
    try {
      const [[own]] = (await emoji.query('SELECT CONNECTION_ID() AS id')) as unknown as [[{ id: number }]];
      const slow = emoji.query("SELECT SLEEP(3600), '😀'");
      slow.catch(() => undefined);
      await waitFor(
        async () =>
          (await listConnections(session)).some(
            ({ id, command }) => id === String(own.id) && command === 'Query',
          ),
        { what: 'the statement to be listed', intervalMs: 20 },
      );
      await server.query(`KILL QUERY ${own.id}`);
      await Promise.allSettled([slow]);
    } finally {
      await session.close();
      await emoji.end();
      await server.stop();
    }
  });
});
