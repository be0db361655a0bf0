import { describe, expect, it } from 'vitest';
import { parseDdl } from './ddl.js';
import { withoutPassedOver } from './passed-over.js';

const MYSQL = { flavor: 'mysql', serverVersion: '9.7.0' } as const;
const OLD = { flavor: 'mysql', serverVersion: '5.7.44' } as const;
const MARIADB = { flavor: 'mariadb', serverVersion: '10.11.6-MariaDB' } as const;
const TIDB = { flavor: 'tidb', serverVersion: '8.0.11-TiDB-v8.5.0' } as const;

const rest = (
  sql: string,
  target: typeof MARIADB | typeof OLD | typeof TIDB,
  source: typeof MYSQL | typeof MARIADB = MYSQL,
) => withoutPassedOver(parseDdl(sql, source), target)?.sql.replace(/\s+/g, ' ').trim() ?? null;

describe('withoutPassedOver', () => {
  it.each([
    [
      "CREATE DATABASE d /*!40100 DEFAULT CHARACTER SET utf8mb4 */ /*!80016 DEFAULT ENCRYPTION='N' */",
      'CREATE DATABASE d DEFAULT CHARACTER SET utf8mb4',
    ],
    ['CREATE TABLE t (a INT, KEY k (a) /*!80000 INVISIBLE */)', 'CREATE TABLE t (a INT, KEY k (a) )'],
    ['ALTER TABLE t ADD a INT /*!80023 INVISIBLE */, ADD b INT', 'ALTER TABLE t ADD a INT , ADD b INT'],
    ['CREATE TABLE t (a POINT NOT NULL /*!80003 SRID 4326 */)', 'CREATE TABLE t (a POINT NOT NULL )'],
  ])('leaves out what no row depends on: %s', (sql, expected) => {
    expect(rest(sql, MARIADB)).toBe(expected);
    expect(rest(sql, OLD)).toBe(expected);
    // It runs them all.
    expect(rest(sql, TIDB)).toBeNull();
  });

  it('knows what MariaDB alone runs', () => {
    expect(rest('CREATE TABLE t (a TEXT /*M!100301 COMPRESSED */)', OLD, MARIADB)).toBe(
      'CREATE TABLE t (a TEXT )',
    );
  });

  it('leaves out single ones', () => {
    expect(rest('CREATE TABLE t (a INT /*!80000 , b INT */, KEY k (a) /*!80000 INVISIBLE */)', OLD)).toBe(
      'CREATE TABLE t (a INT , b INT , KEY k (a) )',
    );
  });

  it.each([
    'ALTER TABLE t /*!80000 ADD INDEX i (x) */, RENAME COLUMN y TO z',
    'ALTER TABLE t ADD a INT /*!80000 , ADD b INT */',
    'ALTER TABLE t ADD a INT NOT NULL /*!80000 DEFAULT 5 */',
    'CREATE TABLE t (a VARCHAR(9) /*!80000 COLLATE utf8mb4_0900_bin */)',
    'CREATE TABLE t (a INT /*!80000 UNSIGNED */)',
    'CREATE TABLE t (a INT /*!80000 PRIMARY KEY */)',
    'DROP TABLE t /*!80000 , u */',
    'DROP TABLE /*!80000 IF EXISTS */ t',
    'CREATE TABLE t (a INT) /*!80000 PARTITION BY HASH (a) */',
    'ALTER TABLE t ADD PARTITION (PARTITION p VALUES IN (1 /*!80000 , 2 */))',
    '/*!80000 DROP TABLE t */',
    'ALTER TABLE t ADD a INT /*!50100 COMMENT "x" */',
    'ALTER TABLE t ADD a INT',
  ])('is nothing where more depends on it, or where all is run: %s', (sql) => {
    expect(rest(sql, MARIADB)).toBeNull();
  });
});
