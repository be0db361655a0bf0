/**
 * A key of prefixes: its rows differ in their first letters, and can be equal in the eyes of the collation all
 * the same, as 'ß' and 'ss' are. A change of one must not touch the other.
 */
import { expect, it } from 'vitest';
import { available, startDatabase, type DatabaseKind } from '../servers/availability.js';
import { startMariaDb } from '../servers/index.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from './support.js';

it.for(['mariadb-10.11', 'mysql-9.7'] as DatabaseKind[])(
  'rows of a prefix key are told apart beyond the collation on %s',
  async (kind, context) => {
    const state = await available(kind);
    if (!state.ok) return context.skip(`missing: ${state.missing}`);
    await using source = await startMariaDb();
    await using target = await startDatabase(kind);
    const text = 'TINYTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL';
    const create = `CREATE DATABASE p; CREATE TABLE p.one (k ${text}, v INT, PRIMARY KEY (k(1)));
      CREATE TABLE p.two (n INT, k ${text}, v INT, PRIMARY KEY (n, k(1)));
      CREATE TABLE p.bytes (k VARBINARY(20) NOT NULL, v INT, PRIMARY KEY (k(1)))`;
    await source.execute(create);
    await target.execute(create);
    const config = await incremental(source, target, {
      blockAllow: { doDbs: ['p'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    await source.execute(`INSERT INTO p.one VALUES ('ß', 1), ('ss', 2), ('æ', 3), ('ae', 4), ('b', 5), ('c', 6),
      ('d', 7), ('f', 8), ('g', 9), ('h', 10), ('i', 11), ('j', 12);
      INSERT INTO p.two SELECT 7, k, v FROM p.one;
      INSERT INTO p.bytes VALUES ('ss', 1), ('b', 2)`);
    for (const table of ['p.one', 'p.two', 'p.bytes']) {
      await source.execute(`UPDATE ${table} SET v = v + 20 WHERE v = 2;
        UPDATE ${table} SET v = v + 100;
        DELETE FROM ${table} WHERE v >= 104`);
    }
    const running = startSyncer(config, 1);
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    await expectEqualTables(source, target, ['p.one', 'p.two', 'p.bytes']);
    expect(await target.query('SELECT v FROM p.one ORDER BY v')).toEqual([{ v: 101 }, { v: 103 }]);
  },
);
