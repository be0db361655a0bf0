import { describe, expect, it } from 'vitest';
import type { BinlogEvent } from '../binlog/events.js';
import type { BinlogReader } from '../binlog/reader.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { NO_LOCATION } from '../model/location.js';
import { RealClock } from '../runtime/real/clock.js';
import { EventStream } from './event-stream.js';

const log = {
  child: () => log,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A reader with nothing left that has failed. */
function failed(error: Error): BinlogReader {
  return {
    bytesRead: 0,
    poll: () => {
      throw error;
    },
    ready: () => Promise.reject(error),
    close: () => Promise.resolve(),
  } as unknown as BinlogReader;
}

function stream(readers: BinlogReader[]): EventStream {
  return new EventStream({
    open: () => Promise.resolve(readers.shift() ?? failed(new Error('no more readers'))),
    resumeAt: () => NO_LOCATION,
    onReopen: () => undefined,
    clock: new RealClock(),
    log,
    retryMs: 5000,
  });
}

describe('an event stream', () => {
  it('opens a connection again that broke while events were being polled', async () => {
    const lost = new DmError(CODES.databaseDriver, 'the binlog connection to the upstream was lost');
    const event = { type: 'stop', header: { eventSize: 23 } } as unknown as BinlogEvent;
    const good = { ...failed(lost), poll: () => event, ready: () => Promise.resolve() };
    const events = stream([failed(lost), good]);
    const { signal } = new AbortController();
    await events.ready(signal);
    expect(events.poll()).toBeNull();
    await events.ready(signal);
    await events.ready(signal);
    expect(events.poll()).toBe(event);
  });

  it('throws what cannot pass', async () => {
    const broken = new DmError(CODES.syncBinlogEvent, 'a broken event');
    const events = stream([failed(broken)]);
    await events.ready(new AbortController().signal);
    expect(() => events.poll()).toThrow('a broken event');
  });
});
