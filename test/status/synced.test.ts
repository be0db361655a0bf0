/** `synced` is about the source as it is when the status is asked for: scripts write, and then wait for it. */
import { expect, it } from 'vitest';
import { startMariaDb } from '../servers/index.js';
import { incremental, startSyncer, untilSynced } from '../sync/support.js';

it('never says synced before what was written has arrived', async () => {
  await using source = await startMariaDb();
  await using target = await startMariaDb({ binlog: 'off' });
  for (const server of [source, target]) {
    await server.execute('CREATE DATABASE s; CREATE TABLE s.t (id INT PRIMARY KEY)');
  }
  const running = startSyncer(await incremental(source, target), 1);
  for (let id = 1; id <= 30; id++) {
    await source.execute(`INSERT INTO s.t VALUES (${id})`);
    await untilSynced(running);
    expect(await target.query(`SELECT id FROM s.t WHERE id = ${id}`)).toEqual([{ id }]);
  }
  running.syncer.end();
  await running.done;
});
