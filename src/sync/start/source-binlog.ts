/** The binlog of a subtask's source, and what to do when the source does not have the wanted part any more. */
import type { BinlogReader } from '../../binlog/reader.js';
import { openBinlogStream } from '../../binlog/stream.js';
import { connectSource } from '../../dump/snapshot.js';
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import { compareBinlogNames, formatLocation, type BinlogLocation } from '../../model/location.js';
import type { SubtaskConfig } from '../../model/subtask-config.js';
import type { Session } from '../../mysql/session.js';
import type { Clock } from '../../runtime/ports.js';
import { placed } from '../place.js';

export interface SourceBinlog {
  readonly config: SubtaskConfig;
  readonly ports: { readonly clock: Clock };
  readonly signal: AbortSignal;
}

/** Opens it at a place; by GTID where the source is used so. */
export function openSourceBinlog(
  { config, ports, signal }: SourceBinlog,
  from: BinlogLocation,
  useGtid = config.enableGtid,
): Promise<BinlogReader> {
  const { from: db, flavor, serverId } = config;
  return openBinlogStream({ db, flavor, serverId, useGtid, from, ports, signal });
}

/** The names of the source's binlog files, oldest first. */
export async function binlogFiles(source: Session): Promise<string[]> {
  const [{ rows }] = await source.execute('SHOW BINARY LOGS');
  return rows.map(([name]) => name ?? '');
}

/** The server's refusals to a reader that wants what is not there: MySQL's and MariaDB's error 1236. */
const REFUSED = /\bError 1236\b/;
const PURGED = /purged|too old/i;

/**
 * The error with what the source has and what can be done, where it is the source's refusal (1236) to
 * serve the place. Never rejects: what cannot be found out is left out.
 */
export async function explainRefusal(
  error: DmError,
  config: SubtaskConfig,
  from: BinlogLocation | undefined,
): Promise<DmError> {
  if (error.code !== CODES.syncBinlogEvent.code || !REFUSED.test(error.rawCause) || from === undefined) {
    return error;
  }
  let found: { text: string; workaround: string };
  try {
    const source = await connectSource({ config, signal: new AbortController().signal });
    try {
      found = await lookAtSource(error.rawCause, config, from, source);
    } finally {
      await source.close();
    }
  } catch {
    return error;
  }
  const { code, scope, level, rawCause } = error;
  return placed(
    new DmError(
      { code, class: error.class, scope, level, workaround: found.workaround },
      `${error.message}: ${found.text}`,
      { cause: error, rawCause },
    ),
    `wanted ${formatLocation(from)}`,
  ) as DmError;
}

const AGAIN =
  'What the source has purged cannot be read from it any more. If the files are kept elsewhere, put them back into the binlog folder and index of the source, or let the task read from a replica that still has them (`operate-source update`), and resume the task. Otherwise stop the task and start it with `start-task --remove-meta`, which copies the tables anew; an incremental task starts at the `meta` of a newer copy. To keep it from happening again, let the source keep its binlogs for longer (`binlog_expire_logs_seconds`, `expire_logs_days`).';
const ELSE =
  'Please check that the source is the right server and was not reset, and that no other replica uses the same server id. If the source was restored or reset, stop the task and start it with `start-task --remove-meta`.';

async function lookAtSource(
  refusal: string,
  config: SubtaskConfig,
  from: BinlogLocation,
  source: Session,
): Promise<{ text: string; workaround: string }> {
  const files = await binlogFiles(source);
  const has = files.length === 0 ? 'it has none' : `its binlogs are ${files[0]} to ${files.at(-1)}`;
  const older = !config.enableGtid && files.length > 0 && compareBinlogNames(from.name, files[0]) < 0;
  if (!older && !PURGED.test(refusal)) {
    return { text: `the source cannot serve this place; ${has}`, workaround: ELSE };
  }
  let what = from.name;
  if (config.enableGtid)
    what = `transactions that follow ${from.gtidSet === '' ? 'the beginning' : from.gtidSet}`;
  if (config.enableGtid && !source.isMariaDb) {
    const [row] = await source.query('SELECT @@global.gtid_purged AS purged');
    what += ` (purged: ${(row?.purged ?? '').replaceAll('\n', '')})`;
  }
  return { text: `the source has purged ${what}; ${has}`, workaround: AGAIN };
}
