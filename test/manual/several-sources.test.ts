/** 2.4.2 (several sources) and 2.4.3 (shards, without their DDL): the whole task files with the stated requirements. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import { startMariaDb } from '../servers/index.js';
import { assertTablesEqual } from '../support/compare-tables.js';
import { RunningTask, subtasks, tablesOf, taskFile } from './support.js';

let sources: DatabaseServer[];
let target: DatabaseServer;
let dataDir: string;
beforeAll(async () => {
  [target, ...sources] = await Promise.all([
    startMariaDb({ binlog: 'off' }),
    startMariaDb(),
    startMariaDb(),
    startMariaDb(),
  ]);
  dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-manual-'));
});
afterAll(async () => {
  await Promise.all([...(sources ?? []), target].map((server) => server?.stop()));
  await rm(dataDir, { recursive: true, force: true });
});

async function start(name: string, count: number): Promise<RunningTask> {
  const example = await readFile(new URL(`../config/manual/${name}`, import.meta.url), 'utf8');
  const servers = Object.fromEntries(sources.slice(0, count).map((one, i) => [`instance-${i + 1}`, one]));
  const task = new RunningTask(subtasks(taskFile(example, target), servers), servers, dataDir);
  await task.synced();
  return task;
}

const values = async (sql: string): Promise<string[]> =>
  (await target.query(sql)).map((row) => Object.values(row).join(' '));

describe('2.4.2 several data sources', () => {
  const STORES = [
    ['store_bj', 'store_tj'],
    ['store_sh', 'store_sz'],
    ['store_gz', 'store_sz'],
  ];
  const USERS = ['user_north', 'user_east', 'user_south'];
  const renamed = (table: string, i: number): string =>
    table === 'store_sz' ? ['', 'store_suzhou', 'store_shenzhen'][i] : table;

  let task: RunningTask;
  beforeAll(async () => {
    for (const [i, source] of sources.entries()) {
      const tables = [
        'user.information',
        'user.log',
        ...STORES[i].map((name) => `store.${name}`),
        'log.messages',
      ];
      await source.execute('CREATE DATABASE user; CREATE DATABASE store; CREATE DATABASE log');
      for (const table of tables) {
        await source.execute(
          `CREATE TABLE ${table} (id INT PRIMARY KEY, v VARCHAR(40)); INSERT INTO ${table} VALUES (1, '${i} ${table}'), (2, 'to go')`,
        );
      }
    }
    task = await start('2.4.2-one-tidb-secondary.yaml', 3);
  });
  afterAll(() => task?.end());

  const DOWNSTREAM = {
    user_north: ['information', 'log'],
    user_east: ['information', 'log'],
    user_south: ['information', 'log'],
    store: ['store_bj', 'store_gz', 'store_sh', 'store_shenzhen', 'store_suzhou', 'store_tj'],
  };

  it('2.4.2.3: the downstream schemas and tables', async () => {
    expect(await tablesOf(target)).toEqual(DOWNSTREAM);
    for (const [i, source] of sources.entries()) {
      await assertTablesEqual(source, target, [
        { a: 'user.information', b: `${USERS[i]}.information` },
        { a: 'user.log', b: `${USERS[i]}.log` },
        ...STORES[i].map((name) => ({ a: `store.${name}`, b: `store.${renamed(name, i)}` })),
      ]);
    }
  });

  it('changes go to the renamed schemas and tables; the log schema is filtered out', async () => {
    for (const [i, source] of sources.entries()) {
      await source.execute(
        `UPDATE user.information SET v = 'changed' WHERE id = 1; DELETE FROM user.information WHERE id = 2;
         ALTER TABLE store.${STORES[i][1]} ADD COLUMN w INT; INSERT INTO store.${STORES[i][1]} VALUES (3, 'new', 3);
         INSERT INTO log.messages VALUES (3, 'new'); CREATE TABLE log.more (id INT PRIMARY KEY)`,
      );
    }
    await task.synced();
    expect(await tablesOf(target)).toEqual(DOWNSTREAM);
    for (const [i, source] of sources.entries()) {
      await assertTablesEqual(source, target, [
        { a: 'user.information', b: `${USERS[i]}.information` },
        { a: `store.${STORES[i][1]}`, b: `store.${renamed(STORES[i][1], i)}` },
      ]);
    }
  });

  it('never deletes the table log, nor the schema store and what is in it', async () => {
    for (const [i, source] of sources.entries()) {
      await source.execute(
        `DELETE FROM user.log; DELETE FROM store.${STORES[i][0]}; TRUNCATE TABLE store.${STORES[i][1]}`,
      );
      await source.execute(
        `INSERT INTO user.log VALUES (3, 'kept'); TRUNCATE TABLE user.log; DROP TABLE user.log; DROP TABLE store.${STORES[i][0]}`,
      );
      await source.execute('DROP DATABASE store; DROP DATABASE user; DROP DATABASE log');
    }
    await task.synced();
    expect(await tablesOf(target)).toEqual(DOWNSTREAM);
    for (const [i] of sources.entries()) {
      expect(await values(`SELECT id FROM ${USERS[i]}.log ORDER BY id`)).toEqual(['1', '2', '3']);
      expect(await values(`SELECT id FROM ${USERS[i]}.information ORDER BY id`)).toEqual(['1']);
      expect(await values(`SELECT id FROM store.${STORES[i][0]} ORDER BY id`)).toEqual(['1', '2']);
      expect(await values(`SELECT id FROM store.${renamed(STORES[i][1], i)} ORDER BY id`)).toEqual([
        '1',
        '2',
        '3',
      ]);
    }
  });
});

describe('2.4.3 shard merge', () => {
  const INFORMATION = `CREATE TABLE user.information (
    id bigint(20) NOT NULL AUTO_INCREMENT, uid bigint(20) DEFAULT NULL, name varchar(255) DEFAULT NULL,
    data varchar(255) DEFAULT NULL, PRIMARY KEY (id), UNIQUE KEY uid (uid)) ENGINE=InnoDB DEFAULT CHARSET=latin1`;
  const sale = (table: string): string => `CREATE TABLE ${table} (
    sid bigint(20) NOT NULL, pid bigint(20) NOT NULL, comment varchar(255) DEFAULT NULL,
    PRIMARY KEY (sid), KEY pid (pid)) ENGINE=InnoDB DEFAULT CHARSET=latin1`;
  const SALES = ['store_01.sale_01', 'store_01.sale_02', 'store_02.sale_01', 'store_02.sale_02'];
  const DOWNSTREAM = { store: ['sale'], user: ['information'] };

  let task: RunningTask;
  beforeAll(async () => {
    for (const server of [...sources, target]) {
      for (const schema of [...Object.keys(await tablesOf(server)), 'dm_meta']) {
        await server.execute(`DROP DATABASE IF EXISTS ${schema}`);
      }
    }
    for (const [i, source] of sources.slice(0, 2).entries()) {
      await source.execute('CREATE DATABASE user; CREATE DATABASE store_01; CREATE DATABASE store_02');
      // The ids are the same in both sources, the uids are not.
      await source.execute(
        `${INFORMATION}; INSERT INTO user.information (uid, name) VALUES (${i}1, 'a'), (${i}2, 'b'); CREATE TABLE user.log_bak (id INT PRIMARY KEY)`,
      );
      for (const [j, table] of SALES.entries()) {
        await source.execute(
          `${sale(table)}; INSERT INTO ${table} VALUES (${i}${j}1, 1, '${table}'), (${i}${j}2, 2, '${table}')`,
        );
      }
    }
    // 2.4.3.4: what is to be made by hand.
    await target.execute(`CREATE DATABASE user; ${INFORMATION.replace('PRIMARY KEY (id)', 'INDEX (id)')}`);
    task = await start('2.4.3-shard-merge.yaml', 2);
  });
  afterAll(() => task?.end());

  it('merges the tables of both sources', async () => {
    expect(await tablesOf(target)).toEqual(DOWNSTREAM);
    expect(await values('SELECT id, uid, name FROM user.information ORDER BY uid')).toEqual([
      '1 1 a',
      '2 2 b',
      '1 11 a',
      '2 12 b',
    ]);
    expect(
      await values('SELECT COUNT(*), COUNT(DISTINCT sid), COUNT(DISTINCT comment) FROM store.sale'),
    ).toEqual(['16 16 4']);
  });

  it('goes on merging, without log_bak', async () => {
    for (const [i, source] of sources.slice(0, 2).entries()) {
      await source.execute(
        `INSERT INTO user.information (uid, name) VALUES (${i}3, 'c'); UPDATE user.information SET name = 'changed' WHERE uid = ${i}1;
         DELETE FROM user.information WHERE uid = ${i}2; INSERT INTO user.log_bak VALUES (1);
         INSERT INTO store_02.sale_02 VALUES (${i}99, 9, 'new'); UPDATE store_01.sale_01 SET pid = 77 WHERE sid = ${i}01`,
      );
    }
    await task.synced();
    expect(await tablesOf(target)).toEqual(DOWNSTREAM);
    expect(await values('SELECT id, uid, name FROM user.information ORDER BY uid')).toEqual([
      '1 1 changed',
      '3 3 c',
      '1 11 changed',
      '3 13 c',
    ]);
    expect(await values("SELECT sid FROM store.sale WHERE pid = 77 OR comment = 'new' ORDER BY sid")).toEqual(
      ['1', '99', '101', '199'],
    );
  });

  it('filters out all deletions of the sales and DROP DATABASE', async () => {
    for (const source of sources.slice(0, 2)) {
      await source.execute(
        'DELETE FROM store_01.sale_01; TRUNCATE TABLE store_01.sale_02; DROP TABLE store_02.sale_01; DROP DATABASE store_02',
      );
    }
    await task.synced();
    expect(await tablesOf(target)).toEqual(DOWNSTREAM);
    expect(await values('SELECT COUNT(*) FROM store.sale')).toEqual(['18']);
  });
});
