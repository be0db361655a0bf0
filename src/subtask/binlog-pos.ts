import type { Place } from '../checkpoint/operators.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';

/**
 * A position as users type it: `file:pos`, also with the relay log's suffix within the file
 * (`mysql-bin|000001.000003:3270`), or as error messages and `binlog list` show it: `(file, pos)`.
 * Throws DmError 38004.
 */
export function parseBinlogPos(text: string): Place {
  const plain = text.trim().replace(/^"(.*)"$/s, '$1');
  const match = /^(?:\((.+), (\d+)\)|(.+):(\d+))$/.exec(plain);
  const name = (match?.[1] ?? match?.[3] ?? '').replace(/\|\d+(?=\.\d+$)/, '');
  const pos = Number(match?.[2] ?? match?.[4]);
  if (match !== null && /^.+\.\d+$/.test(name) && Number.isSafeInteger(pos)) return { name, pos };
  throw new DmError(
    CODES.masterRequestInvalid,
    `invalid --binlog-pos ${text} in binlog operation: expected binlog-filename:binlog-pos such as mysql-bin.000003:3270`,
  );
}
