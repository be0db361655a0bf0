/**
 * The full copy's state in the target, in the task's meta schema:
 *
 * `{task}_load_table`: a row for each source table with its definition as of the copy, and one with
 * empty names that stands for the copy itself (state `planned`, then `finished`). One with an empty table name
 * is a database: as it was where sync begins, and whether the copy has `made` it on the target or `found` it.
 * `{task}_load_chunk`: a row for each chunk: its key range, whether it is loaded, and the place P of the
 * source's binlog at which it was read.
 *
 * Every row carries the epoch of its owner. A chunk is marked `loaded` in the transaction of its rows and
 * only where the epoch is still the owner's; a take-over raises all epochs first, which waits for such a
 * transaction that is about to commit and makes every later one fail.
 */
import { NO_LOCATION, type BinlogLocation } from '../model/location.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteName, quoteTable, tableKey, type TableName } from '../model/table-name.js';
import { must } from '../model/assert.js';
import { SqlError, type Session } from '../mysql/session.js';
import { quoteString } from '../mysql/text.js';
import { isGone } from '../dump/source-tables.js';
import type { KeyBound, KeyRange } from '../dump/chunk-plan.js';

export interface ChunkRow {
  readonly source: TableName;
  readonly chunk: number;
  readonly range: KeyRange;
  loaded: boolean;
  location: BinlogLocation;
  /** Consistency none: up to here changes may already be in the rows. */
  exitSafe: BinlogLocation | null;
  /** End of the source's binlog once the rows had been read: statements up to here may have moved tables under us. */
  readUntil: BinlogLocation;
  rows: number;
  bytes: number;
}

/** What is known of a chunk once it has been read. */
export type ChunkRead = Pick<ChunkRow, 'location' | 'exitSafe' | 'readUntil' | 'rows' | 'bytes'>;

/** `recopy`: the target's table must be dropped before chunks are loaded again. */
export type TableState = 'planned' | 'recopy' | 'gone';

export interface TableRow {
  readonly source: TableName;
  readonly target: TableName;
  definition: string;
  state: TableState;
  /** Column by whose ranges the table is split, null where it is one chunk. */
  readonly splitColumn: string | null;
  /** Clauses of the indexes that are built once all rows are there. */
  deferred: readonly string[];
  readonly rows: number;
  readonly bytes: number;
}

export interface DatabaseRow {
  readonly source: string;
  readonly target: string;
  /** SHOW CREATE DATABASE of the source. */
  readonly definition: string;
  /** Else it was there before: its defaults are as somebody wants them. */
  readonly made: boolean;
}

export interface CopyState {
  finished: boolean;
  /** By their names on the source. */
  readonly databases: Map<string, DatabaseRow>;
  readonly tables: Map<string, TableRow>;
  readonly chunks: ChunkRow[];
}

/** The copy has another owner by now. */
export class FencedError extends Error {
  override readonly name = 'FencedError';
  /** @param detail What was to be written, for the log. */
  constructor(
    readonly seenEpoch: number,
    detail = '',
  ) {
    super(
      `another owner has taken over the copy with epoch ${seenEpoch}${detail === '' ? '' : `: ${detail}`}`,
    );
  }
}

/** Another owner's plan came first, after the take-over had found none: take over again. */
export class PlanTaken extends Error {
  override readonly name = 'PlanTaken';
}

export class CopyMeta {
  readonly #id: string;
  readonly #schema: string;
  readonly #tables: string;
  readonly #chunks: string;

  constructor(config: Pick<SubtaskConfig, 'task' | 'sourceId' | 'metaSchema'>) {
    this.#id = quoteString(config.sourceId);
    this.#schema = quoteName(config.metaSchema);
    this.#tables = quoteTable({ schema: config.metaSchema, table: `${config.task}_load_table` });
    this.#chunks = quoteTable({ schema: config.metaSchema, table: `${config.task}_load_chunk` });
  }

