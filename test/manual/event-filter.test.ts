/** 1.3.1.3 Binlog event filter: each example with its stated result. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ManualSetup } from './support.js';

let setup: ManualSetup;
beforeAll(async () => {
  setup = await ManualSetup.start();
});
afterEach(() => setup.wipe());
afterAll(() => setup?.stop());

const PARAMETERS = String.raw`
filters:
  rule-1:
    schema-pattern: "test_*"
    table-pattern: "t_*"
    events: ["truncate table", "drop table"]
    sql-pattern: ["^DROP\\s+PROCEDURE", "^CREATE\\s+PROCEDURE"]
    action: Ignore
`;

const NO_DELETIONS = `
filters:
  filter-table-rule:
    schema-pattern: "test_*"
    table-pattern: "t_*"
    events: ["truncate table", "drop table", "delete"]
    action: Ignore
  filter-schema-rule:
    schema-pattern: "test_*"
    events: ["drop database"]
    action: Ignore
`;

const ONLY_DML = `
filters:
  do-table-rule:
    schema-pattern: "test_*"
    table-pattern: "t_*"
    events: ["create table", "all dml"]
    action: Do
  do-schema-rule:
    schema-pattern: "test_*"
    events: ["create database"]
    action: Do
`;

const NO_PROCEDURES = String.raw`
filters:
  filter-procedure-rule:
    schema-pattern: "test_*"
    table-pattern: "t_*"
    sql-pattern: ["^DROP\\s+PROCEDURE", "^CREATE\\s+PROCEDURE"]
    action: Ignore
`;

const NO_PARTITIONS = String.raw`
filters:
  filter-partition-rule:
    schema-pattern: "*"
    sql-pattern: ["ALTER\\s+TABLE[\\s\\S]*ADD\\s+PARTITION", "ALTER\\s+TABLE[\\s\\S]*DROP\\s+PARTITION"]
    action: Ignore
`;

const PROCEDURES = [
  'USE test_1; CREATE PROCEDURE p (IN a INT) BEGIN DELETE FROM t_1 WHERE id = a; END',
  'USE test_1; DROP  PROCEDURE p',
];

/** Tables with the rows 1 and 2: two that the patterns match, two that they do not. */
async function tables(): Promise<void> {
  await setup.source.execute('CREATE DATABASE test_1; CREATE DATABASE test_2; CREATE DATABASE other');
  for (const table of ['test_1.t_1', 'test_2.t_2', 'test_1.u', 'other.t_1']) {
    await setup.source.execute(
      `CREATE TABLE ${table} (id INT PRIMARY KEY, v INT); INSERT INTO ${table} VALUES (1, 1), (2, 2)`,
    );
  }
}

const ids = (table: string): Promise<unknown[]> => setup.values(`SELECT id FROM ${table} ORDER BY id`);

const procedures = (): Promise<unknown[]> =>
  setup.values("SELECT routine_name FROM information_schema.routines WHERE routine_schema LIKE 'test%'");

it('parameter configuration: leaves out TRUNCATE, DROP TABLE and procedures', async () => {
  await tables();
  await setup.replicating(PARAMETERS, { name: 'parameters' });
  await setup.follow(
    ...PROCEDURES,
    'TRUNCATE TABLE test_1.t_1; INSERT INTO test_1.t_1 VALUES (3, 3)',
    'DROP TABLE test_2.t_2; TRUNCATE TABLE test_1.u; DROP TABLE other.t_1',
    'DELETE FROM test_1.t_1 WHERE id = 3; INSERT INTO test_1.t_1 VALUES (4, 4)',
  );
  expect(await setup.arrived()).toEqual({ other: [], test_1: ['t_1', 'u'], test_2: ['t_2'] });
  expect(await ids('test_1.t_1')).toEqual([1, 2, 4]);
  expect(await ids('test_2.t_2')).toEqual([1, 2]);
  expect(await ids('test_1.u')).toEqual([]);
  expect(await procedures()).toEqual([]);
});

