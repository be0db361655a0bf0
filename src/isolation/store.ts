/**
 * The meta tables of tables that are set aside, in the target. They are made when the first table is.
 *
 * - `{task}_syncer_isolated`: one row a parked table: why, how far its changes are kept and applied.
 * - `{task}_syncer_isolated_log`: the kept changes in order. An entry that is big is cut into parts; it
 *   counts once the parked table's `last_seq` has reached it.
 */
import type { LanePosition, Ownership } from '../checkpoint/ownership.js';
import { fencedFrom, streamWhere } from '../checkpoint/ownership.js';
import { text } from '../checkpoint/tables.js';
import type { ProcessError } from '../model/status.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteName, type TableName } from '../model/table-name.js';
import { SqlError, type Session } from '../mysql/session.js';
import { decodeTableInfo, encodeTableInfo } from '../schema/table-info.js';
import type { TableSchema } from '../schema/table.js';

export interface IsolationTables {
  readonly parked: string;
  readonly log: string;
}

/** Quoted full names of the tables of a task. */
export function isolationTables(config: Pick<SubtaskConfig, 'task' | 'metaSchema'>): IsolationTables {
  const name = (suffix: string) => `${quoteName(config.metaSchema)}.${quoteName(config.task + suffix)}`;
  return { parked: name('_syncer_isolated'), log: name('_syncer_isolated_log') };
}

/** `dropping`: the user gives the table's kept changes up; it rejoins without them. */
export type ParkedState = 'parked' | 'retry' | 'dropping';

export interface ParkedRow {
  readonly number: number;
  readonly target: TableName;
  readonly state: ParkedState;
  /** UTC, `2021-10-21 00:01:00`. */
  readonly since: string;
  readonly error: ProcessError;
  /** Where each lane stood when the table was parked: what a lane had applied to it is not kept. */
  readonly lanes: readonly LanePosition[];
  /** The target's structure then, which tells the lane of a row; null when it was not known. */
  readonly structure: TableSchema | null;
  /** Place of the last change that is kept; row 0 when none is. */
  readonly logged: LanePosition;
  readonly lastSeq: number;
  readonly appliedSeq: number;
  readonly changes: number;
  readonly bytes: number;
}

