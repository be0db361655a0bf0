/** Reading definitions from real servers, and what servers make of names without a schema. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BlockAllowList } from '../../src/filter/block-allow.js';
import type { Session } from '../../src/mysql/session.js';
import { parseDdl } from '../../src/schema/ddl.js';
import {
  dialectOf,
  fetchSchemaDefaults,
  fetchTableSchema,
  fetchTableSchemas,
  listTables,
} from '../../src/schema/fetch.js';
import { SchemaTracker } from '../../src/schema/apply.js';
import type { DatabaseKind } from '../servers/availability.js';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith, startDatabase } from '../servers/index.js';
import { connect, tablesOf } from './support.js';

const KINDS: DatabaseKind[] = ['mariadb-10.11', 'mysql-9.7', 'mysql-5.6'];

for (const kind of KINDS) {
  await describeWith(kind, 'reading table definitions', () => {
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

    it('lists base tables that pass the filter', async () => {
      await session.execute(
        'CREATE DATABASE la; CREATE DATABASE lb CHARACTER SET latin1; CREATE TABLE la.t1 (a INT); CREATE TABLE la.t2 (a INT);' +
          'CREATE TABLE lb.t1 (a VARCHAR(3)); CREATE VIEW la.v AS SELECT * FROM la.t1',
      );
      const filter = new BlockAllowList(
        { doDbs: ['l?'], doTables: [], ignoreDbs: [], ignoreTables: [{ dbName: 'la', tblName: 't2' }] },
        { caseSensitive: true },
      );
      expect(await listTables(session, filter)).toEqual([
        { schema: 'la', table: 't1' },
        { schema: 'lb', table: 't1' },
      ]);
      expect((await fetchSchemaDefaults(session, ['lb', 'nope'])).get('lb')).toEqual({
        charset: 'latin1',
        collation: 'latin1_swedish_ci',
      });
    });

    it('reads many at once, and says which one is missing', async () => {
      await session.execute('CREATE DATABASE many');
      const names = Array.from({ length: 230 }, (_, i) => ({ schema: 'many', table: `t${i}` }));
      await session.execute(
        names
          .map((name) => `CREATE TABLE many.${name.table} (id INT PRIMARY KEY, c_${name.table} INT)`)
          .join(';'),
      );
      const tables = await fetchTableSchemas(session, names);
      expect(tables.map((table) => table.columns[1].name)).toEqual(names.map((name) => `c_${name.table}`));
      const missing = { schema: 'many', table: 'x' };
      await expect(fetchTableSchemas(session, [names[0], missing, names[1]])).rejects.toMatchObject({
        code: 44007,
        message: expect.stringContaining('`many`.`x`') as string,
      });
      expect(await fetchTableSchema(session, missing)).toBeUndefined();
      expect(await fetchTableSchema(session, { schema: 'nope', table: 'x' })).toBeUndefined();
    });

    it('leaves the session as it was', async () => {
      await session.execute(`SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'`);
      await session.execute(`CREATE TABLE la."q" ("a" CHAR(3) DEFAULT 'x\\y' COMMENT 'c\\')`);
      const table = await fetchTableSchema(session, { schema: 'la', table: 'q' });
      expect(table?.columns[0]).toMatchObject({ name: 'a', comment: 'c\\' });
      const [row] = await session.query('SELECT @@sql_mode AS mode');
      expect(row.mode).toContain('NO_BACKSLASH_ESCAPES');
      await session.execute(`SET SESSION sql_mode = ''`);
    });

    it('finds the schema of unqualified names as the server does', async () => {
      await session.execute('CREATE DATABASE here; CREATE DATABASE there; USE here');
      const tracker = new SchemaTracker(dialectOf(session));
      const statements = [
        'CREATE TABLE there.p (id INT PRIMARY KEY)',
        'CREATE TABLE there.c (a INT, CONSTRAINT f FOREIGN KEY (a) REFERENCES p (id))',
        'CREATE TABLE there.l LIKE there.p',
        'ALTER TABLE there.l RENAME moved',
        'RENAME TABLE there.p TO p2',
      ];
      for (const sql of statements) {
        await session.execute(sql);
        tracker.apply(parseDdl(sql, { ...dialectOf(session), defaultSchema: 'here' }));
      }
      const real = [...(await tablesOf(session, 'here')), ...(await tablesOf(session, 'there'))];
      const names = (tables: typeof real): string[] =>
        tables.map((table) => `${table.schema}.${table.table}`).sort();
      expect(names(tracker.tables())).toEqual(names(real));
      const referenced = tracker.get({ schema: 'there', table: 'c' })?.foreignKeys[0];
      expect(referenced).toMatchObject({ referencedSchema: 'there', referencedTable: 'p' });
    });
  });
}
