/** TIMESTAMP is a moment and DATETIME is a text, whatever the zones of source, task, target and session are. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { available, startDatabase, type DatabaseKind } from '../servers/availability.js';
import type { DatabaseServer } from '../servers/database.js';
import { expectEqualTables } from '../sync/support.js';
import { only, Task } from './support.js';

const ROWS = (from: number) => `INSERT INTO z.t (id, ts, ts6, dt, d, t) VALUES
  (${from}, '2024-03-31 00:30:00', '2024-03-31 01:30:00.123456', '2024-03-31 02:30:00', '2024-03-31', '02:30:00'),
  (${from + 1}, '1970-01-02 00:00:01', '2038-01-18 03:14:07.999999', '2001-01-01 00:00:00', '9999-12-31', '-838:59:59'),
  (${from + 2}, '2024-10-27 00:30:00', NULL, '2024-10-27 02:30:00', NULL, NULL)`;

describe.for<[DatabaseKind, string]>([
  ['mariadb-10.11', 'SYSTEM'],
  ['mariadb-10.11', '+09:00'],
  ['mysql-9.7', '-11:30'],
])('from %s in the zone %s', async ([kind, zone]) => {
  const state = await available(kind);
  let source: DatabaseServer;
  let target: DatabaseServer;
  beforeAll(async () => {
    if (!state.ok) return;
    source = await startDatabase(kind);
    target = await startDatabase('mariadb-10.11');
    await source.execute(`SET GLOBAL time_zone = '${zone}'`);
  });
  afterEach(async () => {
    for (const server of [source, target])
      await server?.execute('DROP DATABASE IF EXISTS z; DROP DATABASE IF EXISTS dm_meta');
  });
  afterAll(async () => {
    await source?.stop();
    await target?.stop();
  });

  it.for([
    ['', '+00:00'],
    ['+05:30', '+00:00'],
    ['Europe/Berlin', '+02:00'],
    ['', 'SYSTEM'],
  ])('with the zone "%s" of the task and "%s" of the target', async ([timezone, targetZone], context) => {
    if (!state.ok) return context.skip(`missing: ${state.missing}`);
    await target.execute(`SET GLOBAL time_zone = '${targetZone}'`);
    const session = await source.connect();
    try {
      await session.query(`CREATE DATABASE z; CREATE TABLE z.t (id INT PRIMARY KEY, ts TIMESTAMP NULL, ts6 TIMESTAMP(6) NULL, dt DATETIME, d DATE, t TIME,
        made TIMESTAMP NOT NULL DEFAULT '2000-01-01 12:00:00')`);
      await session.query(ROWS(1));
      const task = await Task.start(source, target, { ...only('z'), timezone });
      await task.untilSynced();
      await session.query("SET SESSION time_zone = '-07:00'");
      await session.query(ROWS(11));
      await session.query(`ALTER TABLE z.t ADD COLUMN late TIMESTAMP NOT NULL DEFAULT '2010-06-01 00:00:00', ADD COLUMN now1 TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        ADD COLUMN now2 DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP`);
      await session.query(
        "SET SESSION time_zone = '+10:45'; UPDATE z.t SET ts = ts + INTERVAL 1 HOUR WHERE id IN (1, 11); ALTER TABLE z.t MODIFY dt TIMESTAMP NULL",
      );
      await session.query(ROWS(21));
      await task.untilSynced();
      await task.stop();
      await expectEqualTables(source, target, ['z.t']);
    } finally {
      await session.end();
    }
  });

  // Manual 1.4.3.3: TIMESTAMP is UTC unless the text names an offset.
  it.for([
    ['+05:30', '2024-06-01 00:00:00'],
    ['-08:00', '2024-06-01 02:00:00+02:00'],
  ])(
    'an expression filter reads TIMESTAMP as UTC, with the zone %s of the task',
    async ([timezone, midnightUtc], context) => {
      if (!state.ok) return context.skip(`missing: ${state.missing}`);
      await source.execute(
        'CREATE DATABASE z; CREATE TABLE z.t (id INT PRIMARY KEY, ts TIMESTAMP NULL, dt DATETIME)',
      );
      const task = await Task.start(source, target, {
        ...only('z'),
        timezone,
        expressionFilters: [
          { schema: 'z', table: 't', insertValueExpr: `ts = '${midnightUtc}' or dt = '2024-06-01 00:00:00'` },
        ],
      });
      await task.untilSynced();
      const session = await source.connect();
      await session.query(`SET SESSION time_zone = '+00:00'; INSERT INTO z.t VALUES (1, '2024-06-01 00:00:00', NULL), (2, '2024-06-01 00:00:01', NULL),
      (3, NULL, '2024-06-01 00:00:00'), (4, '2024-06-01 05:30:00', '2024-06-01 05:30:00'), (5, NULL, NULL)`);
      await session.end();
      await task.untilSynced();
      await task.stop();
      expect(await target.query('SELECT id FROM z.t ORDER BY id')).toEqual([{ id: 2 }, { id: 4 }, { id: 5 }]);
    },
  );
});
