import { describe, expect, it } from 'vitest';
import type { RowCodec, RowIndex } from '../../binlog/rows.js';
import { createTableFromSql } from '../../schema/build-table.js';
import { Packet } from './packet.js';
import { compilePlan, keyHash, keyUnchanged, type TablePlan } from './plan.js';

const OPTIONS = { flavor: 'mariadb', serverVersion: '10.11.6-MariaDB' } as const;

/** Values travel as the SQL text that the test gives. */
function codecOf(columns: readonly string[]): RowCodec {
  return {
    columns: columns.map((name) => ({
      name,
      value: (buf, start, length) => {
        const text = buf.utf8Slice(start, start + length);
        return text.startsWith("'") ? text.slice(1, -1) : Number(text);
      },
      literal: (buf, start, length, out) => out.bytes(buf, start, start + length),
    })),
    index: () => undefined,
  };
}

function rows(...images: (string | null)[][]): RowIndex {
  const cells = images.flat();
  const index: RowIndex = {
    images: images.length,
    columnCount: images[0].length,
    starts: new Int32Array(cells.length),
    lengths: new Int32Array(cells.length),
    buf: Buffer.from(cells.join(' ')),
  };
  let at = 0;
  cells.forEach((cell, i) => {
    const length = Buffer.byteLength(cell ?? '');
    index.starts[i] = cell === null ? -1 : at;
    index.lengths[i] = length;
    at += length + 1;
  });
  return index;
}

function planOf(targetSql: string, sourceSql = targetSql, targetIsMariaDb = true): TablePlan {
  const source = createTableFromSql(sourceSql, 'from', OPTIONS);
  return compilePlan({
    source: { schema: 'from', table: source.table },
    target: createTableFromSql(targetSql, 'to', OPTIONS),
    codec: codecOf(source.columns.map((column) => column.name)),
    sourceSchema: source,
    targetIsMariaDb,
  });
}

/** Statements of the body, one a line. */
function body(packet: Packet): string[] {
  const text = packet.finish('LANE', false).toString();
  expect(text.startsWith('BEGIN;') && text.endsWith(';LANE')).toBe(true);
  return packet.starts.map((_, i) => packet.statement(i, 10_000));
}

const KEYED = 'CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20))';
const BARE = 'CREATE TABLE t (i INT, f FLOAT, s VARCHAR(20), x BLOB)';
const TWO_KEYS = 'CREATE TABLE t (a INT, b INT, v INT, PRIMARY KEY (a, b))';

