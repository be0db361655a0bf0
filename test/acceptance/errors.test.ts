/** What query-status says of a subtask that a row change has paused. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ErrorSetup } from '../handle-error/support.js';
import type { Answer } from '../lifecycle/support.js';

let setup: ErrorSetup;
beforeAll(async () => {
  setup = await ErrorSetup.start();
});
afterAll(() => setup?.stop());

it('a row that does not fit: both places have the set of what was executed, and the source its position', async () => {
  const { one } = setup.sources;
  await setup.replicating('rows_at', {
    one: ['CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))', "INSERT INTO t VALUES (1,'a')"],
  });
  await setup.runOnTarget('rows_at', 'ALTER TABLE t MODIFY v VARCHAR(3)');
  await setup.run('one', 'rows_at', "INSERT INTO t VALUES (2,'b')");
  const [before] = await one.query('SELECT @@gtid_binlog_pos AS gtid');
  await setup.run('one', 'rows_at', "BEGIN; INSERT INTO t VALUES (3,'c'),(4,'too long'); COMMIT");
  const [after] = await one.query('SELECT @@gtid_binlog_pos AS gtid');
  const error = await setup.pausedBy('rows_at', /Data too long/);
  const places = /startLocation: \[.*gtid-set: ([^\]]*)\], endLocation: \[.*gtid-set: ([^\]]*)\]/.exec(
    String(error.Message),
  );
  expect(places?.[1]).toBe(before?.['gtid']);
  expect([before?.['gtid'], after?.['gtid']]).toContain(places?.[2]);
  const status: Answer = await setup.nats.subtask('rows_at', 'one');
  expect(status.sync.masterBinlog).toMatch(/^\(mysql-bin\.\d{6}, \d+\)$/);
});