  async prepare(session: Session): Promise<void> {
    const names = 'id VARCHAR(32) NOT NULL, cp_schema VARCHAR(64) NOT NULL, cp_table VARCHAR(64) NOT NULL';
    const options = 'DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin';
    await session.execute(
      `CREATE DATABASE IF NOT EXISTS ${this.#schema};
       CREATE TABLE IF NOT EXISTS ${this.#tables} (${names},
         target_schema VARCHAR(64) NOT NULL, target_table VARCHAR(64) NOT NULL,
         state VARCHAR(16) NOT NULL, epoch BIGINT NOT NULL, split_column VARCHAR(64) NULL,
         row_estimate BIGINT NOT NULL, byte_estimate BIGINT NOT NULL, definition LONGTEXT NOT NULL,
         deferred_indexes LONGTEXT NULL, PRIMARY KEY (id, cp_schema, cp_table)) ${options};
       CREATE TABLE IF NOT EXISTS ${this.#chunks} (${names}, chunk INT NOT NULL,
         key_low TEXT NULL, key_high TEXT NULL,
         state VARCHAR(16) NOT NULL, epoch BIGINT NOT NULL,
         binlog_name VARCHAR(255) NOT NULL DEFAULT '', binlog_pos BIGINT NOT NULL DEFAULT 0, binlog_gtid LONGTEXT NULL,
         exit_safe_name VARCHAR(255) NULL, exit_safe_pos BIGINT NULL, exit_safe_gtid LONGTEXT NULL,
         read_name VARCHAR(255) NOT NULL DEFAULT '', read_pos BIGINT NOT NULL DEFAULT 0,
         row_count BIGINT NOT NULL DEFAULT 0, byte_count BIGINT NOT NULL DEFAULT 0,
         PRIMARY KEY (id, cp_schema, cp_table, chunk)) ${options}`,
    );
  }

  /**
   * Makes the copy ours: raises every epoch to `epoch`. Null when no copy was planned yet. Throws
   * FencedError when a higher epoch is there.
   *
   * The plan of an earlier owner may come between two of these statements. Once its rows are raised it can add
   * no more, so in the end none is left behind.
   */
  async takeOver(session: Session, epoch: number): Promise<CopyState | null> {
    const own = `id = ${this.#id} AND epoch < ${epoch}`;
    for (;;) {
      await session.execute(`UPDATE ${this.#tables} SET epoch = ${epoch} WHERE ${own}`);
      await session.execute(`UPDATE ${this.#chunks} SET epoch = ${epoch} WHERE ${own}`);
      await this.checkEpoch(session, epoch);
      const state = await this.read(session);
      const [{ n }] = await session.query(
        `SELECT (SELECT COUNT(*) FROM ${this.#tables} WHERE ${own}) + (SELECT COUNT(*) FROM ${this.#chunks} WHERE ${own}) AS n`,
      );
      if (Number(n) === 0) return state;
    }
  }

  /** What to throw where a row of our own epoch is not as we have left it. */
  lost(epoch: number, source: TableName): FencedError {
    return new FencedError(epoch, `the plan has no such row of ${quoteTable(source)} of our epoch ${epoch}`);
  }

  async checkEpoch(session: Session, epoch: number): Promise<void> {
    const [{ e }] = await session.query(`SELECT MAX(epoch) AS e FROM ${this.#tables} WHERE id = ${this.#id}`);
    if (e !== null && Number(e) > epoch) throw new FencedError(Number(e), `this is epoch ${epoch}`);
  }

  /** Null when there is no plan, or no such tables. */
  async read(session: Session): Promise<CopyState | null> {
    const [tableRows, chunkRows] = await this.#readRows(session);
    const tables = new Map<string, TableRow>();
    const databases = new Map<string, DatabaseRow>();
    let header: string | null = null;
    for (const row of tableRows) {
      const source = { schema: must(row.s, 'cp_schema'), table: must(row.t, 'cp_table') };
      if (source.schema === '') {
        header = row.state;
        continue;
      }
      if (source.table === '') {
        const { ts, definition } = row;
        const made = row.state === 'made';
        const { schema } = source;
        databases.set(schema, { source: schema, target: ts ?? '', definition: definition ?? '', made });
        continue;
      }
      tables.set(tableKey(source), {
        source,
        target: { schema: row.ts ?? '', table: row.tt ?? '' },
        definition: row.definition ?? '',
        state: row.state as TableState,
        splitColumn: row.split_column,
        deferred: row.deferred_indexes === null ? [] : (JSON.parse(row.deferred_indexes) as string[]),
        rows: Number(row.row_estimate),
        bytes: Number(row.byte_estimate),
      });
    }
    if (header === null) return null;
    const chunks = chunkRows.map((row): ChunkRow => {
      const source = { schema: row.s ?? '', table: row.t ?? '' };
      return {
        source: tables.get(tableKey(source))?.source ?? source,
        chunk: Number(row.chunk),
        range: {
          low: boundOf(row.key_low),
          high: boundOf(row.key_high),
        },
        loaded: row.state === 'loaded',
        location: location(row.binlog_name, row.binlog_pos, row.binlog_gtid),
        exitSafe:
          row.exit_safe_name === null
            ? null
            : location(row.exit_safe_name, row.exit_safe_pos, row.exit_safe_gtid),
        readUntil: location(row.read_name, row.read_pos, ''),
        rows: Number(row.row_count),
        bytes: Number(row.byte_count),
      };
    });
    return { finished: header === 'finished', databases, tables, chunks };
  }

