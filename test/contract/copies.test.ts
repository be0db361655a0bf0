/** Copies count as complete when the servers that hold them have everything, whatever the leader says of them. */
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { connectBus } from '../../src/nats/connect.js';
import { untilCopied } from '../../src/nats/copies.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { RealIds } from '../../src/runtime/real/ids.js';
import { startNats } from '../servers/index.js';
import { bytes } from './harness.js';
import { silentLog } from './real-harness.js';

/**
 * One server answers as three: all are current as the leader `n1` says. Consumers live on each in turn, and `n3` has
 * nothing the first `emptyTimes` times that it is asked.
 */
function asThree(
  connection: NatsConnection,
  emptyTimes: number,
): { connection: NatsConnection; asked: string[] } {
  const asked: string[] = [];
  const changed = (subject: string, answer: Record<string, unknown>): Record<string, unknown> => {
    if (subject.startsWith('$JS.API.STREAM.INFO.')) {
      const replicas = ['n2', 'n3'].map((name) => ({ name, current: true }));
      return { ...answer, cluster: { leader: 'n1', replicas } };
    }
    if (!subject.startsWith('$JS.API.CONSUMER.CREATE.')) return answer;
    const leader = `n${(asked.length % 3) + 1}`;
    asked.push(leader);
    const empty = leader === 'n3' && asked.filter((name) => name === 'n3').length <= emptyTimes;
    return { ...answer, cluster: { leader }, ...(empty ? { num_pending: 0 } : {}) };
  };
  const proxy = new Proxy(connection, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'request') return value.bind(target) as unknown;
      return async (...args: Parameters<NatsConnection['request']>): Promise<unknown> => {
        const message = await target.request(...args);
        const text = JSON.stringify(
          changed(args[0], JSON.parse(message.string()) as Record<string, unknown>),
        );
        return { string: () => text };
      };
    },
  });
  return { connection: proxy, asked };
}

test('a replica that the leader calls current is waited for until it has everything itself', async () => {
  await using nats = await startNats();
  const [clock, ids] = [new RealClock(), new RealIds()];
  const bus = await connectBus({ servers: [nats.url], name: 't', log: silentLog, clock, ids });
  const kv = await bus.kvStore().bucket('b');
  for (const key of ['a', 'b', 'c']) await kv.create(key, bytes(key));

  const late = asThree(bus.connection, 4);
  const context = { bus: { connected: true, connection: late.connection }, clock, ids, log: silentLog };
  expect(await untilCopied(context, 'b', 3, clock.monotonic() + 60_000)).toBe(true);
  expect(late.asked.filter((name) => name === 'n3')).toHaveLength(5);

  const never = asThree(bus.connection, Infinity);
  const other = { ...context, bus: { connected: true, connection: never.connection } };
  expect(await untilCopied(other, 'b', 3, clock.monotonic() + 1_000)).toBe(false);
  await bus.close();
});
