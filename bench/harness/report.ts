/** What a benchmark has found: a table for people, `bench/results/NAME.json` for programs, an exit code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../test/support/cluster.js';
import type { BenchOptions } from './options.js';

export interface Ratio {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** One case against one peer. A ratio above 1 means that ours is better. */
export interface CaseResult {
  readonly case: string;
  readonly peer: string;
  readonly unit: string;
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: Ratio;
  readonly equal: boolean;
  /** Least median ratio that we ask of ourselves, and the one that we aim at. */
  readonly must?: number;
  readonly aim?: number;
  /** Further columns of the printed table. */
  readonly shown?: Readonly<Record<string, string | number>>;
}

function machine(): string {
  const cpus = os.cpus();
  return `${cpus.length} x ${cpus[0]?.model.trim() ?? 'unknown'}, ${Math.round(os.totalmem() / 2 ** 30)} GB, Linux ${os.release()}, Node ${process.versions.node}`;
}

function verdict({ ratio, equal, must, aim }: CaseResult): string {
  if (!equal) return 'NOT EQUAL';
  if (must !== undefined && ratio.median < must) return `below ${short(must)}`;
  if (aim !== undefined) return ratio.median >= aim ? `aim ${short(aim)} met` : `must met, aim ${short(aim)}`;
  return must === undefined ? '' : 'must met';
}

const short = (value: number): string | number =>
  Math.abs(value) >= 100 ? Math.round(value) : Number(value.toFixed(2));

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
          verdict: verdict(one),
        },
      ]),
    ),
  );
  if (!options.smoke) write(name, results);
  const unequal = results.some((one) => !one.equal);
  const slow = results.some((one) => one.must !== undefined && one.ratio.median < one.must);
  return unequal || (slow && !options.smoke) ? 1 : 0;
}

function write(name: string, results: readonly CaseResult[]): void {
  const folder = path.join(projectRoot(), 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const cases = results.map(({ shown: _, ...one }) => one);
  const document = { name, date: new Date().toISOString(), machine: machine(), cases };
  writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(document, null, 2)}\n`);
}
