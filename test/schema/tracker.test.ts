/**
 * The schema model against real servers: after every statement the tracked tables equal what SHOW CREATE
 * TABLE and INFORMATION_SCHEMA say.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Session } from '../../src/mysql/session.js';
import type { DatabaseKind } from '../servers/availability.js';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith, startDatabase } from '../servers/index.js';
import { SEQUENCES } from './ddl-list.js';
import { connect, Twin } from './support.js';

const KINDS: DatabaseKind[] = ['mariadb-10.11', 'mysql-9.7', 'mysql-5.6'];

for (const kind of KINDS) {
  await describeWith(kind, 'schema tracker', () => {
    let server: DatabaseServer;
    let session: Session;

    beforeAll(async () => {
      server = await startDatabase(kind);
      session = await connect(server);
    });

    afterAll(async () => {
      await session?.close();
      await server?.stop();
    });

    it.each(Object.entries(SEQUENCES))('follows: %s', async (_title, statements) => {
      const twin = await Twin.open(session, 'tracked');
      for (const sql of statements) {
        if (!(await twin.run(sql))) continue;
        const { model, server: real } = await twin.compare();
        expect({ sql, tables: model }).toEqual({ sql, tables: real });
      }
      expect(twin.describeModel()).toEqual(await twin.informationSchema());
      expect(twin.accepted).toBeGreaterThan(3);
    });
  });
}
