/**
 * The statements of a round, from its seed alone: neither what a server answers nor when can change them.
 * Which of them succeed, and in which order the writers come, is left to the servers.
 */
import { SeededRandom } from '../../test/support/seeded-random.js';
import { DdlGenerator } from './ddl.js';
import { initialRows, largeTransaction, transaction } from './dml.js';
import { createSql, newTable, type FuzzTable } from './tables.js';
import type { Dialect } from './values.js';

export interface ScriptOptions {
  readonly seed: number;
  readonly dialect: Dialect;
  readonly tables: number;
  readonly steps: number;
  readonly writers: number;
  readonly ddl: boolean;
  /** Tables have many unique keys. */
  readonly keys: boolean;
  /** Schemas besides the writers' own. */
  readonly schemas: readonly string[];
}

export interface Step {
  /** A transaction of one writer, or a DDL. */
  readonly kind: 'dml' | 'ddl';
  readonly writer: number;
  readonly sql: readonly string[];
  /** The run that the step is part of: without the statements before it, it must not be carried out. */
  readonly run?: ToolRun;
  /** The run goes on, whatever comes of the step. */
  readonly mayFail?: boolean;
  /** It is carried out also when the run has failed. */
  readonly cleanUp?: boolean;
  /** It is carried out only when the run has failed, or has not begun. */
  readonly afterFailure?: boolean;
}

/** Steps of one writer that stand or fall together. They begin once the task replicates, else not at all. */
export interface ToolRun {
  begun: boolean;
  failed: boolean;
}

export class Script {
  readonly #options: ScriptOptions;
  readonly #random: SeededRandom;
  readonly #tables: FuzzTable[];

  constructor(options: ScriptOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#tables = Array.from({ length: options.tables }, (_, i) =>
      newTable(`t${i}`, this.#random, options.dialect, options.keys),
    );
  }

  /** The tables with their first rows; a table that the source refuses takes no further part. */
  prepare(): { create: string; rows: string[] }[] {
    return this.#tables.map((table) => ({
      create: createSql(table),
      rows: initialRows(table, this.#random),
    }));
  }

  *steps(): Generator<Step> {
    const { steps, writers, ddl, dialect, schemas } = this.#options;
    const random = this.#random;
    const generator = new DdlGenerator(this.#tables, random, dialect, schemas);
    const large = new Set([random.int(0, steps), random.int(0, steps * 4)]);
    for (let step = 0; step < steps; step++) {
      const writer = random.int(0, writers - 1);
      if (ddl && random.next() < 0.06) {
        yield { kind: 'ddl', writer, sql: generator.next() };
      } else if (large.has(step)) {
        yield { kind: 'dml', writer, sql: largeTransaction(random.pick(this.#tables), random) };
      } else {
        yield { kind: 'dml', writer, sql: transaction(this.#tables, random) };
      }
    }
  }
}
