/** Where a replicating subtask begins: at a time, at a position whose GTID set it works out, and never at what is purged. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gtidSetEquals } from '../../src/binlog/gtid.js';
import type { DmError } from '../../src/errors/dm-error.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { isResumable } from '../../machines/resumable.js';
import { describeWith, startDatabase } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { waitFor } from '../support/wait-for.js';
import { incremental, startSyncer, untilSynced, type RunningSyncer } from '../sync/support.js';

function cases(kind: 'mariadb-10.11' | 'mysql-9.7', enableGtid: boolean): void {
  let source: DatabaseServer;
  let target: DatabaseServer;
  beforeAll(async () => {
    source = await startDatabase(kind);
    target = await startDatabase('mariadb-10.11');
  });
  afterAll(async () => {
    await source?.stop();
    await target?.stop();
  });

  async function prepare(task: string): Promise<SubtaskConfig> {
    for (const server of [source, target]) {
      await server.execute(
        `CREATE DATABASE ${task}; CREATE TABLE ${task}.t (id INT PRIMARY KEY, v VARCHAR(50)); CREATE TABLE ${task}.plain (v INT)`,
      );
    }
    return incremental(source, target, {
      task,
      enableGtid,
      blockAllow: { doDbs: [task], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
  }
  const now = async () => Number((await source.query('SELECT UNIX_TIMESTAMP() AS n'))[0]?.['n']);
  /** The source's clock, once it has gone on to a second in which nothing was written. */
  async function nextSecond(): Promise<string> {
    const last = await now();
    await waitFor(async () => (await now()) > last, { what: 'the next second' });
    return String((await source.query('SELECT CAST(NOW() AS CHAR) AS n'))[0]?.['n']);
  }
  async function finish(running: RunningSyncer): Promise<void> {
    await untilSynced(running);
    running.syncer.end();
    await running.done;
  }
  const ids = async (task: string) =>
    (await target.query(`SELECT id FROM ${task}.t ORDER BY id`)).map((row) => row['id']);

  it('begins at the time, without a meta, and only once', async () => {
    const { meta, ...config } = await prepare('timed');
    expect(meta).toBeDefined();
    await source.execute("INSERT INTO timed.t VALUES (1,'a'),(2,'b')");
    const time = await nextSecond();
    // Another structure than the one of now: the rows after the time decode all the same.
    await source.execute("INSERT INTO timed.t VALUES (3,'c'); INSERT INTO timed.plain VALUES (7),(7)");
    const startTime = { time, id: 'first' };
    await finish(startSyncer(config, 1, undefined, startTime));
    expect(await ids('timed')).toEqual([3]);
    // Resumed: it goes on and applies nothing twice.
    await source.execute("INSERT INTO timed.t VALUES (4,'d'); INSERT INTO timed.plain VALUES (8)");
    await finish(startSyncer(config, 2, undefined, startTime));
    expect(await ids('timed')).toEqual([3, 4]);
    expect(await target.query('SELECT v FROM timed.plain ORDER BY v')).toEqual([
      { v: 7 },
      { v: 7 },
      { v: 8 },
    ]);
  });

  it('goes back to a time before its checkpoint in safe mode, once for each start', async () => {
    const config = await prepare('again');
    const time = await nextSecond();
    await source.execute("INSERT INTO again.t VALUES (1,'a'),(2,'b'); UPDATE again.t SET v='c' WHERE id=2");
    await finish(startSyncer(config, 1));
    await target.execute("DELETE FROM again.t WHERE id=1; UPDATE again.t SET v='lost' WHERE id=2");
    await source.execute("INSERT INTO again.t VALUES (3,'d')");
    await finish(startSyncer(config, 2, undefined, { time: time.replace(' ', 'T'), id: 'back' }));
    const rows = await source.query('SELECT * FROM again.t ORDER BY id');
    expect(await target.query('SELECT * FROM again.t ORDER BY id')).toEqual(rows);
    const [point] = await target.query(
      'SELECT exit_safe_binlog_name AS f FROM dm_meta.again_syncer_checkpoint WHERE is_global=1',
    );
    expect(point?.['f']).toMatch(/^$|mysql-bin/);
    await target.execute('DELETE FROM again.t WHERE id=1');
    await finish(startSyncer(config, 3, undefined, { time, id: 'back' }));
    expect(await ids('again')).toEqual([2, 3]);
    await finish(startSyncer(config, 4, undefined, { time, id: 'another' }));
    expect(await ids('again')).toEqual([1, 2, 3]);
  });

  it('says that a time has not come yet', async () => {
    const config = await prepare('later');
    const error = await startSyncer(config, 1, undefined, {
      time: '2037-01-01 00:00:00',
      id: 'x',
    }).done.catch((failure: unknown) => failure);
    expect(error).toMatchObject({
      code: 20057,
      message: 'start-time 2037-01-01 00:00:00 is too late, no binlog location matches it',
    });
  });

  it('works out the GTID set of a meta that has only a position', async () => {
    const config = await prepare('adjusted');
    await source.execute("INSERT INTO adjusted.t VALUES (1,'a')");
    const { meta } = await incremental(source, target);
    if (meta === undefined) throw new Error('no meta');
    await source.execute("INSERT INTO adjusted.t VALUES (2,'b')");
    const running = startSyncer({ ...config, meta: { ...meta, binlogGtid: '' } }, 1);
    await untilSynced(running);
    expect(await ids('adjusted')).toEqual([2]);
    if (enableGtid) {
      const { syncerBinlogGtid, masterBinlogGtid } = await running.syncer.status();
      expect(gtidSetEquals(config.flavor, syncerBinlogGtid, masterBinlogGtid)).toBe(true);
    }
    running.syncer.end();
    await running.done;
  });

  it('goes over from positions to GTIDs at its checkpoint', async () => {
    const config = { ...(await prepare('overs')), enableGtid: false };
    await source.execute("INSERT INTO overs.t VALUES (1,'a'); INSERT INTO overs.plain VALUES (1)");
    await finish(startSyncer({ ...config, meta: config.meta && { ...config.meta, binlogGtid: '' } }, 1));
    // As DM keeps it where it reads by position.
    await target.execute("UPDATE dm_meta.overs_syncer_checkpoint SET binlog_gtid='' WHERE is_global=1");
    await source.execute("INSERT INTO overs.t VALUES (2,'b'); INSERT INTO overs.plain VALUES (2)");
    const running = startSyncer({ ...config, enableGtid: true }, 2);
    await untilSynced(running);
    const { syncerBinlogGtid, masterBinlogGtid } = await running.syncer.status();
    expect(gtidSetEquals(config.flavor, syncerBinlogGtid, masterBinlogGtid)).toBe(true);
    running.syncer.end();
    await running.done;
    expect(await ids('overs')).toEqual([1, 2]);
    expect(await target.query('SELECT v FROM overs.plain ORDER BY v')).toEqual([{ v: 1 }, { v: 2 }]);
  });

  it('explains that the source has purged what it needs', async () => {
    const config = await prepare('purged');
    await finish(startSyncer(config, 1));
    await source.execute("INSERT INTO purged.t VALUES (1,'a'); FLUSH BINARY LOGS; FLUSH BINARY LOGS");
    let last = '';
    // MariaDB keeps what a connection that is just ending reads.
    await waitFor(
      async () => {
        const files = await source.query('SHOW BINARY LOGS');
        last = String(files.at(-1)?.['Log_name']);
        await source.execute(`PURGE BINARY LOGS TO '${last}'`);
        return files.length === 1;
      },
      { what: 'the binlogs to be purged' },
    );
    const error = (await startSyncer(config, 2).done.catch((failure: unknown) => failure)) as DmError;
    expect(error.code).toBe(36069);
    expect(error.rawCause).toContain('Error 1236');
    expect(error.message).toMatch(
      new RegExp(`wanted position: \\(mysql-bin.*the source has purged .*its binlogs are ${last} to ${last}`),
    );
    expect(error.workaround).toContain('start-task --remove-meta');
    expect(isResumable([error.toProcessError()])).toBe(false);
  });
}

describe('where sync begins, MariaDB by GTID', () => cases('mariadb-10.11', true));
describe('where sync begins, MariaDB by position', () => cases('mariadb-10.11', false));
await describeWith('mysql-9.7', 'where sync begins, MySQL by GTID', () => cases('mysql-9.7', true));
