import { describe, expect, it } from 'vitest';
import { integerColumn } from '../../binlog/column-numbers.js';
import { textColumn } from '../../binlog/column-text.js';
import type { ColumnCodec, RowIndex } from '../../binlog/rows.js';
import { createTableFromSql } from '../../schema/build-table.js';
import { Packet } from '../lanes/packet.js';
import { compilePlan, type PlanInput, type TablePlan } from '../lanes/plan.js';

const OPTIONS = { flavor: 'mariadb', serverVersion: '10.11.6-MariaDB' } as const;

function planOf(sql: string, extra: Partial<PlanInput> = {}, sourceSql = sql): TablePlan {
  const target = createTableFromSql(sql, 'to', OPTIONS);
  const source = createTableFromSql(sourceSql, 'from', OPTIONS);
  const columns = source.columns.map(({ name, type }): ColumnCodec =>
    type.base === 'int' ? integerColumn(name, 4, false) : textColumn(name, 'utf8mb4'),
  );
  return compilePlan({
    source,
    target,
    codec: { columns, index: () => undefined },
    sourceSchema: source,
    targetIsMariaDb: true,
    ...extra,
  });
}

/** Rows of numbers and texts. */
function rowsOf(images: readonly (readonly (number | string | null)[])[]): RowIndex {
  const cells = images.flat().map((cell) => {
    if (typeof cell !== 'number') return Buffer.from(cell ?? '');
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(cell);
    return bytes;
  });
  let at = 0;
  const starts = images.flat().map((cell, i) => {
    at += cells[i].length;
    return cell === null ? -1 : at - cells[i].length;
  });
  return {
    images: images.length,
    columnCount: images[0].length,
    starts: Int32Array.from(starts),
    lengths: Int32Array.from(cells, (cell) => cell.length),
    buf: Buffer.concat(cells),
  };
}

const KEYED = 'CREATE TABLE t (k VARCHAR(9) PRIMARY KEY, n INT, v VARCHAR(20))';
const OTHER = 'CREATE TABLE u (n INT, v TEXT)';

/** Inserts, then updates that become one upsert, then inserts into both tables. */
function fill(packet: Packet, counts: readonly number[]): Packet {
  const keyed = planOf(KEYED);
  const other = planOf(OTHER);
  const rows = rowsOf(Array.from({ length: 200 }, (_, i) => [`k${i}`, i - 100, i % 7 === 0 ? null : "it's"]));
  const others = rowsOf(Array.from({ length: 200 }, (_, i) => [i, '\\'.repeat(i)]));
  for (let i = 0; i < counts[0]; i++) packet.insert(keyed, rows, i, false);
  const changes = rowsOf([
    ['a', 1, 'x'],
    ['a', 2, 'x'],
    ['b', 1, 'y'],
    ['b', 3, 'y'],
  ]);
  packet.update(keyed, changes, 0, 1, true);
  packet.update(keyed, changes, 2, 3, true);
  for (let i = 0; i < counts[1]; i++) packet.insert(other, others, i, false);
  for (let i = 0; i < counts[2]; i++) packet.insert(keyed, rows, 199 - i, false);
  return packet;
}

function bindingPacket(): Packet {
  const packet = new Packet();
  packet.binds = true;
  return packet;
}

