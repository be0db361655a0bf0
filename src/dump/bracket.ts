/**
 * A snapshot of a MySQL source that allows no lock (most managed ones): the snapshots are opened between two
 * equal readings of the binlog's end and of the executed transactions, when nothing is between binlog and
 * commit. Then they show exactly what stands before that place.
 *
 * A source that never rests that long gives a stretch instead of a place: what comes after the first
 * transaction that was not committed, up to the end of the binlog, may or may not be in the snapshots, and
 * is applied in safe mode. That needs keys.
 */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { BinlogLocation } from '../model/location.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import { quoteString } from '../mysql/text.js';
import type { Clock, Log } from '../runtime/ports.js';
import { SettledPlace } from './settled-place.js';

export interface BracketOptions {
  readonly config: SubtaskConfig;
  readonly tables: readonly TableName[];
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly openReaders: () => Promise<void>;
  /** Ends the snapshots of a try. */
  readonly closeReaders: () => Promise<void>;
  /** End of the binlog and executed set of the source, read at once. */
  readonly end: () => Promise<BinlogLocation>;
}

export interface Bracket {
  readonly location: BinlogLocation;
  /** null: the snapshots show exactly what stands before `location`. */
  readonly exitSafe: BinlogLocation | null;
}

const TRIES = 40;
const PAUSE_MS = 25;

/** Null where the source has no GTIDs. Throws DmError 32004 for tables without a key on a source that never rests. */
export async function bracket(control: Session, options: BracketOptions): Promise<Bracket | null> {
  const { config, clock, log, signal, openReaders, closeReaders, end } = options;
  const settled = new SettledPlace(options);
  for (let tries = 1; ; tries++) {
    const before = await end();
    if (before.gtidSet === '') return null;
    await openReaders();
    const after = await end();
    const place = config.taskMode === 'full' ? before : await settled.find(before);
    const rested = before.name === after.name && before.pos === after.pos && before.gtidSet === after.gtidSet;
    if (rested && place.pos === before.pos) return { location: before, exitSafe: null };
    if (tries >= TRIES) {
      await requireKeys(control, options.tables);
      log.warn(
        'the source allows no lock and never rests: what follows the snapshot is applied in safe mode',
      );
      return { location: { ...place, gtidSet: before.gtidSet }, exitSafe: after };
    }
    await closeReaders();
    await clock.sleep(PAUSE_MS, signal);
  }
}

async function requireKeys(session: Session, tables: readonly TableName[]): Promise<void> {
  const schemas = [...new Set(tables.map(({ schema }) => schema))];
  if (schemas.length === 0) return;
  const keyed = new Set<string>();
  for (const { s, t } of await session.query(
    `SELECT table_schema AS s, table_name AS t FROM information_schema.statistics WHERE non_unique = 0
     AND table_schema IN (${schemas.map(quoteString).join(',')}) GROUP BY table_schema, table_name, index_name
     HAVING SUM(nullable = 'YES') = 0`,
  )) {
    keyed.add(tableKey({ schema: s ?? '', table: t ?? '' }));
  }
  const without = tables.filter((table) => !keyed.has(tableKey(table)));
  if (without.length === 0) return;
  throw new DmError(
    CODES.dumpGlobalLock,
    `couldn't acquire global lock, and the source is written to all the time: ${without.slice(0, 3).map(quoteTable).join(', ')}${without.length > 3 ? ' ...' : ''} without a key cannot be copied exactly`,
    {
      workaround:
        'Please grant RELOAD (FLUSH TABLES WITH READ LOCK) or LOCK TABLES on these tables, or give them primary keys, or resume the task when less is written.',
    },
  );
}