describe('a packet', () => {
  it('merges neighbours of one kind on one table, and nothing else', () => {
    const plan = planOf(KEYED);
    const other = planOf('CREATE TABLE u (id INT PRIMARY KEY, a INT, b VARCHAR(20))');
    const index = rows(['1', '10', "'x'"], ['2', null, "'y;'"]);
    const packet = new Packet();
    packet.insert(plan, index, 0, false);
    packet.insert(plan, index, 1, false);
    packet.insert(plan, index, 0, true);
    packet.insert(other, index, 1, true);
    packet.delete(plan, index, 0);
    packet.delete(plan, index, 1);
    packet.insert(plan, index, 0, false);
    expect(body(packet)).toEqual([
      "INSERT INTO `to`.`t` (`id`,`a`,`b`) VALUES (1,10,'x'),(2,NULL,'y;')",
      "REPLACE INTO `to`.`t` (`id`,`a`,`b`) VALUES (1,10,'x')",
      "REPLACE INTO `to`.`u` (`id`,`a`,`b`) VALUES (2,NULL,'y;')",
      'DELETE FROM `to`.`t` WHERE `id` IN (1,2)',
      "INSERT INTO `to`.`t` (`id`,`a`,`b`) VALUES (1,10,'x')",
    ]);
    expect(packet.rows).toBe(7);
    expect(packet.expected).toEqual([0, 0, 0, 2, 0]);
  });

  it('sets what an update changes, and finds the row by its key', () => {
    const packet = new Packet();
    const index = rows(['1', '10', "'x'"], ['1', '11', "'x'"], ['1', '11', "'x'"], ['2', null, "'x'"]);
    const plan = planOf(KEYED);
    packet.update(plan, index, 0, 1);
    packet.update(plan, index, 2, 3);
    packet.update(plan, index, 1, 2);
    expect(body(packet)).toEqual([
      'UPDATE `to`.`t` SET `a`=11 WHERE `id`=1',
      'UPDATE `to`.`t` SET `id`=2,`a`=NULL WHERE `id`=1',
      'UPDATE `to`.`t` SET `id`=1 WHERE `id`=1',
    ]);
    expect(packet.expected).toEqual([1, 1, 1]);
  });

  it('merges updates of a table with an integer for a key by CASE', () => {
    const packet = new Packet();
    const plan = planOf(KEYED);
    const images = [1, 2, 3].flatMap((id) => [
      [`${id}`, '5', "'x'"],
      [`${id}`, `${id}0`, "'x'"],
      [`${id}`, null, "'y'"],
    ]);
    const index = rows(...images);
    packet.update(plan, index, 1, 0, true);
    packet.update(plan, index, 3, 4, true);
    packet.update(plan, index, 0, 1, true);
    packet.update(plan, index, 1, 2, true);
    packet.update(plan, index, 7, 8, true);
    packet.insert(plan, index, 0, false);
    packet.update(plan, index, 7, 8, false);
    expect(body(packet)).toEqual([
      'UPDATE `to`.`t` SET `a`=CASE `id` WHEN 1 THEN 10 WHEN 2 THEN 20 END WHERE `id` IN (1,2)',
      "UPDATE `to`.`t` SET `a`=CASE `id` WHEN 1 THEN NULL WHEN 3 THEN NULL END,`b`=CASE `id` WHEN 1 THEN 'y' WHEN 3 THEN 'y' END WHERE `id` IN (1,3)",
      "INSERT INTO `to`.`t` (`id`,`a`,`b`) VALUES (1,5,'x')",
      "UPDATE `to`.`t` SET `a`=NULL,`b`='y' WHERE `id`=3",
    ]);
    expect(packet.expected).toEqual([2, 2, 0, 1]);
    expect(packet.rows).toBe(7);
  });

  it('numbers the values where the keys follow each other', () => {
    const packet = new Packet();
    const plan = planOf(KEYED);
    const ids = [...Array.from({ length: 20 }, (_, i) => 7 + i), 40, 42];
    const index = rows(
      ...ids.flatMap((id) => [
        [`${id}`, null, "'x'"],
        [`${id}`, `${id % 2}`, `'${id}'`],
      ]),
    );
    ids.forEach((_, i) => packet.update(plan, index, 2 * i, 2 * i + 1, true));
    // One of them again.
    packet.update(plan, index, 0, 1, true);
    const run = ids.slice(0, 20);
    expect(body(packet)).toEqual([
      `UPDATE \`to\`.\`t\` SET \`a\`=ELT(\`id\`-6,${run.map((id) => id % 2).join(',')}),` +
        `\`b\`=ELT(\`id\`-6,${run.map((id) => `'${id}'`).join(',')}) WHERE \`id\` BETWEEN 7 AND 26`,
      "UPDATE `to`.`t` SET `a`=CASE `id` WHEN 40 THEN 0 WHEN 42 THEN 0 WHEN 7 THEN 1 END,`b`=CASE `id` WHEN 40 THEN '40' WHEN 42 THEN '42' WHEN 7 THEN '7' END WHERE `id` IN (40,42,7)",
    ]);
    expect(packet.expected).toEqual([20, 3]);
  });

  it('merges updates that keep the key and change the same columns', () => {
    const packet = new Packet();
    const plan = planOf('CREATE TABLE t (v INT, b INT, a INT, u INT, PRIMARY KEY (a, b), UNIQUE (u))');
    const index = rows(
      ['1', '2', '3', '4'],
      ['5', '2', '3', '4'],
      ['6', '2', '3', '4'],
      ['6', '2', '3', '7'],
    );
    packet.update(plan, index, 0, 1, true);
    packet.update(plan, index, 1, 2, true);
    packet.update(plan, index, 2, 3, true);
    packet.update(plan, index, 2, 2, true);
    packet.update(plan, index, 0, 1, false);
    const guarded = (name: string) =>
      `${name}=IF(\`a\`=VALUES(\`a\`) AND \`b\`=VALUES(\`b\`),VALUES(${name}),${name})`;
    expect(body(packet)).toEqual([
      `INSERT INTO \`to\`.\`t\` (\`b\`,\`a\`,\`v\`,\`u\`) VALUES (2,3,5,4),(2,3,6,4) ON DUPLICATE KEY UPDATE ${guarded('`v`')}`,
      'UPDATE `to`.`t` SET `u`=7 WHERE `a`=3 AND `b`=2',
      'UPDATE `to`.`t` SET `b`=2 WHERE `a`=3 AND `b`=2',
      'UPDATE `to`.`t` SET `v`=5 WHERE `a`=3 AND `b`=2',
    ]);
    const [upsert] = packet.upserts;
    expect(packet.probes(upsert).toString()).toBe(
      'SELECT 1 FROM `to`.`t` WHERE (`b`,`a`)=(2,3) LIMIT 1;SELECT 1 FROM `to`.`t` WHERE (`b`,`a`)=(2,3) LIMIT 1',
    );
    expect(packet.leaveOut(upsert, (row) => row === 0)).toEqual(['(2,3)']);
    expect(packet.statement(0, 90)).toMatch(/VALUES {11}\(2,3,6,4\) ON/);
    packet.leaveOut(upsert, () => true);
    expect(packet.statement(0, 1000).trim()).toBe('DO 0');
  });

  it('names columns that the target would change by itself', () => {
    const plan = planOf(
      'CREATE TABLE t (id INT PRIMARY KEY, a INT, b TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP)',
    );
    const packet = new Packet();
    packet.update(plan, rows(['1', '1', "'2020'"], ['1', '2', "'2020'"]), 0, 1);
    expect(body(packet)).toEqual(["UPDATE `to`.`t` SET `a`=2,`b`='2020' WHERE `id`=1"]);
  });

  it('leaves out generated columns, and finds columns by name in another order', () => {
    const plan = planOf(
      'CREATE TABLE t (extra INT, B VARCHAR(20), g INT AS (a + 1) STORED, a INT, id INT PRIMARY KEY)',
      'CREATE TABLE s (id INT PRIMARY KEY, a INT, g INT AS (a + 1) STORED, b VARCHAR(20))',
    );
    const packet = new Packet();
    packet.insert(plan, rows(['1', '2', '3', "'z'"]), 0, false);
    expect(body(packet)).toEqual(["INSERT INTO `to`.`t` (`id`,`a`,`b`) VALUES (1,2,'z')"]);
  });

  it('deletes by a key of several columns with OR', () => {
    const plan = planOf(TWO_KEYS);
    const index = rows(['1', '2', '3'], ['4', '5', '6']);
    const packet = new Packet();
    packet.delete(plan, index, 0);
    packet.delete(plan, index, 1);
    packet.update(plan, rows(['1', '2', '3'], ['1', '2', '4']), 0, 1);
    expect(body(packet)).toEqual([
      'DELETE FROM `to`.`t` WHERE (`a`=1 AND `b`=2) OR (`a`=4 AND `b`=5)',
      'UPDATE `to`.`t` SET `v`=4 WHERE `a`=1 AND `b`=2',
    ]);
  });

  it('finds one row of a table without a key by all of it, exactly', () => {
    const plan = planOf(BARE);
    const index = rows(['1', '0.1', "'a '", "'b'"], [null, null, null, null]);
    const packet = new Packet();
    packet.delete(plan, index, 0);
    packet.delete(plan, index, 1);
    packet.update(plan, index, 1, 0);
    expect(body(packet)).toEqual([
      'DELETE FROM `to`.`t` WHERE `i`=1 AND `f`=1.0000000149011612e-1' +
        " AND `s`='a ' AND CAST(CONVERT(`s` USING utf8mb4) AS BINARY)=CAST('a ' AS BINARY) AND `x`='b' LIMIT 1",
      'DELETE FROM `to`.`t` WHERE `i` IS NULL AND `f` IS NULL AND `s` IS NULL AND `x` IS NULL LIMIT 1',
      "UPDATE `to`.`t` SET `i`=1,`f`=0.1,`s`='a ',`x`='b'" +
        ' WHERE `i` IS NULL AND `f` IS NULL AND `s` IS NULL AND `x` IS NULL LIMIT 1',
    ]);
  });

  it('compares JSON as JSON on MySQL and as text on MariaDB', () => {
    const sql = 'CREATE TABLE t (j JSON)';
    const source = createTableFromSql(sql, 'from', { flavor: 'mysql', serverVersion: '8.0.36' });
    const plan = (targetIsMariaDb: boolean) =>
      compilePlan({
        source,
        target: { ...source, schema: 'to' },
        codec: codecOf(['j']),
        sourceSchema: source,
        targetIsMariaDb,
      });
    const remove = (compiled: TablePlan) => {
      const packet = new Packet();
      packet.delete(compiled, rows(["'{}'"]), 0);
      return body(packet)[0];
    };
    expect(remove(plan(false))).toBe("DELETE FROM `to`.`t` WHERE `j`=CAST('{}' AS JSON) LIMIT 1");
    expect(remove(plan(true))).toBe(
      "DELETE FROM `to`.`t` WHERE `j`='{}'" +
        " AND CAST(CONVERT(`j` USING utf8mb4) AS BINARY)=CAST('{}' AS BINARY) LIMIT 1",
    );
  });

  it('keeps its body when it is sent again with another position', () => {
    const plan = planOf(KEYED);
    const packet = new Packet();
    packet.delete(plan, rows(['1', '2', "'é'"]), 0);
    expect(packet.finish('ONE', true).toString()).toBe(
      'COMMIT;BEGIN;DELETE FROM `to`.`t` WHERE `id` IN (1);ONE',
    );
    expect(packet.finish('TWO', false).toString()).toBe('BEGIN;DELETE FROM `to`.`t` WHERE `id` IN (1);TWO');
    packet.reset();
    packet.insert(plan, rows(['7', '8', "'é'"]), 0, false);
    expect(body(packet)).toEqual(["INSERT INTO `to`.`t` (`id`,`a`,`b`) VALUES (7,8,'é')"]);
  });
});

