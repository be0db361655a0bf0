/** Reads the binlog from the first to the last place of a full copy for the statements that change tables. */
import type { BinlogEvent } from '../binlog/events.js';
import type { BinlogReader } from '../binlog/reader.js';
import { openBinlogStream } from '../binlog/stream.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { comparePositions, type BinlogLocation } from '../model/location.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import type { Clock } from '../runtime/ports.js';
import { changedTables } from '../schema/changed-tables.js';
import { parseDdl, type ParseOptions } from '../schema/ddl.js';
import { SQL_MODE_ANSI_QUOTES, SQL_MODE_NO_BACKSLASH_ESCAPES } from '../schema/dialect.js';
import type { NameFilter } from '../schema/fetch.js';
import type { DdlPlace } from './inexact.js';

type Place = Pick<BinlogLocation, 'name' | 'pos'>;

export interface DdlScanOptions {
  readonly config: SubtaskConfig;
  readonly from: BinlogLocation;
  readonly to: Place;
  /** Only what it allows is told. */
  readonly filter: NameFilter;
  readonly dialect: Pick<ParseOptions, 'flavor' | 'serverVersion'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const TRIES = 5;
const RETRY_MS = 200;

/** Rejects with DmError where the source does not send its binlog. */
export async function scanDdl(options: DdlScanOptions): Promise<DdlPlace[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await scan(options);
    } catch (error) {
      options.signal.throwIfAborted();
      const passes = error instanceof DmError && error.code === CODES.databaseDriver.code;
      if (!passes || tries >= TRIES) throw error;
      await options.clock.sleep(RETRY_MS * tries, options.signal);
    }
  }
}

async function scan(options: DdlScanOptions): Promise<DdlPlace[]> {
  const { config, from, clock, signal } = options;
  const reader = await openBinlogStream({
    db: config.from,
    flavor: config.flavor,
    serverId: config.serverId,
    useGtid: false,
    from,
    ports: { clock },
    signal,
  });
  try {
    return await read(reader, options);
  } finally {
    await reader.close();
  }
}

async function read(reader: BinlogReader, options: DdlScanOptions): Promise<DdlPlace[]> {
  const { from, to, signal } = options;
  const found: DdlPlace[] = [];
  let begin: Place | null = null;
  for (;;) {
    const event = reader.poll();
    if (event === null) {
      await reader.ready(signal);
      continue;
    }
    const { header } = event;
    const start: Place = { name: header.file, pos: header.logPos - header.eventSize };
    switch (event.type) {
      case 'gtid':
        begin = start;
        break;
      case 'query': {
        const names = namesOf(event, options);
        const at = begin ?? start;
        if (names.length > 0 && comparePositions(at, from) >= 0) found.push({ at, names });
        break;
      }
      case 'xid':
      case 'rotate':
        begin = null;
        break;
      default:
        break;
    }
    const end: Place =
      event.type === 'rotate' || event.type === 'heartbeat'
        ? { name: event.name, pos: event.pos }
        : { name: header.file, pos: header.logPos };
    // Artificial events stand nowhere.
    if (end.name !== '' && end.pos > 0 && comparePositions(end, to) >= 0) return found;
  }
}

function namesOf(
  event: Extract<BinlogEvent, { type: 'query' }>,
  { dialect, filter }: DdlScanOptions,
): DdlPlace['names'] {
  if (/^(?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT\b|XA\b)/.test(event.sql)) return [];
  const mode = event.status.sqlMode ?? 0n;
  try {
    const parsed = parseDdl(event.sql, {
      ...dialect,
      ansiQuotes: (mode & SQL_MODE_ANSI_QUOTES) !== 0n,
      noBackslashEscapes: (mode & SQL_MODE_NO_BACKSLASH_ESCAPES) !== 0n,
      defaultSchema: event.schema,
    });
    // A database's own defaults move nothing in its tables.
    if (parsed.kind === 'create-database' && !parsed.orReplace) return [];
    if (parsed.kind === 'alter-database') return [];
    return changedTables(parsed).filter((name) =>
      name.table === '' ? filter.allowsSchema(name.schema) : filter.allows(name),
    );
  } catch (error) {
    // Sync stops at what nobody understands, or an event filter knows that it is not wanted.
    if (error instanceof DmError) return [];
    throw error;
  }
}
