import type { JsonObject } from '../src/api/request.js';
import { CODES } from '../src/errors/codes.js';
import { DmError } from '../src/errors/dm-error.js';

/** The request of a command: a JSON object, or nothing at all. A string is the error to answer with. */
export function parseCommand(data: Uint8Array): JsonObject | string {
  const text = new TextDecoder().decode(data).trim();
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
    return new DmError(CODES.masterRequestInvalid, 'the request must be a JSON object').toString();
  } catch (cause) {
    return new DmError(CODES.masterRequestInvalid, 'the request is not valid JSON', { cause }).toString();
  }
}
