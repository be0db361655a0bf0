/**
 * One round: random tables with rows, a task of mode all under random writes, DDL, take-overs, pauses and
 * broken connections; then everything is drained and both sides are compared.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import type { Clock, Log } from '../../src/runtime/ports.js';
import { subtaskConfig } from '../../test/copy/support.js';
import type { DatabaseServer } from '../../test/servers/database.js';
import { SeededRandom } from '../../test/support/seeded-random.js';
import { waitFor } from '../../test/support/wait-for.js';
import { Crew } from './crew.js';
import { Noticed } from './noticed.js';
import { Script, type Step } from './script.js';
import type { Dialect } from './values.js';
import type { FuzzTarget } from './target.js';
import { compareSchemas, historyOf, type Finding } from './verify.js';
import { Extras } from './with/extra.js';
import { Writers, type Done } from './writers.js';

export interface RoundOptions {
  readonly seed: number;
  readonly dialect: Dialect;
  readonly source: DatabaseServer;
  readonly target: FuzzTarget;
  readonly clock: Clock;
  readonly log: Log;
  readonly steps: number;
  readonly tables: number;
  readonly ddl: boolean;
  readonly faults: boolean;
  /** Tables have many unique keys. */
  readonly keys?: boolean;
  /** DDL also while tables are copied. */
  readonly ddlInCopy: boolean;
  /** What the round does besides: names of ./with/extra.ts. */
  readonly with?: readonly string[];
}

export interface RoundResult {
  readonly statements: number;
  readonly refused: number;
  /** Transactions that the source has committed, each DDL among them. */
  readonly transactions: number;
  /** Row changes as the source's answers count them. */
  readonly rows: number;
  readonly ddls: number;
  /** Of these, what the source has committed while the task was replicating: what sync alone has carried over. */
  readonly inSync: Pick<RoundResult, 'transactions' | 'rows' | 'ddls'>;
  /** Take-overs, pauses, broken connections and rotated files. */
  readonly faults: number;
  readonly epochs: number;
  readonly seconds: number;
  /** Ends of runners that had been taken over from. */
  readonly earlier: readonly string[];
  /** Empty when both sides are equal. */
  readonly failures: readonly string[];
}

const WRITERS = 4;
const DRAIN_MS = 120_000;
const EARLY_RUNS = 8;
const SHOWN_STATEMENTS = 8;

export async function fuzzRound(options: RoundOptions): Promise<RoundResult> {
  return new Round(options).run();
}

class Round {
  readonly #options: RoundOptions;
  readonly #random: SeededRandom;
  readonly #schema: string;
  /** What the routes add to the names of schemas. */
  readonly #suffix: string;
  readonly #writers: Writers;
  readonly #extras: Extras;
  #crew: Crew | null = null;
  readonly #noticed: Noticed;
  #writing = true;
  #faultCount = 0;
  #runs = 0;
  #calm = false;
  /** The step before which the copy must have ended; beyond the last one where all may come while tables are copied. */
  readonly #syncFrom: number;
  #steps = 0;
  /** Statements that had been done when it had. */
  #doneInCopy = Infinity;

