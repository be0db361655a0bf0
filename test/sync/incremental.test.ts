/** Continuous replication between real servers under a random load. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith, startDatabase } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { createWriterTables, RandomWriter, writerTables } from '../support/random-writer.js';
import { SeededRandom } from '../support/seeded-random.js';
import { waitFor } from '../support/wait-for.js';
import {
  expectEqualTables,
  incremental,
  startSyncer,
  untilApplied,
  untilSynced,
  type RunningSyncer,
} from './support.js';

type Kind = 'mariadb-10.11' | 'mysql-9.7';

function cases(kind: Kind, enableGtid: boolean, targetKind: Kind = 'mariadb-10.11'): void {
  let source: DatabaseServer;
  let target: DatabaseServer;
  const tables = writerTables('w');

  beforeAll(async () => {
    source = await startDatabase(kind);
    target = await startDatabase(targetKind);
  });
  afterAll(async () => {
    await source?.stop();
    await target?.stop();
  });

  async function prepare(seed: number): Promise<void> {
    for (const server of [source, target]) {
      await server.execute('DROP DATABASE IF EXISTS w');
      await createWriterTables(server, 'w', { seed });
    }
    await target.execute('DROP DATABASE IF EXISTS dm_meta');
  }

  it('follows a random load and ends at a safe place', async () => {
    await prepare(1);
    const config = await incremental(source, target, { enableGtid });
    const writer = new RandomWriter({ server: source, schema: 'w', seed: 11, connections: 4 }).start();
    const first = startSyncer(config, 1);
    await waitFor(() => writer.stats.rows > 400, { what: 'rows of the writer' });
    first.syncer.end();
    expect(await first.done).toEqual({ outcome: 'ended' });
    const second = startSyncer(config, 1);
    await waitFor(() => writer.stats.rows > 800, { what: 'more rows of the writer' });
    await writer.stop();
    await untilSynced(second);
    second.syncer.end();
    await second.done;
    await expectEqualTables(source, target, tables);
  });

  it('leaves no thread behind that waits at the source to send its binlog', async () => {
    await prepare(3);
    const running = startSyncer(await incremental(source, target, { enableGtid }), 1);
    const threads = async () =>
      (await source.query('SHOW PROCESSLIST')).filter((row) =>
        String(row['Command']).startsWith('Binlog Dump'),
      ).length;
    await untilSynced(running);
    await waitFor(async () => (await threads()) === 1, { what: 'the thread' });
    running.syncer.end();
    await running.done;
    await waitFor(async () => (await threads()) === 0, { what: 'the thread to end', timeoutMs: 10_000 });
  });

  it('applies exactly once while owners crash and are replaced', async () => {
    await prepare(2);
    const config = await incremental(source, target, {
      enableGtid,
      sync: { ...(await incremental(source, target)).sync, checkpointFlushIntervalMs: 400, workerCount: 5 },
    });
    const random = new SeededRandom(5);
    const writer = new RandomWriter({ server: source, schema: 'w', seed: 12, connections: 3 }).start();
    const zombies: RunningSyncer[] = [];
    for (let epoch = 1; epoch <= 8; epoch++) {
      const running = startSyncer(config, epoch);
      await untilApplied(running, random.int(1, 400));
      // Half of them crash, half go on writing until the next owner's epoch stops them.
      if (random.next() < 0.5) running.syncer.destroy();
      zombies.push(running);
    }
    await writer.stop();
    const last = startSyncer({ ...config, sync: { ...config.sync, workerCount: 3 } }, 9);
    await untilSynced(last);
    for (const zombie of zombies) zombie.syncer.end();
    await Promise.allSettled(zombies.map((zombie) => zombie.done));
    last.syncer.end();
    expect(await last.done).toEqual({ outcome: 'ended' });
    await expectEqualTables(source, target, tables);
  });

  it('lives through the death of the target and of the source', async () => {
    await prepare(3);
    const config = await incremental(source, target, { enableGtid });
    const writer = new RandomWriter({ server: source, schema: 'w', seed: 13, connections: 3 }).start();
    const running = startSyncer(config, 1);
    await untilApplied(running, 100);
    await target.signal('SIGKILL');
    await target.restart();
    await untilApplied(running, 100);
    await source.signal('SIGKILL');
    await source.restart();
    await untilApplied(running, 100);
    await writer.stop();
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    await expectEqualTables(source, target, tables);
  });
}

describe('sync from MariaDB by position', () => cases('mariadb-10.11', false));
describe('sync from MariaDB by GTID', () => cases('mariadb-10.11', true));
await describeWith('mysql-9.7', 'sync from MySQL by GTID', () => {
  cases('mysql-9.7', true);
});
await describeWith('mysql-9.7', 'sync from MariaDB into MySQL', () => {
  cases('mariadb-10.11', false, 'mysql-9.7');
});
