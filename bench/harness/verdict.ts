/** What a result is worth: against what we ask of ourselves (`must`) and what we aim at. */

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

type Judged = Pick<CaseResult, 'ratio' | 'equal' | 'must' | 'aim'>;

export function short(value: number): string | number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toFixed(2));
}

export function mustMissed({ ratio, must }: Judged): boolean {
  return must !== undefined && ratio.median < must;
}

function reached(ratio: Ratio, limit: number | undefined): string {
  if (limit === undefined) return '-';
  return `>= ${short(limit)} ${ratio.median >= limit ? 'met' : 'missed'}`;
}

/** The columns `must`, `aim` and `verdict` of a result. */
export function judge(one: Judged): { must: string; aim: string; verdict: string } {
  const verdict = one.equal ? (mustMissed(one) ? 'MUST MISSED' : 'ok') : 'NOT EQUAL';
  return { must: reached(one.ratio, one.must), aim: reached(one.ratio, one.aim), verdict };
}

/** One benchmark of a run of several. */
export interface Ended {
  readonly name: string;
  readonly exitCode: number;
  readonly seconds: number;
  /** null: it has written no results. */
  readonly cases: readonly CaseResult[] | null;
}

/** A table of all, then each case that is not as it has to be. */
export function summary(all: readonly Ended[]): string {
  const of = (cases: readonly CaseResult[], key: 'must' | 'aim'): string => {
    const asked = cases.filter((one) => one[key] !== undefined);
    return `${asked.filter((one) => one.ratio.median >= one[key]!).length} of ${asked.length}`;
  };
  const width = Math.max(9, ...all.map(({ name }) => name.length));
  const row = (name: string, ...cells: string[]): string =>
    [name.padEnd(width), ...cells.map((cell) => cell.padEnd(11))].join('  ').trimEnd();
  const lines = [row('benchmark', 'musts met', 'aims met', 'data', 'minutes', 'ended')];
  const bad: string[] = [];
  for (const { name, exitCode, seconds, cases } of all) {
    const ended = exitCode === 0 ? 'well' : cases === null ? `exit code ${exitCode}` : 'with misses';
    const equal = cases === null ? '-' : cases.every((one) => one.equal) ? 'equal' : 'NOT EQUAL';
    const [must, aim] = cases === null ? ['-', '-'] : [of(cases, 'must'), of(cases, 'aim')];
    lines.push(row(name, must, aim, equal, (seconds / 60).toFixed(1), ended));
    for (const one of cases ?? []) {
      if (one.equal && !mustMissed(one)) continue;
      const ratio = `median ratio ${short(one.ratio.median)}`;
      bad.push(
        `  ${name}: ${one.case} / ${one.peer}: ${ratio}, must ${judge(one).must}, ${judge(one).verdict}`,
      );
    }
  }
  return [...lines, ...(bad.length > 0 ? ['', 'not as it has to be:', ...bad] : [])].join('\n');
}
