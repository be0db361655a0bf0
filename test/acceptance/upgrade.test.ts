/** Tasks whose meta tables an older version has made. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ErrorSetup } from '../handle-error/support.js';

let setup: ErrorSetup;
beforeAll(async () => {
  setup = await ErrorSetup.start();
});
afterAll(() => setup?.stop());

it('go on: what the tables of the copy lack is added', async () => {
  await setup.replicating('older', {
    one: ['CREATE TABLE t (id INT PRIMARY KEY)', 'INSERT INTO t VALUES (1)'],
  });
  const { cfg } = (await setup.nats.must('get-config', { type: 'task', name: 'older' })) as { cfg: string };
  await setup.nats.must('stop-task', { task: 'older' });
  await setup.target.execute(
    'ALTER TABLE dm_meta.older_load_table DROP COLUMN deferred_indexes;' +
      'ALTER TABLE dm_meta.older_load_chunk DROP COLUMN read_name, DROP COLUMN read_pos,' +
      ' MODIFY key_low VARCHAR(24) NULL, MODIFY key_high VARCHAR(24) NULL',
  );
  await setup.run('one', 'older', 'INSERT INTO t VALUES (2)');
  const yaml = cfg.replaceAll(/password: .*/g, `password: "${setup.target.password}"`);
  await setup.nats.must('start-task', { task: yaml });
  await setup.equal('older.t');
  await setup.nats.must('stop-task', { task: 'older' });
  await setup.target.execute('DROP DATABASE older');
  await setup.nats.must('start-task', { task: yaml, removeMeta: true });
  await setup.equal('older.t');
  const columns = await setup.target.query('SHOW COLUMNS FROM dm_meta.older_load_table');
  expect(columns.map((column) => column['Field'])).toContain('deferred_indexes');
});
