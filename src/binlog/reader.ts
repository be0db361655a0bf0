/** What sync and relay need of a binlog stream; `stream.ts` is the one over a server connection. */
import type { BinlogLocation } from '../model/location.js';
import type { Flavor } from '../model/stage.js';
import type { DbConfig } from '../model/subtask-config.js';
import type { BinlogEvent } from './events.js';

export interface BinlogReader {
  /** The next event if one has arrived, else null. Decodes on call, never waits. Throws DmError 36069. */
  poll(): BinlogEvent | null;
  /**
   * Resolves when `poll()` has something; rejects with a DmError when the stream has failed or ended
   * (the server's errno in RawCause, e.g. 1236), or with the signal's reason.
   */
  ready(signal?: AbortSignal): Promise<void>;
  /** Bytes taken from the socket so far. */
  readonly bytesRead: number;
  /** Number of the connection at the server. */
  readonly threadId: number;
  close(): Promise<void>;
}

export interface BinlogStartOptions {
  readonly db: DbConfig;
  readonly flavor: Flavor;
  readonly serverId: number;
  /** GTID mode: starts after `from.gtidSet`; else at `from.name`, `from.pos`. */
  readonly useGtid: boolean;
  readonly from: BinlogLocation;
  /** Heartbeats from an idle server, ms; default 30 s. Silence of twice this fails the stream. */
  readonly heartbeatMs?: number;
  /** Undecoded bytes held before the socket is paused; default 16 MB. */
  readonly maxBufferedBytes?: number;
  readonly verifyChecksum?: boolean;
}
