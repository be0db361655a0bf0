/** What every benchmark takes on its command line. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Small data, one round, no judgement of figures: only that it works and that results are equal. */
  readonly smoke: boolean;
  readonly rounds: number;
  /** Only cases whose name contains it. */
  readonly only: string;
}

export function benchOptions(): BenchOptions {
  const { values } = parseArgs({
    options: {
      smoke: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', default: '' },
    },
    allowPositionals: true,
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds ${values.rounds}: expected a whole number from 1`);
  }
  return { smoke: values.smoke, rounds: values.smoke ? 1 : rounds, only: values.only };
}
