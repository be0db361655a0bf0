/** Loads the parts of one chunk and marks it loaded, all in one transaction of the target. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { comparePositions, type BinlogLocation } from '../model/location.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteName, quoteTable, tableKey } from '../model/table-name.js';
import { connectSession } from '../mysql/connect.js';
import { isHarmless, isOfEvaluation, MOST_WARNINGS } from '../mysql/evaluation-warnings.js';
import { SqlError, type Session, type StatementResult } from '../mysql/session.js';
import type { Part, PartQueue } from '../dump/part-queue.js';
import type { FileFormat } from '../dump/row-format.js';
import type { SourceTable } from '../dump/source-tables.js';
import type { Log } from '../runtime/ports.js';
import { insertHead } from './small-tables.js';
import type { ChunkRow, CopyMeta } from './copy-meta.js';

/**
 * Not strict on purpose: with LOCAL the server turns errors about values into warnings anyhow. Every
 * warning is looked at, and one that could mean a changed value fails the chunk.
 */
const LOAD_SQL_MODE = "'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'";

export async function connectLoader(config: SubtaskConfig, signal: AbortSignal): Promise<Session> {
  // A copy is whole only at its end: until then rows may refer to such as are not there yet.
  const variables = {
    sql_mode: LOAD_SQL_MODE,
    foreign_key_checks: '0',
    max_error_count: String(MOST_WARNINGS),
  };
  const session = await connectSession({ db: config.to, session: variables, signal });
  // The rows are as the source has them; it may hold some that came before their constraint, or by an ALTER
  // that gave them a value which the constraint does not allow.
  if (session.isMariaDb) await session.execute('SET SESSION check_constraint_checks = 0');
  // Chunks of one table must not meet in each other's gap locks.
  await session.execute('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  return session;
}

export interface LoadJob {
  readonly table: SourceTable;
  readonly chunk: ChunkRow;
  readonly parts: PartQueue;
  readonly format: FileFormat;
  readonly location: BinlogLocation;
  readonly exitSafe: BinlogLocation | null;
  /** Set before the last part is handed over. */
  readUntil: BinlogLocation;
}

type OnDuplicate = SubtaskConfig['load']['onDuplicate'];

export interface ChunkLoaderOptions {
  readonly config: SubtaskConfig;
  readonly meta: CopyMeta;
  readonly epoch: number;
  readonly log: Log;
}

export class ChunkLoader {
  readonly #options: ChunkLoaderOptions;
  /** Where chunks of each table were read that had been loaded before this loader began. */
  #earlier: Promise<ReadonlyMap<string, BinlogLocation[]>> | null = null;

  constructor(options: ChunkLoaderOptions) {
    this.#options = options;
  }

  /**
   * Resolves with what was committed. Throws FencedError, DmError 60102 or 60105, SqlError, ConnectionError; then
   * nothing of the chunk was committed, unless the connection broke during COMMIT.
   */
  async load(session: Session, job: LoadJob): Promise<{ rows: number; bytes: number }> {
    const { meta, epoch } = this.#options;
    let rows = 0;
    let bytes = 0;
    let open = false;
    try {
      for (;;) {
        const part = await job.parts.next();
        if (part === null) break;
        let why: Parameters<Part['drop']>[0] = 'unwanted';
        try {
          const onDuplicate = await this.#onDuplicate(session, job);
          if (!open) await session.execute('START TRANSACTION');
          open = true;
          if (job.format === 'csv') await this.#loadPart(session, job, part, onDuplicate);
          else await this.#insertPart(session, job, part, onDuplicate);
          why = 'loaded';
        } finally {
          await part.drop(why);
        }
        rows += part.rows;
        bytes += part.bytes;
      }
      if (!open) await session.execute('START TRANSACTION');
      open = true;
      const { location, exitSafe, readUntil } = job;
      const mark = meta.markLoaded(job.chunk, epoch, { location, exitSafe, readUntil, rows, bytes });
      const [{ affectedRows }] = await session.execute(mark);
      if (affectedRows !== 1) {
        await session.execute('ROLLBACK');
        open = false;
        await meta.checkEpoch(session, epoch);
        const already = await meta.loadedAmount(session, job.chunk);
        if (already === null) throw meta.lost(epoch, job.chunk.source);
        return already;
      }
      await session.execute('COMMIT');
      return { rows, bytes };
    } catch (error) {
      if (open && !session.closed) await session.execute('ROLLBACK').catch(() => session.destroy());
      throw orOverflow(error, job.table);
    }
  }

  /**
   * A unique value may have gone from a chunk that was read at another place to one of this chunk: no error, the
   * row that it has left has a change of its own, which sync brings (dispatcher.ts).
   */
  async #onDuplicate(session: Session, { table, chunk, location }: LoadJob): Promise<OnDuplicate> {
    const { config, meta } = this.#options;
    const { onDuplicate } = config.load;
    if (onDuplicate !== 'error' || !/^ *UNIQUE KEY /m.test(table.createSql)) return onDuplicate;
    this.#earlier ??= loadedPlaces(meta, session);
    const places = (await this.#earlier).get(tableKey(chunk.source)) ?? [];
    return places.some((place) => comparePositions(place, location) !== 0) ? 'replace' : onDuplicate;
  }

  async #loadPart(session: Session, job: LoadJob, part: Part, onDuplicate: OnDuplicate): Promise<void> {
    const { content } = part;
    const result = await session.loadData(
      this.#loadSql(job, onDuplicate),
      typeof content === 'string' ? createReadStream(content, { highWaterMark: 256 * 1024 }) : [content],
    );
    const counts = /Records: (\d+) +Deleted: (\d+) +Skipped: (\d+)/.exec(result.info);
    if (counts && Number(counts[1]) !== part.rows) {
      throw new DmError(
        CODES.loadValue,
        `the target read ${counts[1]} rows of ${quoteTable(job.table.source)} from a part of ${part.rows}`,
      );
    }
    if (counts && Number(counts[2]) > 0) {
      this.#options.log.warn('rows on the target were replaced while loading', {
        table: quoteTable(job.table.target),
        replaced: Number(counts[2]),
      });
    }
    await this.#checkWarnings(session, job, part, result);
  }

  #loadSql({ table }: LoadJob, onDuplicate: OnDuplicate): string {
    const duplicates = onDuplicate === 'replace' ? 'REPLACE ' : onDuplicate === 'ignore' ? 'IGNORE ' : '';
    // As binary, MariaDB spends a tenth less: it does not look for the end of each character.
    const charset = table.takesBytes === true ? 'binary' : 'utf8mb4';
    const sets: string[] = [];
    const counted = table.columns.some(({ transfer }) => transfer === 'binary') ? countedColumn(table) : '';
    const columns = table.columns.map(({ name, transfer }, i) => {
      if (transfer !== 'binary' && name !== counted) return quoteName(name);
      sets.push(`${quoteName(name)} = ${transfer === 'binary' ? `UNHEX(@sluice_${i})` : `@sluice_${i}`}`);
      return `@sluice_${i}`;
    });
    return (
      `LOAD DATA LOCAL INFILE 'chunk.csv' ${duplicates}INTO TABLE ${quoteTable(table.target)} CHARACTER SET ${charset} ` +
      `FIELDS TERMINATED BY ',' ENCLOSED BY '"' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (${columns.join(', ')})` +
      (sets.length === 0 ? '' : ` SET ${sets.join(', ')}`)
    );
  }

  /** The statements of an sql part, each with the target's name in place of the source's. */
  async #insertPart(session: Session, job: LoadJob, part: Part, onDuplicate: OnDuplicate): Promise<void> {
    const head = Buffer.from(insertHead(job.table, onDuplicate));
    const { content } = part;
    const file = typeof content === 'string' ? await open(content, 'r') : null;
    try {
      for (const [i, start] of part.statements.entries()) {
        const from = start + part.headBytes;
        // Each statement ends with `;` and a newline, which are left out.
        const length = (part.statements[i + 1] ?? part.bytes) - 2 - from;
        const sql = Buffer.allocUnsafe(head.length + length);
        head.copy(sql);
        if (typeof content === 'string') {
          const read = await file?.read(sql, head.length, length, from);
          if (read?.bytesRead !== length) throw new Error(`${content} ended early`);
        } else content.copy(sql, head.length, from, from + length);
        const [result] = await session.execute(sql);
        await this.#checkWarnings(session, job, part, result);
      }
    } finally {
      await file?.close();
    }
  }

  async #checkWarnings(session: Session, job: LoadJob, part: Part, result: StatementResult): Promise<void> {
    if (result.warnings === 0) return;
    const [{ rows }] = await session.execute('SHOW WARNINGS');
    const { onDuplicate } = this.#options.config.load;
    const { written } = job.table;
    const enums = job.table.columns.filter((column) => column.transfer === 'enum');
    let enumWarnings = 0;
    const serious = rows.find(([level, code, message]) => {
      if (isHarmless(level, Number(code))) return false;
      if (Number(code) === 1062 && onDuplicate === 'ignore') return false;
      const ofEnum = enums.some(({ name }) => message?.includes(`'${name}'`));
      if (Number(code) === 1265 && ofEnum) {
        enumWarnings++;
        return false;
      }
      return written === undefined || !isOfEvaluation(Number(code), message ?? '', written);
    });
    // The server lists the first warnings only; those beyond are of the same kind as long as the sum fits.
    const unlisted = result.warnings - rows.length;
    if (serious === undefined && (enumWarnings === 0 || enumWarnings + unlisted <= part.emptyEnums)) return;
    const [, code, message] = serious ?? rows[0];
    throw new DmError(
      CODES.loadValue,
      `a value of ${quoteTable(job.table.source)} does not fit into ${quoteTable(job.table.target)}`,
      { rawCause: `Warning ${code}: ${message}`, scope: 'downstream' },
    );
  }
}

