/** What a NATS that is not ours must have, and what we can tell of it. */
import { errors } from '@nats-io/transport-node';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { Clock } from '../runtime/ports.js';
import type { NatsBus } from './connect.js';
import { JsApiError, jsCall } from './jetstream-call.js';

/** JetStream is off for the account, or on the server. */
const OFF_CODES = new Set([10039, 10076]);
/** Servers of a cluster that have JetStream may come up after the one that we are connected to. */
const PATIENCE_MS = 5_000;

/**
 * Rejects with 60303 when there is no JetStream behind the connection. A JetStream that is there and does not
 * answer (no leader, busy) is no reason: whoever uses it waits for it.
 */
export async function requireJetStream(bus: NatsBus, clock: Clock, signal?: AbortSignal): Promise<void> {
  const { connection } = bus;
  const deadline = clock.monotonic() + PATIENCE_MS;
  while (await isMissing(bus)) {
    if (clock.monotonic() >= deadline) {
      throw new DmError(
        CODES.natsNoJetStream,
        `the NATS server at ${connection.getServer()} has no JetStream`,
      );
    }
    await clock.sleep(250, signal);
  }
}

/** Copies of each bucket on servers that are not ours: three where the user names three of one cluster. */
export function replicasOn(bus: NatsBus, urls: readonly string[]): number {
  return bus.clustered && urls.length >= 3 ? 3 : 1;
}

/** Whether the account has no JetStream, or no server that we can reach has one. */
async function isMissing({ connection }: NatsBus): Promise<boolean> {
  try {
    await jsCall(connection, '$JS.API.INFO', '', 1_000);
    return false;
  } catch (error) {
    if (error instanceof JsApiError) return OFF_CODES.has(error.code);
    // A server that has it and is still opening it does not listen there yet.
    if (connection.info?.jetstream === true) return false;
    return (
      error instanceof errors.NoRespondersError ||
      (error instanceof errors.RequestError && error.isNoResponders())
    );
  }
}
