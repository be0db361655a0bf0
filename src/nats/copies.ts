/**
 * Whether the copies of a bucket are complete. What the stream's leader says of its replicas is not enough: they
 * count as current once they have heard that there is something to copy, and 2.9.10 may begin copying 10 s later
 * (measured: `current` with 0 of 20 messages for 10.3 s, in 1 of 36 streams scaled up on a busy machine). So
 * each replica is asked itself: a consumer that lives on it tells how many messages it has to deliver.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock, Ids, Log } from '../runtime/ports.js';
import { jsCall, type Connected } from './jetstream-call.js';
import { streamOf } from './kv.js';

export interface CopiesContext {
  readonly bus: Connected;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

interface StreamInfo {
  state: { messages: number };
  cluster?: { leader?: string; replicas?: { name: string; current: boolean; offline?: boolean }[] };
}

interface ConsumerInfo {
  num_pending: number;
  cluster?: { leader?: string };
}

const CALL_MS = 2_000;
/** A consumer may be put on a server that is away: nobody answers then. */
const CONSUMER_MS = 1_000;
const PAUSE_MS = 100;

/** Waits until all `replicas` are complete, those on servers that are away excepted; false: not by `deadline`. */
export async function untilCopied(
  context: CopiesContext,
  bucket: string,
  replicas: number,
  deadline: number,
): Promise<boolean> {
  const { bus, clock } = context;
  const log = context.log.child({ component: 'copies', bucket });
  const whole = new Set<string>();
  const told = new Set<string>();
  while (!bus.connection.isClosed() && clock.monotonic() < deadline) {
    try {
      const missing = await lacking(bus.connection, bucket, replicas, whole);
      if (missing.length === 0) return true;
      // The server that is asked is chosen by NATS: after a few times each was.
      const asked = await askOne(context, bucket);
      if (asked.whole) {
        whole.add(asked.server);
        continue;
      }
      if (!told.has(asked.server)) {
        log.info('a server does not have all of a bucket yet', { server: asked.server, has: asked.has });
        told.add(asked.server);
      }
    } catch (error) {
      log.debug('the copies of a bucket cannot be looked at', { error: String(error) });
    }
    await clock.sleep(PAUSE_MS);
  }
  return false;
}

/** The servers that are not known to have everything; throws while the leader itself sees that some have not. */
async function lacking(
  connection: NatsConnection,
  bucket: string,
  replicas: number,
  whole: ReadonlySet<string>,
): Promise<string[]> {
  const { cluster } = await streamInfo(connection, bucket);
  const others = cluster?.replicas ?? [];
  if (!cluster?.leader || others.length < replicas - 1) throw new Error('not all copies are known yet');
  const there = others.filter(({ offline }) => offline !== true);
  const behind = there.filter(({ current }) => !current).map(({ name }) => name);
  if (behind.length > 0) throw new Error(`behind the leader: ${behind.join(', ')}`);
  return there.map(({ name }) => name).filter((name) => !whole.has(name));
}

async function askOne(
  { bus: { connection }, ids }: CopiesContext,
  bucket: string,
): Promise<{ server: string; has: number; whole: boolean }> {
  const stream = streamOf(bucket);
  const name = ids.next();
  const request = JSON.stringify({
    stream_name: stream,
    config: {
      name,
      deliver_policy: 'all',
      ack_policy: 'none',
      mem_storage: true,
      num_replicas: 1,
      // Nanoseconds; for those that are not removed below.
      inactive_threshold: 5_000_000_000,
    },
  });
  try {
    const subject = `$JS.API.CONSUMER.CREATE.${stream}.${name}`;
    const asked = await jsCall<ConsumerInfo>(connection, subject, request, CONSUMER_MS);
    // After the consumer was made: a message that it does not have is not made up for by one written since.
    const { state } = await streamInfo(connection, bucket);
    const server = asked.cluster?.leader ?? '';
    return { server, has: asked.num_pending, whole: asked.num_pending >= state.messages };
  } finally {
    // Nobody waits for it: a server that is away does not answer.
    jsCall(connection, `$JS.API.CONSUMER.DELETE.${stream}.${name}`, '', CONSUMER_MS).catch(() => undefined);
  }
}

function streamInfo(connection: NatsConnection, bucket: string): Promise<StreamInfo> {
  return jsCall(connection, `$JS.API.STREAM.INFO.${streamOf(bucket)}`, '', CALL_MS);
}
