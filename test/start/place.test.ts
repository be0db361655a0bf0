/** Places in a real binlog by time and by position: every transaction's place is known from the server itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gtidSetEquals } from '../../src/binlog/gtid.js';
import { connectSource, currentLocation } from '../../src/dump/snapshot.js';
import type { BinlogLocation } from '../../src/model/location.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import type { Session } from '../../src/mysql/session.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { binlogFiles } from '../../src/sync/start/source-binlog.js';
import { PlaceFinder } from '../../src/sync/start/start-place.js';
import { silentLog, subtaskConfig } from '../copy/support.js';
import { describeWith, startDatabase } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { waitFor } from '../support/wait-for.js';

const COUNT = 6;

/** MariaDB may note a binlog checkpoint between two transactions, a little later. */
function expectSame(found: BinlogLocation, place: BinlogLocation | undefined): void {
  expect({ ...found, pos: 0 }).toEqual({ ...place, pos: 0 });
  expect(found.pos - (place?.pos ?? 0)).toBeOneOf([0, 43]);
}

function cases(kind: 'mariadb-10.11' | 'mysql-9.7'): void {
  let server: DatabaseServer;
  let config: SubtaskConfig;
  let source: Session;
  const abort = new AbortController();
  /** Before each transaction, in order; and after the last. */
  const places: BinlogLocation[] = [];
  /** When each was committed. */
  const seconds: number[] = [];
  const now = async () => Number((await source.query('SELECT UNIX_TIMESTAMP() AS n'))[0]?.n);
  const written = (second: number) => new Date(second * 1000).toISOString().slice(0, 19);

  beforeAll(async () => {
    server = await startDatabase(kind);
    config = subtaskConfig(server, server, { enableGtid: true });
    source = await connectSource({ config, signal: abort.signal });
    await server.execute('CREATE DATABASE p; CREATE TABLE p.t (id INT PRIMARY KEY, v INT)');
    const created = await now();
    for (let i = 0; i < COUNT; i++) {
      // A second of its own for each: binlogs know no finer time.
      await waitFor(async () => (await now()) > (seconds.at(-1) ?? created), { what: 'the next second' });
      if (i % 2 === 1) await server.execute('FLUSH BINARY LOGS');
      places.push(await currentLocation(source, config));
      const change =
        i % 3 === 0
          ? `ALTER TABLE p.t ADD COLUMN c${i} INT`
          : `BEGIN; INSERT INTO p.t (id) VALUES (${i}), (${i + 100}); UPDATE p.t SET v = 1 WHERE id = ${i}; COMMIT`;
      seconds.push(await now());
      await server.execute(`SET TIMESTAMP=${seconds.at(-1)}; ${change}; SET TIMESTAMP=DEFAULT`);
    }
    places.push(await currentLocation(source, config));
  });
  afterAll(async () => {
    await source?.close();
    await server?.stop();
  });

  function finder(): PlaceFinder {
    const ports = { clock: new RealClock(), log: silentLog };
    return new PlaceFinder({ config, source, ports, signal: abort.signal });
  }

  it('knows the GTID set of every place between two transactions', async () => {
    for (const { name, pos, gtidSet } of places) {
      const found = await finder().gtidSetAt({ name, pos });
      expect(gtidSetEquals(config.flavor, found, gtidSet), `${name}:${pos} ${found} ${gtidSet}`).toBe(true);
    }
  });

  it('knows the GTID set of the beginning of a file, and of the end of a file that is over', async () => {
    const files = await binlogFiles(source);
    const first = places.find((place) => place.name === files.at(-1));
    expect(await finder().gtidSetAt({ name: files.at(-1) ?? '', pos: 4 })).toBe(first?.gtidSet);
    expect(await finder().withGtids({ name: files.at(-1) ?? '', pos: 4, gtidSet: '' })).toEqual({
      name: files.at(-1),
      pos: 4,
      gtidSet: first?.gtidSet,
    });
    const [{ rows }] = await source.execute('SHOW BINARY LOGS');
    const [name, size] = rows.at(-2) ?? [];
    expect(await finder().gtidSetAt({ name: name ?? '', pos: Number(size) })).toBe(first?.gtidSet);
  });

  it('refuses a position within a transaction or beyond the end', async () => {
    const last = places.at(-1);
    const before = places.at(-2);
    if (last === undefined || before === undefined) throw new Error('no places');
    for (const pos of [before.pos + 1, last.pos - 1, before.pos + 60]) {
      await expect(finder().gtidSetAt({ name: last.name, pos })).rejects.toMatchObject({
        code: 20011,
        message: expect.stringContaining(`(${last.name}, ${pos})`) as string,
      });
    }
    await expect(finder().gtidSetAt({ name: last.name, pos: last.pos + 1000 })).rejects.toMatchObject({
      code: 20011,
      message: expect.stringContaining('the binlog ends at') as string,
    });
  });

  it('finds the first transaction at or after a time', async () => {
    await server.execute("SET GLOBAL time_zone='+00:00'");
    for (let i = 0; i < COUNT; i++) {
      const { from } = await finder().byTime(written(seconds[i]));
      expectSame(from, places[i]);
    }
    const between = await finder().byTime(written(seconds[1] - 1).replace('T', ' '));
    expectSame(between.from, places[seconds[1] - 1 === seconds[0] ? 0 : 1]);
    await waitFor(async () => (await now()) > (seconds.at(-1) ?? 0), { what: 'the next second' });
    const after = await finder().byTime(written(await now()));
    expect(after.from).toEqual(after.end);
    expectSame(after.from, places.at(-1));
    const early = await finder().byTime('2001-01-01 00:00:00');
    expect(early.from.name).toBe((await binlogFiles(source))[0]);
    expect(early.from.gtidSet).toBe('');
  });

  it('takes the time in the time zone of the source', async () => {
    await server.execute("SET GLOBAL time_zone='-05:00'");
    const { from } = await finder().byTime(written(seconds[1] - 5 * 3600));
    expectSame(from, places[1]);
    await server.execute('SET GLOBAL time_zone=SYSTEM');
  });

  it('refuses a time that has not come yet', async () => {
    await expect(finder().byTime('2099-01-01 00:00:00')).rejects.toMatchObject({
      code: 20057,
      message: 'start-time 2099-01-01 00:00:00 is too late, no binlog location matches it',
    });
  });
}

describe('places in the binlog of MariaDB', () => cases('mariadb-10.11'));
await describeWith('mysql-9.7', 'places in the binlog of MySQL', () => cases('mysql-9.7'));
