/** What the model prints as CREATE TABLE makes the same table again on the server. */
import { expect, it } from 'vitest';
import { renderCreateTable } from '../../src/schema/create-sql.js';
import { decodeTableInfo, encodeTableInfo } from '../../src/schema/table-info.js';
import type { DatabaseKind } from '../servers/availability.js';
import { describeWith, startDatabase } from '../servers/index.js';
import { SEQUENCES } from './ddl-list.js';
import { connect, essence, tablesOf, Twin } from './support.js';

const KINDS: DatabaseKind[] = ['mariadb-10.11', 'mysql-9.7'];

for (const kind of KINDS) {
  await describeWith(kind, 'printed tables', () => {
    it('are the same tables', async () => {
      await using server = await startDatabase(kind);
      const session = await connect(server);
      for (const statements of Object.values(SEQUENCES)) {
        const twin = await Twin.open(session, 'printed');
        for (const sql of statements) await twin.run(sql);
        const before = await tablesOf(session, 'printed');
        expect(before.map((table) => decodeTableInfo(encodeTableInfo(table), 'printed'))).toEqual(before);
        await session.execute(
          'DROP DATABASE printed; CREATE DATABASE printed; SET SESSION foreign_key_checks = 0',
        );
        for (const table of before) await session.execute(renderCreateTable(table));
        const after = await tablesOf(session, 'printed');
        expect(after.map(essence)).toEqual(before.map(essence));
      }
      await session.close();
    });
  });
}