describe('bound statements of a packet', () => {
  it.each([{ counts: [49, 1, 0] }, { counts: [0, 49, 30] }])(
    'are text where rows are few: $counts',
    ({ counts }) => {
      const packet = fill(bindingPacket(), counts);
      const text = fill(new Packet(), counts).finish('LANE', true).toString();
      expect(packet.finish('LANE', true).toString()).toBe(text);
      expect(packet.bound.any).toBe(false);
    },
  );

  it('stand between the texts', () => {
    const packet = fill(bindingPacket(), [50, 70, 60]);
    const parts = packet.parts(packet.finish('LANE', true));
    const shown = parts.map((part) => (Buffer.isBuffer(part) ? part.toString() : `${part.rows} ${part.sql}`));
    expect(shown).toEqual([
      'COMMIT;BEGIN',
      '50 INSERT INTO `to`.`t` (`k`,`n`,`v`) VALUES (?,?,?)',
      expect.stringMatching(/^INSERT INTO `to`.`t` .* ON DUPLICATE KEY UPDATE `n`=VALUES\(`n`\)$/),
      '70 INSERT INTO `to`.`u` (`n`,`v`) VALUES (?,?)',
      '60 INSERT INTO `to`.`t` (`k`,`n`,`v`) VALUES (?,?,?)',
      'LANE',
    ]);
    const [first] = packet.parts(packet.finish('LANE', false));
    expect(first.toString()).toBe('BEGIN');
  });

  it('become the text that they would have been, and what refers to it moves along', () => {
    const packet = fill(bindingPacket(), [50, 70, 60]);
    const plain = fill(new Packet(), [50, 70, 60]);
    packet.finish('LANE', true);
    packet.useText();
    expect(packet.finish('OTHER', false).toString()).toBe(plain.finish('OTHER', false).toString());
    expect(packet.starts).toEqual(plain.starts);
    expect(packet.probes(packet.upserts[0])).toEqual(plain.probes(plain.upserts[0]));
    expect(packet.parts(packet.finish('LANE', true))).toHaveLength(1);
    for (const each of [packet, plain]) each.leaveOut(each.upserts[0], (row) => row === 0);
    expect(packet.statement(1, 1000)).toBe(plain.statement(1, 1000));
  });

  it('go on in a packet that is used again', () => {
    const packet = fill(bindingPacket(), [50, 70, 60]);
    packet.finish('LANE', true);
    packet.reset();
    fill(packet, [60, 0, 0]);
    expect(packet.parts(packet.finish('LANE', true))).toHaveLength(3);
    packet.useText();
    const plain = fill(new Packet(), [60, 0, 0]);
    expect(packet.finish('LANE', true).toString()).toBe(plain.finish('LANE', true).toString());
  });

  it('are no more than a connection keeps prepared', () => {
    const packet = bindingPacket();
    const plans = Array.from({ length: 20 }, (_, i) => planOf(`CREATE TABLE t${i} (n INT, v TEXT)`));
    const rows = rowsOf(Array.from({ length: 60 }, (_, i) => [i, 'x']));
    for (const plan of plans) for (let i = 0; i < 60; i++) packet.insert(plan, rows, i, false);
    packet.finish('LANE', true);
    expect(packet.bound.all).toHaveLength(16);
    expect(packet.rows).toBe(20 * 60);
  });

  it('are inserts only, and not of packets from which rows are taken out', () => {
    const plan = planOf(KEYED);
    const rows = rowsOf(Array.from({ length: 60 }, (_, i) => [`k${i}`, i, 'x']));
    const compact = new Packet(true);
    compact.binds = true;
    const replacing = bindingPacket();
    for (let i = 0; i < 60; i++) {
      compact.insert(plan, rows, i, false);
      replacing.insert(plan, rows, i, true);
    }
    for (const packet of [compact, replacing]) {
      packet.finish('LANE', true);
      expect(packet.bound.any).toBe(false);
    }
  });
});

describe('plans of bound rows', () => {
  it.each([
    { what: 'another kind of target', extra: { targetIsMariaDb: false } },
    { what: 'a target table with triggers', extra: { targetHasTriggers: true } },
    { what: 'a target table without transactions', sql: 'CREATE TABLE t (n INT, v TEXT) ENGINE=MyISAM' },
    { what: 'another type in the target', sql: 'CREATE TABLE t (n INT, v INT)' },
    { what: 'bytes in the target', sql: 'CREATE TABLE t (n INT, v BLOB)' },
    {
      what: 'the binary character set in the target',
      sql: 'CREATE TABLE t (n INT, v VARCHAR(9)) CHARACTER SET binary',
    },
  ])('none for $what', ({ extra, sql }) => {
    expect(planOf(sql ?? OTHER, extra, 'CREATE TABLE t (n INT, v TEXT)').bulk).toBeNull();
  });

  it('names what is written only', () => {
    const sql = 'CREATE TABLE t (n BIGINT, extra INT, v VARCHAR(9) CHARACTER SET latin1, g INT AS (n + 1))';
    const { bulk } = planOf(sql, {}, 'CREATE TABLE t (n INT, v TEXT)');
    expect(bulk?.sql).toBe('INSERT INTO `to`.`t` (`n`,`v`) VALUES (?,?)');
    // 4 bytes of the statement, flags, types.
    expect(bulk?.head.toString('hex')).toBe('000000008000' + '0300' + 'fd00');
  });
});
