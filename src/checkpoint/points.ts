/**
 * The checkpoint as DM keeps it: a global point, and the tables' structures at that point. Flushing it
 * never moves data; it only says where reading may begin. The lanes' own positions decide what of it
 * is applied again (never twice).
 */
import type { BinlogLocation } from '../model/location.js';
import type { TableName } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import { decodeTableInfo, encodeTableInfo } from '../schema/table-info.js';
import type { TableSchema } from '../schema/table.js';
import { locationOf, MAX_POSITION, readRows, reconcile } from './dm-checkpoint.js';
import { fencedFrom, streamWhere, type Ownership, type StreamKey } from './ownership.js';
import { MAIN_STREAM, text, type MetaTables } from './tables.js';

export interface SavedCheckpoint {
  readonly global: BinlogLocation;
  /** Until here DM (or a dump without consistency) wants safe mode; NO_LOCATION when nowhere. */
  readonly safeModeExit: BinlogLocation;
  readonly tables: TableSchema[];
  /** DM has gone on with the task since we saved our last one. */
  readonly foreign: boolean;
}

/** The saved checkpoint of a source, or null when there is none. */
export async function loadCheckpoint(
  session: Session,
  tables: MetaTables,
  sourceId: string,
): Promise<SavedCheckpoint | null> {
  const rows = await readRows(
    session,
    tables,
    sourceId,
    'cp_schema, cp_table, binlog_name, binlog_pos, binlog_gtid, exit_safe_binlog_name,' +
      // MySQL sends JSON as bytes, which would be read as latin1.
      ' exit_safe_binlog_pos, exit_safe_binlog_gtid, CAST(table_info AS CHAR) AS table_info, is_global',
  );
  const global = rows.find((row) => row.is_global === '1');
  if (!global) return null;
  const schemas: TableSchema[] = [];
  for (const row of rows) {
    if (row === global || row.table_info === null || row.table_info === 'null') continue;
    const info = decodeTableInfo(row.table_info, row.cp_schema ?? '');
    if (info !== undefined) schemas.push({ ...info, table: row.cp_table ?? '' });
  }
  const exit = locationOf(
    global.exit_safe_binlog_name,
    global.exit_safe_binlog_pos,
    global.exit_safe_binlog_gtid,
  );
  const [owner] = await session.query(
    `SELECT binlog_name AS n, binlog_pos AS p FROM ${tables.owner}` +
      ` WHERE id=${text(sourceId)} AND stream=${text(MAIN_STREAM)}`,
  );
  const { location, foreign } = reconcile(
    locationOf(global.binlog_name, global.binlog_pos, global.binlog_gtid),
    owner === undefined ? null : { name: owner.n ?? '', pos: Number(owner.p) },
  );
  return {
    global: location,
    foreign,
    // All of a file that is longer than DM's layout can say.
    safeModeExit: exit.pos === MAX_POSITION ? { ...exit, pos: Number.MAX_SAFE_INTEGER } : exit,
    tables: schemas,
  };
}

export interface Flush {
  readonly location: BinlogLocation;
  readonly safeModeExit: BinlogLocation;
  readonly changed: readonly TableSchema[];
  readonly dropped: readonly TableName[];
  /** Ends the DDL record in the same transaction. */
  readonly endDdl?: boolean;
  /** Statements of other state that is to stand at the same place. */
  readonly also?: readonly string[];
}

const STATEMENTS_A_PACKET = 100;

