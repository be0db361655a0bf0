import { describe, expect, it } from 'vitest';
import { splitSql, translateCreateDatabase, translateCreateTable, type Translation } from './target-ddl.js';

function translation(extra: Partial<Translation> = {}): Translation {
  return {
    source: { schema: 'src', table: 't' },
    target: { schema: 'dst', table: 'u' },
    route: (name) => ({ schema: name.schema === 'src' ? 'dst' : name.schema, table: name.table }),
    fromMariaDb: false,
    to: {
      isMariaDb: true,
      collations: new Set(['utf8mb4_uca1400_ai_ci', 'utf8mb4_bin', 'utf8mb3_general_ci']),
      serverVersion: '10.11',
    },
    ...extra,
  };
}

describe('translateCreateTable', () => {
  it('routes the table and what its foreign keys name, and nothing in texts', () => {
    const sql =
      "CREATE TABLE `t` (\n  `a` int COMMENT 'REFERENCES `t` COLLATE utf8mb4_0900_ai_ci',\n" +
      '  CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`id`),\n  CONSTRAINT `g` FOREIGN KEY (`a`) REFERENCES `o`.`q` (`id`)\n) ENGINE=InnoDB';
    expect(translateCreateTable(sql, translation())).toBe(
      "CREATE TABLE IF NOT EXISTS `dst`.`u` (\n  `a` int COMMENT 'REFERENCES `t` COLLATE utf8mb4_0900_ai_ci',\n" +
        '  CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`id`),\n  CONSTRAINT `g` FOREIGN KEY (`a`) REFERENCES `o`.`q` (`id`)\n) ENGINE=InnoDB',
    );
  });

  it('takes the nearest collation that the target knows', () => {
    const sql =
      'CREATE TABLE `t` (`a` text COLLATE utf8mb4_0900_as_cs) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci';
    expect(translateCreateTable(sql, translation())).toContain(
      '(`a` text COLLATE utf8mb4_bin) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_uca1400_ai_ci',
    );
    const unknown = 'CREATE TABLE `t` (`a` int) COLLATE=tis620_thai_ci';
    expect(translateCreateTable(unknown, translation())).toContain('COLLATE=tis620_thai_ci');
  });

  it('leaves out what only MariaDB writes', () => {
    const sql =
      "CREATE TABLE `t` (\n  `uuid` uuid DEFAULT uuid(),\n  `i` inet6 DEFAULT NULL COMMENT ' inet6'\n) ENGINE=Aria DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_general_ci PAGE_CHECKSUM=1 TRANSACTIONAL=1";
    const to = { isMariaDb: false, collations: new Set(['utf8_general_ci']), serverVersion: '5.7.44' };
    expect(translateCreateTable(sql, translation({ fromMariaDb: true, to }))).toBe(
      "CREATE TABLE IF NOT EXISTS `dst`.`u` (\n  `uuid` char(36) DEFAULT (uuid()),\n  `i` varchar(39) DEFAULT NULL COMMENT ' inet6'\n) ENGINE=InnoDB DEFAULT CHARSET=utf8 COLLATE=utf8_general_ci",
    );
  });
});

describe('translateCreateDatabase', () => {
  it('keeps charset and collation', () => {
    const sql =
      "CREATE DATABASE `src` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci */ /*!80016 DEFAULT ENCRYPTION='N' */";
    expect(translateCreateDatabase(sql, 'd`x', translation())).toBe(
      'CREATE DATABASE IF NOT EXISTS `d``x` CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_ai_ci',
    );
  });
});

describe('splitSql', () => {
  it('loses nothing', () => {
    for (const sql of ["a 'b''c' `d``e` /* f */ g \"h\\\"\" i", '', "'open", '`']) {
      expect(
        splitSql(sql)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(sql);
    }
  });
});
