/**
 * Calls of the JetStream API with short time-outs and own retries. While a leader changes (4-8 s) calls
 * find no responder, are answered 503, or vanish; the client's default of 5 s for one try hides a leader that
 * is back after one. Every answer here comes from the leader: `STREAM.MSG.GET`, never direct get.
 */
import { errors, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { KvError, type Clock } from '../runtime/ports.js';

/** The server did not carry the call out, and says why. */
export class JsApiError extends Error {
  override readonly name = 'JsApiError';
  constructor(
    readonly status: number,
    readonly code: number,
    description: string,
  ) {
    super(`${description} (${code})`);
  }
}

export const JS_CODE = {
  /** The cluster has not yet heard of enough servers for the replicas. */
  noPeers: 10005,
  noMessage: 10037,
  streamNotFound: 10059,
  streamNameExists: 10058,
  /** Also what one of two hears who make the same stream at the same moment: the other's is half made. */
  subjectsOverlap: 10065,
  /** A message with this id is being stored. */
  duplicateInFlight: 10158,
  wrongLastSequence: 10071,
  wrongLastSequenceUnknown: 10164,
} as const;

/** What a failed try says about the call: not carried out; perhaps carried out; pointless to try again. */
export type Failure = 'not-done' | 'unknown' | 'final';

export function failureOf(error: unknown): Failure {
  if (error instanceof JsApiError) {
    if (error.code === JS_CODE.duplicateInFlight) return 'unknown';
    if (error.code === JS_CODE.noPeers || error.code === JS_CODE.subjectsOverlap) return 'not-done';
    return error.status === 503 || error.status === 500 ? 'not-done' : 'final';
  }
  if (error instanceof errors.RequestError && error.isNoResponders()) return 'not-done';
  if (error instanceof errors.NoRespondersError) return 'not-done';
  if (error instanceof errors.TimeoutError) return 'unknown';
  if (error instanceof Error && error.cause instanceof errors.TimeoutError) return 'unknown';
  if (error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError) {
    return 'final';
  }
  if (error instanceof errors.InvalidArgumentError || error instanceof TypeError) return 'final';
  // The connection broke under the call.
  return 'unknown';
}

export interface CallLimits {
  /** Time-out of the first try; grows by half each time, up to 2 s. */
  readonly attemptMs: number;
  /** After this long in all, give up. */
  readonly budgetMs: number;
}

/** What an answer may hold beside its own fields. */
interface ApiAnswer {
  error?: { code: number; err_code?: number; description: string };
}

export async function jsCall<T>(
  connection: NatsConnection,
  subject: string,
  payload: Uint8Array | string,
  timeoutMs: number,
  headers?: MsgHdrs,
): Promise<T> {
  const answer = await connection.request(subject, payload, {
    timeout: timeoutMs,
    ...(headers === undefined ? {} : { headers }),
  });
  const parsed = JSON.parse(answer.string()) as T & ApiAnswer;
  if (parsed.error) {
    throw new JsApiError(parsed.error.code, parsed.error.err_code ?? 0, parsed.error.description);
  }
  return parsed;
}

export interface Connected {
  readonly connection: NatsConnection;
  readonly connected: boolean;
}

/** A call that changes nothing, or the same again: tried until it is answered or the budget is spent. */
export async function retryCall<T>(
  bus: Connected,
  clock: Clock,
  limits: CallLimits,
  what: string,
  call: (timeoutMs: number) => Promise<T>,
): Promise<T> {
  const deadline = clock.monotonic() + limits.budgetMs;
  let last: unknown = new Error('not connected to NATS');
  for (const pace = new Pace(limits); ;) {
    if (bus.connected) {
      try {
        return await call(pace.timeoutMs);
      } catch (error) {
        if (failureOf(error) === 'final') throw error;
        last = error;
      }
    }
    const wait = pace.next();
    if (bus.connection.isClosed() || clock.monotonic() + wait >= deadline) throw unavailable(what, last);
    await clock.sleep(wait);
  }
}

/** Growing time-outs and pauses of one call. */
export class Pace {
  timeoutMs: number;
  #waitMs = 25;

  constructor(limits: CallLimits) {
    this.timeoutMs = limits.attemptMs;
  }

  /** How long to pause before the next try. */
  next(): number {
    this.timeoutMs = Math.min(this.timeoutMs * 1.5, 2_000);
    const wait = this.#waitMs;
    this.#waitMs = Math.min(wait * 2, 250);
    return wait;
  }
}

export function unavailable(what: string, cause: unknown): KvError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KvError('unavailable', `${what}: ${why}`, { cause });
}
