/** Ends the output with one line that a machine can read: `12 passed, 0 failed`, then `, 3 skipped` if any. */
import { writeSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      let failedTests = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') counts.passed++;
        else if (state === 'failed') failedTests++;
        else counts.skipped++;
      }
      // A file that cannot be loaded, or whose hooks fail, has no failed test but has failed.
      counts.failed += failedTests === 0 && module.state() === 'failed' ? 1 : failedTests;
    }
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    // At exit, so that nothing of the other reporters comes after it.
    process.once('exit', () => writeSync(1, `${counts.passed} passed, ${counts.failed} failed${skipped}\n`));
  }
}
