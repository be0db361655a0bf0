/**
 * What a round does besides its default script, when asked to by `--with`: its own tables, statements and
 * settings. It draws from random numbers of its own, so the default script of a seed stays what it is.
 */
import type { SubtaskConfig } from '../../../src/model/subtask-config.js';
import { SeededRandom } from '../../../test/support/seeded-random.js';
import type { Step } from '../script.js';
import type { FuzzTarget } from '../target.js';
import type { Dialect } from '../values.js';
import type { Finding } from '../verify.js';
import { ForeignKeys } from './foreign-keys.js';
import { OnlineDdlRuns } from './online-ddl.js';

export interface ExtraOptions {
  readonly random: SeededRandom;
  readonly dialect: Dialect;
  readonly writers: number;
  /** The writers' own schema, then the others. */
  readonly schemas: readonly [string, ...string[]];
}

export interface BothSides {
  readonly source: FuzzTarget;
  readonly target: FuzzTarget;
  /** The schema of the target for one of the source. */
  readonly routed: (schema: string) => string;
}

export interface Extra {
  /** The configuration that it needs. */
  configure?(config: SubtaskConfig): SubtaskConfig;
  /** Tables and rows that are there when the task begins. */
  prepare(): Step[];
  /** Something that comes somewhere between the steps of the script. */
  next(): Step[];
  /** Tables of the source that need not be in the target as they are. */
  leavesOut?(table: string): boolean;
  /** A further comparison of both sides, once all is applied. */
  verify?(sides: BothSides): Promise<Finding[]>;
}

const EXTRAS: Readonly<Record<string, (options: ExtraOptions) => Extra>> = {
  'online-ddl': (options) => new OnlineDdlRuns(options),
  'foreign-keys': (options) => new ForeignKeys(options),
};

export const EXTRA_NAMES: readonly string[] = Object.keys(EXTRAS);

/** How often an extra comes between two steps of the script. */
const SHARE = 0.25;

export class Extras {
  readonly #random: SeededRandom;
  readonly #extras: readonly Extra[];

  /** Throws for a name that is not among EXTRA_NAMES. */
  constructor(names: readonly string[], seed: number, options: Omit<ExtraOptions, 'random'>) {
    this.#random = new SeededRandom(seed ^ 0x2545f491);
    this.#extras = names.map((name) => {
      const make = EXTRAS[name];
      if (make === undefined) throw new Error(`--with knows ${EXTRA_NAMES.join(', ')}, not ${name}`);
      // Each has its own numbers, whichever others there are.
      const own = seed ^ Math.imul(EXTRA_NAMES.indexOf(name) + 1, 0x9e3779b1);
      return make({ ...options, random: new SeededRandom(own) });
    });
  }

  configure(config: SubtaskConfig): SubtaskConfig {
    return this.#extras.reduce((all, extra) => extra.configure?.(all) ?? all, config);
  }

  prepare(): Step[] {
    return this.#extras.flatMap((extra) => extra.prepare());
  }

  /** The steps of the script in their order, with those of the extras between them. */
  *woven(steps: Iterable<Step>): Generator<Step> {
    for (const step of steps) {
      yield step;
      for (const extra of this.#extras) if (this.#random.next() < SHARE) yield* extra.next();
    }
  }

  leavesOut(table: string): boolean {
    return this.#extras.some((extra) => extra.leavesOut?.(table) === true);
  }

  async verify(sides: BothSides): Promise<Finding[]> {
    const found: Finding[] = [];
    for (const extra of this.#extras) found.push(...((await extra.verify?.(sides)) ?? []));
    return found;
  }
}
