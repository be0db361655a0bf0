/** Values that a source has stored in a lax sql_mode and that a strict target would refuse. */
import { expect, it } from 'vitest';
import { startMariaDb } from '../servers/index.js';
import { available, startDatabase, type DatabaseKind } from '../servers/availability.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from './support.js';

it.for(['mariadb-10.11', 'mysql-9.7'] as DatabaseKind[])(
  'ENUM values that are no member reach %s, and nothing else is let through',
  async (kind, context) => {
    const state = await available(kind);
    if (!state.ok) return context.skip(`missing: ${state.missing}`);
    await using source = await startMariaDb();
    await using target = await startDatabase(kind);
    const create =
      "CREATE DATABASE o; CREATE TABLE o.k (e ENUM('a','','b') NOT NULL PRIMARY KEY, v INT);" +
      " CREATE TABLE o.n (e ENUM('a','b'), v VARCHAR(10))";
    await source.execute(create);
    await target.execute(create);
    const config = await incremental(source, target, {
      blockAllow: { doDbs: ['o'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    await source.execute(`SET SESSION sql_mode='';
      INSERT INTO o.k VALUES ('a', 1), ('x', 2), ('', 3);
      UPDATE o.k SET v = 20 WHERE e = 0;
      UPDATE o.k SET e = 'b' WHERE e = 'a';
      INSERT INTO o.n VALUES ('a', 'p'), ('q', 'q'), (NULL, 'r'), ('b', 's');
      UPDATE o.n SET e = 'none' WHERE v = 'p';
      DELETE FROM o.n WHERE v = 'q'`);
    const running = startSyncer(config, 1);
    await untilSynced(running);
    expect(await target.query('SELECT e+0 AS e, v FROM o.k ORDER BY v')).toEqual([
      { e: 3, v: 1 },
      { e: 2, v: 3 },
      { e: 0, v: 20 },
    ]);
    await expectEqualTables(source, target, ['o.k', 'o.n']);
    // The mode is back: a value that the target cannot hold is still an error.
    await target.execute('ALTER TABLE o.n MODIFY v VARCHAR(3)');
    await source.execute("INSERT INTO o.n VALUES ('zzz', 'z'), ('a', 'too long')");
    await expect(running.done).rejects.toThrow(/too long/i);
  },
);

it.for(['mariadb-10.11', 'mysql-9.7'] as DatabaseKind[])(
  "the error value of an ENUM and its member '' are told apart on %s",
  async (kind, context) => {
    const state = await available(kind);
    if (!state.ok) return context.skip(`missing: ${state.missing}`);
    await using source = await startMariaDb();
    await using target = await startDatabase(kind);
    const members = "ENUM('','a','b','c','d','e','f','g') NOT NULL";
    const create = `CREATE DATABASE z; CREATE TABLE z.k (e ${members}, v INT, UNIQUE KEY (e)); CREATE TABLE z.n (e ${members})`;
    await source.execute(create);
    await target.execute(create);
    const config = await incremental(source, target, {
      blockAllow: { doDbs: ['z'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    await source.execute(`SET SESSION sql_mode='';
      INSERT INTO z.k VALUES ('none', 0), ('', 1), ('a', 2), ('b', 3), ('c', 4), ('d', 5), ('e', 6), ('f', 7), ('g', 8);
      DELETE FROM z.k WHERE v BETWEEN 1 AND 7;
      INSERT INTO z.n VALUES ('none'), (''), ('none'), ('');
      DELETE FROM z.n WHERE e = 1 LIMIT 1;
      DELETE FROM z.n WHERE e = 1 LIMIT 1`);
    const running = startSyncer(config, 1);
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    expect(await target.query('SELECT e+0 AS e, v FROM z.k ORDER BY v')).toEqual([
      { e: 0, v: 0 },
      { e: 8, v: 8 },
    ]);
    expect(await target.query('SELECT e+0 AS e FROM z.n')).toEqual([{ e: 0 }, { e: 0 }]);
  },
);

it.for(['mariadb-10.11', 'mysql-9.7'] as DatabaseKind[])(
  'names beyond ASCII in a saved structure survive a restart with %s as target',
  async (kind, context) => {
    const state = await available(kind);
    if (!state.ok) return context.skip(`missing: ${state.missing}`);
    await using source = await startMariaDb();
    await using target = await startDatabase(kind);
    const create =
      "CREATE DATABASE n; CREATE TABLE n.t (id INT PRIMARY KEY, `größe` ENUM('ü','中') CHARACTER SET utf8mb4)";
    await source.execute(create);
    await target.execute(create);
    const config = await incremental(source, target, {
      blockAllow: { doDbs: ['n'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    for (const epoch of [1, 2]) {
      await source.execute(
        `SET NAMES utf8mb4; INSERT INTO n.t VALUES (${epoch}, 'ü'), (${epoch + 10}, '中')`,
      );
      const running = startSyncer(config, epoch);
      await untilSynced(running);
      running.syncer.end();
      await running.done;
    }
    await expectEqualTables(source, target, ['n.t']);
  },
);
