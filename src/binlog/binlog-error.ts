import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';

/** The bytes do not say what a binlog may say: error 36069. */
export function binlogError(cause: string, options: { workaround?: string } = {}): DmError {
  return new DmError(CODES.syncBinlogEvent, 'get binlog event error', {
    rawCause: cause,
    ...(options.workaround === undefined ? {} : { workaround: options.workaround }),
  });
}
