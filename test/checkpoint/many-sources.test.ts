/** The sources of one task take over their rows of the same tables at the same time, as when a task starts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeOver, resetLanes } from '../../src/checkpoint/ownership.js';
import { createMetaTables, MAIN_STREAM, metaTables } from '../../src/checkpoint/tables.js';
import { connectSession } from '../../src/mysql/connect.js';
import type { Session } from '../../src/mysql/session.js';
import { dbConfig, silentLog, subtaskConfig } from '../copy/support.js';
import { available, startDatabase } from '../servers/index.js';
import type { DatabaseKind } from '../servers/availability.js';
import type { DatabaseServer } from '../servers/database.js';

const SOURCES = 8;
const ROUNDS = 6;

const kinds: DatabaseKind[] = ['mariadb-10.11'];
if ((await available('mysql-9.7')).ok) kinds.push('mysql-9.7');

describe.each(kinds)('the sources of one task on %s', (kind) => {
  let target: DatabaseServer;
  let sessions: Session[] = [];
  beforeAll(async () => {
    target = await startDatabase(kind, { binlog: 'off' });
    sessions = await Promise.all(
      Array.from({ length: SOURCES }, () => connectSession({ db: dbConfig(target) })),
    );
  });
  afterAll(async () => {
    for (const session of sessions) await session.close();
    await target?.stop();
  });

  it('become owners with lanes without disturbing each other', async () => {
    const tables = metaTables(subtaskConfig(target, target, { task: 'many' }));
    await createMetaTables(sessions[0], tables);
    for (let round = 0; round < ROUNDS; round++) {
      await target.execute(`TRUNCATE TABLE ${tables.lane}; TRUNCATE TABLE ${tables.owner}`);
      const own = async (session: Session, i: number, epoch: number, lanes: number): Promise<void> => {
        const key = { tables, sourceId: `source-${i}`, stream: MAIN_STREAM };
        const owner = await takeOver(session, key, epoch, lanes, silentLog);
        await resetLanes(session, owner, lanes, { name: 'bin.000001', pos: 4, gtid: '', row: 0 });
      };
      await Promise.all(sessions.map((session, i) => own(session, i, 1, 16)));
      await Promise.all(sessions.map((session, i) => own(session, i, 2, 5 + i)));
      const rows = await target.query(
        `SELECT id, COUNT(*) AS n, MIN(epoch) AS e FROM ${tables.lane} GROUP BY id ORDER BY id`,
      );
      expect(rows).toEqual(sessions.map((_, i) => ({ id: `source-${i}`, n: 5 + i, e: 2 })));
    }
  });
});
