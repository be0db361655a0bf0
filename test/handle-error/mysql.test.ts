/** The same with MySQL on both sides, where each statement has a GTID event before it and targets differ in what they take. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../servers/describe-with.js';
import { ErrorSetup, positionsOf, startOf } from './support.js';

await describeWith('mysql-9.7', 'handled statements', () => {
  let setup: ErrorSetup;
  beforeAll(async () => {
    setup = await ErrorSetup.start({ kind: 'mysql-9.7' });
  });
  afterAll(() => setup?.stop());

  it('are skipped, replaced and preceded by others', async () => {
    await setup.replicating('my', {
      one: ['CREATE TABLE t (a INT PRIMARY KEY, b INT)', 'INSERT INTO t VALUES (1,1)'],
    });
    await setup.runOnTarget('my', 'ALTER TABLE t ADD KEY k1 (b), ADD KEY k2 (b), ADD KEY k3 (b)');
    await setup.run(
      'one',
      'my',
      'ALTER TABLE t ADD COLUMN c INT, ADD UNIQUE KEY k1 (c)',
      'INSERT INTO t VALUES (2,2,2)',
      'ALTER TABLE t ADD KEY k2 (b, c)',
      'INSERT INTO t VALUES (3,3,3)',
      'ALTER TABLE t ADD KEY k3 (b, c)',
      'INSERT INTO t VALUES (4,4,4)',
    );
    const error = await setup.pausedBy('my', /Duplicate key name 'k1'/);
    const [k1, k2] = await positionsOf(setup.sources.one, /my.*ADD (UNIQUE )?KEY k[12]/);
    // Both the beginning of the transaction and that of the statement name it.
    expect(Number(k1?.split(':')[1])).toBeGreaterThan(Number(startOf(error).split(':')[1]));
    await setup.decided('skip', 'my', { binlogPos: k2 });
    await setup.decided('replace', 'my', {
      binlogPos: k1,
      sqls: 'ALTER TABLE t ADD COLUMN c INT; ALTER TABLE t ADD UNIQUE KEY u1 (c)',
    });
    await setup.pausedBy('my', /Duplicate key name 'k3'/);
    expect(await setup.listed('my')).toEqual([]);
    await setup.decided('inject', 'my', { sqls: 'ALTER TABLE t DROP KEY k3' });
    await setup.equal('my.t');
    const keys = await setup.target.query(
      "SELECT index_name AS k, GROUP_CONCAT(column_name ORDER BY seq_in_index) AS c FROM information_schema.statistics WHERE table_schema='my' AND index_name<>'PRIMARY' GROUP BY index_name ORDER BY 1",
    );
    expect(keys.map((key) => `${key['k']} ${key['c']}`)).toEqual(['k1 b', 'k2 b', 'k3 b,c', 'u1 c']);
  });
});
