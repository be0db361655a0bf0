/**
 * `npm test`: all tests, once. A few files that failed are run a second time, by themselves: the tests with
 * real servers wait for conditions with a deadline, and a machine that stands still for a while can make one
 * of them miss it. Such a file is not passed over in silence: the end of the output names it, with what it
 * failed of further up. More files than {@link MOST_AGAIN}, or an error of no test, are no hiccup: no second
 * try. Nor is there one for a selection of tests (`npm test -- test/sync`).
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../support/cluster.js';
import { afterSecondTry, lastLine, SUMMARY_FILE, totals, type RunSummary } from './summary.js';

/** Failed files of one run that a second try is allowed for. */
export const MOST_AGAIN = 3;

export interface TestRun {
  /** The folder of the vitest configuration. */
  readonly root: string;
  /** What `vitest run` is given: filters and flags. */
  readonly args: readonly string[];
  readonly print: (text: string) => void;
}

/** Runs the tests; true when all have passed, at the first or the second try. */
export async function runTests({ root, args, print }: TestRun): Promise<boolean> {
  const first = await vitest(root, args);
  if (first === null) return false;
  const failed = first.files.filter((file) => file.failed > 0).map(({ file }) => file);
  let end = first;
  if (args.length === 0 && first.unhandled === 0 && failed.length > 0 && failed.length <= MOST_AGAIN) {
    print(`\nsecond try of ${failed.join(', ')}\n`);
    const second = await vitest(root, failed);
    if (second !== null) end = afterSecondTry(first, second);
    const still = new Set(end.files.filter((file) => file.failed > 0).map(({ file }) => file));
    for (const file of failed) {
      print(
        `${file}: failed at the first try, ${still.has(file) ? 'and at the second' : 'passed at the second'}\n`,
      );
    }
  }
  const counts = totals(end);
  print(lastLine(counts));
  return counts.failed === 0;
}

/** One run of vitest, whose output goes where ours does; null when it came to no end, which it says itself. */
async function vitest(root: string, args: readonly string[]): Promise<RunSummary | null> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-tests-'));
  try {
    const summary = path.join(folder, 'summary.json');
    const binary = path.join(projectRoot(), 'node_modules/vitest/vitest.mjs');
    const child = spawn(process.execPath, [binary, 'run', '--root', root, ...args], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, [SUMMARY_FILE]: summary },
    });
    await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
    const text = await readFile(summary, 'utf8').catch(() => null);
    return text === null ? null : (JSON.parse(text) as RunSummary);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
