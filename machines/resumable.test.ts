import { describe, expect, it } from 'vitest';
import type { ProcessError } from '../src/model/status.js';
import { isResumable, resumeDelayMs } from './resumable.js';

function error(part: Partial<ProcessError>): ProcessError {
  return {
    ErrCode: 10006,
    ErrClass: 'database',
    ErrScope: 'downstream',
    ErrLevel: 'high',
    Message: '',
    RawCause: '',
    Workaround: '',
    ...part,
  };
}

describe('isResumable', () => {
  it('judges by what the server said, not by the values of the statement that failed', () => {
    const lost = 'Error 1213 (40001): Deadlock found when trying to get lock; try restarting transaction';
    const Message = "execute statement failed: INSERT INTO t VALUES (1062), ('Error 1406 (22001): x')";
    expect(isResumable([error({ Message, RawCause: lost })])).toBe(true);
    expect(isResumable([error({ Message, RawCause: "Error 1062 (23000): Duplicate entry '1'" })])).toBe(
      false,
    );
  });

  it('reads numbers whole, and finds them behind what a driver says first', () => {
    expect(isResumable([error({ RawCause: 'Error 10621 (HY000): none of the list' })])).toBe(true);
    expect(isResumable([error({ RawCause: 'commit: Error 8025 (HY000): entry too large' })])).toBe(false);
  });

  it('takes the message where there is no cause, and needs every error to pass', () => {
    expect(isResumable([error({ Message: 'Unsupported modify column: type' })])).toBe(false);
    expect(isResumable([error({}), error({ ErrCode: 36008 })])).toBe(false);
    expect(isResumable([error({ ErrCode: 60102, RawCause: 'Warning 1264: Out of range' })])).toBe(false);
    expect(isResumable([error({ ErrCode: 10001, RawCause: 'connect ECONNREFUSED' })])).toBe(true);
  });
});

describe('resumeDelayMs', () => {
  it('grows by the factor from the shortest pause to the longest', () => {
    const delays = (minMs: number, maxMs: number, factor: number) =>
      [0, 1, 2, 3, 30].map((attempt) => resumeDelayMs(attempt, { minMs, maxMs, factor }));
    expect(delays(1_000, 300_000, 2)).toEqual([1_000, 2_000, 4_000, 8_000, 300_000]);
    expect(delays(500, 10_000, 3)).toEqual([500, 1_500, 4_500, 10_000, 10_000]);
    expect(delays(60_000, 60_000, 2)).toEqual([60_000, 60_000, 60_000, 60_000, 60_000]);
  });
});
