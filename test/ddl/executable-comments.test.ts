/** Executable comments between servers that do not run the same ones: the target gets what the source ran. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDatabase, type DatabaseKind } from '../servers/availability.js';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith } from '../servers/describe-with.js';
import { DdlTask, schemaOutline, unequalTables } from './support.js';

interface Direction {
  readonly from: DatabaseKind;
  readonly to: DatabaseKind;
  readonly sql: readonly string[];
  /** Columns and indexes of `t`, in the order of their names. */
  readonly columns: string;
  readonly indexes: string;
}

const DIRECTIONS: readonly Direction[] = [
  {
    from: 'mysql-9.7',
    to: 'mariadb-10.11',
    sql: [
      // As mysqldump writes it.
      "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `$db_a` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci */ /*!80016 DEFAULT ENCRYPTION='N' */",
      "CREATE TABLE t (id INT PRIMARY KEY, x INT, y INT /*!80023 INVISIBLE */, v VARCHAR(40) DEFAULT '/*!80000 a */', KEY k (x) /*!80000 INVISIBLE */ /*M! , never INT */)",
      'INSERT INTO t (id, x, y) VALUES (1, 2, 3)',
      'ALTER TABLE t /*!80000 ADD INDEX i (x) */, RENAME COLUMN y TO z',
      'ALTER TABLE t ADD a INT NOT NULL /*!80000 DEFAULT 5 */ /*!80012 , ALGORITHM=COPY */ /*!99999 , ADD never INT */ /*M! , ADD nor INT */',
      '/*!80000 ALTER TABLE t ADD `/*!80000 b */` INT */',
      '/*!80000 CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1 */',
      "INSERT INTO t (id, x, z, v) VALUES (2, 3, 4, '/*! x */')",
    ],
    columns: '/*!80000 b */ a id v x z',
    indexes: 'PRIMARY i k',
  },
  {
    from: 'mariadb-10.11',
    to: 'mysql-9.7',
    sql: [
      'CREATE TABLE t (id INT PRIMARY KEY, x INT /*!100000 , y INT */ /*M! , d INT /* u */ */, c TEXT /*M!100301 COMPRESSED */ /*!80000 , never INT */)',
      'INSERT INTO t VALUES (1, 2, 3, 4, REPEAT(5, 200))',
      'ALTER TABLE t /*M!100100 ADD INDEX i (x) */, RENAME COLUMN y TO z',
      'ALTER TABLE t ADD a INT NOT NULL /*!100100 DEFAULT 5 */ /*!80000 , ADD never INT */ /*M!999999 , ADD nor INT */',
      "/*M!100100 ALTER TABLE t ADD b VARCHAR(20) DEFAULT '/*M! c */' */",
      '/*M!100100 CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1 */',
      'INSERT INTO t (id, x, z) VALUES (2, 3, 4)',
    ],
    columns: 'a b c d id x z',
    indexes: 'PRIMARY i',
  },
];

for (const { from, to, sql, columns, indexes } of DIRECTIONS) {
  await describeWith('mysql-9.7', `executable comments of ${from} for ${to}`, () => {
    let source: DatabaseServer;
    let target: DatabaseServer;
    let task: DdlTask;
    beforeAll(async () => {
      [source, target] = await Promise.all([startDatabase(from), startDatabase(to)]);
      task = new DdlTask(source, target);
    });
    afterAll(async () => {
      await task?.stop();
      await Promise.all([source?.stop(), target?.stop()]);
    });

    it('the target has what the source ran', async () => {
      const { db } = await task.run({ sql });
      const outline = await schemaOutline(target, db);
      expect(outline).toEqual(await schemaOutline(source, db));
      expect(await unequalTables(source, target, db, ['t'])).toEqual([]);
      const names = async (column: string, of: string) => {
        const rows = await target.query(
          `SELECT DISTINCT ${column} AS n FROM information_schema.${of} WHERE table_schema=?`,
          [db],
        );
        return rows
          .map(({ n }) => String(n))
          .sort()
          .join(' ');
      };
      expect(await names('column_name', 'columns')).toBe(columns);
      expect(await names('index_name', 'statistics')).toBe(indexes);
    });
  });
}
