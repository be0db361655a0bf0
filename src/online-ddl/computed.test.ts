import { expect, it } from 'vitest';
import { parseDdl } from '../schema/ddl.js';
import { computedColumns } from './computed.js';

it('knows new columns whose values differ from row to row', () => {
  const sql = `ALTER TABLE s.t ADD a INT, ADD b INT DEFAULT -1.5e3, ADD c VARCHAR(9) NOT NULL DEFAULT 'x', ADD d BIT DEFAULT b'1',
    ADD e DATETIME DEFAULT NULL, ADD f DATETIME DEFAULT CURRENT_TIMESTAMP, ADD g TIMESTAMP NOT NULL DEFAULT NOW(),
    ADD h VARCHAR(36) DEFAULT (uuid()), ADD i BIGINT AUTO_INCREMENT UNIQUE, ADD j BLOB DEFAULT x'00',
    MODIFY k DATETIME DEFAULT CURRENT_TIMESTAMP`;
  expect(computedColumns(parseDdl(sql, { flavor: 'mariadb' }))).toEqual(['f', 'g', 'h', 'i']);
});
