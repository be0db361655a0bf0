/** The servers of the fuzzer, and its rounds on them. */
import type { Clock, Log } from '../../src/runtime/ports.js';
import { startDatabase, type DatabaseKind } from '../../test/servers/availability.js';
import type { DatabaseServer } from '../../test/servers/database.js';
import { connectTiDb, type FuzzTarget } from './target.js';
import { fuzzRound, type RoundOptions, type RoundResult } from './round.js';
import type { Dialect } from './values.js';
import { waitFor } from '../../test/support/wait-for.js';

const KINDS: Record<Exclude<Dialect['source' | 'target'], 'tidb'>, DatabaseKind> = {
  mariadb: 'mariadb-10.11',
  'mysql-9.7': 'mysql-9.7',
  'mysql-5.6': 'mysql-5.6',
};

export interface FuzzOptions {
  readonly dialect: Dialect;
  readonly clock: Clock;
  readonly log: Log;
}

export class Fuzz implements AsyncDisposable {
  readonly #options: FuzzOptions;
  readonly #source: DatabaseServer;
  readonly #target: FuzzTarget;

  private constructor(options: FuzzOptions, source: DatabaseServer, target: FuzzTarget) {
    this.#options = options;
    this.#source = source;
    this.#target = target;
  }

  static async start(options: FuzzOptions): Promise<Fuzz> {
    const { dialect } = options;
    const source = await startDatabase(KINDS[dialect.source]);
    try {
      const { target } = dialect;
      const started = target === 'tidb' ? connectTiDb() : startDatabase(KINDS[target]);
      return new Fuzz(options, source, await started);
    } catch (error) {
      await source.stop();
      throw error;
    }
  }

  /** A server that a statement has crashed is a finding of another project: the round is void. */
  async round(
    seed: number,
    options: Pick<RoundOptions, 'steps' | 'tables' | 'ddl' | 'keys' | 'faults' | 'ddlInCopy' | 'with'>,
  ): Promise<RoundResult & { readonly crashed: string }> {
    const [source, target] = [this.#source, this.#target];
    const result = await fuzzRound({ ...this.#options, ...options, seed, source, target });
    if (result.failures.length > 0)
      await Promise.all([source, target].map((server) => this.#settled(server)));
    const crashed = [source, target].filter((server) => server.running === false);
    for (const server of crashed) await server.restart?.();
    if (crashed.length === 0) return { ...result, crashed: '' };
    return { ...result, failures: [], crashed: crashed.map((server) => server.kind).join(' and ') };
  }

  /** A server that crashes closes its connections first, and ends a moment later. */
  async #settled(server: FuzzTarget): Promise<void> {
    const answers = () =>
      server.query('SELECT 1').then(
        () => true,
        () => false,
      );
    const what = `${server.kind} to answer or to have ended`;
    await waitFor(async () => server.running === false || (await answers()), { what, timeoutMs: 60_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#source.stop(), this.#target.stop()]);
  }
}
