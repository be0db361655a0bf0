/** The tables' structures in the checkpoint, one by one: for those who mend them while the subtask rests. */
import type { TableName } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import { encodeTableInfo } from '../schema/table-info.js';
import type { TableSchema } from '../schema/table.js';
import { text, type MetaTables } from './tables.js';

const COLUMNS =
  'binlog_name, binlog_pos, binlog_gtid, exit_safe_binlog_name, exit_safe_binlog_pos, exit_safe_binlog_gtid';

/**
 * Keeps the structure, at the place of the checkpoint; a table that has a place of its own stays there.
 * False where there is no checkpoint yet.
 */
export async function saveTableInfo(
  session: Session,
  tables: MetaTables,
  sourceId: string,
  table: TableSchema,
): Promise<boolean> {
  const [saved] = await session.execute(
    `INSERT INTO ${tables.checkpoint} (id, cp_schema, cp_table, ${COLUMNS}, table_info, is_global)` +
      ` SELECT id, ${text(table.schema)}, ${text(table.table)}, ${COLUMNS}, ${text(encodeTableInfo(table))}, 0` +
      ` FROM ${tables.checkpoint} WHERE id=${text(sourceId)} AND is_global=1` +
      ' ON DUPLICATE KEY UPDATE table_info=VALUES(table_info)',
  );
  return saved.affectedRows > 0;
}

/** False where nothing was kept of it. */
export async function deleteTableInfo(
  session: Session,
  tables: MetaTables,
  sourceId: string,
  { schema, table }: TableName,
): Promise<boolean> {
  const [deleted] = await session.execute(
    `DELETE FROM ${tables.checkpoint} WHERE id=${text(sourceId)} AND is_global=0` +
      ` AND cp_schema=${text(schema)} AND cp_table=${text(table)}`,
  );
  return deleted.affectedRows > 0;
}
