/** A source that was reset, or was replaced by one that lacks what is in the target, is told, never followed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CODES } from '../../src/errors/codes.js';
import type { DmError } from '../../src/errors/dm-error.js';
import { describeWith, startDatabase } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { waitFor } from '../support/wait-for.js';
import { incremental, startSyncer, untilSynced } from './support.js';

function cases(kind: 'mariadb-10.11' | 'mysql-9.7', enableGtid: boolean): void {
  let source: DatabaseServer;
  let target: DatabaseServer;
  const reset = kind === 'mariadb-10.11' ? 'RESET MASTER' : 'RESET BINARY LOGS AND GTIDS';
  beforeAll(async () => {
    source = await startDatabase(kind);
    target = await startDatabase('mariadb-10.11');
  });
  afterAll(async () => {
    await source?.stop();
    await target?.stop();
  });

  async function prepare() {
    for (const server of [source, target]) {
      await server.execute(
        'DROP DATABASE IF EXISTS l; CREATE DATABASE l; CREATE TABLE l.t (id INT PRIMARY KEY, v VARCHAR(50))',
      );
    }
    await target.execute('DROP DATABASE IF EXISTS dm_meta');
    // A GTID to begin with.
    await source.execute(`${reset}; CREATE DATABASE IF NOT EXISTS other`);
    return incremental(source, target, { task: 'lost', enableGtid });
  }
  const insert = (from: number, to: number, value: string) =>
    source.execute(
      Array.from({ length: to - from }, (_, i) => `INSERT INTO l.t VALUES (${from + i}, '${value}')`).join(
        ';',
      ),
    );
  const lost = { code: CODES.syncSourceLost.code };

  it('at the place of the checkpoint', async () => {
    const config = await prepare();
    const first = startSyncer(config, 1);
    await insert(0, 20, 'a');
    await untilSynced(first);
    first.syncer.end();
    await first.done;
    await source.execute(reset);
    await insert(20, 22, 'b');
    await expect(startSyncer(config, 2).done).rejects.toMatchObject(lost);
    expect(await target.query('SELECT COUNT(*) AS n FROM l.t')).toEqual([{ n: 20 }]);
  });

  it('under a running unit', async () => {
    const config = await prepare();
    const running = startSyncer(config, 1);
    await insert(0, 20, 'a');
    await untilSynced(running);
    await source.execute(reset);
    await insert(20, 22, 'b');
    // The stream breaks off, by the reset itself or by the restart.
    await source.restart();
    // By position, a restart gives a later file, and the server itself finds that ours is too short.
    const codes = enableGtid ? [lost.code] : [lost.code, CODES.syncBinlogEvent.code];
    const error = await running.done.catch((failure: unknown) => failure);
    expect(codes).toContain((error as DmError).code);
  });

  it.each([
    ['with less than what was applied', 1, 'b'],
    ['with more than what was applied', 60, 'other lengths'],
  ])('beyond the checkpoint, %s', async (_, count, value) => {
    const config = await prepare();
    const first = startSyncer(config, 1);
    await insert(0, 50, 'a');
    await waitFor(async () => (await target.query('SELECT id FROM l.t')).length === 50, { what: 'the rows' });
    first.syncer.destroy();
    await Promise.allSettled([first.done]);
    await source.execute(`${reset}; CREATE DATABASE IF NOT EXISTS other`);
    await insert(50, 50 + count, value);
    // By GTID, a history of the same names cannot be told from the old one.
    if (enableGtid && count > 50) return;
    // Reading may also begin within an event of the new binlog.
    const codes = enableGtid ? [lost.code] : [lost.code, CODES.syncBinlogEvent.code];
    const error = await startSyncer(config, 2).done.catch((failure: unknown) => failure);
    expect(codes).toContain((error as DmError).code);
  });
}

describe('a lost MariaDB source by position', () => cases('mariadb-10.11', false));
describe('a lost MariaDB source by GTID', () => cases('mariadb-10.11', true));
await describeWith('mysql-9.7', 'a lost MySQL source by GTID', () => cases('mysql-9.7', true));
