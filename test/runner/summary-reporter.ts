/** Ends the output with the line that machines read, or hands the summary to `npm test`, which ends with it. */
import { writeFileSync, writeSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import { lastLine, SUMMARY_FILE, totals, type FileSummary, type RunSummary } from './summary.js';

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const summary: RunSummary = { files: modules.map(fileSummary), unhandled: unhandledErrors.length };
    const file = process.env[SUMMARY_FILE];
    if (file !== undefined) writeFileSync(file, JSON.stringify(summary));
    // At exit, so that nothing of the other reporters comes after it.
    else process.once('exit', () => writeSync(1, lastLine(totals(summary))));
  }
}

function fileSummary(module: TestModule): FileSummary {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    counts[state === 'passed' || state === 'failed' ? state : 'skipped']++;
  }
  // A file that cannot be loaded, or whose hooks fail, has no failed test but has failed.
  if (counts.failed === 0 && module.state() === 'failed') counts.failed = 1;
  return { file: module.relativeModuleId, ...counts };
}
