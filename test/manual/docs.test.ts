/** The examples of docs/tables.md and docs/filters.md, as they stand there. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assertTablesEqual } from '../support/compare-tables.js';
import { ManualSetup } from './support.js';

let setup: ManualSetup;
beforeAll(async () => {
  setup = await ManualSetup.start();
});
afterEach(() => setup.wipe());
afterAll(() => setup?.stop());

const examples = (page: string): string[] =>
  [
    ...readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8').matchAll(/```yaml\n([^]*?)```/g),
  ].map(([, text]) => text);

const create = (...tables: string[]): string =>
  tables
    .map(
      (table, i) =>
        `CREATE DATABASE IF NOT EXISTS ${table.split('.')[0]}; CREATE TABLE ${table} (id INT PRIMARY KEY, v INT); INSERT INTO ${table} VALUES (${i}, ${i})`,
    )
    .join(';');

describe('docs/tables.md', () => {
  const [lists, routes, ...more] = examples('tables.md');

  it('block-allow lists', async () => {
    const some = create('forum.users', 'forum.messages', 'forum.log_1', 'forum_backup_2017.messages');
    await setup.source.execute(some);
    await setup.replicating(lists, { name: 'forum' });
    await setup.follow(
      create('forum_backup_2018.messages', 'forum.more'),
      'INSERT INTO forum.messages VALUES (9, 9)',
    );
    expect(await setup.arrived()).toEqual({ forum: ['messages'], forum_backup_2018: ['messages'] });
    await assertTablesEqual(setup.source, setup.target, ['forum.messages', 'forum_backup_2018.messages']);
    expect(more).toEqual([]);
  });

  it('routes', async () => {
    await setup.source.execute(create('shop_1.orders_1', 'shop_1.customers'));
    await setup.replicating(routes, { name: 'shop' });
    await setup.follow(
      'CREATE DATABASE shop_2; CREATE TABLE IF NOT EXISTS shop_2.orders_7 (id INT PRIMARY KEY, v INT); INSERT INTO shop_2.orders_7 VALUES (7, 7)',
      'UPDATE shop_1.orders_1 SET v = 5; ALTER TABLE shop_1.customers ADD COLUMN w INT',
    );
    expect(await setup.arrived()).toEqual({ shop: ['customers', 'orders'] });
    expect(await setup.values("SELECT CONCAT(id, ' ', v) FROM shop.orders ORDER BY id")).toEqual([
      '0 5',
      '7 7',
    ]);
    await assertTablesEqual(setup.source, setup.target, [{ a: 'shop_1.customers', b: 'shop.customers' }]);
  });
});

describe('docs/filters.md', () => {
  const [events, expressions, ...more] = examples('filters.md');

  it('binlog event filter', async () => {
    await setup.source.execute(create('test_1.t_1', 'other.t'));
    const task = await setup.replicating(events, { name: 'events' });
    await setup.follow(
      'DELETE FROM test_1.t_1; TRUNCATE TABLE test_1.t_1; INSERT INTO test_1.t_1 VALUES (5, 5)',
      'DROP TABLE test_1.t_1; DROP DATABASE test_1; DELETE FROM other.t',
    );
    expect(await setup.arrived()).toEqual({ other: ['t'], test_1: ['t_1'] });
    expect(await setup.values('SELECT id FROM test_1.t_1 ORDER BY id')).toEqual([0, 5]);
    expect(await setup.values('SELECT id FROM other.t')).toEqual([]);
    await setup.source.execute('ALTER TABLE other.t MODIFY v TINYINT');
    const [error] = await task.failed();
    expect(error.ErrCode).toBe(60402);
  });

  it('expression filters', async () => {
    await setup.source.execute(
      "CREATE DATABASE expr_filter; CREATE TABLE expr_filter.tbl (id INT PRIMARY KEY, c INT, state VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT 'open')",
    );
    await setup.replicating(expressions, { name: 'expressions' });
    await setup.follow(
      'INSERT INTO expr_filter.tbl (id, c) VALUES (1, 1), (2, 2), (3, 3)',
      "UPDATE expr_filter.tbl SET state = 'archived' WHERE id = 1; UPDATE expr_filter.tbl SET state = 'closed' WHERE id = 3",
    );
    expect(await setup.values("SELECT CONCAT(id, ' ', state) FROM expr_filter.tbl ORDER BY id")).toEqual([
      '1 open',
      '3 closed',
    ]);
    expect(more).toEqual([]);
  });
});
