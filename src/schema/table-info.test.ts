import { describe, expect, it } from 'vitest';
import { DmError } from '../errors/dm-error.js';
import { createTableFromSql } from './build-table.js';
import { renderCreateTable } from './create-sql.js';
import { decodeTableInfo, encodeTableInfo } from './table-info.js';

const OPTIONS = { flavor: 'mysql', serverVersion: '8.0.36' } as const;

const SQL = `CREATE TABLE t (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  Name VARCHAR(20) NOT NULL DEFAULT 'it''s' COMMENT 'n',
  d DECIMAL(12,3) DEFAULT '1.500',
  e ENUM('a','b,c') CHARACTER SET latin1 NOT NULL,
  s SET('x','y'),
  ts TIMESTAMP(3) NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  tiny TINYINT(1) NOT NULL,
  z INT(6) UNSIGNED ZEROFILL,
  txt MEDIUMTEXT,
  b BLOB,
  bin BINARY(16),
  j JSON,
  g INT GENERATED ALWAYS AS (z + 1) STORED,
  f FLOAT,
  tm TIME(2),
  bits BIT(7),
  PRIMARY KEY (id),
  UNIQUE KEY name_u (Name(5), d),
  KEY e (e)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='c'`;

describe('table info', () => {
  const table = createTableFromSql(SQL, 'db', OPTIONS);

  it('gives our own model back', () => {
    expect(decodeTableInfo(encodeTableInfo(table), 'db')).toEqual(table);
  });

  it("is TiDB's JSON", () => {
    const info = JSON.parse(encodeTableInfo(table));
    expect(info).toMatchObject({
      name: { O: 't', L: 't' },
      charset: 'utf8mb4',
      collate: 'utf8mb4_bin',
      pk_is_handle: true,
      state: 5,
      comment: 'c',
    });
    expect(info.cols[0]).toMatchObject({
      id: 1,
      name: { O: 'id', L: 'id' },
      offset: 0,
      default: null,
      type: { Tp: 8, Flag: 1 + 2 + 32 + 128 + 512, Flen: 20, Decimal: 0, Charset: 'binary', Elems: null },
    });
    expect(info.cols[1]).toMatchObject({
      name: { O: 'Name', L: 'name' },
      default: "it's",
      type: { Tp: 15, Flen: 20, Charset: 'utf8mb4', Collate: 'utf8mb4_bin' },
    });
    expect(info.cols[2].type).toMatchObject({ Tp: 246, Flen: 12, Decimal: 3 });
    expect(info.cols[3].type).toMatchObject({ Tp: 247, Elems: ['a', 'b,c'], Charset: 'latin1' });
    expect(info.index_info).toHaveLength(2);
    expect(info.index_info[0]).toMatchObject({
      idx_name: { O: 'name_u' },
      idx_cols: [
        { name: { O: 'Name' }, offset: 1, length: 5 },
        { name: { O: 'd' }, offset: 2, length: -1 },
      ],
      is_unique: true,
      is_primary: false,
    });
  });

  it('reads what DM wrote', () => {
    const { sluice: _sluice, ...dm } = JSON.parse(encodeTableInfo(table));
    const read = decodeTableInfo(JSON.stringify(dm), 'db')!;
    const essence = (from: typeof table) => ({
      name: [from.schema, from.table, from.charset, from.collation, from.comment],
      columns: from.columns.map(({ name, type, nullable, autoIncrement, generated, default: value }) => [
        name,
        type,
        nullable,
        autoIncrement,
        generated?.stored,
        value?.replace(/^'([\d.]+)'$/, '$1').replace(/\(.*\)/, ''),
      ]),
      indexes: from.indexes,
    });
    expect(essence(read)).toEqual(essence(table));
    expect(decodeTableInfo('null', 'db')).toBeUndefined();
  });

  it('refuses what is neither', () => {
    for (const json of ['', '{}', '[]', '{"name":{"O":"t"},"cols":[{}]}', '5']) {
      expect(() => decodeTableInfo(json, 'db')).toThrow(DmError);
    }
  });
});

describe('renderCreateTable', () => {
  it('prints a table that reads back as the same', () => {
    const table = createTableFromSql(SQL, 'db', OPTIONS);
    const text = renderCreateTable(table);
    expect(text).toContain('CREATE TABLE `db`.`t` (\n  `id` bigint unsigned NOT NULL AUTO_INCREMENT');
    expect(createTableFromSql(text, 'db', OPTIONS)).toEqual(table);
  });
});
