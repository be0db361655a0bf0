import { CODES } from '../src/errors/codes.js';
import { DmError } from '../src/errors/dm-error.js';
import { BusError, KvError } from '../src/runtime/ports.js';

/** Errors of NATS in the form that users see; anything else stays as it is. */
export function asDmUnavailable(error: unknown): unknown {
  if (!(error instanceof KvError) && !(error instanceof BusError)) return error;
  return new DmError(CODES.clusterUnavailable, 'the cluster is not available', { cause: error });
}
