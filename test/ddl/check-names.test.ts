/** CHECK constraints of one name in several tables: MariaDB has them, MySQL names them for the whole schema. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDatabase } from '../servers/availability.js';
import { describeWith } from '../servers/describe-with.js';
import type { DatabaseServer } from '../servers/database.js';
import { DdlTask, unequalTables } from './support.js';

await describeWith('mysql-9.7', 'equal names of checks', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  let task: DdlTask;
  beforeAll(async () => {
    [source, target] = await Promise.all([startDatabase('mariadb-10.11'), startDatabase('mysql-9.7')]);
    task = new DdlTask(source, target);
  }, 60_000);
  afterAll(async () => {
    await task?.stop();
    await Promise.all([source?.stop(), target?.stop()]);
  });

  async function checksOf(db: string): Promise<string[]> {
    const rows = await target.query(
      "SELECT table_name AS t, constraint_name AS c FROM information_schema.table_constraints WHERE table_schema=? AND constraint_type='CHECK' ORDER BY 1, 2",
      [db],
    );
    return rows.map((row) => `${String(row['t'])}.${String(row['c'])}`);
  }

  it('get further names, told in the log; DROP CONSTRAINT finds them, also after a rename', async () => {
    const { db } = await task.run({
      sql: [
        'CREATE TABLE a (id INT PRIMARY KEY, v INT, CONSTRAINT ck CHECK (v < 100))',
        'CREATE TABLE b (id INT PRIMARY KEY, v INT, CONSTRAINT `ck` CHECK (v < 100), CONSTRAINT c2 CHECK (id > 0))',
        'CREATE TABLE c (id INT PRIMARY KEY, v INT)',
        'ALTER TABLE c ADD COLUMN w INT, ADD CONSTRAINT CK CHECK (w < 9), ADD CONSTRAINT c2 CHECK (v > 0)',
        'INSERT INTO a VALUES (1, 1)',
        'INSERT INTO b VALUES (1, 1)',
        'INSERT INTO c VALUES (1, 1, 1)',
      ],
    });
    expect(await checksOf(db)).toEqual(['a.ck', 'b.c2', 'b.ck__1', 'c.c2__1', 'c.CK__2']);
    expect(task.log.lines.filter((line) => line.includes('another name is used')).length).toBeGreaterThan(2);
    await task.more([
      'RENAME TABLE b TO b2',
      'ALTER TABLE b2 DROP CONSTRAINT ck',
      'ALTER TABLE c DROP CONSTRAINT `ck`, DROP CONSTRAINT c2, ADD CONSTRAINT ck CHECK (v < 50)',
      'INSERT INTO b2 VALUES (2, 500)',
      'INSERT INTO c VALUES (2, 2, 500)',
      'ALTER TABLE a DROP CONSTRAINT ck',
      'INSERT INTO a VALUES (2, 500)',
    ]);
    expect(await checksOf(db)).toEqual(['b2.c2', 'c.ck__1']);
    expect(await unequalTables(source, target, db, ['a', 'b2', 'c'])).toEqual([]);
  });
});
