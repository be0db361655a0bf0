/** XA transactions: their rows count at XA COMMIT, over restarts and however large they are. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CODES } from '../../src/errors/codes.js';
import type { DatabaseServer } from '../servers/database.js';
import type { DatabaseKind } from '../servers/availability.js';
import { describeWith, startDatabase, startMariaDb } from '../servers/index.js';
import { waitFor } from '../support/wait-for.js';
import { expectEqualTables, incremental, startSyncer, untilSynced, type RunningSyncer } from './support.js';

const KINDS: readonly DatabaseKind[] = ['mariadb-10.11', 'mysql-9.7'];
const IDS = 'SELECT GROUP_CONCAT(i ORDER BY i) AS ids FROM';

for (const kind of KINDS) {
  await describeWith(kind, `XA transactions of ${kind}`, () => {
    let source: DatabaseServer;
    let target: DatabaseServer;
    /** MariaDB keeps a file until its background thread has noted that no engine needs it. */
    const purgeTo = (file: string) =>
      waitFor(
        async () => {
          await source.query(`PURGE BINARY LOGS TO '${file}'`);
          return (await source.query('SHOW BINARY LOGS'))[0]?.['Log_name'] === file;
        },
        { what: 'the purge' },
      );
    beforeAll(async () => {
      [source, target] = await Promise.all([startDatabase(kind), startMariaDb()]);
    });
    afterAll(async () => {
      await source?.stop();
      await target?.stop();
    });

    const both = async (sql: string) => {
      await source.execute(sql);
      await target.execute(sql);
    };
    /** A last row marks the end: what comes before it is applied. */
    const untilApplied = async (running: RunningSyncer, schema: string, last: number) => {
      let failure: unknown;
      running.done.catch((error: unknown) => (failure = error));
      await source.query(`INSERT INTO ${schema}.t (i) VALUES (${last})`);
      await waitFor(
        async () =>
          failure !== undefined ||
          (await target.query(`SELECT i FROM ${schema}.t WHERE i=${last}`)).length > 0,
        { what: `row ${last}` },
      );
      await untilSynced(running);
    };
    const only = (schema: string) => ({
      blockAllow: { doDbs: [schema], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });

    it('count at their commit, in its order, or not at all', async () => {
      await both(
        'CREATE DATABASE xa; CREATE TABLE xa.t (i INT PRIMARY KEY, v INT); CREATE TABLE xa.none (i INT)',
      );
      const config = await incremental(source, target, { task: 'xa', ...only('xa') });
      const running = startSyncer(config, 1);
      const [a, b, c] = await Promise.all([source.connect(), source.connect(), source.connect()]);
      try {
        await source.execute(
          "XA START 'one'; INSERT INTO xa.t VALUES (1, 1), (2, 2); XA END 'one'; XA COMMIT 'one' ONE PHASE",
        );
        await a.query(
          "XA START 'a','q',7; INSERT INTO xa.t VALUES (3, 3); UPDATE xa.t SET v=30 WHERE i=1; XA END 'a','q',7; XA PREPARE 'a','q',7",
        );
        await b.query(
          "XA START 'b'; DELETE FROM xa.t WHERE i=2; INSERT INTO xa.none VALUES (5); XA END 'b'; XA PREPARE 'b'",
        );
        await c.query("XA START 'c'; INSERT INTO xa.t VALUES (4, 4); XA END 'c'; XA PREPARE 'c'");
        await untilApplied(running, 'xa', 9);
        const [before] = await target.query(`${IDS} xa.t`);
        expect(before).toEqual({ ids: '1,2,9' });
        await b.query("XA COMMIT 'b'");
        await source.execute('INSERT INTO xa.t VALUES (2, 200)');
        await a.query("XA COMMIT 'a','q',7");
        await c.query("XA ROLLBACK 'c'");
        await source.execute("XA START 'e'; XA END 'e'; XA PREPARE 'e'; XA COMMIT 'e'");
        await untilApplied(running, 'xa', 10);
      } finally {
        await Promise.all([a.end(), b.end(), c.end()]);
      }
      running.syncer.end();
      await running.done;
      await expectEqualTables(source, target, ['xa.t', 'xa.none']);
      const [after] = await target.query(`${IDS} xa.t`);
      expect(after).toEqual({ ids: '1,2,3,9,10' });
    });

    it('are found again after a restart, in an earlier file, and under the same id once more', async () => {
      await both('CREATE DATABASE xr; CREATE TABLE xr.t (i INT PRIMARY KEY)');
      const config = await incremental(source, target, { task: 'xr', ...only('xr') });
      await source.execute(
        "XA START 'x'; INSERT INTO xr.t VALUES (100); XA END 'x'; XA PREPARE 'x'; XA ROLLBACK 'x'",
      );
      const holder = await source.connect();
      await holder.query(
        "XA START 'x'; INSERT INTO xr.t VALUES (1), (2); INSERT INTO xr.t VALUES (3); XA END 'x'; XA PREPARE 'x'",
      );
      await source.execute(
        'FLUSH BINARY LOGS; INSERT INTO xr.t VALUES (50); FLUSH BINARY LOGS; INSERT INTO xr.t VALUES (51)',
      );
      const first = startSyncer(config, 1);
      await untilSynced(first);
      first.syncer.end();
      await first.done;
      await holder.query("XA COMMIT 'x'");
      await holder.end();
      await source.execute('DELETE FROM xr.t WHERE i=2');
      const second = startSyncer(config, 2);
      await untilApplied(second, 'xr', 52);
      second.syncer.end();
      await second.done;
      await expectEqualTables(source, target, ['xr.t']);
      const [row] = await target.query(`${IDS} xr.t`);
      expect(row).toEqual({ ids: '1,3,50,51,52' });
    });

    it('are applied once when the owner dies in their midst', async () => {
      await both('CREATE DATABASE xk; CREATE TABLE xk.t (i INT, v INT)');
      const config = await incremental(source, target, { task: 'xk', ...only('xk') });
      const values = Array.from({ length: 3000 }, (_, i) => `(${i}, 0)`).join(',');
      await source.execute(
        `XA START 'k'; INSERT INTO xk.t VALUES ${values}; INSERT INTO xk.t VALUES ${values}; XA END 'k'; XA PREPARE 'k'; XA COMMIT 'k'`,
      );
      const first = startSyncer(config, 1);
      const some = 'SELECT COUNT(*) AS n FROM xk.t';
      await waitFor(async () => Number((await target.query(some))[0]?.['n']) > 0, {
        what: 'some rows',
        intervalMs: 1,
      });
      first.syncer.destroy();
      await first.done.catch(() => undefined);
      const second = startSyncer(config, 2);
      await untilSynced(second);
      second.syncer.end();
      await second.done;
      await expectEqualTables(source, target, ['xk.t']);
    });

    it('end the task clearly when the source no longer has their rows', async () => {
      await both('CREATE DATABASE xp; CREATE TABLE xp.t (i INT PRIMARY KEY)');
      const holder = await source.connect();
      await holder.query("XA START 'p'; INSERT INTO xp.t VALUES (1); XA END 'p'; XA PREPARE 'p'");
      await source.execute('FLUSH BINARY LOGS');
      const config = await incremental(source, target, { task: 'xp', ...only('xp') });
      await holder.query("XA COMMIT 'p'");
      await holder.end();
      await purgeTo(config.meta?.binlogName ?? '');
      const running = startSyncer(config, 1);
      await expect(running.done).rejects.toMatchObject({
        code: CODES.syncTransactionUnsupported.code,
        message: expect.stringContaining("X'70',X'',1") as string,
      });
    });
  });
}
