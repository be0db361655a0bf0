/** The stream that keeps what actors publish on `dm.inspect.>` for a while: bounded by age and bytes. */
import type { Clock } from '../runtime/ports.js';
import { JS_CODE, JsApiError, jsCall, retryCall } from './jetstream-call.js';
import type { NatsBus } from './connect.js';
import { INSPECT_ALL } from './subjects.js';

export const INSPECT_STREAM = 'DM_INSPECT';

export interface InspectStreamOptions {
  readonly clock: Clock;
  /** Default one day. */
  readonly maxAgeMs?: number;
  /** Default 256 MB; the oldest go first. */
  readonly maxBytes?: number;
  readonly replicas?: number;
}

/** Makes the stream, or adapts its limits. Rejects with KvError `unavailable` when there is no leader. */
export async function ensureInspectStream(bus: NatsBus, options: InspectStreamOptions): Promise<void> {
  const limits = { attemptMs: 2_000, budgetMs: 10_000 };
  const config = JSON.stringify({
    name: INSPECT_STREAM,
    subjects: [INSPECT_ALL],
    retention: 'limits',
    storage: 'file',
    discard: 'old',
    max_age: (options.maxAgeMs ?? 86_400_000) * 1_000_000,
    max_bytes: options.maxBytes ?? 256 * 1024 * 1024,
    // Nobody waits for these messages: an acknowledgement per transition would be noise.
    no_ack: true,
    num_replicas: options.replicas ?? 1,
  });
  const call = (verb: string, timeoutMs: number): Promise<unknown> =>
    jsCall(bus.connection, `$JS.API.STREAM.${verb}.${INSPECT_STREAM}`, config, timeoutMs);
  await retryCall(bus, options.clock, limits, 'making the inspection stream', async (timeoutMs) => {
    try {
      await call('UPDATE', timeoutMs);
    } catch (error) {
      if (!(error instanceof JsApiError && error.code === JS_CODE.streamNotFound)) throw error;
      await call('CREATE', timeoutMs).catch((second: unknown) => {
        if (!(second instanceof JsApiError && second.code === JS_CODE.streamNameExists)) throw second;
      });
    }
  });
}
