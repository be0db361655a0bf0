/** Text in every character set, and statements that clients send in theirs. */
import { afterAll, expect, it } from 'vitest';
import type { DatabaseKind } from '../servers/availability.js';
import { expectEqualTables } from '../sync/support.js';
import { only, Servers, Task } from './support.js';

const servers = new Servers();
afterAll(() => servers.stop());

/** Text that the set can hold. */
const CHARSETS: Readonly<Record<string, string>> = {
  utf8mb4: 'ä中😀 \' \\ "',
  utf8mb3: 'ä中☃',
  latin1: 'é€ÿ\u0081',
  latin2: 'čřž',
  cp1251: 'Привет',
  koi8r: 'Привет',
  greek: 'αβγ',
  hebrew: 'שלום',
  tis620: 'ไทย',
  gbk: '中文編碼',
  gb18030: '中文😀𠀀ü',
  gb2312: '中文・―',
  big5: '中文許功蓋',
  sjis: '日本語ソ表〜',
  cp932: '日本語ソ表①',
  ujis: '日本語〜',
  eucjpms: '日本語①',
  euckr: '한국어',
  ucs2: 'ä中☃',
  utf16: 'ä中😀',
  utf16le: 'ä中😀',
  utf32: 'ä中😀',
  ascii: 'plain',
  binary: 'ä\u0000b',
};

const literal = (text: string) => `'${text.replace(/[\\']/g, (c) => '\\' + c)}'`;

/** SHOW CREATE TABLE of some servers has no room for characters beyond the first plane. */
const member = (set: string) => CHARSETS[set].replace(/[\u{10000}-\u{10ffff}]/gu, '').replace('\u0000', '');

it.for<[DatabaseKind, DatabaseKind]>([
  ['mariadb-10.11', 'mariadb-10.11'],
  ['mysql-9.7', 'mariadb-10.11'],
  ['mariadb-10.11', 'mysql-9.7'],
])(
  'every character set of %s comes over to %s, in the copy and in the binlog',
  async ([kind, targetKind], context) => {
    const from = await servers.get(kind, 'source');
    const to = await servers.get(targetKind, 'target');
    if ('missing' in from) return context.skip(from.missing);
    if ('missing' in to) return context.skip(to.missing);
    const known = async (server: typeof from) =>
      new Set((await server.query('SHOW CHARACTER SET')).map((row) => String(row['Charset'])));
    const both = [await known(from), await known(to)];
    const sets = Object.keys(CHARSETS).filter((name) => both.every((names) => names.has(name)));
    expect(sets.length).toBeGreaterThan(20);
    for (const server of [from, to]) await server.execute('DROP DATABASE IF EXISTS k');
    await to.execute('DROP DATABASE IF EXISTS dm_meta');
    const session = await from.connect();
    try {
      await session.query('CREATE DATABASE k CHARACTER SET utf8mb4');
      const tables = sets.map((set) => `k.t_${set}`);
      for (const set of sets) {
        await session.query(
          `CREATE TABLE k.t_${set} (id INT PRIMARY KEY, c CHAR(20), v VARCHAR(60), t TEXT, e ENUM('x', ${literal(member(set))}), s SET('y', 'z')) DEFAULT CHARACTER SET ${set}`,
        );
      }
      const write = async (id: number) => {
        for (const set of sets) {
          const text = literal(CHARSETS[set]);
          await session.query(
            `INSERT INTO k.t_${set} VALUES (${id}, ${text}, ${text}, REPEAT(${text}, 90), ${literal(member(set))}, 'y,z'), (${id + 1}, '', ${text}, NULL, 'x', '')`,
          );
          await session.query(`UPDATE k.t_${set} SET v = CONCAT(v, ${text}) WHERE id = ${id}`);
        }
      };
      await write(1);
      const task = await Task.start(from, to, only('k'));
      await task.untilSynced();
      await write(10);
      // Without a key every column finds the row.
      for (const set of sets) {
        await session.query(`ALTER TABLE k.t_${set} DROP PRIMARY KEY`);
        await session.query(
          `UPDATE k.t_${set} SET v = 'new' WHERE id = 1; DELETE FROM k.t_${set} WHERE id = 11`,
        );
      }
      await task.untilSynced();
      await task.stop();
      await expectEqualTables(from, to, tables);
    } finally {
      await session.end();
    }
  },
);