describe('a plan', () => {
  it('chooses the primary key, else a unique key without NULL, of the target', () => {
    expect(planOf(KEYED).where.map((part) => part.name)).toEqual(['`id`']);
    const unique = planOf('CREATE TABLE t (id INT, a INT NOT NULL UNIQUE, b VARCHAR(20) UNIQUE)', KEYED);
    expect(unique.where.map((part) => part.name)).toEqual(['`a`']);
    expect(unique.uniques).toHaveLength(1);
    const none = planOf('CREATE TABLE t (id INT, a INT UNIQUE, b VARCHAR(20))', KEYED);
    expect(none.identity).toBeNull();
    expect(none.where).toHaveLength(3);
  });

  it('does not find rows by a key whose columns do not travel', () => {
    const plan = planOf(
      'CREATE TABLE t (own INT AUTO_INCREMENT PRIMARY KEY, id INT NOT NULL UNIQUE, a INT, b VARCHAR(20))',
      KEYED,
    );
    expect(plan.where.map((part) => part.name)).toEqual(['`id`']);
  });

  it('gives equal keys equal hashes; a NULL part never conflicts', () => {
    const plan = planOf('CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20), UNIQUE (a, b))');
    const index = rows(['1', '5', "'Ab '"], ['2', '5', "'ab'"], ['3', '6', "'ab'"], ['4', null, "'ab'"]);
    const [unique] = plan.uniques;
    const hashes = [0, 1, 2, 3].map((image) => keyHash(plan, unique, index, image));
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).not.toBe(hashes[1]);
    expect(hashes[3]).toBe(-1);
    expect(keyUnchanged(unique, index, 0, 1)).toBe(false);
    expect(keyUnchanged(unique, index, 1, 1)).toBe(true);
  });
});
