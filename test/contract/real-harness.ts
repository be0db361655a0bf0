import { connectBus } from '../../src/nats/connect.js';
import type { NatsKvOptions } from '../../src/nats/kv-store.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { RealIds } from '../../src/runtime/real/ids.js';
import type { Log } from '../../src/runtime/ports.js';
import type { Harness } from './harness.js';

export const silentLog: Log = {
  child: () => silentLog,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** The real adapters against running servers. `disposed` ends the servers. */
export function realHarness(url: string, dispose: () => Promise<void>, options: NatsKvOptions = {}): Harness {
  const clock = new RealClock();
  const ids = new RealIds();
  return {
    clock,
    ids,
    connect: async (name) => {
      const bus = await connectBus({ servers: url.split(','), name, log: silentLog, clock, ids });
      return { bus, store: bus.kvStore(options) };
    },
    run: (body) => body(),
    close: dispose,
  };
}
