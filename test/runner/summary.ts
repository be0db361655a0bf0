/** What a run of tests has come to, in the form that passes between the reporter and `npm test`. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface FileSummary extends Counts {
  /** Relative to the root of the project. */
  readonly file: string;
}

export interface RunSummary {
  readonly files: readonly FileSummary[];
  /** Errors that belong to no test. */
  readonly unhandled: number;
}

/** The environment variable that names the file a {@link RunSummary} is written to. */
export const SUMMARY_FILE = 'SLUICE_TEST_SUMMARY';

/** The sums over all files; an error that belongs to no test counts as a failure. */
export function totals({ files, unhandled }: RunSummary): Counts {
  const sum = (of: keyof Counts): number => files.reduce((n, file) => n + file[of], 0);
  return { passed: sum('passed'), failed: sum('failed') + unhandled, skipped: sum('skipped') };
}

/** The line that machines read: `12 passed, 0 failed`, then `, 3 skipped` if any. */
export function lastLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`;
}

/** The first run with the files of the second in the place of theirs. */
export function afterSecondTry(first: RunSummary, second: RunSummary): RunSummary {
  const again = new Map(second.files.map((file) => [file.file, file]));
  return {
    files: first.files.map((file) => again.get(file.file) ?? file),
    unhandled: first.unhandled + second.unhandled,
  };
}