/** How a client of that character set sends the text. */
const CLIENTS: readonly (readonly [charset: string, text: string])[] = [
  ['gbk', '中文編碼'],
  ['gb18030', '中文😀'],
  ['sjis', '日本語ソ表'],
  ['big5', '許功蓋'],
  ['latin1', 'é€ÿ'],
  ['cp1251', 'Привет'],
  ['utf8mb3', 'ä中'],
];

/** By which the client library knows the sets. */
const COLLATIONS: Readonly<Record<string, string>> = {
  gbk: 'GBK_CHINESE_CI',
  gb18030: 'GB18030_CHINESE_CI',
  sjis: 'SJIS_JAPANESE_CI',
  big5: 'BIG5_CHINESE_CI',
  latin1: 'LATIN1_SWEDISH_CI',
  cp1251: 'CP1251_GENERAL_CI',
  utf8mb3: 'UTF8_GENERAL_CI',
};

it.for<DatabaseKind>(['mariadb-10.11', 'mysql-9.7'])(
  'statements of clients with other character sets, from %s',
  async (kind, context) => {
    const from = await servers.get(kind, 'source');
    const to = await servers.get('mariadb-10.11', 'target');
    if ('missing' in from) return context.skip(from.missing);
    if ('missing' in to) return context.skip(to.missing);
    for (const server of [from, to]) await server.execute('DROP DATABASE IF EXISTS k');
    await to.execute('DROP DATABASE IF EXISTS dm_meta');
    const session = await from.connect();
    const known = new Set((await from.query('SHOW CHARACTER SET')).map((row) => String(row['Charset'])));
    try {
      await session.query('CREATE DATABASE k CHARACTER SET utf8mb4');
      const task = await Task.start(from, to, only('k'));
      await task.untilSynced();
      const tables: string[] = [];
      for (const [charset, text] of CLIENTS.filter(([name]) => known.has(name))) {
        // A procedure is run in the client's character set; the text of EXECUTE IMMEDIATE is converted to it.
        await session.query('SET NAMES utf8mb4');
        const table = `t_${charset}`;
        tables.push(`k.${table}`);
        const client = await from.connect({ charset: COLLATIONS[charset] });
        const run = (sql: string) => client.query(sql);
        const name = text.slice(0, 1);
        await run(
          `CREATE TABLE k.${table} (id INT PRIMARY KEY, \`${name}\` VARCHAR(30) DEFAULT ${literal(text)} COMMENT ${literal(text)}, e ENUM('x', ${literal(text)})) COMMENT ${literal(text)}`,
        );
        await run(`ALTER TABLE k.${table} ADD COLUMN w VARCHAR(30) NOT NULL DEFAULT ${literal(text)}`);
        await run(`INSERT INTO k.${table} (id, e) VALUES (1, ${literal(text)})`);
        await client.end();
      }
      await task.untilSynced();
      await task.stop();
      await expectEqualTables(from, to, tables);
      const describe = (server: typeof from) =>
        server.query(
          `SELECT table_name AS t, column_name AS c, HEX(CONVERT(column_comment USING utf8mb4)) AS k FROM information_schema.columns WHERE table_schema = 'k' ORDER BY table_name, ordinal_position`,
        );
      expect(await describe(to)).toEqual(await describe(from));
      const comments = (server: typeof from) =>
        server.query(
          `SELECT table_name AS t, HEX(CONVERT(table_comment USING utf8mb4)) AS k FROM information_schema.tables WHERE table_schema = 'k' ORDER BY 1`,
        );
      expect(await comments(to)).toEqual(await comments(from));
    } finally {
      await session.end();
    }
  },
);
