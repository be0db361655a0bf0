/** Every kind of DDL, end to end: definitions and rows on both sides are equal afterwards. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDatabase, type DatabaseKind } from '../servers/availability.js';
import { describeWith } from '../servers/describe-with.js';
import type { DatabaseServer } from '../servers/database.js';
import { CASES } from './cases.js';
import { DdlTask, schemaOutline, schemaText, unequalTables } from './support.js';

function suite(kind: DatabaseKind): void {
  let source: DatabaseServer;
  let target: DatabaseServer;
  let task: DdlTask;
  beforeAll(async () => {
    [source, target] = await Promise.all([startDatabase(kind), startDatabase(kind)]);
    task = new DdlTask(source, target);
  });
  afterAll(async () => {
    await task?.stop();
    await Promise.all([source?.stop(), target?.stop()]);
  });

  const flavor = kind.startsWith('mariadb') ? 'mariadb' : 'mysql';
  for (const ddl of CASES.filter(({ only }) => only?.includes(flavor) ?? true)) {
    it(ddl.name, async () => {
      const { db, other, out } = await task.run(ddl);
      for (const name of [db, other, `${db}_a`, `${db}_b`]) {
        const wanted = await schemaText(source, name);
        expect(await schemaText(target, name)).toEqual(wanted);
        expect(await unequalTables(source, target, name, Object.keys(wanted.tables))).toEqual([]);
      }
      expect((await schemaText(target, out)).database).toBe('');
    });
  }
}

/** Statements that both flavours know, from the one to the other: columns, keys and rows agree. */
function suiteAcross(): void {
  let source: DatabaseServer;
  let target: DatabaseServer;
  let task: DdlTask;
  beforeAll(async () => {
    [source, target] = await Promise.all([startDatabase('mysql-9.7'), startDatabase('mariadb-10.11')]);
    task = new DdlTask(source, target);
  });
  afterAll(async () => {
    await task?.stop();
    await Promise.all([source?.stop(), target?.stop()]);
  });

  for (const ddl of CASES.filter(({ only }) => only === undefined)) {
    it(ddl.name, async () => {
      const { db, other } = await task.run(ddl);
      for (const name of [db, other, `${db}_a`, `${db}_b`]) {
        expect(await schemaOutline(target, name)).toEqual(await schemaOutline(source, name));
        const { tables } = await schemaText(source, name);
        expect(await unequalTables(source, target, name, Object.keys(tables))).toEqual([]);
      }
    });
  }
}

describe('statements [mariadb-10.11]', () => suite('mariadb-10.11'));
await describeWith('mysql-9.7', 'statements', () => suite('mysql-9.7'));
await describeWith('mysql-9.7', 'statements for MariaDB', suiteAcross);
