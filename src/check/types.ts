/** Results of the precheck as check-task and start-task print them. */
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';

/** As DM prints them. `warn` does not keep a task from starting, `fail` does. */
export type CheckState = 'success' | 'warn' | 'fail';

export interface CheckResult {
  id: number;
  name: string;
  desc: string;
  state: CheckState;
  errorMsg: string;
  instruction: string;
  extra: string;
}

/** What a check found; a check that finds nothing wrong says `success`. */
export interface Finding {
  readonly state: CheckState;
  readonly errorMsg?: string;
  readonly instruction?: string;
}

export interface CheckSummary {
  passed: boolean;
  total: number;
  successful: number;
  failed: number;
  warning: number;
}

export function summarize(results: readonly CheckResult[]): CheckSummary {
  const failed = results.filter((result) => result.state === 'fail').length;
  const warning = results.filter((result) => result.state === 'warn').length;
  return {
    passed: failed === 0,
    total: results.length,
    successful: results.length - failed - warning,
    failed,
    warning,
  };
}

/**
 * The text of check-task: `detail` lists what did not pass (at most `limits.error` failures and
 * `limits.warn` warnings) and a summary of all. Empty when every check passed.
 */
export function checkDetail(
  results: readonly CheckResult[],
  limits: { error: number; warn: number } = { error: 10, warn: 10 },
): string {
  const failures = results.filter((result) => result.state === 'fail').slice(0, limits.error);
  const warnings = results.filter((result) => result.state === 'warn').slice(0, limits.warn);
  if (failures.length + warnings.length === 0) return '';
  const detail = { results: [...failures, ...warnings], summary: summarize(results) };
  return JSON.stringify(detail, null, '\t');
}

/** DmError 26005 when at least one check failed, else null. */
export function checkFailure(
  results: readonly CheckResult[],
  limits?: { error: number; warn: number },
): DmError | null {
  const failed = results.filter((result) => result.state === 'fail');
  if (failed.length === 0) return null;
  const names = [...new Set(failed.map((result) => result.name))].join(', ');
  return new DmError(
    CODES.taskCheckFailed,
    `fail to check synchronization configuration with type: ${names}\n detail: ${checkDetail(results, limits)}`,
  );
}
