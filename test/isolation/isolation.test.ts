/** A table whose change fails is set aside, the others go on, and after the fix it catches up exactly. */
import { describe, expect, it } from 'vitest';
import { CODES } from '../../src/errors/codes.js';
import { collectingLog } from '../copy/support.js';
import type { DatabaseServer } from '../servers/database.js';
import { useTwoServers } from '../support/two-servers.js';
import { waitFor } from '../support/wait-for.js';
import { expectEqualTables } from '../sync/support.js';
import {
  isolated,
  isolating,
  kill,
  retry,
  start,
  stop,
  until,
  untilParked,
  untilSynced,
  untilWhole,
} from './support.js';

describe('a table that is set aside', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  useTwoServers((servers) => ({ source, target } = servers));

  async function both(sql: string): Promise<void> {
    for (const server of [source, target]) await server.execute(sql);
  }

  it('keeps its changes while the others go on, and rejoins after the fix', async () => {
    await both(
      'CREATE DATABASE a; CREATE TABLE a.bad (id INT PRIMARY KEY, u INT, UNIQUE (u)); CREATE TABLE a.good (id INT PRIMARY KEY, v INT)',
    );
    await target.execute('INSERT INTO a.bad VALUES (1000, 7)');
    const config = await isolating(source, target, { task: 'größe' });
    const log = collectingLog();
    const running = start(config, 1, log);
    await source.execute(
      'INSERT INTO a.good VALUES (1, 1); INSERT INTO a.bad VALUES (1, 1), (2, 2); INSERT INTO a.bad VALUES (3, 7), (4, 8);' +
        ' BEGIN; UPDATE a.bad SET u = 20 WHERE id = 2; INSERT INTO a.good VALUES (2, 2); DELETE FROM a.bad WHERE id = 1; COMMIT',
    );
    await untilParked(running, 'a.bad');
    await source.execute('UPDATE a.good SET v = v + 10; INSERT INTO a.bad VALUES (5, 5)');
    await untilSynced(running, source);
    await expectEqualTables(source, target, ['a.good']);
    const [table] = await isolated(running);
    expect(table).toMatchObject({ table: '`a`.`bad`', target: '`a`.`bad`', state: 'parked' });
    expect(table.error.RawCause).toContain("Duplicate entry '7' for key");
    expect(table.changesKept).toBeGreaterThanOrEqual(3);
    expect(table.bytes).toBeGreaterThan(0);
    expect(table.from).toMatch(/^\S+:\d+$/);
    // A retry that fails again leaves it parked, with the error of now.
    retry(running, 'a.bad');
    await waitFor(() => log.lines.some((line) => line.includes('cannot catch up')), {
      what: 'the retry to fail',
    });
    await untilParked(running, 'a.bad');
    await target.execute('DELETE FROM a.bad WHERE id = 1000');
    retry(running, 'a.bad');
    await untilWhole(running, source);
    await source.execute('INSERT INTO a.bad VALUES (6, 6); DELETE FROM a.bad WHERE id = 4');
    await untilSynced(running, source);
    await expectEqualTables(source, target, ['a.bad', 'a.good']);
    await stop(running);
  });

  it('is tried once more when that is asked for while a try is about to fail', async () => {
    await both('CREATE DATABASE w; CREATE TABLE w.t (id INT PRIMARY KEY)');
    // Whether the row is refused is settled before the trigger waits for the lock.
    await target.execute(
      `SET GLOBAL max_connect_errors = 4711; CREATE TRIGGER w.refusal BEFORE INSERT ON w.t FOR EACH ROW BEGIN
         DECLARE refused INT DEFAULT @@GLOBAL.max_connect_errors = 4711;
         DO GET_LOCK('refusal', 3600); DO RELEASE_LOCK('refusal');
         IF refused THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'; END IF;
       END`,
    );
    const running = start(await isolating(source, target, { task: 'again' }), 1);
    await source.execute('INSERT INTO w.t VALUES (1)');
    await untilParked(running, 'w.t');
    // The row is kept, and saved; else the table would rejoin without it.
    await untilSynced(running, source);
    expect((await isolated(running))[0]?.changesKept).toBe(1);
    const holder = await target.connect();
    await holder.query("SELECT GET_LOCK('refusal', 0)");
    retry(running, 'w.t');
    const waiting = "SELECT 1 FROM information_schema.processlist WHERE state = 'User lock'";
    await waitFor(async () => (await target.query(waiting)).length > 0, { what: 'the try to be under way' });
    await target.execute('SET GLOBAL max_connect_errors = 100');
    retry(running, 'w.t');
    await holder.end();
    await untilWhole(running, source);
    await expectEqualTables(source, target, ['w.t']);
    await stop(running);
  });

  it('holds DDL and rows of a table whose DDL fails', async () => {
    await both(
      'CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT); CREATE TABLE d.o (id INT PRIMARY KEY)',
    );
    await target.execute('INSERT INTO d.t VALUES (100, 1), (101, 1)');
    const running = start(await isolating(source, target, { task: 'ddl' }), 1);
    await source.execute(
      'INSERT INTO d.t VALUES (1, 1), (2, 2); ALTER TABLE d.t ADD UNIQUE u (v); INSERT INTO d.t VALUES (3, 3);' +
        ' ALTER TABLE d.t ADD COLUMN w VARCHAR(10) FIRST; INSERT INTO d.t (id, v, w) VALUES (4, 4, NULL), (5, 5, "five");' +
        ' INSERT INTO d.o VALUES (1); ALTER TABLE d.o ADD COLUMN x INT; INSERT INTO d.o VALUES (2, 2); UPDATE d.t SET w = "x" WHERE id = 1',
    );
    await untilParked(running, 'd.t');
    await untilSynced(running, source);
    await expectEqualTables(source, target, ['d.o']);
    await target.execute('DELETE FROM d.t WHERE id >= 100');
    retry(running, 'd.t');
    await untilWhole(running, source);
    await expectEqualTables(source, target, ['d.t', 'd.o']);
    await stop(running);
  });

  it('bears a missing table and a missing column, over the death of its owner', async () => {
    await both(
      'CREATE DATABASE m; CREATE TABLE m.gone (id INT PRIMARY KEY); CREATE TABLE m.thin (id INT PRIMARY KEY, v INT, w INT); CREATE TABLE m.o (id INT PRIMARY KEY)',
    );
    await target.execute('DROP TABLE m.gone; ALTER TABLE m.thin DROP COLUMN w');
    const config = await isolating(source, target, { task: 'miss' });
    const first = start(config, 1);
    await source.execute(
      'INSERT INTO m.gone VALUES (1), (2); INSERT INTO m.thin VALUES (1, 1, 1); INSERT INTO m.o VALUES (1); UPDATE m.thin SET w = 5',
    );
    await untilParked(first, 'm.gone', 'm.thin');
    await untilSynced(first, source);
    await kill(first);
    await source.execute(
      'INSERT INTO m.gone VALUES (3); DELETE FROM m.gone WHERE id = 1; INSERT INTO m.o VALUES (2)',
    );
    const second = start(config, 2);
    await until(second, 'the rows of m.o', async () => {
      const [row] = await target.query('SELECT COUNT(*) AS n FROM m.o');
      return String(row.n) === '2';
    });
    await untilParked(second, 'm.gone', 'm.thin');
    await target.execute('CREATE TABLE m.gone (id INT PRIMARY KEY); ALTER TABLE m.thin ADD COLUMN w INT');
    await kill(second);
    // A new start tries what was set aside again by itself.
    const third = start(config, 3);
    await untilWhole(third, source);
    await expectEqualTables(source, target, ['m.gone', 'm.thin', 'm.o']);
    await stop(third);
  });

  it('pauses where too much is kept, and goes on after the fix', async () => {
    await both(
      'CREATE DATABASE f; CREATE TABLE f.t (id INT PRIMARY KEY, s VARCHAR(100)); CREATE TABLE f.o (id INT)',
    );
    await target.execute("INSERT INTO f.t VALUES (1, 'in the way')");
    const config = await isolating(source, target, { task: 'full' }, { isolateMaxBytes: 60_000 });
    const first = start(config, 1);
    await source.execute("INSERT INTO f.t VALUES (1, 'x')");
    await untilParked(first, 'f.t');
    await source.execute(
      "USE f; INSERT INTO f.t SELECT seq, REPEAT('a', 100) FROM seq_2_to_3000; INSERT INTO f.o VALUES (1)",
    );
    await expect(first.done).rejects.toMatchObject({
      code: CODES.isolationFull.code,
      message: expect.stringMatching(
        /kept for `f`\.`t` take \d+ bytes, more than `isolate-max-bytes` allows: 60000/,
      ),
    });
    await target.execute('DELETE FROM f.t');
    const second = start(config, 2);
    await untilWhole(second, source);
    await expectEqualTables(source, target, ['f.t', 'f.o']);
    await stop(second);
  });

  it('keeps nothing of a statement about a table that is set aside and another one: the task pauses', async () => {
    await both(
      'CREATE DATABASE s; CREATE TABLE s.t (id INT PRIMARY KEY); CREATE TABLE s.o (id INT PRIMARY KEY)',
    );
    await target.execute('INSERT INTO s.t VALUES (1)');
    const config = await isolating(source, target, { task: 'spans' });
    const first = start(config, 1);
    await source.execute('INSERT INTO s.t VALUES (1), (2)');
    await untilParked(first, 's.t');
    await source.execute(
      'RENAME TABLE s.t TO s.x, s.o TO s.t; INSERT INTO s.t VALUES (3); INSERT INTO s.x VALUES (4)',
    );
    await expect(first.done).rejects.toMatchObject({ code: CODES.isolationSpans.code });
    await target.execute('DELETE FROM s.t WHERE id = 1');
    const second = start(config, 2);
    await untilWhole(second, source);
    await expectEqualTables(source, target, ['s.t', 's.x']);
    await stop(second);
  });
});