  async #readRows(session: Session) {
    const order = 'ORDER BY cp_schema, cp_table';
    try {
      return [
        await session.query(
          `SELECT t.*, cp_schema AS s, cp_table AS t, target_schema AS ts, target_table AS tt
           FROM ${this.#tables} t WHERE id = ${this.#id} ${order}`,
        ),
        await session.query(
          `SELECT c.*, cp_schema AS s, cp_table AS t FROM ${this.#chunks} c WHERE id = ${this.#id} ${order}, chunk`,
        ),
      ];
    } catch (error) {
      if (isGone(error)) return [[], []];
      throw error;
    }
  }

  /** Writes the whole plan in one transaction. */
  async writePlan(session: Session, epoch: number, tables: TableRow[], chunks: ChunkRow[]): Promise<void> {
    const header = { source: { schema: '', table: '' }, target: { schema: '', table: '' } };
    const tableTuples = [
      this.#tableTuple(
        { ...header, definition: '', state: 'planned', splitColumn: null, deferred: [], rows: 0, bytes: 0 },
        epoch,
      ),
      ...tables.map((table) => this.#tableTuple(table, epoch)),
    ];
    await this.#planned(session, epoch, async () => {
      // A second planner of whatever epoch fails here on the key of the header.
      await this.#insertTables(session, tableTuples);
      await this.#insertChunks(session, epoch, chunks);
    });
  }

  /** What an earlier owner, or we before a lost connection, have added already is found in a new session. */
  async #planned(session: Session, epoch: number, work: () => Promise<void>): Promise<void> {
    await transaction(session, work).catch(async (error: unknown) => {
      if (!(error instanceof SqlError) || error.errno !== 1062) throw error;
      await this.checkEpoch(session, epoch);
      throw new PlanTaken('an earlier owner has planned the copy just before', { cause: error });
    });
  }

  /**
   * What marks a chunk loaded within its own transaction; matches no row when the epoch is not ours, or
   * when the chunk is loaded already: a dead process of the same epoch may have had its COMMIT on the way.
   */
  markLoaded(chunk: ChunkRow, epoch: number, read: ChunkRead): string {
    const exit = read.exitSafe;
    const exitSql =
      exit === null
        ? ''
        : `, exit_safe_name = ${quoteString(exit.name)}, exit_safe_pos = ${exit.pos}, exit_safe_gtid = ${quoteString(exit.gtidSet)}`;
    return `UPDATE ${this.#chunks} SET state = 'loaded', binlog_name = ${quoteString(read.location.name)},
      binlog_pos = ${read.location.pos}, binlog_gtid = ${quoteString(read.location.gtidSet)},
      read_name = ${quoteString(read.readUntil.name)}, read_pos = ${read.readUntil.pos},
      row_count = ${read.rows}, byte_count = ${read.bytes}${exitSql}
      WHERE ${this.#chunkKey(chunk)} AND epoch = ${epoch} AND state = 'pending'`;
  }

  /** What of a chunk is loaded, once no transaction that marks it is open any more; null when it is not. */
  async loadedAmount(session: Session, chunk: ChunkRow): Promise<{ rows: number; bytes: number } | null> {
    const [row] = await session.query(
      `SELECT state, row_count AS r, byte_count AS b FROM ${this.#chunks} WHERE ${this.#chunkKey(chunk)} FOR UPDATE`,
    );
    return row?.state === 'loaded' ? { rows: Number(row.r), bytes: Number(row.b) } : null;
  }

  /** The definition has changed: all chunks are pending again, of new ranges, and the target's table is to be dropped. */
  async replan(session: Session, epoch: number, table: TableRow, chunks: ChunkRow[]): Promise<void> {
    await transaction(session, async () => {
      await this.#updateTable(
        session,
        epoch,
        table.source,
        `state = ${quoteString(table.state)}, deferred_indexes = NULL, definition = ${quoteString(table.definition)}, split_column = ${
          table.splitColumn === null ? 'NULL' : quoteString(table.splitColumn)
        }`,
      );
      await session.execute(`DELETE FROM ${this.#chunks} WHERE ${this.#tableWhere(table.source)}`);
      await this.#insertChunks(session, epoch, chunks);
    });
  }

  /** A table that is new to the plan. */
  async addTable(session: Session, epoch: number, table: TableRow, chunks: ChunkRow[]): Promise<void> {
    await this.#planned(session, epoch, async () => {
      await this.#lockHeader(session, epoch);
      await this.#insertTables(session, [this.#tableTuple(table, epoch)]);
      await this.#insertChunks(session, epoch, chunks);
    });
  }

  async addChunk(session: Session, epoch: number, chunk: ChunkRow): Promise<void> {
    await this.#planned(session, epoch, async () => {
      await this.#lockHeader(session, epoch);
      await this.#insertChunks(session, epoch, [chunk]);
    });
  }

  /** Writes what is known of a database, in place of what was. */
  async putDatabase(session: Session, epoch: number, row: DatabaseRow): Promise<void> {
    const { source, target, definition, made } = row;
    const texts = [source, '', target, '', made ? 'made' : 'found'].map(quoteString).join(', ');
    await transaction(session, async () => {
      await this.#lockHeader(session, epoch);
      await session.execute(
        `REPLACE INTO ${this.#tables} (id, cp_schema, cp_table, target_schema, target_table, state, epoch,
         row_estimate, byte_estimate, definition)
         VALUES (${this.#id}, ${texts}, ${epoch}, 0, 0, ${quoteString(definition)})`,
      );
    });
  }

  /** Something else of the task, of whatever source, is copied into the database too. */
  async isDatabaseShared(session: Session, { source, target }: DatabaseRow): Promise<boolean> {
    const [{ n }] = await session.query(
      `SELECT COUNT(*) AS n FROM ${this.#tables} WHERE target_schema = ${quoteString(target)}
       AND NOT (id = ${this.#id} AND cp_schema = ${quoteString(source)})`,
    );
    return Number(n) > 0;
  }

  async forgetDatabase(session: Session, epoch: number, schema: string): Promise<void> {
    const where = this.#tableWhere({ schema, table: '' });
    await session.execute(`DELETE FROM ${this.#tables} WHERE ${where} AND epoch = ${epoch}`);
  }

  /** New rows have no epoch that a take-over could raise: it waits for this lock, or we find that it was. */
  #lockHeader(session: Session, epoch: number): Promise<void> {
    return this.#updateTable(session, epoch, { schema: '', table: '' }, 'epoch = epoch');
  }

  /** Another table of the task, of whatever source, is copied into the same one. */
  async isShared(session: Session, table: TableRow): Promise<boolean> {
    const { schema, table: name } = table.target;
    const [{ n }] = await session.query(
      `SELECT COUNT(*) AS n FROM ${this.#tables}
       WHERE target_schema = ${quoteString(schema)} AND target_table = ${quoteString(name)}`,
    );
    return Number(n) > 1;
  }

  async setTableState(session: Session, epoch: number, source: TableName, state: TableState): Promise<void> {
    await this.#updateTable(session, epoch, source, `state = ${quoteString(state)}`);
  }

  async setDeferred(
    session: Session,
    epoch: number,
    source: TableName,
    deferred: readonly string[],
  ): Promise<void> {
    const value = deferred.length === 0 ? 'NULL' : quoteString(JSON.stringify(deferred));
    await this.#updateTable(session, epoch, source, `deferred_indexes = ${value}`);
  }

  async finish(session: Session, epoch: number): Promise<void> {
    await this.#updateTable(session, epoch, { schema: '', table: '' }, `state = 'finished'`);
  }

  /** Deletes what this source has in the meta tables. */
  async remove(session: Session): Promise<void> {
    for (const table of [this.#chunks, this.#tables]) {
      await session.execute(`DELETE FROM ${table} WHERE id = ${this.#id}`).catch((error: unknown) => {
        if (!isGone(error)) throw error;
      });
    }
  }

  async #updateTable(session: Session, epoch: number, source: TableName, set: string): Promise<void> {
    const [{ affectedRows }] = await session.execute(
      `UPDATE ${this.#tables} SET ${set} WHERE ${this.#tableWhere(source)} AND epoch = ${epoch}`,
    );
    if (affectedRows === 1) return;
    await this.checkEpoch(session, epoch);
    throw this.lost(epoch, source);
  }

  #tableWhere(source: TableName): string {
    return `id = ${this.#id} AND cp_schema = ${quoteString(source.schema)} AND cp_table = ${quoteString(source.table)}`;
  }

  #chunkKey(chunk: ChunkRow): string {
    return `${this.#tableWhere(chunk.source)} AND chunk = ${chunk.chunk}`;
  }

  #tableTuple(table: TableRow, epoch: number): string {
    const texts = [
      table.source.schema,
      table.source.table,
      table.target.schema,
      table.target.table,
      table.state,
    ];
    const split = table.splitColumn === null ? 'NULL' : quoteString(table.splitColumn);
    return `(${this.#id}, ${texts.map(quoteString).join(', ')}, ${epoch}, ${split}, ${table.rows}, ${table.bytes}, ${quoteString(table.definition)})`;
  }

  #insertTables(session: Session, tuples: string[]): Promise<void> {
    return insertAll(
      session,
      `INSERT INTO ${this.#tables} (id, cp_schema, cp_table, target_schema, target_table, state, epoch,
       split_column, row_estimate, byte_estimate, definition) VALUES `,
      tuples,
    );
  }

  #insertChunks(session: Session, epoch: number, chunks: ChunkRow[]): Promise<void> {
    const tuples = chunks.map(({ source, chunk, range, loaded, location: at }) => {
      const key = (bound: KeyBound | null) => (bound === null ? 'NULL' : quoteString(String(bound)));
      return `(${this.#id}, ${quoteString(source.schema)}, ${quoteString(source.table)}, ${chunk}, ${key(range.low)}, ${key(range.high)}, '${loaded ? 'loaded' : 'pending'}', ${epoch}, ${quoteString(at.name)}, ${at.pos}, ${quoteString(at.gtidSet)})`;
    });
    return insertAll(
      session,
      `INSERT INTO ${this.#chunks} (id, cp_schema, cp_table, chunk, key_low, key_high, state, epoch,
       binlog_name, binlog_pos, binlog_gtid) VALUES `,
      tuples,
    );
  }
}

function location(name: string | null, pos: string | null, gtidSet: string | null): BinlogLocation {
  return name === null || name === '' ? NO_LOCATION : { name, pos: Number(pos), gtidSet: gtidSet ?? '' };
}

function boundOf(text: string | null): KeyBound | null {
  return text !== null && /^-?\d+$/.test(text) ? BigInt(text) : text;
}

const STATEMENT_BYTES = 512 * 1024;

async function insertAll(session: Session, head: string, tuples: string[]): Promise<void> {
  let batch: string[] = [];
  let size = 0;
  const send = async () => {
    if (batch.length > 0) await session.execute(head + batch.join(', '));
    batch = [];
    size = 0;
  };
  for (const tuple of tuples) {
    if (size + tuple.length > STATEMENT_BYTES) await send();
    batch.push(tuple);
    size += tuple.length;
  }
  await send();
}

async function transaction(session: Session, work: () => Promise<void>): Promise<void> {
  await session.execute('START TRANSACTION');
  try {
    await work();
    await session.execute('COMMIT');
  } catch (error) {
    if (!session.closed) await session.execute('ROLLBACK').catch(() => session.destroy());
    throw error;
  }
}
