/** 1.3.1.1 Table routing: each example with its stated result. */
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
routes:
  rule-1:
    schema-pattern: "test_*"
    table-pattern: "t_*"
    target-schema: "test"
    target-table: "t"
  rule-2:
    schema-pattern: "test_*"
    target-schema: "test"
`;

/** Printed without its `routes:`, as the others of 1.3.1.1.3. */
const RULE_1 = `
routes:
  rule-1:
    schema-pattern: "test_*"
    table-pattern: "t_*"
    target-schema: "test"
    target-table: "t"
`;

const MERGE_SCHEMAS = `
routes:
  rule-1:
    schema-pattern: "test_*"
    target-schema: "test"
`;

const INCORRECT = `
routes:
  rule-1:
    schema-pattern: "test_*"
    table-pattern: "t_*"
    target-schema: "test"
    target-table: "t"
  rule-2:
    schema-pattern: "test_1_bak"
    table-pattern: "t_1_bak"
    target-schema: "test"
    target-table: "t_bak"
`;

/** A shard with one row, whose key tells it from the others'. */
const shard = (schema: string, table: string, id: number): string =>
  `CREATE DATABASE IF NOT EXISTS ${schema}; CREATE TABLE ${schema}.${table} (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO ${schema}.${table} VALUES (${id}, '${schema}.${table}')`;

describe('merge sharded schemas and tables', () => {
  it('brings test_{1,2,3..}.t_{1,2,3..} to test.t', async () => {
    for (const sql of [shard('test_1', 't_1', 1), shard('test_1', 't_2', 2), shard('test_2', 't_1', 3)]) {
      await setup.source.execute(sql);
    }
    await setup.source.execute('CREATE DATABASE other; CREATE TABLE other.t_1 (id INT PRIMARY KEY)');
    await setup.replicating(PARAMETERS, { name: 'merge' });
    expect(await setup.arrived()).toEqual({ other: ['t_1'], test: ['t'] });
    await setup.follow(
      "INSERT INTO test_1.t_1 VALUES (11, 'a'); UPDATE test_1.t_2 SET v = 'changed'; DELETE FROM test_2.t_1",
      "CREATE DATABASE test_3; CREATE TABLE IF NOT EXISTS test_3.t_3 (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO test_3.t_3 VALUES (33, 'new shard')",
    );
    expect(await setup.values("SELECT CONCAT(id, ' ', v) FROM test.t ORDER BY id")).toEqual([
      '1 test_1.t_1',
      '2 changed',
      '11 a',
      '33 new shard',
    ]);
    // No schema and no table of the source's names.
    expect(await setup.arrived()).toEqual({ other: ['t_1'], test: ['t'] });
  });

  it('rule-2 is for CREATE and DROP SCHEMA', async () => {
    await setup.replicating(PARAMETERS, { name: 'schemas' });
    await setup.follow('CREATE DATABASE test_1');
    expect(await setup.arrived()).toEqual({ test: [] });
    await setup.follow('DROP DATABASE test_1');
    expect(await setup.arrived()).toEqual({});
  });

  it('rule-2 may be left out where test exists already and is not to be dropped', async () => {
    await setup.target.execute('CREATE DATABASE test');
    await setup.replicating(RULE_1, { name: 'existing' });
    await setup.follow(shard('test_1', 't_1', 1), shard('test_2', 'x', 5));
    expect(await setup.arrived()).toEqual({ test: ['t'], test_1: [], test_2: ['x'] });
    await setup.follow('DROP DATABASE test_1');
    expect(await setup.arrived()).toEqual({ test: ['t'], test_2: ['x'] });
    expect(await setup.values('SELECT id FROM test.t')).toEqual([1]);
  });

  it('without rule-2 and without test, it is reported that the schema does not exist', async () => {
    const task = await setup.replicating(RULE_1, { name: 'missing' });
    await setup.source.execute(shard('test_1', 't_1', 1));
    const [error] = await task.failed();
    expect(error.RawCause).toContain("Unknown database 'test'");
  });

  it('without rule-2 the full copy makes test, and the schemas of the source for what is not routed', async () => {
    await setup.source.execute(shard('test_1', 't_1', 1));
    await setup.replicating(RULE_1, { name: 'copied' });
    expect(await setup.arrived()).toEqual({ test: ['t'], test_1: [] });
    await setup.follow(shard('test_1', 'x', 5), shard('test_1', 't_2', 2));
    expect(await setup.arrived()).toEqual({ test: ['t'], test_1: ['x'] });
    expect(await setup.values('SELECT id FROM test.t ORDER BY id')).toEqual([1, 2]);
  });
});

describe('merge sharded schemas', () => {
  it('brings test_{1,2,3..}.t_{1,2,3..} to test.t_{1,2,3..}', async () => {
    await setup.source.execute(shard('test_1', 't_1', 1));
    await setup.source.execute(shard('test_2', 't_2', 2));
    await setup.replicating(MERGE_SCHEMAS, { name: 'schema' });
    await setup.follow(
      shard('test_3', 't_3', 3),
      "ALTER TABLE test_1.t_1 ADD COLUMN more INT DEFAULT 7; INSERT INTO test_1.t_1 VALUES (4, 'x', 8)",
      'UPDATE test_2.t_2 SET id = 20',
    );
    expect(await setup.arrived()).toEqual({ test: ['t_1', 't_2', 't_3'] });
    await assertTablesEqual(setup.source, setup.target, [
      { a: 'test_1.t_1', b: 'test.t_1' },
      { a: 'test_2.t_2', b: 'test.t_2' },
      { a: 'test_3.t_3', b: 'test.t_3' },
    ]);
  });
});

describe('incorrect table routing', () => {
  const problem = 'table test_1_bak.t_1_bak matches more than one rule';

  it('is reported of a table that is there when the task begins', async () => {
    await setup.source.execute(shard('test_1_bak', 't_1_bak', 1));
    const [error] = await setup.begin(INCORRECT, { name: 'incorrect' }).failed();
    expect(JSON.stringify(error)).toContain(problem);
    expect(await setup.arrived()).toEqual({});
  });

  it('is reported of a table that comes later', async () => {
    await setup.target.execute('CREATE DATABASE test');
    const task = await setup.replicating(INCORRECT, { name: 'incorrect_later' });
    await setup.follow(shard('test_1', 't_1', 1));
    await setup.source.execute(shard('test_1_bak', 't_1_bak', 1));
    const [error] = await task.failed();
    expect(error.ErrCode).toBe(40080);
    expect(error.Message).toContain(problem);
    expect(await setup.values('SELECT id FROM test.t')).toEqual([1]);
  });
});
