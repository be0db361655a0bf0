/** CREATE TABLE ... SELECT is one transaction of a statement and rows: a crash may come between the two. */
import { afterAll, beforeAll, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import type { DatabaseKind } from '../servers/availability.js';
import { describeWith, startDatabase, startMariaDb } from '../servers/index.js';
import { waitFor } from '../support/wait-for.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from '../sync/support.js';

const KINDS: readonly DatabaseKind[] = ['mariadb-10.11', 'mysql-9.7'];

for (const kind of KINDS) {
  await describeWith(kind, `CREATE TABLE ... SELECT of ${kind}`, () => {
    let source: DatabaseServer;
    let target: DatabaseServer;
    beforeAll(async () => {
      [source, target] = await Promise.all([startDatabase(kind), startMariaDb()]);
    });
    afterAll(async () => {
      await source?.stop();
      await target?.stop();
    });

    it('is taken up again where it was left', async () => {
      const create = 'CREATE DATABASE s; CREATE TABLE s.a (id INT PRIMARY KEY, v VARCHAR(9))';
      await source.execute(create);
      await target.execute(create);
      const config = await incremental(source, target, {
        blockAllow: { doDbs: ['s'], doTables: [], ignoreDbs: [], ignoreTables: [] },
      });
      await source.execute("INSERT INTO s.a VALUES (1, 'one'), (2, 'two'), (3, NULL)");
      const first = startSyncer(config, 1);
      await untilSynced(first);
      // No lane can commit: the statement goes through, its rows do not.
      const blocker = await target.connect();
      await blocker.query('BEGIN; SELECT * FROM dm_meta.sync_syncer_lane FOR UPDATE');
      await source.execute('CREATE TABLE s.b SELECT id, v FROM s.a');
      const saved = "SELECT cp_table FROM dm_meta.sync_syncer_checkpoint WHERE cp_table='b'";
      await waitFor(async () => (await target.query(saved)).length > 0, { what: 'the new table' });
      first.syncer.destroy();
      await first.done.catch(() => undefined);
      await blocker.query('COMMIT');
      await blocker.end();

      const second = startSyncer(config, 2);
      await source.execute("INSERT INTO s.b VALUES (4, 'four')");
      await untilSynced(second);
      second.syncer.end();
      await second.done;
      await expectEqualTables(source, target, ['s.a', 's.b']);
    });
  });
}
