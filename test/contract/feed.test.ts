/** A reading of a bucket is whole, also where the consumer's replica has lost what the leader has. */
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { connectBus } from '../../src/nats/connect.js';
import { readFeed } from '../../src/nats/kv-feed.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { RealIds } from '../../src/runtime/real/ids.js';
import { startNats } from '../servers/index.js';
import { bytes, text } from './harness.js';
import { silentLog } from './real-harness.js';

/** Consumers made through it begin at a sequence, as on a replica that has nothing from before. */
function forgetful(connection: NatsConnection, sequence: number): NatsConnection {
  return new Proxy(connection, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'request') return value.bind(target) as unknown;
      return (subject: string, payload: string | Uint8Array, ...rest: unknown[]): unknown => {
        let sent = payload;
        if (subject.startsWith('$JS.API.CONSUMER.CREATE.')) {
          const request = JSON.parse(Buffer.from(payload as Uint8Array).toString()) as { config: object };
          const late = { deliver_policy: 'by_start_sequence', opt_start_seq: sequence };
          sent = JSON.stringify({ ...request, config: { ...request.config, ...late } });
        }
        return Reflect.apply(value, target, [subject, sent, ...rest]) as unknown;
      };
    },
  });
}

test('keys that the replica of the consumer has lost come from the leader', async () => {
  await using nats = await startNats();
  const clock = new RealClock();
  const bus = await connectBus({
    servers: nats.url.split(','),
    name: 't',
    log: silentLog,
    clock,
    ids: new RealIds(),
  });
  const kv = await bus.kvStore().bucket('b');
  for (const key of ['a', 'b', 'gone', 'c', 'd']) await kv.create(key, bytes(`value of ${key}`));
  await kv.delete('gone');
  const limits = { attemptMs: 2_000, budgetMs: 30_000 };
  const connection = forgetful(bus.connection, 4);
  const entries = await readFeed({ bus: { connected: true, connection }, clock, limits }, 'b');
  expect(entries.map(({ key, value, revision }) => [key, text(value), revision]).sort()).toEqual([
    ['a', 'value of a', 1],
    ['b', 'value of b', 2],
    ['c', 'value of c', 4],
    ['d', 'value of d', 5],
  ]);
  await bus.close();
});
