import { describe, expect, it } from 'vitest';
import type { RowIndex } from '../../binlog/rows.js';
import { createTableFromSql } from '../../schema/build-table.js';
import { compactDelete, compactInsert, compactUpdate, isCompactable } from './compactor.js';
import { Packet } from '../lanes/packet.js';
import { compilePlan, type TablePlan } from '../lanes/plan.js';

/** Values travel as the SQL text that the test gives. */
function planOf(sql: string): TablePlan {
  const table = createTableFromSql(sql, 'd', { flavor: 'mariadb', serverVersion: '10.11.6-MariaDB' });
  const columns = table.columns.map(({ name }) => ({
    name,
    value: (buf: Buffer, start: number, length: number) => Number(buf.latin1Slice(start, start + length)),
    literal: (
      buf: Buffer,
      start: number,
      length: number,
      out: { bytes: (from: Buffer, start: number, end: number) => void },
    ) => out.bytes(buf, start, start + length),
  }));
  const codec = { columns, index: () => undefined };
  return compilePlan({ source: table, target: table, codec, sourceSchema: table, targetIsMariaDb: true });
}

function rows(...images: number[][]): RowIndex {
  const cells = images.flat();
  const index: RowIndex = {
    images: images.length,
    columnCount: images[0].length,
    starts: new Int32Array(cells.length),
    lengths: Int32Array.from(cells, (cell) => String(cell).length),
    buf: Buffer.from(cells.join(' ')),
  };
  for (let i = 1; i < cells.length; i++) index.starts[i] = index.starts[i - 1] + index.lengths[i - 1] + 1;
  return index;
}

const PLAIN = planOf('CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)');
const UNIQUE = planOf('CREATE TABLE t (id INT PRIMARY KEY, a INT UNIQUE, b INT)');
const PAIR = planOf('CREATE TABLE t (x INT, y INT, b INT, PRIMARY KEY (x, y))');

type Change = ['INS', number[]] | ['DEL', number[]] | ['UPD', number[], number[]];

/** What is left to do, and the rows that each statement should touch. */
function compact(plan: TablePlan, ...changes: Change[]): string[] {
  const packet = new Packet(true);
  for (const [kind, row, after] of changes) {
    if (kind === 'INS') compactInsert(packet, plan, rows(row), 0);
    else if (kind === 'DEL') compactDelete(packet, plan, rows(row), 0);
    else {
      const kept = plan.where.every(({ column }) => row[column] === after[column]);
      compactUpdate(packet, plan, rows(row, after), 0, 1, kept);
    }
  }
  packet.finish('LANE', false);
  return packet.starts
    .map((_, i) => `${packet.statement(i, 1000).replace(/ +/g, ' ').trim()} [${packet.expected[i]}]`)
    .filter((text) => text !== 'DO 0 [0]');
}

const HEAD = 'INTO `d`.`t` (`id`,`a`,`b`) VALUES';

