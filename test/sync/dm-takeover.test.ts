/** A task that TiDB DM has run so far: its checkpoint rows are all there is, and its safe mode is due. */
import { describe, expect, it } from 'vitest';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import type { DatabaseServer } from '../servers/database.js';
import { useTwoServers } from '../support/two-servers.js';
import { expectEqualTables, incremental, startSyncer, untilSynced } from './support.js';

/** As DM 5.3 creates it. */
const DM_CHECKPOINT = `CREATE TABLE dm_meta.moved_syncer_checkpoint (
  id VARCHAR(32) NOT NULL, cp_schema VARCHAR(128) NOT NULL, cp_table VARCHAR(128) NOT NULL,
  binlog_name VARCHAR(128), binlog_pos INT UNSIGNED, binlog_gtid TEXT,
  exit_safe_binlog_name VARCHAR(128) DEFAULT '', exit_safe_binlog_pos INT UNSIGNED DEFAULT 0, exit_safe_binlog_gtid TEXT,
  table_info JSON NOT NULL, is_global BOOLEAN,
  create_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  UNIQUE KEY uk_id_schema_table (id, cp_schema, cp_table))`;

function column(offset: number, name: string, type: Record<string, unknown>): Record<string, unknown> {
  const plain = { Charset: 'binary', Collate: 'binary', Elems: null, Decimal: 0 };
  return {
    id: offset + 1,
    name: { O: name, L: name },
    offset,
    origin_default: null,
    origin_default_bit: null,
    default: null,
    default_bit: null,
    default_is_expr: false,
    generated_expr_string: '',
    generated_stored: false,
    dependences: null,
    type: { ...plain, ...type },
    state: 5,
    comment: '',
    hidden: false,
    change_state_info: null,
    version: 2,
  };
}

/** TiDB's TableInfo of `CREATE TABLE t (id INT PRIMARY KEY, n INT, v VARCHAR(20), UNIQUE KEY n (n))`. */
const TABLE_INFO = {
  id: 66,
  name: { O: 't', L: 't' },
  charset: 'utf8mb4',
  collate: 'utf8mb4_bin',
  cols: [
    column(0, 'id', { Tp: 3, Flag: 4099, Flen: 11 }),
    column(1, 'n', { Tp: 3, Flag: 0, Flen: 11 }),
    column(2, 'v', { Tp: 15, Flag: 0, Flen: 20, Charset: 'utf8mb4', Collate: 'utf8mb4_bin' }),
  ],
  index_info: [
    {
      id: 1,
      idx_name: { O: 'n', L: 'n' },
      tbl_name: { O: '', L: '' },
      idx_cols: [{ name: { O: 'n', L: 'n' }, offset: 1, length: -1 }],
      state: 5,
      comment: '',
      index_type: 1,
      is_unique: true,
      is_primary: false,
      is_invisible: false,
      is_global: false,
    },
  ],
  constraint_info: null,
  fk_info: null,
  state: 5,
  pk_is_handle: true,
  is_common_handle: false,
  common_handle_version: 0,
  comment: '',
  auto_inc_id: 0,
  max_col_id: 3,
  max_idx_id: 1,
  update_timestamp: 428000000000000000,
  ShardRowIDBits: 0,
  max_shard_row_id_bits: 0,
  auto_random_bits: 0,
  pre_split_regions: 0,
  partition: null,
  compression: '',
  view: null,
  sequence: null,
  Lock: null,
  version: 4,
};

describe('a task of DM', () => {
  let source: DatabaseServer;
  let target: DatabaseServer;
  useTwoServers((servers) => ({ source, target } = servers));

  it.each([
    ['with an exit of its safe mode', true],
    ['that was stopped cleanly, or killed', false],
  ])('goes on here, %s', async (_, hasExit) => {
    for (const server of [source, target]) {
      await server.execute(`DROP DATABASE IF EXISTS m; CREATE DATABASE m;
        CREATE TABLE m.t (id INT PRIMARY KEY, n INT, v VARCHAR(20), UNIQUE KEY n (n));
        INSERT INTO m.t VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'three'), (4, 4, 'four')`);
    }
    const place = async () => (await incremental(source, target)).meta!;
    const saved = await place();
    // DM has applied these (all or some of them) but not saved that it has.
    const unsaved = `USE m; INSERT INTO t VALUES (5, 5, 'five'), (6, 6, 'six'); UPDATE t SET v = 'TWO' WHERE id = 2;
      DELETE FROM t WHERE id = 3; UPDATE t SET id = 40 WHERE id = 4; UPDATE t SET n = 3 WHERE id = 1`;
    await source.execute(unsaved);
    await target.execute(unsaved.slice(0, unsaved.lastIndexOf(';')));
    const exit = await place();
    // The structure in the checkpoint is the one that these rows have, the source's present one is not.
    await source.execute(`USE m; INSERT INTO t VALUES (7, 7, 'seven'); ALTER TABLE t DROP COLUMN n, ADD COLUMN w INT FIRST;
      INSERT INTO t VALUES (1, 8, 'eight')`);
    await target.execute(`DROP DATABASE IF EXISTS dm_meta; CREATE DATABASE dm_meta; ${DM_CHECKPOINT}`);
    const exitName = hasExit ? exit.binlogName : '';
    for (const [schema, table, info, isGlobal] of [
      ['', '', 'null', 1],
      ['m', 't', JSON.stringify(TABLE_INFO), 0],
    ]) {
      const connection = await target.connect();
      await connection.query(
        `INSERT INTO dm_meta.moved_syncer_checkpoint (id, cp_schema, cp_table, binlog_name, binlog_pos, binlog_gtid,
          exit_safe_binlog_name, exit_safe_binlog_pos, exit_safe_binlog_gtid, table_info, is_global)
          VALUES ('source-1', ?, ?, ?, ?, ?, ?, ?, '', ?, ?)`,
        [
          schema,
          table,
          saved.binlogName,
          saved.binlogPos,
          saved.binlogGtid,
          exitName,
          hasExit ? exit.binlogPos : 0,
          info,
          isGlobal,
        ],
      );
      await connection.end();
    }
    const config: SubtaskConfig = await incremental(source, target, {
      task: 'moved',
      blockAllow: { doDbs: ['m'], doTables: [], ignoreDbs: [], ignoreTables: [] },
    });
    const running = startSyncer(config, 1);
    await untilSynced(running);
    running.syncer.end();
    await running.done;
    await expectEqualTables(source, target, ['m.t']);
    const [global] = await target.query('SELECT * FROM dm_meta.moved_syncer_checkpoint WHERE is_global = 1');
    expect(global).toMatchObject({ cp_schema: '', cp_table: '', exit_safe_binlog_name: '' });
    expect(Number(global!['binlog_pos'])).toBeGreaterThan(exit.binlogPos);
    const [table] = await target.query(
      "SELECT table_info FROM dm_meta.moved_syncer_checkpoint WHERE cp_table = 't'",
    );
    const info = table!['table_info'] as { cols: { name: { O: string } }[] };
    expect(info.cols.map((each) => each.name.O)).toEqual(['w', 'id', 'v']);
  });
});
