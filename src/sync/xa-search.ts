/** Finds and reads prepared XA transactions in the binlog that the source still has. */
import { openBinlogStream } from '../binlog/stream.js';
import type { BinlogReader } from '../binlog/reader.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { formatPosition, type BinlogLocation } from '../model/location.js';
import type { Ports } from '../runtime/ports.js';
import type { NameFilter } from '../schema/fetch.js';
import type { ControlSession } from './control-session.js';
import { binlogFiles, type SourceBinlog } from './start/source-binlog.js';
import { FILE_START, scanBinlog } from './start/start-scan.js';
import { rowsNumbers, XaRows, xidText, type OnRows } from './xa-rows.js';

/** Beside the stream's own: a server drops the older of two readers with one id. */
const OTHER_ID = 0x40000000;

export interface XaSource extends SourceBinlog {
  readonly ports: Pick<Ports, 'clock' | 'log'>;
}

/** The held rows of a stream, with the source's binlog behind them. */
export function newXaRows(
  source: XaSource,
  session: Pick<ControlSession, 'retry'>,
  tables: Pick<NameFilter, 'allows'>,
): XaRows {
  const search = new XaSearch(source, session);
  return new XaRows({
    allows: (event) => tables.allows(event.map),
    readAgain: (from, onRows) => search.read(from, onRows),
    find: (xid, before) => search.find(xid, before),
  });
}

class XaSearch {
  readonly #source: XaSource;
  readonly #session: Pick<ControlSession, 'retry'>;

  constructor(source: XaSource, session: Pick<ControlSession, 'retry'>) {
    this.#source = source;
    this.#session = session;
  }

  /**
   * Where the last transaction prepared under the id before the place begins. The newest files are searched
   * first: transactions seldom stay prepared for long. Rejects with DmError 60401 when no file has it.
   */
  async find(xid: string, before: BinlogLocation): Promise<BinlogLocation> {
    const { ports, config, signal } = this.#source;
    ports.log.info('looking for a prepared XA transaction in the binlog', { xid, ...before });
    const known = await this.#session.retry(binlogFiles);
    const at = known.indexOf(before.name);
    const files = at < 0 ? [] : known.slice(0, at + 1);
    let end: Pick<BinlogLocation, 'name' | 'pos'> = before;
    for (const file of files.reverse()) {
      let last: BinlogLocation | null = null;
      const open = (from: BinlogLocation) => this.#open(from);
      await scanBinlog({ flavor: config.flavor, open, signal }, file, end, ({ event, before: begin }) => {
        if (event.type === 'xa-prepare' && !event.onePhase && xidText(event) === xid) last = begin;
        return null;
      });
      if (last !== null) return last;
      end = { name: file, pos: FILE_START };
    }
    throw new DmError(
      CODES.syncTransactionUnsupported,
      `XA COMMIT of ${xid} at ${formatPosition(before)}: the source's binlogs (from ${files[0] ?? 'none'}) do not have its XA PREPARE any more, and so not its rows`,
    );
  }

  /** Hands on the rows of the transaction that begins at the place, whatever its tables. */
  async read(from: BinlogLocation, onRows: OnRows): Promise<void> {
    const { signal } = this.#source;
    const reader = await this.#open({ ...from, gtidSet: '' });
    const number = rowsNumbers();
    try {
      for (;;) {
        const event = reader.poll();
        if (event === null) {
          await reader.ready(signal);
          continue;
        }
        if (event.type === 'xa-prepare') return;
        if (event.type === 'rows') await onRows(event, number());
      }
    } finally {
      await reader.close();
    }
  }

  #open(from: BinlogLocation): Promise<BinlogReader> {
    const { config, ports, signal } = this.#source;
    const { from: db, flavor, serverId } = config;
    return openBinlogStream({
      db,
      flavor,
      serverId: (serverId ^ OTHER_ID) >>> 0,
      useGtid: false,
      from,
      ports,
      signal,
    });
  }
}
