/** Statements that a source replicates and nobody migrates. What they do to rows is in the binlog as rows. */
import type { SeededRandom } from '../../test/support/seeded-random.js';
import { settable, tableSql, type FuzzTable } from './tables.js';
import type { Dialect } from './values.js';

export function noise(table: FuzzTable, name: string, random: SeededRandom, dialect: Dialect): string[] {
  const target = tableSql(table);
  const schema = table.schema === '' ? '' : `\`${table.schema}\`.`;
  const object = `${schema}\`${name}\``;
  const integer = settable(table).find((column) => column.kind.group === 'integer');
  const kinds: (() => string[])[] = [
    () => [`ANALYZE TABLE ${target}`],
    () => [`OPTIMIZE TABLE ${target}`],
    () => [`CHECK TABLE ${target}`],
    () => ['FLUSH TABLES'],
    () => [`/* by hand */ CREATE VIEW ${object} AS SELECT * FROM ${target}`, `DROP VIEW ${object}`],
    () => [`CREATE PROCEDURE ${object}() SELECT 1`, `DROP PROCEDURE IF EXISTS ${object}`],
    () => [
      `CREATE FUNCTION ${object}(a INT) RETURNS INT DETERMINISTIC RETURN a + 1`,
      `DROP FUNCTION ${object}`,
    ],
    () => [`CREATE EVENT ${object} ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1`, `DROP EVENT ${object}`],
    () => [`CREATE USER '${name}'@'localhost' IDENTIFIED BY 'Fuzz-er.1'`, `DROP USER '${name}'@'localhost'`],
    () => [`GRANT SELECT ON ${target} TO CURRENT_USER()`],
    () =>
      integer === undefined
        ? []
        : [
            `CREATE TRIGGER ${object} BEFORE INSERT ON ${target} FOR EACH ROW SET NEW.\`${integer.name}\` = NEW.\`${integer.name}\` DIV 2`,
          ],
    () => [`LOCK TABLES ${target} WRITE`, `DELETE FROM ${target} LIMIT 1`, 'UNLOCK TABLES'],
  ];
  if (dialect.source === 'mariadb') {
    kinds.push(() => [
      `CREATE SEQUENCE ${object} START WITH 5`,
      `SELECT NEXTVAL(${object}), NEXTVAL(${object})`,
      `ALTER SEQUENCE ${object} RESTART 50`,
      `DROP SEQUENCE ${object}`,
    ]);
    kinds.push(() => [`CREATE OR REPLACE VIEW ${object} AS SELECT 1 AS a`, `DROP VIEW ${object}`]);
  }
  return random.pick(kinds)();
}