export async function createIsolationTables(session: Session, tables: IsolationTables): Promise<void> {
  await session.execute(`CREATE TABLE IF NOT EXISTS ${tables.parked} (
    id VARCHAR(32) NOT NULL,
    table_no INT NOT NULL,
    target_schema VARCHAR(64) NOT NULL,
    target_table VARCHAR(64) NOT NULL,
    state VARCHAR(16) NOT NULL,
    since VARCHAR(32) NOT NULL,
    error LONGTEXT NOT NULL,
    lanes LONGTEXT NOT NULL,
    structure LONGTEXT,
    logged_name VARCHAR(128) NOT NULL DEFAULT '',
    logged_pos BIGINT NOT NULL DEFAULT 0,
    logged_gtid VARCHAR(255) NOT NULL DEFAULT '',
    logged_row BIGINT NOT NULL DEFAULT 0,
    last_seq BIGINT NOT NULL DEFAULT 0,
    applied_seq BIGINT NOT NULL DEFAULT 0,
    changes BIGINT NOT NULL DEFAULT 0,
    bytes BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (id, table_no)
  ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  await session.execute(`CREATE TABLE IF NOT EXISTS ${tables.log} (
    id VARCHAR(32) NOT NULL,
    table_no INT NOT NULL,
    seq BIGINT NOT NULL,
    part INT NOT NULL,
    kind VARCHAR(8) NOT NULL,
    place VARCHAR(255) NOT NULL,
    payload LONGBLOB NOT NULL,
    PRIMARY KEY (id, table_no, seq, part)
  ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
}

const NO_SUCH_TABLE = 1146;
const NO_SUCH_SCHEMA = 1049;

/** The tables of a source that are set aside; none where the meta tables are missing. */
export async function loadParked(
  session: Session,
  tables: IsolationTables,
  sourceId: string,
): Promise<ParkedRow[]> {
  let rows: Record<string, string | null>[];
  try {
    rows = await session.query(`SELECT * FROM ${tables.parked} WHERE id=${text(sourceId)} ORDER BY table_no`);
  } catch (error) {
    if (error instanceof SqlError && (error.errno === NO_SUCH_TABLE || error.errno === NO_SUCH_SCHEMA)) {
      return [];
    }
    throw error;
  }
  return rows.map((row) => {
    const target = { schema: row.target_schema ?? '', table: row.target_table ?? '' };
    const info = row.structure === null ? undefined : decodeTableInfo(row.structure, target.schema);
    return {
      number: Number(row.table_no),
      target,
      state: (row.state ?? 'parked') as ParkedState,
      since: row.since ?? '',
      error: JSON.parse(row.error ?? '{}') as ProcessError,
      lanes: JSON.parse(row.lanes ?? '[]') as LanePosition[],
      structure: info === undefined ? null : { ...info, ...target },
      logged: {
        name: row.logged_name ?? '',
        pos: Number(row.logged_pos),
        gtid: row.logged_gtid ?? '',
        row: Number(row.logged_row),
      },
      lastSeq: Number(row.last_seq),
      appliedSeq: Number(row.applied_seq),
      changes: Number(row.changes),
      bytes: Number(row.bytes),
    };
  });
}

export interface NewParked {
  readonly target: TableName;
  readonly since: string;
  readonly error: ProcessError;
  readonly lanes: readonly LanePosition[];
  readonly structure: TableSchema | null;
}

/** What is written of one source, only while we own the stream of isolation. */
export class IsolationStore {
  readonly tables: IsolationTables;
  readonly #owner: Ownership;

  constructor(tables: IsolationTables, owner: Ownership) {
    this.tables = tables;
    this.#owner = owner;
  }

  /** `WHERE` of a parked table's row and of its log. */
  where(number: number): string {
    return `id=${text(this.#owner.sourceId)} AND table_no=${number}`;
  }

  async park(session: Session, table: NewParked): Promise<ParkedRow> {
    const { parked } = this.tables;
    const id = text(this.#owner.sourceId);
    const [row] = await session.query(
      `SELECT COALESCE(MAX(table_no), 0) AS last FROM ${parked} WHERE id=${id}`,
    );
    const number = Number(row?.last ?? 0) + 1;
    const structure = table.structure === null ? 'NULL' : text(encodeTableInfo(table.structure));
    const values = [
      id,
      number,
      text(table.target.schema),
      text(table.target.table),
      "'parked'",
      text(table.since),
      text(JSON.stringify(table.error)),
      text(JSON.stringify(table.lanes)),
      structure,
    ];
    await this.#fenced(session, [
      `INSERT INTO ${parked} (id, table_no, target_schema, target_table, state, since, error, lanes, structure)` +
        ` VALUES (${values.join(',')})`,
    ]);
    const logged = { name: '', pos: 0, gtid: '', row: 0 };
    return { ...table, number, state: 'parked', logged, lastSeq: 0, appliedSeq: 0, changes: 0, bytes: 0 };
  }

  async setState(session: Session, number: number, state: ParkedState, error?: ProcessError): Promise<void> {
    const why = error === undefined ? '' : `, error=${text(JSON.stringify(error))}`;
    await this.#fenced(session, [
      `UPDATE ${this.tables.parked} SET state=${text(state)}${why} WHERE ${this.where(number)}`,
    ]);
  }

  /** The table is as any other again. */
  async unpark(session: Session, number: number): Promise<void> {
    const { log, parked } = this.tables;
    await this.#fenced(session, [
      `DELETE FROM ${log} WHERE ${this.where(number)}`,
      `DELETE FROM ${parked} WHERE ${this.where(number)}`,
    ]);
  }

  /** Deletes kept changes in transactions of bounded size; true while there are more. */
  async dropSome(session: Session, number: number): Promise<boolean> {
    const sql = `DELETE FROM ${this.tables.log} WHERE ${this.where(number)} LIMIT 5000`;
    return (await this.#fenced(session, [sql])) > 0;
  }

  /** Affected rows of the first statement. */
  async #fenced(session: Session, statements: readonly string[]): Promise<number> {
    const owner = this.#owner;
    const fence =
      `UPDATE ${owner.tables.owner} SET conn_id=CONNECTION_ID() WHERE ${streamWhere(owner)}` +
      ` AND epoch=${owner.epoch} AND run=${owner.run}`;
    const [, mine] = await session.execute(`BEGIN;${fence}`);
    if (mine.affectedRows === 0) {
      await session.execute('ROLLBACK');
      throw await fencedFrom(session, owner, 'a table that is set aside');
    }
    let affected = 0;
    for (const [i, sql] of statements.entries()) {
      const [result] = await session.execute(sql);
      if (i === 0) affected = result.affectedRows;
    }
    await session.execute('COMMIT');
    return affected;
  }
}

/** For a subtask that is not running: nobody else writes then. */
export async function markParked(
  session: Session,
  tables: IsolationTables,
  sourceId: string,
  number: number,
  state: ParkedState,
): Promise<void> {
  await session.execute(
    `UPDATE ${tables.parked} SET state=${text(state)} WHERE id=${text(sourceId)} AND table_no=${number}`,
  );
}

/** Drops what a source keeps of tables that are set aside (start-task --remove-meta). */
export async function removeIsolationMeta(
  session: Session,
  config: Pick<SubtaskConfig, 'task' | 'metaSchema' | 'sourceId'>,
): Promise<void> {
  const tables = isolationTables(config);
  if ((await loadParked(session, tables, config.sourceId)).length === 0) return;
  for (const table of [tables.log, tables.parked]) {
    await session.execute(`DELETE FROM ${table} WHERE id=${text(config.sourceId)}`);
  }
}