it('filters out all sharding deletion operations', async () => {
  await tables();
  await setup.replicating(NO_DELETIONS, { name: 'deletions' });
  await setup.follow(
    'DELETE FROM test_1.t_1; DELETE FROM test_1.u WHERE id = 1; DELETE FROM other.t_1 WHERE id = 1',
    'INSERT INTO test_1.t_1 VALUES (3, 3); UPDATE test_1.t_1 SET v = 30; TRUNCATE TABLE test_1.t_1',
    'INSERT INTO test_1.t_1 VALUES (4, 4); DROP TABLE test_1.t_1; DROP TABLE test_1.u',
    'DROP DATABASE test_2; DROP DATABASE other',
  );
  expect(await setup.arrived()).toEqual({ test_1: ['t_1'], test_2: ['t_2'] });
  expect(await setup.values("SELECT CONCAT(id, ' ', v) FROM test_1.t_1 ORDER BY id")).toEqual([
    '1 1',
    '2 2',
    '3 30',
    '4 4',
  ]);
  expect(await ids('test_2.t_2')).toEqual([1, 2]);
});

it('only migrates sharding DML statements', async () => {
  await setup.replicating(ONLY_DML, { name: 'dml' });
  await tables();
  await setup.follow(
    'ALTER TABLE test_1.t_1 ADD INDEX v (v); CREATE INDEX v ON test_2.t_2 (v)',
    'UPDATE test_1.t_1 SET v = 10 WHERE id = 1; DELETE FROM test_1.t_1 WHERE id = 2; INSERT INTO test_1.t_1 VALUES (3, 3)',
    'TRUNCATE TABLE test_2.t_2; INSERT INTO test_2.t_2 VALUES (5, 5); DROP TABLE test_2.t_2; DROP DATABASE test_2',
    'ALTER TABLE other.t_1 ADD INDEX v (v); DELETE FROM other.t_1 WHERE id = 1',
  );
  // The schema rule is all that there is about test_1.u: its statements are none of `create database`.
  expect(await setup.arrived()).toEqual({ other: ['t_1'], test_1: ['t_1'], test_2: ['t_2'] });
  expect(await setup.values("SELECT CONCAT(id, ' ', v) FROM test_1.t_1 ORDER BY id")).toEqual([
    '1 10',
    '3 3',
  ]);
  expect(await ids('test_2.t_2')).toEqual([1, 2, 5]);
  expect(await ids('other.t_1')).toEqual([2]);
  expect(
    await setup.values(
      "SELECT table_schema FROM information_schema.statistics WHERE index_name = 'v' AND table_name LIKE 't%'",
    ),
  ).toEqual(['other']);
});

it('filters out statements on procedures', async () => {
  await tables();
  await setup.replicating(NO_PROCEDURES, { name: 'procedures' });
  await setup.follow(...PROCEDURES, 'INSERT INTO test_1.t_1 VALUES (3, 3)');
  expect(await procedures()).toEqual([]);
  expect(await ids('test_1.t_1')).toEqual([1, 2, 3]);
});

describe('filters out statements on partitions that the parser does not support', () => {
  const partitions = () =>
    setup.values(
      "SELECT partition_name FROM information_schema.partitions WHERE table_schema = 'p' AND table_name = 't' ORDER BY partition_ordinal_position",
    );

  it('and only these', async () => {
    await setup.source.execute(
      'CREATE DATABASE p; CREATE TABLE p.t (id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20)); INSERT INTO p.t VALUES (1), (11)',
    );
    await setup.replicating(NO_PARTITIONS, { name: 'partitions' });
    await setup.follow(
      'ALTER TABLE p.t ADD PARTITION (PARTITION p2 VALUES LESS THAN (30))',
      'USE p; alter  table t\n  drop\tpartition p0',
      'ALTER TABLE p.t ADD COLUMN v INT DEFAULT 3; INSERT INTO p.t VALUES (12, 4)',
    );
    expect(await partitions()).toEqual(['p0', 'p1']);
    expect(await setup.values("SELECT CONCAT(id, ' ', v) FROM p.t ORDER BY id")).toEqual([
      '1 3',
      '11 3',
      '12 4',
    ]);
  });
});
