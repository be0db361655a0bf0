/**
 * Secondary indexes of large tables are built when all rows are there: the server then sorts once, instead of
 * changing a page here and there for each row, and the copy does not slow down once an index has outgrown the
 * server's memory.
 *
 * Only indexes that nothing depends on (not unique, no full text, no foreign keys in the table) and only of
 * tables that the copy itself has made. What has been left out is in the plan (`deferred_indexes`) before the
 * table is made, and until it has been found in the target, so that whoever goes on knows of it.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { SourceTable } from '../dump/source-tables.js';
import { must } from '../model/assert.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable, tableKey } from '../model/table-name.js';
import { SqlError, type Session } from '../mysql/session.js';
import { quoteString } from '../mysql/text.js';
import type { Log } from '../runtime/ports.js';
import type { CopyMeta, TableRow } from './copy-meta.js';
import { overConnections, type Connections } from './over-connections.js';

/** Below, an index is built in less time than a statement more takes. */
const LEAST_BYTES = 16 * 1024 * 1024;
const DUPLICATE_KEY_NAME = 1061;
/** An index as SHOW CREATE TABLE writes it, in a line of its own. */
const KEY_LINE = /^ {2}(KEY `((?:[^`]|``)+)` .*?),?$/;

/** The clauses of the indexes that may come later. */
export function deferrable(createSql: string): string[] {
  const body = createSql.slice(0, createSql.lastIndexOf('\n)'));
  if (/^ {2}CONSTRAINT .* FOREIGN KEY /m.test(body)) return [];
  const counter = /^ {2}(`(?:[^`]|``)+`) .*\bAUTO_INCREMENT\b/m.exec(body)?.[1];
  const unique = (line: string) =>
    line.startsWith(`  PRIMARY KEY (${counter}`) ||
    (line.startsWith('  UNIQUE KEY `') && line.includes(`(${counter}`));
  const lines = body.split('\n');
  // An AUTO_INCREMENT column has to be the first of some index from the beginning.
  if (counter !== undefined && !lines.some(unique)) return [];
  return lines.flatMap((line) => KEY_LINE.exec(line)?.[1] ?? []);
}

/** The definition without these indexes. */
export function withoutIndexes(createSql: string, clauses: readonly string[]): string {
  if (clauses.length === 0) return createSql;
  const close = createSql.lastIndexOf('\n)');
  const left = new Set(clauses);
  const lines = createSql
    .slice(0, close)
    .split('\n')
    .filter((line) => !left.has(KEY_LINE.exec(line)?.[1] ?? ''));
  return lines.join('\n').replace(/,$/, '') + createSql.slice(close);
}

export interface DeferInput {
  readonly target: Session;
  readonly meta: CopyMeta;
  readonly epoch: number;
  readonly config: Pick<SubtaskConfig, 'shardMode'>;
  readonly rows: readonly TableRow[];
  readonly tables: ReadonlyMap<string, SourceTable>;
}

/** Notes in the plan which indexes of tables that are not there yet come later. Throws FencedError. */
export async function deferIndexes({ target, meta, epoch, config, rows, tables }: DeferInput): Promise<void> {
  // Others may fill a table that shards share. TiDB builds indexes one after the other, in the whole cluster.
  if (config.shardMode !== '' || /tidb/i.test(target.serverVersion)) return;
  for (const row of rows) {
    const table = must(tables.get(tableKey(row.source)), 'source table');
    if (row.deferred.length > 0 || !table.transactional || table.bytes < LEAST_BYTES) continue;
    const clauses = deferrable(table.createSql);
    if (clauses.length === 0 || (await exists(target, row)) || (await meta.isShared(target, row))) continue;
    await meta.setDeferred(target, epoch, row.source, clauses);
    row.deferred = clauses;
  }
}

async function exists(target: Session, { target: { schema, table } }: TableRow): Promise<boolean> {
  const found = await target.query(
    `SELECT 1 AS one FROM information_schema.tables
     WHERE table_schema = ${quoteString(schema)} AND table_name = ${quoteString(table)}`,
  );
  return found.length > 0;
}

export interface BuildInput extends Connections {
  readonly meta: CopyMeta;
  readonly epoch: number;
  readonly rows: readonly TableRow[];
  readonly log: Log;
}

/** Builds what was left out; all rows are there. Throws DmError 60101, FencedError, ConnectionError. */
export async function buildIndexes(input: BuildInput): Promise<void> {
  const { meta, epoch, log } = input;
  const rows = input.rows.filter(({ deferred, state }) => deferred.length > 0 && state === 'planned');
  await overConnections(input, rows, async (row, session) => {
    await meta.checkEpoch(session, epoch);
    log.info('building the indexes of a table', { table: quoteTable(row.target) });
    await build(session, row);
    await meta.setDeferred(session, epoch, row.source, []);
    row.deferred = [];
  });
}

async function build(session: Session, row: TableRow): Promise<void> {
  for (;;) {
    const there = await indexNames(session, row);
    const missing = row.deferred.filter((clause) => !there.has(nameOf(clause)));
    if (missing.length === 0) return;
    const sql = `ALTER TABLE ${quoteTable(row.target)} ${missing.map((clause) => `ADD ${clause}`).join(', ')}`;
    try {
      await session.execute(sql);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      // An owner before us had it under way.
      if (error.errno === DUPLICATE_KEY_NAME) continue;
      throw new DmError(CODES.loadTargetTable, `the target refused: ${sql}`, { cause: error });
    }
  }
}

async function indexNames(session: Session, { target: { schema, table } }: TableRow): Promise<Set<string>> {
  const rows = await session.query(
    `SELECT DISTINCT index_name AS i FROM information_schema.statistics
     WHERE table_schema = ${quoteString(schema)} AND table_name = ${quoteString(table)}`,
  );
  return new Set(rows.map(({ i }) => (i ?? '').toLowerCase()));
}

function nameOf(clause: string): string {
  const name = must(/^KEY `((?:[^`]|``)+)`/.exec(clause)?.[1], 'name of an index');
  return name.replaceAll('``', '`').toLowerCase();
}
