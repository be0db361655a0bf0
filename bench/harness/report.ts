/** What a benchmark has found: a table for people, `bench/results/NAME.json` for programs, an exit code. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../test/support/cluster.js';
import type { BenchOptions } from './options.js';
import { judge, mustMissed, short, type CaseResult } from './verdict.js';

export type { CaseResult } from './verdict.js';

function machine(): string {
  const cpus = os.cpus();
  return `${cpus.length} x ${cpus[0]?.model.trim() ?? 'unknown'}, ${Math.round(os.totalmem() / 2 ** 30)} GB, Linux ${os.release()}, Node ${process.versions.node}`;
}

/** Prints and writes the results; the exit code is 1 where data differ or, except in a smoke run, a must is missed. */
export function report(name: string, results: readonly CaseResult[], options: BenchOptions): number {
  console.table(
    Object.fromEntries(
      results.map((one) => [
        `${one.case} / ${one.peer}`,
        {
          unit: one.unit,
          ours: short(one.ours),
          theirs: short(one.theirs),
          'ratio min': short(one.ratio.min),
          median: short(one.ratio.median),
          max: short(one.ratio.max),
          ...one.shown,
          ...judge(one),
        },
      ]),
    ),
  );
  if (!options.smoke) write(name, results);
  const unequal = results.some((one) => !one.equal);
  const slow = results.some(mustMissed);
  return unequal || (slow && !options.smoke) ? 1 : 0;
}

function fileOf(name: string): string {
  return path.join(projectRoot(), 'bench', 'results', `${name}.json`);
}

/** What a benchmark has written since `since` (ms of the epoch); null where it has written nothing. */
export function writtenResults(name: string, since: number): readonly CaseResult[] | null {
  const file = fileOf(name);
  if (!existsSync(file)) return null;
  const document = JSON.parse(readFileSync(file, 'utf8')) as { date: string; cases: CaseResult[] };
  return Date.parse(document.date) >= since ? document.cases : null;
}

function write(name: string, results: readonly CaseResult[]): void {
  mkdirSync(path.dirname(fileOf(name)), { recursive: true });
  const cases = results.map(({ shown: _, ...one }) => one);
  const document = { name, date: new Date().toISOString(), machine: machine(), cases };
  writeFileSync(fileOf(name), `${JSON.stringify(document, null, 2)}\n`);
}
