/** The hard moments: a DDL that died half-way, a frozen owner with its transaction open, huge transactions. */
import { describe, it } from 'vitest';
import { nextTurn } from '../../src/runtime/real/turn.js';
import type { DatabaseServer } from '../servers/database.js';
import { useTwoServers } from '../support/two-servers.js';
import { SeededRandom } from '../support/seeded-random.js';
import { waitFor } from '../support/wait-for.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from './support.js';

describe('sync at hard moments', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  useTwoServers((servers) => ({ source, target } = servers));

  async function both(sql: string): Promise<void> {
    for (const server of [source, target]) await server.execute(sql);
  }

  it('applies DDL and rows exactly once while owners crash between them', async () => {
    await both(
      'CREATE DATABASE x; CREATE TABLE x.a (i INT, s VARCHAR(30)); CREATE TABLE x.b (id INT PRIMARY KEY)',
    );
    const config = await incremental(source, target, { task: 'ddlcrash' });
    const random = new SeededRandom(21);
    const statements: string[] = [];
    for (let i = 0; i < 60; i++) {
      statements.push(`INSERT INTO x.a (i) VALUES (${i}), (${i})`, `INSERT INTO x.b (id) VALUES (${i})`);
      if (i % 3 === 0) statements.push(`ALTER TABLE x.a ADD COLUMN c${i} INT DEFAULT ${i}`);
      if (i % 4 === 0) statements.push(`ALTER TABLE x.b ADD COLUMN d${i} VARCHAR(10) DEFAULT 'v${i}' FIRST`);
      if (i % 6 === 0) statements.push(`CREATE TABLE x.t${i} LIKE x.a`, `INSERT INTO x.t${i} (i) VALUES (1)`);
      if (i % 30 === 9) statements.push(`ALTER TABLE x.a DROP COLUMN c${i - 9}`);
    }
    await source.execute(statements.join(';'));
    for (let epoch = 1; epoch <= 12; epoch++) {
      const { syncer, done } = startSyncer(config, epoch);
      // Some way further, and then at any moment: between two rows, or while a DDL runs.
      const [rows, turns] = [random.int(0, 6), random.int(0, 40)];
      await waitFor(async () => Number((await syncer.status()).totalRows) >= rows, {
        what: `${rows} rows`,
        intervalMs: 2,
      });
      for (let turn = 0; turn < turns; turn++) await nextTurn();
      syncer.destroy();
      await Promise.allSettled([done]);
    }
    const last = startSyncer(config, 13);
    await untilSynced(last);
    last.syncer.end();
    await last.done;
    const names = ['a', 'b', ...Array.from({ length: 10 }, (_, i) => `t${i * 6}`)];
    await expectEqualTables(
      source,
      target,
      names.map((name) => `x.${name}`),
    );
  });

  it('takes over from an owner that hangs with its transaction open', async () => {
    await both('CREATE DATABASE h; CREATE TABLE h.t (i INT)');
    const config = await incremental(source, target, { task: 'frozen' });
    const first = startSyncer(config, 1);
    await source.execute('INSERT INTO h.t VALUES (1)');
    await untilSynced(first);
    // What a frozen owner leaves: its lane's row locked by a transaction that nobody ends.
    const frozen = await target.connect();
    await frozen.query('BEGIN');
    await frozen.query('UPDATE dm_meta.frozen_syncer_lane SET row_no = row_no, conn_id = CONNECTION_ID()');
    await frozen.query('COMMIT');
    await frozen.query('BEGIN');
    await frozen.query('UPDATE dm_meta.frozen_syncer_lane SET row_no = row_no + 1');
    frozen.on('error', () => undefined);
    const second = startSyncer(config, 2);
    await source.execute('INSERT INTO h.t VALUES (2)');
    await untilSynced(second);
    // The source lets one reader per server id live, the target one owner: the first is out either way.
    first.syncer.end();
    await Promise.allSettled([first.done]);
    second.syncer.end();
    await second.done;
    frozen.destroy();
    await expectEqualTables(source, target, ['h.t']);
  });

  it('streams a huge transaction and resumes in the middle of it', async () => {
    await both(
      'CREATE DATABASE big; CREATE TABLE big.t (a INT, b VARCHAR(200)); CREATE TABLE big.k (id INT PRIMARY KEY, v VARCHAR(200))',
    );
    const config = await incremental(source, target, { task: 'big' });
    await source.execute(`USE big; BEGIN;
      INSERT INTO big.t SELECT seq % 1000, REPEAT('x', 150) FROM seq_1_to_60000;
      INSERT INTO big.k SELECT seq, REPEAT('y', 150) FROM seq_1_to_60000;
      UPDATE big.k SET id = id + 100000 WHERE id % 50 = 0;
      DELETE FROM big.t WHERE a = 7;
      COMMIT`);
    for (let epoch = 1; epoch <= 5; epoch++) {
      const { syncer, done } = startSyncer(config, epoch);
      const rows = async () => Number((await target.query('SELECT COUNT(*) AS n FROM big.k'))[0]?.['n']);
      await waitFor(async () => (await rows()) > epoch * 3000, { what: 'a part of the transaction' });
      if (epoch % 2 === 0) syncer.end();
      else syncer.destroy();
      await Promise.allSettled([done]);
    }
    const last = startSyncer(config, 6);
    await untilSynced(last);
    last.syncer.end();
    await last.done;
    await expectEqualTables(source, target, ['big.t', 'big.k']);
  });
});
