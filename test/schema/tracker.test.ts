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
import { randomDdl } from './random-ddl.js';
import { connect, essence, Mirror, tablesOf, Twin } from './support.js';

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

    it('follows random sequences', async () => {
      const seed = Number(process.env['DM_TEST_SEED'] ?? 20_261_121);
      let accepted = 0;
      for (const statements of randomDdl(seed, 12)) {
        const twin = await Twin.open(session, 'tracked');
        const done: string[] = [];
        for (const sql of statements) {
          if (!(await twin.run(sql))) continue;
          done.push(sql);
          const { model, server: real } = await twin.compare();
          expect(model, `seed ${seed}:\n${done.join(';\n')}`).toEqual(real);
        }
        accepted += twin.accepted;
      }
      expect(accepted).toBeGreaterThan(60);
    });

    it.each(Object.entries(SEQUENCES))('takes apart and renames: %s', async (_title, statements) => {
      const twin = await Twin.open(session, 'whole');
      const mirror = await Mirror.open(session, 'apart');
      for (const sql of statements) {
        if (!(await twin.run(sql))) continue;
        const parts = await mirror.run(sql, 'whole');
        const whole = (await tablesOf(session, 'whole')).map((table) => ({ ...table, schema: 'apart' }));
        const apart = await tablesOf(session, 'apart');
        expect({ parts, tables: apart.map(essence) }).toEqual({ parts, tables: whole.map(essence) });
      }
    });
  });
}
