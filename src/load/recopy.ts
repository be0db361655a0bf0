/** Finds what of a full copy is not exact because of DDL (inexact.ts), and puts it back into the plan. */
import { MigratedTables } from '../online-ddl/migrated-tables.js';
import { Router } from '../filter/router.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { comparePositions, type BinlogLocation } from '../model/location.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import type { Ports } from '../runtime/ports.js';
import { flavorOf } from '../schema/fetch.js';
import { WHOLE } from '../dump/chunk-plan.js';
import type { CopyMeta, CopyState, TableRow } from './copy-meta.js';
import { scanDdl } from './ddl-scan.js';
import { inexactTables, type DdlPlace } from './inexact.js';
import { newChunks } from './reconcile.js';

/** Stands for no table: its place is where the copy began, whatever of it has been copied again since. */
const BEGINNING: TableName = { schema: '', table: '' };

/**
 * Keeps the place at which the copy began, before chunks that were read there are given up: tables that were
 * made since are not in the plan, the binlog from there on brings them.
 */
export async function keepBeginning(
  meta: CopyMeta,
  target: Session,
  epoch: number,
  state: CopyState,
): Promise<void> {
  const first = firstPlace(state);
  if (first === null || state.chunks.some(({ source }) => source.schema === '')) return;
  const [chunk] = newChunks(BEGINNING, [WHOLE]);
  const floor = { ...chunk, loaded: true, location: first, readUntil: first };
  await meta.addChunk(target, epoch, floor);
  state.chunks.push(floor);
}

function firstPlace(state: CopyState): BinlogLocation | null {
  const places = state.chunks.filter(({ loaded, location }) => loaded && location.name !== '');
  return places.map(({ location }) => location).sort(comparePositions)[0] ?? null;
}

export interface RecopyInput {
  readonly config: SubtaskConfig;
  readonly epoch: number;
  readonly meta: CopyMeta;
  /** All chunks are loaded. */
  readonly state: CopyState;
  readonly source: Session;
  readonly target: Session;
  readonly ports: Pick<Ports, 'clock' | 'log'>;
  readonly signal: AbortSignal;
}

/** How many tables have been put back: 0 when the copy is exact. Throws DmError, FencedError. */
export async function recopyInexact(input: RecopyInput): Promise<number> {
  const { config, epoch, meta, state, target, ports } = input;
  const from = firstPlace(state);
  if (from === null) return 0;
  const ddls = await ddlDuring(input, from);
  if (ddls.length === 0) return 0;
  const spans = state.chunks.filter(({ source }) => source.schema !== '');
  const again = inexactTables(ddls, spans);
  if (again.length === 0) return 0;
  await keepBeginning(meta, target, epoch, state);
  const router = new Router(config.routes, config);
  for (const source of again) {
    ports.log.warn('the source changed a table while it was copied: it is copied again', {
      table: quoteTable(source),
    });
    const known = state.tables.get(tableKey(source));
    // A definition that none has: the next session takes the table as it is then, or as gone.
    const row: TableRow = {
      ...(known ?? { rows: 0, bytes: 0 }),
      source,
      target: router.route(source),
      definition: '',
      state: 'recopy',
      splitColumn: null,
      deferred: [],
    };
    const chunks = newChunks(source, [WHOLE]);
    if (known === undefined) await meta.addTable(target, epoch, row, chunks);
    else await meta.replan(target, epoch, row, chunks);
  }
  return again.length;
}

async function ddlDuring(input: RecopyInput, from: BinlogLocation): Promise<DdlPlace[]> {
  const { config, state, source, ports, signal } = input;
  const ends = state.chunks.filter(({ readUntil }) => readUntil.name !== '');
  const to = ends
    .map(({ readUntil }) => readUntil)
    .sort(comparePositions)
    .at(-1);
  if (to === undefined || comparePositions(from, to) >= 0) return [];
  const filter = new MigratedTables(config);
  const dialect = { flavor: flavorOf(source), serverVersion: source.serverVersion };
  ports.log.info('looking for DDL in the binlog of the time of the copy', { from, to });
  try {
    return await scanDdl({ config, from, to, filter, dialect, clock: ports.clock, signal });
  } catch (error) {
    // A full copy alone does not need the binlog.
    if (config.taskMode !== 'full' || !(error instanceof DmError) || signal.aborted) throw error;
    if (error.code === CODES.databaseDriver.code) throw error;
    ports.log.warn('the binlog cannot be read: whether tables changed during the copy is not known', {
      error: error.toString(),
    });
    return [];
  }
}
