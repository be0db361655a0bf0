/** 1.3.1.2 Block and allow table lists: each example with its stated result, in the copy and in replication. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assertTablesEqual } from '../support/compare-tables.js';
import { ManualSetup } from './support.js';

let setup: ManualSetup;
beforeAll(async () => {
  setup = await ManualSetup.start();
});
afterEach(() => setup.wipe());
afterAll(() => setup?.stop());

const PARAMETERS = `
block-allow-list:          # Use black-white-list if the DM version is earlier than or equal to v2.0.0-beta.2.
  rule-1:
    do-dbs: ["test*"]       # Starting with characters other than "~" indicates that it is a wildcard;
                            # v1.0.5 or later versions support the regular expression rules.
    do-tables:
    - db-name: "test[123]" # Matches test1, test2, and test3.
      tbl-name: "t[1-5]"  # Matches t1, t2, t3, t4, and t5.
    - db-name: "test"
      tbl-name: "t"
  rule-2:
    do-dbs: ["~^test.*"] # Starting with "~" indicates that it is a regular expression.
    ignore-dbs: ["mysql"]
    do-tables:
    - db-name: "~^test.*"
      tbl-name: "~^t.*"
    - db-name: "test"
      tbl-name: "t"
    ignore-tables:
    - db-name: "test"
      tbl-name: "log"
`;

const USAGE = `
block-allow-list: # Use black-white-list if the DM version is earlier than or equal to v2.0.0-beta.2.
  bw-rule:
    do-dbs: ["forum_backup_2018", "forum"]
    ignore-dbs: ["~^forum_backup_"]
    do-tables:
      - db-name: "logs"
        tbl-name: "~_2018$"
      - db-name: "~^forum.*"
        tbl-name: "messages"
    ignore-tables:
      - db-name: "~.*"
        tbl-name: "^messages.*"
`;

async function create(tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    const [schema] = table.split('.');
    await setup.source.execute(
      `CREATE DATABASE IF NOT EXISTS ${schema}; CREATE TABLE ${table} (id INT PRIMARY KEY, v INT); INSERT INTO ${table} VALUES (1, 1), (2, 2)`,
    );
  }
}

/** Rows and structures of every table change, the same for all. */
const change = (table: string): string =>
  `INSERT INTO ${table} VALUES (3, 3); UPDATE ${table} SET v = 9 WHERE id = 1; DELETE FROM ${table} WHERE id = 2; ALTER TABLE ${table} ADD COLUMN w INT DEFAULT 5; INSERT INTO ${table} VALUES (4, 4, 4)`;

/** Of the source's tables exactly these arrive, whether they are copied or come as statements and rows. */
async function expectMigrated(
  example: string,
  list: string,
  tables: readonly string[],
  migrated: readonly string[],
  name: string,
): Promise<void> {
  const half = Math.ceil(tables.length / 2);
  // Some of each are there before, some come later.
  await create(tables.filter((_, i) => i % 2 === 0 || i > half));
  await setup.replicating(example, { name, list });
  await create(tables.filter((_, i) => !(i % 2 === 0 || i > half)));
  await setup.follow(...tables.map(change));
  const arrived = Object.entries(await setup.arrived()).flatMap(([schema, names]) =>
    names.map((table) => `${schema}.${table}`),
  );
  expect(arrived).toEqual([...migrated].sort());
  await assertTablesEqual(setup.source, setup.target, migrated);
}

describe('parameter configuration', () => {
  const tables = [
    'test.t',
    'test.t1',
    'test.log',
    'test1.t1',
    'test1.t5',
    'test1.t6',
    'test2.t10',
    'test3.t3',
    'test4.t1',
    'test4.x',
    'other.t',
  ];

  it('rule-1: wildcards', () =>
    expectMigrated(
      PARAMETERS,
      'rule-1',
      tables,
      ['test.t', 'test1.t1', 'test1.t5', 'test3.t3'],
      'wildcards',
    ));

  it('rule-2: regular expressions', () =>
    expectMigrated(
      PARAMETERS,
      'rule-2',
      tables,
      tables.filter((table) => /^test.*\.t/.test(table)),
      'regular',
    ));

  it('the old name of the key', () =>
    expectMigrated(
      PARAMETERS.replace('block-allow-list:', 'black-white-list:').concat(`
mysql-instances:
  - source-id: "mysql-replica-01"
    black-white-list: "rule-1"
`),
      'rule-1',
      ['test.t', 'test.log', 'test1.t5', 'other.t'],
      ['test.t', 'test1.t5'],
      'old_name',
    ));
});

describe('filtering process', () => {
  it('asks for the schema that a statement names before that of USE', async () => {
    await setup.source.execute('CREATE DATABASE test_db_2');
    await setup.replicating('block-allow-list: { rule: { do-dbs: ["test_db_1"] } }', { name: 'use' });
    await setup.follow(
      'CREATE DATABASE test_db_1',
      'USE test_db_2; CREATE TABLE test_db_1.test_table (c1 INT PRIMARY KEY)',
      'USE test_db_1; CREATE TABLE test_db_2.test_table (c1 INT PRIMARY KEY); CREATE TABLE by_use (c1 INT PRIMARY KEY)',
      'USE test_db_2; CREATE TABLE by_use (c1 INT PRIMARY KEY); INSERT INTO test_db_1.test_table VALUES (1)',
    );
    expect(await setup.arrived()).toEqual({ test_db_1: ['by_use', 'test_table'] });
    expect(await setup.values('SELECT c1 FROM test_db_1.test_table')).toEqual([1]);
  });

  it.each([
    ['do-dbs of a schema', '{ do-dbs: ["a"] }', ['a.t', 'a.u']],
    ['ignore-dbs of a schema', '{ ignore-dbs: ["a"] }', ['b.t']],
    ['do-dbs before ignore-dbs', '{ do-dbs: ["a"], ignore-dbs: ["a"] }', ['a.t', 'a.u']],
    ['do-tables', '{ do-tables: [{ db-name: "a", tbl-name: "t" }] }', ['a.t']],
    ['ignore-tables', '{ ignore-tables: [{ db-name: "a", tbl-name: "t" }] }', ['a.u', 'b.t']],
    ['nothing', '{}', ['a.t', 'a.u', 'b.t']],
  ])('%s', (name, rule, migrated) =>
    expectMigrated(
      `block-allow-list: { rule: ${rule} }`,
      'rule',
      ['a.t', 'a.u', 'b.t'],
      migrated,
      name.replaceAll(/\W/g, '_'),
    ),
  );

  it('filters a schema itself at the schema level alone', async () => {
    const lists =
      'block-allow-list: { rule: { do-dbs: ["a*"], do-tables: [{ db-name: "x", tbl-name: "t" }] } }';
    await setup.replicating(lists, { name: 'level' });
    await setup.follow('CREATE DATABASE a1', 'CREATE DATABASE x', 'CREATE TABLE a1.t (id INT PRIMARY KEY)');
    expect(await setup.arrived()).toEqual({ a1: [] });
    await setup.follow('DROP DATABASE a1');
    expect(await setup.arrived()).toEqual({});
  });
});

it('usage example', () =>
  expectMigrated(
    USAGE,
    'bw-rule',
    [
      'logs.messages_2016',
      'logs.messages_2017',
      'logs.messages_2018',
      'forum.users',
      'forum.messages',
      'forum_backup_2016.messages',
      'forum_backup_2017.messages',
      'forum_backup_2018.messages',
    ],
    ['forum.messages', 'forum_backup_2018.messages'],
    'forum',
  ));