  constructor(options: RoundOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed ^ 0x5bd1e995);
    this.#schema = `fz${options.seed}`;
    this.#suffix = this.#random.next() < 0.3 ? '_r' : '';
    this.#writers = new Writers(options.clock);
    this.#noticed = new Noticed(options.log);
    const { with: names = [], seed, dialect, steps } = options;
    // Writers are faster than a copy that DDL breaks off again and again: left alone, most rounds would end in it.
    const phases = new SeededRandom(seed ^ 0x2545f491);
    this.#syncFrom = phases.next() < 0.25 ? Infinity : phases.int(0, Math.floor(steps / 3));
    const schemas = this.#schemas;
    this.#extras = new Extras(names, seed, { dialect, writers: WRITERS, schemas });
  }

  async run(): Promise<RoundResult> {
    const { clock } = this.#options;
    const began = clock.monotonic();
    const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-fuzz-'));
    const failures: string[] = [];
    try {
      await this.#play(dataDir);
      for (const text of this.#noticed.lostRows) failures.push(text);
      for (const finding of await this.#compare()) failures.push(this.#explain(finding));
    } catch (error) {
      failures.push(error instanceof Error ? `${error.message}${causeOf(error)}` : String(error));
    } finally {
      await this.#crew?.stop();
      await this.#writers.close();
      await rm(dataDir, { recursive: true, force: true });
    }
    const { done } = this.#writers;
    if (failures.length > 0) {
      for (const text of this.#noticed.last) failures.push(`warned: ${text}`);
      failures.push(await this.#saveHistory());
    } else await this.#cleanUp();
    return {
      statements: done.length,
      refused: done.filter((one) => one.errno !== 0).length,
      ...countDone(done),
      inSync: countDone(done.slice(this.#doneInCopy)),
      faults: this.#faultCount,
      epochs: this.#crew?.epoch ?? 0,
      seconds: (clock.monotonic() - began) / 1000,
      earlier: this.#crew?.earlier ?? [],
      failures,
    };
  }

  async #compare(): Promise<Finding[]> {
    const { source, target } = this.#options;
    const routed = (schema: string) => schema + this.#suffix;
    const leavesOut = (table: string) => this.#extras.leavesOut(table);
    const found: Finding[] = [];
    for (const schema of this.#schemas)
      found.push(...(await compareSchemas(source, target, schema, routed(schema), leavesOut)));
    found.push(...(await this.#extras.verify({ source, target, routed })));
    return found;
  }

  async #play(dataDir: string): Promise<void> {
    const { source, target, seed, steps, tables, ddl, keys = false, dialect, clock } = this.#options;
    const schemas = this.#schemas.slice(1);
    const script = new Script({ seed, dialect, tables, steps, writers: WRITERS, ddl, keys, schemas });
    for (const schema of this.#schemas) {
      await source.execute(
        `DROP DATABASE IF EXISTS ${schema}; CREATE DATABASE ${schema} DEFAULT CHARACTER SET utf8mb4`,
      );
      await target.execute(`DROP DATABASE IF EXISTS ${schema}${this.#suffix}`);
    }
    await target.execute(`DROP DATABASE IF EXISTS ${this.#metaSchema}`);
    await source.execute(`CREATE TABLE ${this.#schema}.marker (id INT PRIMARY KEY)`);
    await this.#writers.open(source, this.#schema, WRITERS);
    const first = script.prepare().flatMap(({ create, rows }) => [
      { kind: 'ddl' as const, writer: 0, sql: [create] },
      { kind: 'dml' as const, writer: 0, sql: rows },
    ]);
    await this.#writers.run([...first, ...this.#extras.prepare()], () => Promise.resolve(true));

    const crew = new Crew({ config: this.#config(), dataDir, clock, log: this.#noticed });
    this.#crew = crew;
    crew.start();
    const early = this.#options.ddlInCopy;
    const faults = this.#options.faults ? this.#faults(crew) : Promise.resolve();
    // Whoever awaits it sees the failure.
    faults.catch(() => undefined);
    try {
      await this.#writers.run(this.#extras.woven(script.steps()), (step) =>
        this.#isAllowed(step, crew, early),
      );
    } finally {
      this.#writing = false;
    }
    await faults;
    await source.execute(`INSERT INTO ${this.#schema}.marker VALUES (1)`);
    await waitFor(
      async () =>
        crew.failed ||
        ((await target.query(`SELECT id FROM ${this.#schema}${this.#suffix}.marker`)).length > 0 &&
          (await crew.isSynced())),
      { what: 'the target to be in sync', timeoutMs: DRAIN_MS },
    );
    crew.check();
    await crew.stop();
  }

  async #isAllowed({ kind, run }: Step, crew: Crew, early: boolean): Promise<boolean> {
    if (run?.begun === true) return true;
    if (run !== undefined) {
      // Some come while tables are copied, and are left out; then the writers wait, or there would be none.
      run.failed = ++this.#runs < EARLY_RUNS && !(await crew.isSyncing());
      run.begun = true;
      if (run.failed) return false;
    } else if (this.#steps++ < this.#syncFrom && (kind === 'dml' || early)) return true;
    if (this.#doneInCopy !== Infinity) return true;
    // Faults in quick succession would keep a copy from its end, with nothing else going on.
    this.#calm = true;
    await waitFor(() => crew.failed || crew.isSyncing(), {
      what: 'sync to begin',
      timeoutMs: DRAIN_MS,
      intervalMs: 10,
    });
    this.#calm = false;
    this.#doneInCopy = this.#writers.done.length;
    return true;
  }

  get #schemas(): [string, ...string[]] {
    return [this.#schema, `${this.#schema}_b`, `${this.#schema}_c`];
  }

  get #metaSchema(): string {
    return `fzmeta${this.#options.seed}`;
  }

  #config(): SubtaskConfig {
    const { source, target, seed } = this.#options;
    const random = this.#random;
    const base = subtaskConfig(source, target);
    const config = subtaskConfig(source, target, {
      task: 'fuzz',
      sourceId: `s${seed}`,
      metaSchema: this.#metaSchema,
      enableGtid: random.next() < 0.5,
      serverId: 5_000_000 + (seed % 1_000_000),
      ignoreCheckingItems: ['all'],
      blockAllow: { doDbs: this.#schemas, doTables: [], ignoreDbs: [], ignoreTables: [] },
      routes:
        this.#suffix === ''
          ? []
          : this.#schemas.map((schema) => ({
              schemaPattern: schema,
              tablePattern: '',
              targetSchema: schema + this.#suffix,
              targetTable: '',
            })),
      timezone: random.pick(['', '', '+00:00', '-03:30', '+14:00']),
      dump: { ...base.dump, rows: random.pick([0, 10, 50, 200]), threads: random.int(1, 4) },
      sync: {
        ...base.sync,
        workerCount: random.pick([1, 2, 4, 8, 16]),
        batch: random.pick([1, 5, 100, 100]),
        checkpointFlushIntervalMs: random.pick([50, 300, 30_000]),
        safeMode: random.next() < 0.15,
        compact: random.next() < 0.3,
        multipleRows: random.next() < 0.7,
      },
    });
    return this.#extras.configure(config);
  }

  async #faults(crew: Crew): Promise<void> {
    const { clock, source, target } = this.#options;
    const random = this.#random;
    const later = () => (random.next() < 0.15 ? { workerCount: random.pick([1, 3, 8]) } : {});
    while (this.#writing) {
      await clock.sleep(random.int(10, 600));
      if (!this.#writing) return;
      if (this.#calm) continue;
      this.#faultCount++;
      switch (random.pick(['take-over', 'take-over', 'pause', 'source', 'target', 'target', 'rotate'])) {
        case 'take-over':
          await crew.takeOver(random.int(0, 800), later());
          break;
        case 'pause':
          await crew.pause(random.pick([0, 50, 500]), later());
          break;
        case 'source':
          await killConnections(source, "command LIKE 'Binlog Dump%'");
          break;
        case 'target':
          await killConnections(
            target,
            "command NOT LIKE 'Daemon' AND user<>'event_scheduler' AND user<>'system user'",
          );
          break;
        default:
          await source.query('FLUSH BINARY LOGS');
      }
    }
  }

  #explain(finding: Finding): string {
    const history = historyOf(this.#writers.done, finding.table, SHOWN_STATEMENTS);
    return `table ${finding.table}: ${finding.text}\nlast statements:\n  ${history.join('\n  ')}`;
  }

  async #saveHistory(): Promise<string> {
    const file = path.join(tmpdir(), `sluice-fuzz-${this.#options.seed}.sql`);
    const lines = this.#writers.done.map(
      ({ sql, writer, errno, message }, i) =>
        `/* #${i} writer ${writer}${errno === 0 ? '' : ` ERROR ${errno} ${message.replaceAll('*/', '')}`} */ ${sql};`,
    );
    await writeFile(file, lines.join('\n'));
    return `all statements: ${file}`;
  }

  async #cleanUp(): Promise<void> {
    const { source, target } = this.#options;
    for (const schema of this.#schemas) {
      await source.execute(`DROP DATABASE IF EXISTS ${schema}`);
      await target.execute(`DROP DATABASE IF EXISTS ${schema}${this.#suffix}`);
    }
    await target.execute(`DROP DATABASE ${this.#metaSchema}`);
  }
}

/** Transactions and row changes that the source has committed, and its DDL, told from its answers. */
function countDone(done: readonly Done[]): Pick<RoundResult, 'transactions' | 'rows' | 'ddls'> {
  const open = new Map<number, number>();
  let [transactions, rows, ddls] = [0, 0, 0];
  for (const { writer, kind, sql, errno, rows: changed } of done) {
    const pending = open.get(writer);
    if (kind === 'ddl') {
      if (errno !== 0) continue;
      ddls++;
      transactions++;
    } else if (sql === 'BEGIN' || sql.startsWith('XA START')) {
      if (errno === 0) open.set(writer, 0);
    } else if (/^(XA )?(COMMIT|ROLLBACK)/.test(sql) && !sql.includes(' SAVEPOINT ')) {
      if (errno !== 0) continue;
      open.delete(writer);
      if (sql.includes('ROLLBACK') || !pending) continue;
      transactions++;
      rows += pending;
    } else if (pending !== undefined) {
      open.set(writer, pending + changed);
    } else if (changed > 0) {
      transactions++;
      rows += changed;
    }
  }
  return { transactions, rows, ddls };
}

/** MySQL 9.7 cannot show its connections while one runs a statement with characters beyond the BMP. */
async function killConnections(server: FuzzTarget, where: string): Promise<void> {
  const rows = await server
    .query(`SELECT id AS id FROM information_schema.processlist WHERE id<>CONNECTION_ID() AND ${where}`)
    .catch(() => []);
  for (const row of rows) await server.query(`KILL ${Number(row['id'])}`).catch(() => undefined);
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? ` (${error.cause.message})` : '';
}
