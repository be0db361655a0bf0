/**
 * What a server computes of a row is computed on the target anew: generated columns, CHECK constraints. A lax session
 * of the source may have stored rows of which a strict one makes an error; a value that is written is never cut all the same.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseKind } from '../servers/availability.js';
import type { DatabaseServer } from '../servers/database.js';
import { subtaskConfig } from '../copy/support.js';
import { expectEqualTables } from '../sync/support.js';
import { only, Servers, Task } from './support.js';

const servers = new Servers();
afterAll(() => servers.stop());

/** A table's column `v`, and what is computed of it. */
const TABLES: readonly (readonly [name: string, columns: string])[] = [
  ['checked', 'v VARCHAR(30), CONSTRAINT ck CHECK (v <> 77)'],
  ['clipped', 'v VARCHAR(30), g TINYINT AS (CHAR_LENGTH(v) * 100) STORED'],
  ['kept', 'v VARCHAR(30), g BIGINT AS (CAST(v AS SIGNED)) STORED'],
  ['indexed', 'v VARCHAR(30), g BIGINT AS (CAST(v AS SIGNED)) VIRTUAL, KEY (g)'],
  ['cut', "v VARCHAR(30), g VARCHAR(2) AS (CONCAT(v, 'x')) STORED"],
  ['dated', 'v VARCHAR(30), g DATE AS (CAST(v AS DATE)) STORED'],
  ['implied', 'v VARCHAR(30), g INT AS (v) STORED'],
];

const values = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => `(${from + i}, 'text ${from + i}')`).join(', ');

