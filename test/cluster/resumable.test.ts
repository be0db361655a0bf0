/** Errors of real servers, in the words in which they reach a subtask's document: which are tried again. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isResumable } from '../../machines/resumable.js';
import { openBinlogStream } from '../../src/binlog/stream.js';
import { DmError } from '../../src/errors/dm-error.js';
import type { BinlogLocation } from '../../src/model/location.js';
import { connectSession } from '../../src/mysql/connect.js';
import { toDmError } from '../../src/mysql/db-error.js';
import type { Session } from '../../src/mysql/session.js';
import { binlogEnd, streamOptions } from '../binlog/harness.js';
import { dbConfig } from '../copy/support.js';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith, startDatabase } from '../servers/index.js';
import { waitFor } from '../support/wait-for.js';

const HOPELESS: Readonly<Record<number, string>> = {
  1059: `CREATE TABLE d.u (${'x'.repeat(65)} INT)`,
  1062: 'INSERT INTO d.t VALUES (1, 1, 1)',
  1067: "CREATE TABLE d.u (a INT DEFAULT 'no number')",
  1069: `CREATE TABLE d.u (${Array.from({ length: 65 }, (_, i) => `c${i} INT, KEY (c${i})`).join()})`,
  1117: `CREATE TABLE d.u (${Array.from({ length: 5_000 }, (_, i) => `c${i} INT`).join()})`,
  1366: "INSERT INTO d.t VALUES (2, 'abc', 'x')",
  1406: "INSERT INTO d.t VALUES (3, 3, 'far too long')",
};

const PASSING: Readonly<Record<number, string>> = {
  1205: 'SET SESSION innodb_lock_wait_timeout = 1; UPDATE d.t SET n = 1062 WHERE id = 1',
  1146: 'INSERT INTO d.none VALUES (1062)',
};

for (const kind of ['mariadb-10.11', 'mysql-9.7', 'mysql-5.6'] as const) {
  await describeWith(kind, 'what is resumed', () => {
    let server: DatabaseServer;
    let session: Session;
    let start: BinlogLocation;
    beforeAll(async () => {
      server = await startDatabase(kind, { gtid: true });
      await server.execute(
        'CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, n INT, v VARCHAR(3)) ENGINE=InnoDB; INSERT INTO d.t VALUES (1, 1, 1)',
      );
      session = await connectSession({ db: dbConfig(server) });
      start = await binlogEnd(server);
      await server.execute('INSERT INTO d.t VALUES (10, 1, 1); FLUSH BINARY LOGS');
      await server.execute('INSERT INTO d.t VALUES (11, 1, 1); FLUSH BINARY LOGS');
      const end = await binlogEnd(server);
      // MariaDB keeps a file for a moment until what is in it is safe in the engine.
      await waitFor(
        async () => {
          await server.execute(`PURGE BINARY LOGS TO '${end.name}'`);
          return (await server.query('SHOW BINARY LOGS'))[0]?.['Log_name'] === end.name;
        },
        { what: 'the binlogs to be purged' },
      );
    });
    afterAll(async () => {
      await session?.close();
      await server?.stop();
    });

    async function failure(sql: string): Promise<DmError> {
      const error = await session.execute(sql).then(
        () => new Error(`went well: ${sql}`),
        (reason: unknown) => reason,
      );
      return toDmError(error, 'downstream', { statement: sql });
    }

    it.each(Object.entries(HOPELESS))('error %s is not', async (errno, sql) => {
      const error = await failure(sql);
      expect(error.rawCause).toMatch(new RegExp(`^Error ${errno} \\(`));
      expect(isResumable([error.toProcessError()]), error.toString()).toBe(false);
    });

    it('errors that may pass are, whatever is in the statement', async () => {
      const holder = await connectSession({ db: dbConfig(server) });
      await holder.execute('BEGIN; UPDATE d.t SET n = 5 WHERE id = 1');
      for (const errno of [1205, 1146] as const) {
        const error = await failure(PASSING[errno]!);
        expect(error.rawCause).toMatch(new RegExp(`^Error ${errno} \\(`));
        expect(isResumable([error.toProcessError()]), error.toString()).toBe(true);
      }
      await holder.close();
    });

    it.each([false, true])('purged binlogs are not (by GTID: %s)', async (useGtid) => {
      const stream = await openBinlogStream(streamOptions(server, start, { useGtid }));
      let failed: unknown;
      for (let i = 0; i < 100 && failed === undefined; i++) {
        try {
          await stream.ready(AbortSignal.timeout(60_000));
          while (stream.poll());
        } catch (error) {
          failed = error;
        }
      }
      await stream.close();
      expect(failed).toBeInstanceOf(DmError);
      const error = (failed as DmError).toProcessError();
      expect(error.RawCause).toContain('Error 1236 (');
      expect(isResumable([error]), error.RawCause).toBe(false);
    });
  });
}