describe('compaction', () => {
  it.each<[string, Change[], string[]]>([
    [
      'INS + UPD = INS',
      [
        ['INS', [1, 2, 3]],
        ['UPD', [1, 2, 3], [1, 2, 4]],
      ],
      [`INSERT ${HEAD} (1,2,4) [0]`],
    ],
    [
      'INS + DEL = DEL',
      [
        ['INS', [1, 2, 3]],
        ['DEL', [1, 2, 3]],
      ],
      ['DELETE FROM `d`.`t` WHERE `id` IN (1) [0]'],
    ],
    [
      'UPD + UPD = UPD',
      [
        ['UPD', [1, 2, 3], [1, 5, 3]],
        ['UPD', [1, 5, 3], [1, 5, 4]],
      ],
      ['UPDATE `d`.`t` SET `a`=5,`b`=4 WHERE `id`=1 [1]'],
    ],
    [
      'UPD + DEL = DEL',
      [
        ['UPD', [1, 2, 3], [1, 5, 3]],
        ['DEL', [1, 5, 3]],
      ],
      ['DELETE FROM `d`.`t` WHERE `id` IN (1) [1]'],
    ],
    [
      'DEL + INS = REPLACE',
      [
        ['DEL', [1, 2, 3]],
        ['INS', [1, 5, 6]],
      ],
      [`REPLACE ${HEAD} (1,5,6) [0]`],
    ],
    [
      'DEL + INS + UPD + DEL = DEL',
      [
        ['DEL', [1, 2, 3]],
        ['INS', [1, 5, 6]],
        ['UPD', [1, 5, 6], [1, 7, 7]],
        ['DEL', [1, 7, 7]],
      ],
      ['DELETE FROM `d`.`t` WHERE `id` IN (1) [0]'],
    ],
    [
      'an UPDATE of the key is DEL + INS',
      [
        ['INS', [1, 2, 3]],
        ['UPD', [1, 2, 3], [9, 2, 3]],
        ['UPD', [9, 2, 3], [9, 2, 8]],
      ],
      ['DELETE FROM `d`.`t` WHERE `id` IN (1) [0]', `INSERT ${HEAD} (9,2,8) [0]`],
    ],
    [
      'others stay, in their order',
      [
        ['INS', [1, 1, 1]],
        ['INS', [2, 2, 2]],
        ['INS', [3, 3, 3]],
        ['UPD', [2, 2, 2], [2, 2, 5]],
        ['DEL', [4, 4, 4]],
        ['DEL', [5, 5, 5]],
        ['INS', [4, 6, 6]],
      ],
      [
        `INSERT ${HEAD} (1,1,1) ,(3,3,3) [0]`,
        `INSERT ${HEAD} (2,2,5) [0]`,
        'DELETE FROM `d`.`t` WHERE `id` IN ( 5) [1]',
        `REPLACE ${HEAD} (4,6,6) [0]`,
      ],
    ],
    [
      'updates of many rows',
      [
        ['UPD', [1, 1, 1], [1, 1, 2]],
        ['UPD', [2, 1, 1], [2, 1, 2]],
        ['UPD', [3, 1, 1], [3, 1, 2]],
        ['UPD', [1, 1, 2], [1, 1, 3]],
      ],
      [
        `INSERT ${HEAD} (2,1,2),(3,1,2) ON DUPLICATE KEY UPDATE \`b\`=VALUES(\`b\`) [0]`,
        'UPDATE `d`.`t` SET `b`=3 WHERE `id`=1 [1]',
      ],
    ],
  ])('%s', (_, changes, expected) => {
    expect(compact(PLAIN, ...changes)).toEqual(expected);
  });

  it('leaves alone what has let go of the value of another unique key', () => {
    expect(compact(UNIQUE, ['DEL', [1, 2, 3]], ['INS', [7, 2, 0]], ['INS', [1, 5, 6]])).toEqual([
      'DELETE FROM `d`.`t` WHERE `id` IN (1) [1]',
      `INSERT ${HEAD} (7,2,0),(1,5,6) [0]`,
    ]);
    expect(
      compact(UNIQUE, ['UPD', [1, 2, 3], [1, 5, 3]], ['INS', [7, 2, 0]], ['DEL', [1, 5, 3]]),
    ).toHaveLength(3);
    expect(compact(UNIQUE, ['INS', [1, 2, 3]], ['UPD', [1, 2, 3], [1, 5, 3]])).toHaveLength(2);
    expect(compact(UNIQUE, ['INS', [1, 2, 3]], ['UPD', [1, 2, 3], [1, 2, 4]])).toEqual([
      `INSERT ${HEAD} (1,2,4) [0]`,
    ]);
  });

  it('takes keys of several columns, and no table without a key', () => {
    expect(compact(PAIR, ['DEL', [1, 2, 3]], ['DEL', [1, 3, 3]], ['INS', [1, 2, 4]])).toEqual([
      'DELETE FROM `d`.`t` WHERE (`x`=1 AND `y`=3) [1]',
      'REPLACE INTO `d`.`t` (`x`,`y`,`b`) VALUES (1,2,4) [0]',
    ]);
    expect(isCompactable(planOf('CREATE TABLE t (id INT, a INT)'))).toBe(false);
  });
});
