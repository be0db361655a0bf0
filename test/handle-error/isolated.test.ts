/** Tables that are set aside after an error (`on-table-error: isolate`): their statements can be decided about too. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { IsolatedTable } from '../../src/model/status.js';
import { ErrorSetup, startOf } from './support.js';

let setup: ErrorSetup;
beforeAll(async () => {
  setup = await ErrorSetup.start();
});
afterAll(() => setup?.stop());

it('a statement of a table that is set aside is replaced, and the table catches up', async () => {
  const extra = 'syncers:\n  s: {on-table-error: isolate}\n';
  await setup.replicating(
    'aside',
    { one: ['CREATE TABLE t (a INT PRIMARY KEY, b INT)', 'CREATE TABLE o (a INT PRIMARY KEY)'] },
    { extra, instance: () => '    syncer-config-name: s\n' },
  );
  await setup.runOnTarget('aside', 'ALTER TABLE t ADD KEY uq (b)');
  await setup.run(
    'one',
    'aside',
    'INSERT INTO t VALUES (1,1)',
    'ALTER TABLE t ADD COLUMN c INT, ADD UNIQUE KEY uq (c)',
    'INSERT INTO t VALUES (2,2,2)',
    'INSERT INTO o VALUES (1)',
  );
  await setup.equal('aside.o');
  const parked = (status: { sync?: { isolatedTables?: IsolatedTable[] } }) =>
    status.sync?.isolatedTables ?? [];
  const status = await setup.nats.untilSubtask('aside', 'to set t aside', (one) =>
    /Duplicate key name 'uq'/.test(JSON.stringify(parked(one))),
  );
  await setup.decided('replace', 'aside', {
    binlogPos: startOf(parked(status)[0]!.error),
    sqls: 'ALTER TABLE t ADD COLUMN c INT; ALTER TABLE t ADD UNIQUE KEY u2 (c)',
  });
  await setup.nats.must('isolation', { op: 'retry', task: 'aside' });
  await setup.nats.untilSubtask('aside', 'to have no table aside', (one) => parked(one).length === 0);
  await setup.equal('aside.t');
  expect(await setup.target.query("SHOW INDEX FROM aside.t WHERE Key_name='u2'")).toHaveLength(1);
});