describe.for<[DatabaseKind, DatabaseKind]>([
  ['mariadb-10.11', 'mariadb-10.11'],
  ['mysql-9.7', 'mysql-9.7'],
  ['mysql-9.7', 'mariadb-10.11'],
])('from %s to %s', ([kind, targetKind]) => {
  let from: DatabaseServer;
  let to: DatabaseServer;
  let missing = '';
  beforeAll(async () => {
    const source = await servers.get(kind, 'source');
    const target = await servers.get(targetKind, 'target');
    if ('missing' in source) missing = source.missing;
    else if ('missing' in target) missing = target.missing;
    else [from, to] = [source, target];
  });

  async function made(create: readonly string[]) {
    for (const server of [from, to]) await server.execute('DROP DATABASE IF EXISTS l');
    await to.execute('DROP DATABASE IF EXISTS dm_meta');
    const session = await from.connect();
    await session.query("SET SESSION sql_mode = ''; CREATE DATABASE l CHARACTER SET utf8mb4; USE l");
    for (const sql of create) await session.query(sql);
    return session;
  }

  it('rows are stored as the source has stored them', async (context) => {
    if (missing !== '') return context.skip(missing);
    const names = TABLES.map(([name]) => name);
    const session = await made(
      TABLES.flatMap(([name, columns]) => [
        `CREATE TABLE ${name} (id INT PRIMARY KEY, ${columns}, n INT DEFAULT 1)`,
        `INSERT INTO ${name} (id, v) VALUES ${values(1, 100)}`,
      ]),
    );
    // Whole rows are compared: JSON becomes LONGTEXT where the target is a MariaDB.
    const bare =
      'CREATE TABLE bare (id INT, v VARCHAR(30), d JSON, g BIGINT AS (CAST(v AS SIGNED)) STORED, h TINYINT AS (id * 100) STORED)';
    try {
      await session.query(bare);
      const task = await Task.start(from, to, only('l'));
      await task.untilSynced();
      for (const name of [...names, 'bare']) {
        await session.query(`INSERT INTO ${name} (id, v) VALUES ${values(101, 100)}`);
        await session.query(`INSERT INTO ${name} (id, v) VALUES (300, '5'), (301, 'no number'), (302, NULL)`);
        if (name === 'bare') await session.query("UPDATE bare SET d = JSON_OBJECT('a', id)");
        await session.query(`UPDATE ${name} SET v = CONCAT(v, ' more') WHERE id IN (3, 4, 101, 102)`);
        await session.query(`UPDATE ${name} SET v = 'other', id = 400 WHERE id = 105`);
        await session.query(`DELETE FROM ${name} WHERE id IN (7, 8, 107)`);
      }
      for (const name of names) await session.query(`UPDATE ${name} SET n = 2 WHERE id < 50`);
      await task.untilSynced();
      await task.stop();
    } finally {
      await session.end();
    }
    await expectEqualTables(
      from,
      to,
      [...names, 'bare'].map((name) => `l.${name}`),
    );
  });

  it.for([false, true])(
    'keys that are no text are found again, with compact %s',
    async (compact, context) => {
      if (missing !== '') return context.skip(missing);
      const session = await made([
        'CREATE TABLE bytes (k VARBINARY(8) PRIMARY KEY, v VARCHAR(30), g BIGINT AS (CAST(v AS SIGNED)) STORED)',
        "INSERT INTO bytes (k, v) VALUES (X'ff00', '1'), (X'c327', '2'), (X'815c', '3'), (X'20', '4'), (X'', '5')",
      ]);
      try {
        const { sync } = subtaskConfig(from, to, {});
        const task = await Task.start(from, to, { ...only('l'), sync: { ...sync, compact, workerCount: 1 } });
        await task.untilSynced();
        await session.query("UPDATE bytes SET v = CONCAT('text ', v)");
        await task.untilSynced();
        await session.query(
          "BEGIN; UPDATE bytes SET v = CONCAT(v, ' more'); UPDATE bytes SET v = CONCAT(v, ' and more') WHERE k <> '';" +
            " DELETE FROM bytes WHERE k IN (X'ff00', X'815c'); COMMIT",
        );
        await session.query("BEGIN; UPDATE bytes SET v = CONCAT(v, '.'); DELETE FROM bytes; COMMIT");
        await session.query("INSERT INTO bytes (k, v) VALUES (X'ff', 'again'), (X'fe27', 'again')");
        await session.query("UPDATE bytes SET v = 'at last'");
        await task.untilSynced();
        await task.stop();
      } finally {
        await session.end();
      }
      await expectEqualTables(from, to, ['l.bytes']);
    },
  );

  it('their tables take DDL of strict sessions', async (context) => {
    if (missing !== '') return context.skip(missing);
    const names = TABLES.map(([name]) => name);
    const session = await made(
      TABLES.flatMap(([name, columns]) => [
        `CREATE TABLE ${name} (id INT PRIMARY KEY, ${columns})`,
        `INSERT INTO ${name} (id, v) VALUES ${values(1, 20)}`,
      ]),
    );
    const refused: string[] = [];
    try {
      const task = await Task.start(from, to, only('l'));
      await task.untilSynced();
      await session.query("SET SESSION sql_mode = 'STRICT_TRANS_TABLES'");
      for (const name of names) {
        for (const [i, change] of [
          'ADD COLUMN a DECIMAL(5,2) AFTER v',
          'ADD COLUMN b INT NOT NULL FIRST, ADD KEY (b)',
          'DROP COLUMN b',
          'ENGINE = InnoDB',
        ].entries()) {
          // A source that reads the rows itself may refuse it too.
          await session.query(`ALTER TABLE ${name} ${change}`).catch(() => refused.push(`${name} ${i}`));
        }
        await session.query(`CREATE INDEX later ON ${name} (v)`).catch(() => refused.push(`${name} index`));
      }
      await task.untilSynced();
      await task.stop();
    } finally {
      await session.end();
    }
    expect(refused.length).toBeLessThan(names.length * 5);
    await expectEqualTables(
      from,
      to,
      names.map((name) => `l.${name}`),
    );
  });

  it('a row whose generated column overflows since it was added is named as such', async (context) => {
    if (missing !== '') return context.skip(missing);
    const session = await made([
      'CREATE TABLE too_large (id INT PRIMARY KEY, n BIGINT)',
      'INSERT INTO too_large VALUES (1, 9223372036854775807)',
      'ALTER TABLE too_large ADD COLUMN g BIGINT AS (n + 100) VIRTUAL',
    ]);
    try {
      const task = await Task.start(from, to, only('l'));
      expect(await task.failure()).toMatch(
        /^60105 .*`l`.`too_large` holds rows of which a generated column/s,
      );
    } finally {
      await session.end();
    }
  });

  it('a value that the target cannot hold is refused beside them', async (context) => {
    if (missing !== '') return context.skip(missing);
    const session = await made([
      'CREATE TABLE narrow (id INT PRIMARY KEY, v VARCHAR(30), w VARCHAR(30), g BIGINT AS (CAST(v AS SIGNED)) STORED)',
      "INSERT INTO narrow (id, v, w) VALUES (1, 'text', 'fits')",
    ]);
    try {
      const task = await Task.start(from, to, only('l'));
      await task.untilSynced();
      const lax = await to.connect();
      await lax.query("SET SESSION sql_mode = ''; ALTER TABLE l.narrow MODIFY w VARCHAR(5)");
      await lax.end();
      await session.query("INSERT INTO narrow (id, v, w) VALUES (2, 'text', 'fits')");
      await task.untilSynced();
      await session.query("INSERT INTO narrow (id, v, w) VALUES (3, 'text', 'too long')");
      expect(await task.failure()).toMatch(/^10006 .*Data too long for column 'w'/s);
    } finally {
      await session.end();
    }
    expect(await to.query('SELECT id FROM l.narrow ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }]);
  });
});
