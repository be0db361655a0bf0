/**
 * Random changes on several tables, of which the target refuses some at random moments, with owners that
 * crash and are replaced: once nothing is refused any more, both sides are equal.
 */
import { describe, expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import { useTwoServers } from '../support/two-servers.js';
import { SeededRandom } from '../support/seeded-random.js';
import { waitFor } from '../support/wait-for.js';
import { expectEqualTables } from '../sync/support.js';
import {
  isolated,
  isolating,
  kill,
  retry,
  start,
  stop,
  untilSynced,
  untilWhole,
  type Running,
} from './support.js';

const TABLES = ['k', 'u', 'n', 'c'];

describe('tables set aside at random', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  useTwoServers((servers) => ({ source, target } = servers));

  async function create(schema: string): Promise<void> {
    for (const server of [source, target]) {
      await server.execute(
        `CREATE DATABASE ${schema}; CREATE TABLE ${schema}.k (id INT PRIMARY KEY, v INT);` +
          ` CREATE TABLE ${schema}.u (id INT PRIMARY KEY, v INT, UNIQUE (v)); CREATE TABLE ${schema}.n (id INT, v INT);` +
          ` CREATE TABLE ${schema}.c (a INT, id INT, v INT, PRIMARY KEY (a, id))`,
      );
    }
  }

  function change(random: SeededRandom, schema: string): string {
    const table = TABLES[random.int(0, TABLES.length - 1)];
    const id = random.int(1, 40);
    const v = random.int(1, 1000);
    const name = `${schema}.${table}`;
    const a = table === 'c' ? `${id % 3}, ` : '';
    switch (random.int(0, 4)) {
      case 0:
        return `DELETE FROM ${name} WHERE id = ${id}${table === 'n' ? ' LIMIT 1' : ''}`;
      case 1:
        // The key changes.
        return `UPDATE IGNORE ${name} SET id = ${random.int(1, 40)} WHERE id = ${id}`;
      case 2:
        return `UPDATE IGNORE ${name} SET v = ${v} WHERE id BETWEEN ${id} AND ${id + 3}`;
      default:
        return `INSERT IGNORE INTO ${name} (${a === '' ? '' : 'a, '}id, v) VALUES (${a}${id}, ${v}), (${a}${id + 1}, ${v + 1})`;
    }
  }

  function transaction(random: SeededRandom, schema: string): string {
    const changes = Array.from({ length: random.int(1, 6) }, () => change(random, schema));
    return `BEGIN; ${changes.join('; ')}; COMMIT`;
  }

  const refusal = (schema: string, table: string, when: string) =>
    `CREATE TRIGGER ${schema}.${table}_${when} BEFORE ${when} ON ${schema}.${table}` +
    ` FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'`;

  async function dropTriggers(schema: string): Promise<void> {
    const triggers = await target.query(
      `SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '${schema}'`,
    );
    for (const { name } of triggers) await target.execute(`DROP TRIGGER ${schema}.${String(name)}`);
  }

  async function retryAll(running: Running): Promise<void> {
    for (const { target: name } of await isolated(running)) {
      retry(running, name.replaceAll('`', ''));
    }
  }

  it.each([1, 2, 3, 4])(
    'seed %i',
    async (seed) => {
      const schema = `r${seed}`;
      await create(schema);
      const random = new SeededRandom(seed);
      const config = await isolating(source, target, {
        task: `random${seed}`,
        enableGtid: seed % 2 === 0,
        blockAllow: { doDbs: [schema], doTables: [], ignoreDbs: [], ignoreTables: [] },
      });
      let running = start(config, 1);
      for (let epoch = 2; epoch <= 9; epoch++) {
        for (let i = 0; i < 15; i++) await source.execute(transaction(random, schema));
        const table = TABLES[random.int(0, TABLES.length - 1)];
        const when = ['INSERT', 'UPDATE', 'DELETE'][random.int(0, 2)];
        await target.execute(refusal(schema, table, when)).catch(() => undefined);
        for (let i = 0; i < 15; i++) await source.execute(transaction(random, schema));
        if (random.int(0, 3) === 0)
          await source.execute(`ALTER TABLE ${schema}.n ADD COLUMN x${epoch} INT DEFAULT 5`);
        if (random.int(0, 3) === 0)
          await source.execute(`ALTER TABLE ${schema}.n DROP COLUMN IF EXISTS x${epoch - 1}`);
        if (random.int(0, 1) === 0) await untilSynced(running, source);
        if (random.int(0, 1) === 0) await dropTriggers(schema);
        if (random.int(0, 1) === 0) await retryAll(running);
        if (random.int(0, 2) > 0) {
          await kill(running);
          running = start(config, epoch);
        }
      }
      await dropTriggers(schema);
      // What failed just now may be set aside a moment from now.
      await waitFor(
        async () => {
          await retryAll(running);
          const { isolation, opened } = running.syncer;
          return opened && (isolation?.all().length ?? 0) === 0 && (await running.syncer.status()).synced;
        },
        { what: 'all tables to rejoin', intervalMs: 50 },
      );
      await untilWhole(running, source);
      await expectEqualTables(
        source,
        target,
        TABLES.map((table) => `${schema}.${table}`),
      );
      const [left] = await target.query(
        'SELECT COUNT(*) AS n FROM dm_meta.random' + `${seed}_syncer_isolated_log`,
      );
      expect(String(left.n)).toBe('0');
      await stop(running);
    },
    60_000,
  );
});