/** BIGINT, DOUBLE and DECIMAL value is out of range. */
const OUT_OF_RANGE = 1690;

/**
 * ADD COLUMN .. VIRTUAL does not look at the rows that are there: the source may hold some for which the expression
 * overflows. That is an error whatever the mode, of everything that writes the row.
 */
function orOverflow(error: unknown, { source }: SourceTable): unknown {
  if (!(error instanceof SqlError) || error.errno !== OUT_OF_RANGE) return error;
  const text = `${quoteTable(source)} holds rows of which a generated column cannot be computed`;
  return new DmError(CODES.loadOverflow, text, { cause: error });
}

async function loadedPlaces(meta: CopyMeta, session: Session): Promise<Map<string, BinlogLocation[]>> {
  const places = new Map<string, BinlogLocation[]>();
  for (const { source, loaded, location } of (await meta.read(session))?.chunks ?? []) {
    if (loaded) places.set(tableKey(source), [...(places.get(tableKey(source)) ?? []), location]);
  }
  return places;
}

/**
 * The AUTO_INCREMENT column, which must be assigned too wherever LOAD DATA has a SET: MariaDB (10.11) makes a
 * new number of a 0 in it otherwise, whatever the sql_mode says.
 */
function countedColumn(table: SourceTable): string {
  const found = /^ *`((?:[^`]|``)+)` .*\bAUTO_INCREMENT\b/m.exec(table.createSql);
  return found?.[1].replaceAll('``', '`') ?? '';
}
