/** What a restart may change: the block-allow list in the middle of a transaction. */
import { describe, expect, it } from 'vitest';
import type { BlockAllowRules } from '../../src/model/subtask-config.js';
import type { DatabaseServer } from '../servers/database.js';
import { useTwoServers } from '../support/two-servers.js';
import { standStill } from '../support/stand-still.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from './support.js';

describe('a restart in the middle of a big transaction', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  useTwoServers((servers) => ({ source, target } = servers));

  const everything: BlockAllowRules = { doDbs: ['r'], doTables: [], ignoreDbs: [], ignoreTables: [] };
  const withoutNoise: BlockAllowRules = {
    ...everything,
    ignoreTables: [{ dbName: 'r', tblName: 'noise' }],
  };

  it.each([
    ['leaves a table out that was migrated before', everything, withoutNoise],
    ['takes a table in that was left out before', withoutNoise, everything],
  ])('%s', async (_, before, after) => {
    for (const server of [source, target]) {
      await server.execute(`DROP DATABASE IF EXISTS r; CREATE DATABASE r; CREATE TABLE r.noise (i INT);
        CREATE TABLE r.bare (i INT, v VARCHAR(100)); CREATE TABLE r.keyed (id INT PRIMARY KEY, v VARCHAR(100))`);
    }
    await target.execute('DROP DATABASE IF EXISTS dm_meta');
    const config = await incremental(source, target, { task: 'again' });
    const parts = Array.from(
      { length: 120 },
      (_unused, i) => `INSERT INTO r.noise SELECT seq FROM seq_1_to_300;
        INSERT INTO r.bare SELECT ${i === 60 ? 'seq + 5' : 'seq % 5'}, REPEAT('x', 100) FROM seq_1_to_200;
        INSERT INTO r.keyed SELECT seq + ${i} * 200, REPEAT('y', 100) FROM seq_1_to_200`,
    );
    await source.execute(`USE r; BEGIN;${parts.join(';')};COMMIT`);
    const count = async () => Number((await target.query('SELECT COUNT(*) AS n FROM r.bare'))[0]?.['n']);
    const stand = await standStill(target, { table: 'r.bare', event: 'INSERT', when: 'NEW.i = 105' });
    const first = startSyncer({ ...config, blockAllow: before }, 1);
    await stand.reached();
    first.syncer.destroy();
    await Promise.allSettled([first.done]);
    await stand.release();
    expect(await count()).toBeGreaterThan(4_000);
    expect(await count()).toBeLessThan(24_000);
    const second = startSyncer({ ...config, blockAllow: after }, 2);
    await untilSynced(second);
    second.syncer.end();
    await second.done;
    await expectEqualTables(source, target, ['r.bare', 'r.keyed']);
  });
});
