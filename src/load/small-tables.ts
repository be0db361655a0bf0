/**
 * Small tables are copied many at once: one packet reads dozens of them, one transaction of the target holds
 * the rows and the marks of all. Anything unusual (a warning, an error, a mark that does not match) undoes the
 * whole, and each table is copied by itself, where it can be told what is wrong and with which.
 */
import { chunkSelect, isWhole } from '../dump/chunk-plan.js';
import { RowFormat } from '../dump/row-format.js';
import type { SourceTable } from '../dump/source-tables.js';
import { must } from '../model/assert.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteName, quoteTable, tableKey } from '../model/table-name.js';
import { ByteWriter } from '../mysql/byte-writer.js';
import { ConnectionError, SqlError, type Session } from '../mysql/session.js';
import type { ChunkRead, ChunkRow, CopyMeta } from './copy-meta.js';

/** Estimates up to which a table counts as small; the server's are wrong at times, hence the real limits. */
const SMALL_ROWS = 500;
const SMALL_BYTES = 64 * 1024;
/** What may be held of one table; more of it and it goes the usual way. */
const MOST_ROWS = 1000;
const MOST_BYTES = 256 * 1024;
const TABLES_AT_ONCE = 50;
/** Below every server's max_allowed_packet. */
const PACKET_BYTES = 512 * 1024;

/** Chunks that are copied together; one alone goes the usual way. */
export type Work = readonly ChunkRow[];

/** The work in the order of the chunks, small tables gathered. */
export function gatherSmall(
  chunks: readonly ChunkRow[],
  tables: ReadonlyMap<string, SourceTable>,
  config: Pick<SubtaskConfig, 'cleanDumpFile'>,
): Work[] {
  const work: ChunkRow[][] = [];
  let group: ChunkRow[] | null = null;
  for (const chunk of chunks) {
    // Who keeps the dump wants files.
    if (!config.cleanDumpFile || !isSmall(chunk, must(tables.get(tableKey(chunk.source)), 'source table'))) {
      work.push([chunk]);
      continue;
    }
    if (group === null || group.length >= TABLES_AT_ONCE) work.push((group = []));
    group.push(chunk);
  }
  return work;
}

function isSmall({ range }: ChunkRow, table: SourceTable): boolean {
  return table.transactional && isWhole(range) && table.rows <= SMALL_ROWS && table.bytes <= SMALL_BYTES;
}

export interface SmallTable {
  readonly chunk: ChunkRow;
  /** The INSERT of all its rows; empty where it has none. */
  readonly insert: Buffer;
  readonly rows: number;
}

export interface SmallTables {
  readonly read: readonly SmallTable[];
  /** Turned out to be too large. */
  readonly large: readonly ChunkRow[];
}

/** Reads the tables in one packet. Throws SqlError, ConnectionError. */
export async function readSmall(
  session: Session,
  work: Work,
  tables: ReadonlyMap<string, SourceTable>,
  { dump: { where }, load: { onDuplicate } }: Pick<SubtaskConfig, 'dump' | 'load'>,
): Promise<SmallTables> {
  const read: SmallTable[] = [];
  const large: ChunkRow[] = [];
  const sources = work.map(({ source }) => must(tables.get(tableKey(source)), 'source table'));
  const sql = sources.map((table, i) => `${chunkSelect(table, work[i].range, where)} LIMIT ${MOST_ROWS + 1}`);
  const out = new ByteWriter();
  let at = 0;
  let rows = 0;
  let format = new RowFormat(sources[0].columns, 'sql');
  await session.stream(
    sql.join(';'),
    (packet, start, end) => {
      rows++;
      if (rows > MOST_ROWS || out.length > MOST_BYTES) return;
      if (rows === 1) out.utf8(insertHead(sources[at], onDuplicate));
      else out.byte(0x2c);
      format.write(packet, start, end, out);
    },
    {
      onResult: () => {
        const chunk = work[at];
        if (rows > MOST_ROWS || out.length > MOST_BYTES) large.push(chunk);
        else read.push({ chunk, insert: out.copy(), rows });
        rows = 0;
        out.reset();
        at++;
        if (at < sources.length) format = new RowFormat(sources[at].columns, 'sql');
      },
    },
  );
  return { read, large };
}

export function insertHead(
  { target, columns }: SourceTable,
  onDuplicate: SubtaskConfig['load']['onDuplicate'],
): string {
  const verb = onDuplicate === 'replace' ? 'REPLACE' : onDuplicate === 'ignore' ? 'INSERT IGNORE' : 'INSERT';
  const names = columns.map((column) => quoteName(column.name)).join(',');
  return `${verb} INTO ${quoteTable(target)} (${names}) VALUES\n`;
}

export interface LoadSmallInput {
  readonly session: Session;
  readonly meta: CopyMeta;
  readonly epoch: number;
  readonly tables: readonly SmallTable[];
  readonly read: Omit<ChunkRead, 'rows' | 'bytes'>;
}

/** False when nothing has been committed, or nobody knows: each table is to be copied by itself then. */
export async function loadSmall({ session, meta, epoch, tables, read }: LoadSmallInput): Promise<boolean> {
  try {
    let smooth = true;
    for (const packet of packetsOf(tables, (table) =>
      meta.markLoaded(table.chunk, epoch, { ...read, rows: table.rows, bytes: table.insert.length }),
    )) {
      const results = await session.execute(packet.sql);
      smooth &&= results.every(({ warnings, affectedRows }, i) => {
        const kind = packet.kinds[i];
        return kind === 'insert' ? warnings === 0 : kind === 'begin' || affectedRows === 1;
      });
      if (!smooth) break;
    }
    await session.execute(smooth ? 'COMMIT' : 'ROLLBACK');
    return smooth;
  } catch (error) {
    if (error instanceof ConnectionError) return false;
    if (!(error instanceof SqlError)) throw error;
    await session.execute('ROLLBACK').catch(() => session.destroy());
    return false;
  }
}

interface Packet {
  readonly sql: Buffer;
  /** Of each statement. */
  readonly kinds: readonly ('begin' | 'insert' | 'mark')[];
}

const SEMICOLON = Buffer.from(';');

function* packetsOf(
  tables: readonly SmallTable[],
  markOf: (table: SmallTable) => string,
): Generator<Packet, void, void> {
  let statements: Buffer[] = [Buffer.from('START TRANSACTION')];
  let kinds: Packet['kinds'][number][] = ['begin'];
  let bytes = 0;
  for (const table of tables) {
    if (bytes > 0 && bytes + table.insert.length > PACKET_BYTES) {
      yield { sql: join(statements), kinds };
      statements = [];
      kinds = [];
      bytes = 0;
    }
    const mark = Buffer.from(markOf(table));
    if (table.rows > 0) {
      statements.push(table.insert);
      kinds.push('insert');
    }
    statements.push(mark);
    kinds.push('mark');
    bytes += table.insert.length + mark.length;
  }
  yield { sql: join(statements), kinds };
}

function join(statements: readonly Buffer[]): Buffer {
  return Buffer.concat(statements.flatMap((sql, i) => (i === 0 ? [sql] : [SEMICOLON, sql])));
}