/** Writes the global point and changed tables in one transaction, only while we still own the stream. */
export async function flushCheckpoint(session: Session, owner: Ownership, flush: Flush): Promise<void> {
  const { checkpoint } = owner.tables;
  const id = text(owner.sourceId);
  const { location, safeModeExit } = flush;
  const endDdl = flush.endDdl === true ? ", ddl_location='', ddl_step=0, ddl_sql=NULL, ddl_before=NULL" : '';
  const place = `, binlog_name=${text(location.name)}, binlog_pos=${location.pos}`;
  const [, mine] = await session.execute(`BEGIN;${fence(owner, place + endDdl)}`);
  if (mine.affectedRows === 0) {
    await session.execute('ROLLBACK');
    throw await fencedFrom(session, owner, 'checkpoint');
  }
  const statements: string[] = [];
  for (const table of flush.changed) {
    statements.push(
      upsert(
        checkpoint,
        id,
        table.schema,
        table.table,
        location,
        safeModeExit,
        text(encodeTableInfo(table)),
        0,
      ),
    );
  }
  for (const table of flush.dropped) {
    statements.push(
      `DELETE FROM ${checkpoint} WHERE id=${id} AND cp_schema=${text(table.schema)} AND cp_table=${text(table.table)}`,
    );
  }
  statements.push(...(flush.also ?? []));
  statements.push(upsert(checkpoint, id, '', '', location, safeModeExit, "'null'", 1));
  for (let i = 0; i < statements.length; i += STATEMENTS_A_PACKET) {
    await session.execute(statements.slice(i, i + STATEMENTS_A_PACKET).join(';'));
  }
  await session.execute('COMMIT');
}

/** Locks our owner row; matches no row when we are the owner no longer. */
function fence(owner: Ownership, assignments: string): string {
  return (
    `UPDATE ${owner.tables.owner} SET conn_id=CONNECTION_ID()${assignments}` +
    ` WHERE ${streamWhere(owner)} AND epoch=${owner.epoch} AND run=${owner.run}`
  );
}

function upsert(
  table: string,
  id: string,
  schema: string,
  name: string,
  at: BinlogLocation,
  exit: BinlogLocation,
  info: string,
  isGlobal: number,
): string {
  // binlog_pos is 32 bits wide in DM's layout; the owner's row has the whole of it.
  const pos = Math.min(at.pos, MAX_POSITION);
  const values = [
    `binlog_name=${text(at.name)}`,
    `binlog_pos=${pos}`,
    `binlog_gtid=${text(at.gtidSet)}`,
    `exit_safe_binlog_name=${text(exit.name)}`,
    `exit_safe_binlog_pos=${Math.min(exit.pos, MAX_POSITION)}`,
    `exit_safe_binlog_gtid=${text(exit.gtidSet)}`,
    `table_info=${info}`,
    `is_global=${isGlobal}`,
  ].join(', ');
  return (
    `INSERT INTO ${table} SET id=${id}, cp_schema=${text(schema)}, cp_table=${text(name)}, ${values}` +
    ` ON DUPLICATE KEY UPDATE ${values}`
  );
}

/** A DDL that was about to run when its owner ended. */
export interface DdlRecord {
  /** Where the DDL's event group begins: `name:pos` and its GTID. */
  readonly location: string;
  /** Index of the statement among those the event was split into. */
  readonly step: number;
  readonly sql: string;
  /** The target's definition of the objects concerned, before; null: the statement has certainly not run. */
  readonly before: string | null;
}

export function readDdlRecord(session: Session, owner: Ownership): Promise<DdlRecord | null> {
  return readStreamDdl(session, owner);
}

/** Also for others than the owner. */
export async function readStreamDdl(
  session: Session,
  key: Pick<StreamKey, 'tables' | 'sourceId'>,
): Promise<DdlRecord | null> {
  const [row] = await session.query(
    `SELECT ddl_location, ddl_step, ddl_sql, ddl_before FROM ${key.tables.owner}` +
      ` WHERE ${streamWhere({ stream: MAIN_STREAM, ...key })}`,
  );
  if (row === undefined || row.ddl_location === null || row.ddl_location === '') return null;
  return {
    location: row.ddl_location,
    step: Number(row.ddl_step),
    sql: row.ddl_sql ?? '',
    before: row.ddl_before,
  };
}

/** Records that the statement is about to run. Fails with FencedError when we are not the owner. */
export async function writeDdlRecord(session: Session, owner: Ownership, record: DdlRecord): Promise<void> {
  const results = await session.execute(
    fence(
      owner,
      `, ddl_location=${text(record.location)}, ddl_step=${record.step},` +
        ` ddl_sql=${text(record.sql)}, ddl_before=${record.before === null ? 'NULL' : text(record.before)}`,
    ),
  );
  if (results[0].affectedRows === 0) throw await fencedFrom(session, owner, 'record of a DDL');
}
