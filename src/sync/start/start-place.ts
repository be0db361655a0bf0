/** Places in the source's binlog that a user names by time or by position alone. */
import { currentLocation } from '../../dump/snapshot.js';
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import { comparePositions, formatPosition, type BinlogLocation } from '../../model/location.js';
import type { SubtaskConfig } from '../../model/subtask-config.js';
import type { Session } from '../../mysql/session.js';
import type { Clock, Log } from '../../runtime/ports.js';
import { binlogFiles, openSourceBinlog } from './source-binlog.js';
import { FILE_START, scanBinlog, type ScanOptions } from './start-scan.js';

export interface PlaceFinderOptions {
  readonly config: SubtaskConfig;
  readonly source: Session;
  readonly ports: { readonly clock: Clock; readonly log: Log };
  readonly signal: AbortSignal;
}

export interface PlaceByTime {
  /** Before the first transaction that has an event at or after the time. */
  readonly from: BinlogLocation;
  /** End of the binlog when it was looked for. */
  readonly end: BinlogLocation;
}

/** The form of `--start-time`; the source's time zone counts. */
const TIME = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)$/;

/** Whether the text is a time in one of DM's two forms, and in the calendar. */
export function isStartTime(text: string): boolean {
  const parts = TIME.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return false;
  const [year, month, day, hour, minute, second] = parts;
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  return (
    time.getUTCMonth() === month - 1 && time.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  );
}

export class PlaceFinder {
  readonly #options: PlaceFinderOptions;

  constructor(options: PlaceFinderOptions) {
    this.#options = options;
  }

  /**
   * A time before the oldest binlog means its beginning, as in DM. Rejects with 20057 for a time that has
   * not come yet on the source.
   */
  async byTime(time: string): Promise<PlaceByTime> {
    const { source, config, ports } = this.#options;
    const { log } = ports;
    const seconds = await this.#secondsOf(time);
    const files = await binlogFiles(source);
    const end = await currentLocation(source, config);
    if (files.length === 0 || end.name === '') return { from: end, end };
    const first = await this.#lastFileBefore(files, seconds);
    if (first < 0) {
      log.warn('the start time is before the oldest binlog of the source: starting at its beginning', {
        startTime: time,
        binlog: files[0],
      });
    }
    const { found, last } = await scanBinlog(this.#scan(), files[Math.max(first, 0)], end, (place) => {
      const { type, header } = place.event;
      const counts = type === 'gtid' || type === 'query' || type === 'rows' || type === 'xid';
      return counts && header.timestamp >= seconds ? place.before : null;
    });
    const from = found ?? last;
    log.info('the place of the start time', { startTime: time, name: from.name, pos: from.pos });
    return { from, end: comparePositions(from, end) > 0 ? from : end };
  }

  /** The set of all transactions before the position. Rejects with 20011 where it is not between two. */
  async gtidSetAt(location: Pick<BinlogLocation, 'name' | 'pos'>): Promise<string> {
    const { source, config } = this.#options;
    const end = await currentLocation(source, config);
    const wrong = (why: string) =>
      new DmError(
        CODES.configMetaInvalid,
        `the GTID set of the binlog position ${formatPosition(location)} cannot be told: ${why}`,
        { workaround: 'Please give `binlog-gtid`, or a position where a transaction ends.' },
      );
    if (comparePositions(location, end) > 0) throw wrong(`the binlog ends at ${formatPosition(end)}`);
    const { found, last, transactions } = await scanBinlog(this.#scan(), location.name, end, (place) => {
      // The file's own set is an event, too: all before the first transaction means this set.
      if (place.event.type === 'format' || place.event.type === 'gtid-set' || place.within) return null;
      const at = { name: place.event.header.file, pos: place.start };
      return comparePositions(at, location) < 0 ? null : place.before;
    });
    const at = found ?? last;
    if (transactions > 0 && at.name === location.name && at.pos > location.pos) {
      throw wrong(`it lies within a transaction that ends at ${formatPosition(at)}`);
    }
    return at.gtidSet;
  }

  /** The place with its GTID set where the task reads by GTID and only the position is known. */
  async withGtids(location: BinlogLocation): Promise<BinlogLocation> {
    if (!this.#options.config.enableGtid || location.gtidSet !== '' || location.name === '') return location;
    const gtidSet = await this.gtidSetAt(location);
    this.#options.ports.log.info('the GTID set of a binlog position', { ...location, gtidSet });
    return { ...location, gtidSet };
  }

  async #secondsOf(time: string): Promise<number> {
    const { source } = this.#options;
    const literal = `CAST('${time.replace('T', ' ')}' AS DATETIME)`;
    const zones = '@@global.time_zone, @@session.time_zone';
    const [row] = await source.query(
      `SELECT UNIX_TIMESTAMP(CONVERT_TZ(${literal}, ${zones})) AS t, ${literal} > CONVERT_TZ(NOW(), @@session.time_zone, @@global.time_zone) AS late`,
    );
    if (row?.late === '1') {
      throw new DmError(
        CODES.configStartTimeTooLate,
        `start-time ${time} is too late, no binlog location matches it`,
      );
    }
    return Math.floor(Number(row?.t ?? 0));
  }

  /** Index of the last file that was begun before the time: all of the files before it is older. -1: none. */
  async #lastFileBefore(files: readonly string[], seconds: number): Promise<number> {
    let low = -1;
    let high = files.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((await this.#begun(files[middle])) < seconds) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async #begun(file: string): Promise<number> {
    const { found } = await scanBinlog(this.#scan(), file, { name: file, pos: FILE_START + 1 }, (place) =>
      place.event.header.timestamp > 0 ? place.event.header.timestamp : null,
    );
    return found ?? 0;
  }

  #scan(): ScanOptions {
    const { config, signal } = this.#options;
    const open = (from: BinlogLocation) => openSourceBinlog(this.#options, from, false);
    return { flavor: config.flavor, open, signal };
  }
}
