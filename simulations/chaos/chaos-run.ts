/**
 * Chaos on real processes: each try starts a fresh task on running servers, with writers on, kills what the
 * seed says with SIGKILL at a random moment of copy or replication, restarts it, drains, and compares the
 * checksums of all tables on both sides.
 */
import type { DatabaseServer } from '../../test/servers/database.js';
import { startMariaDb } from '../../test/servers/mariadb.js';
import { startCluster, type TestCluster } from '../../test/support/cluster.js';
import { compareTables } from '../../test/support/compare-tables.js';
import { createWriterTables, RandomWriter, writerTables } from '../../test/support/random-writer.js';
import { SeededRandom } from '../../test/support/seeded-random.js';
import { createSysbenchTable } from '../../test/support/sysbench-table.js';
import { allReplicating, allSynced, awaitStates } from '../../test/support/task-status.js';
import { waitFor } from '../../test/support/wait-for.js';
import { descendantsNamed, describeFault, drawFaults, type Fault, type Victim } from './faults.js';

const SOURCE = 'chaos-source';
const RECOVERY_LIMIT_MS = 150_000;

export interface ChaosOptions {
  /** Rows of the table that is only copied. */
  readonly rows?: number;
  readonly log: (text: string) => void;
  /** Faults in place of those that the seed draws. */
  readonly faults?: readonly Fault[];
}

export interface AttemptResult {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly equal: boolean;
  readonly seconds: number;
  readonly differences: readonly string[];
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export class ChaosRun implements AsyncDisposable {
  readonly #options: ChaosOptions;
  readonly #upstream: DatabaseServer;
  readonly #target: DatabaseServer;
  readonly cluster: TestCluster;
  #tries = 0;

  private constructor(
    options: ChaosOptions,
    upstream: DatabaseServer,
    target: DatabaseServer,
    cluster: TestCluster,
  ) {
    this.#options = options;
    this.#upstream = upstream;
    this.#target = target;
    this.cluster = cluster;
  }

  /** Starts upstream, target, one master and two workers, and adds the source. */
  static async start(options: ChaosOptions): Promise<ChaosRun> {
    // A commit that was answered must be there after a kill, also in the upstream's binary log.
    const durable = ['innodb-flush-log-at-trx-commit=1', 'sync-binlog=1'];
    const [upstream, target] = await Promise.all([
      startMariaDb({ settings: durable, redoLogMb: 64 }),
      startMariaDb({ settings: durable, redoLogMb: 64, binlog: 'off' }),
    ]);
    let cluster: TestCluster | undefined;
    try {
      cluster = await startCluster({ masters: 1, workers: 2, keepaliveTtl: 3 });
      const file = await cluster.file(
        'source.yaml',
        `source-id: ${SOURCE}\nflavor: mariadb\nenable-gtid: true\nchecker:\n  backoff-max: 2s\nfrom:\n` +
          `  host: ${upstream.host}\n  port: ${upstream.port}\n  user: ${upstream.user}\n` +
          `  password: "${upstream.password}"\n`,
      );
      await cluster.must(['operate-source', 'create', file]);
      return new ChaosRun(options, upstream, target, cluster);
    } catch (error) {
      await Promise.all([cluster?.stop(), upstream.stop(), target.stop()]);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await Promise.all([this.#upstream.stop(), this.#target.stop()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** One try. Rejects when the migration does not come back; `equal` is false when the data differ. */
  async attempt(seed: number): Promise<AttemptResult> {
    const began = performance.now();
    const random = new SeededRandom(seed);
    const faults = this.#options.faults ?? drawFaults(random);
    const name = `chaos${++this.#tries}`;
    this.#options.log(`try ${this.#tries}, seed ${seed}: ${faults.map(describeFault).join(', ')}`);
    await this.#prepare(name, seed);
    const writer = new RandomWriter({
      server: this.#upstream,
      schema: name,
      seed,
      ratePerSecond: 200,
    }).start();
    let equal = false;
    let differences: string[] = [];
    try {
      const task = await this.cluster.file(`${name}.yaml`, this.#taskFile(name));
      await this.cluster.must(['start-task', task]);
      await this.#inject(name, faults);
      await this.#replicating(name);
      // A little more load after everything is back.
      const enough = writer.stats.transactions + 50;
      await waitFor(() => writer.stats.transactions >= enough, { what: 'writes after the faults' });
      await writer.stop();
      await this.#drain(name);
      const tables = [...writerTables(name), `${name}.copied`, `${name}.marker`];
      const results = await compareTables(this.#upstream, this.#target, tables);
      differences = results
        .filter((result) => !result.equal)
        .flatMap((result) => [
          `${result.table}: ${result.rowsA} rows upstream, ${result.rowsB} in the target`,
          ...result.differences.map((text) => `  ${text}`),
        ]);
      equal = differences.length === 0;
    } finally {
      await writer.stop();
    }
    await this.cluster.must(['stop-task', name]);
    if (equal) await this.#cleanUp(name);
    return { seed, faults, equal, seconds: (performance.now() - began) / 1000, differences };
  }

  async #prepare(schema: string, seed: number): Promise<void> {
    await createWriterTables(this.#upstream, schema, { rows: 5_000, seed });
    await this.#upstream.query(`CREATE TABLE ${schema}.marker (id INT PRIMARY KEY)`);
    const connection = await this.#upstream.connect();
    await createSysbenchTable(connection, {
      schema,
      table: 'copied',
      rows: this.#options.rows ?? 250_000,
      seed,
    });
    await connection.end();
  }

  #taskFile(name: string): string {
    const { host, port, user, password } = this.#target;
    return `name: ${name}
task-mode: all
target-database: { host: "${host}", port: ${port}, user: "${user}", password: "${password}" }
mysql-instances:
  - source-id: ${SOURCE}
    block-allow-list: one
    mydumper-config-name: small
block-allow-list:
  one: { do-dbs: ["${name}"] }
mydumpers:
  small: { threads: 4, chunk-filesize: "1" }
`;
  }

  async #inject(task: string, faults: readonly Fault[]): Promise<void> {
    let phaseBegan = performance.now();
    let phase: Fault['phase'] = 'copy';
    const restarts = new Map<Victim, Promise<void>>();
    for (const fault of faults) {
      if (fault.phase !== phase) {
        await Promise.all(restarts.values());
        await this.#replicating(task);
        phase = fault.phase;
        phaseBegan = performance.now();
      }
      await sleep(Math.max(0, fault.afterMs - (performance.now() - phaseBegan)));
      // One kind of process is killed again only once it is back.
      await restarts.get(fault.victim);
      const moment = await this.#moment(task);
      const restart = await this.#kill(fault.victim);
      this.#options.log(`  killed ${fault.victim}: ${moment}`);
      restarts.set(
        fault.victim,
        sleep(fault.downMs).then(() => restart()),
      );
    }
    await Promise.all(restarts.values());
  }

  /** How far the copy is, straight from the target, so that asking takes no time. */
  async #moment(task: string): Promise<string> {
    try {
      const rows = await this.#target.query<{ state: string; n: number }>(
        `SELECT state, COUNT(*) AS n FROM dm_meta.${task}_load_chunk GROUP BY state`,
      );
      const pending = rows
        .filter((row) => row.state !== 'loaded')
        .reduce((sum, row) => sum + Number(row.n), 0);
      const loaded = Number(rows.find((row) => row.state === 'loaded')?.n ?? 0);
      return pending > 0 ? `${loaded} of ${loaded + pending} chunks loaded` : 'replicating';
    } catch {
      return 'before the copy, or the target is away';
    }
  }

  /** Kills at once and gives what starts it again. */
  async #kill(victim: Victim): Promise<() => Promise<void>> {
    switch (victim) {
      case 'worker': {
        const worker = this.cluster.worker(await this.#boundWorker());
        await worker.signal('SIGKILL');
        return () => worker.restart();
      }
      case 'master': {
        const master = this.cluster.masters[0]!;
        await master.signal('SIGKILL');
        return () => master.restart();
      }
      case 'nats': {
        // The master watches its nats-server and starts it again.
        const servers = descendantsNamed(this.cluster.masters[0]!.pid, 'nats-server');
        // None runs for a moment when the master was killed just before.
        if (servers.length === 0) this.#options.log('  no nats-server to kill');
        for (const pid of servers) process.kill(pid, 'SIGKILL');
        return () => Promise.resolve();
      }
      case 'upstream':
        await this.#upstream.signal('SIGKILL');
        return () => this.#upstream.restart();
      case 'target':
        await this.#target.signal('SIGKILL');
        return () => this.#target.restart();
    }
  }

  /** The worker that has the source, as far as can be told now; else any. */
  async #boundWorker(): Promise<string> {
    const answer = await this.cluster.dmctl(['list-member', '--worker'], { timeoutMs: 5_000 });
    for (const member of (answer.result ? answer.json.members : undefined) ?? []) {
      for (const worker of member.worker?.workers ?? []) {
        if (worker.source === SOURCE) return String(worker.name);
      }
    }
    return this.cluster.workers[0]!.name;
  }

  async #replicating(task: string): Promise<void> {
    await awaitStates(this.cluster, task, (states) => allReplicating(states, 1), {
      what: `${task} to replicate`,
      timeoutMs: RECOVERY_LIMIT_MS,
      failOnPause: false,
    });
  }

  /** The last upstream row is in the target and the subtask says that it has nothing left. */
  async #drain(task: string): Promise<void> {
    await this.#upstream.query(`INSERT INTO ${task}.marker VALUES (1)`);
    await waitFor(async () => (await this.#target.query(`SELECT id FROM ${task}.marker`)).length > 0, {
      what: 'the marker row in the target',
      timeoutMs: RECOVERY_LIMIT_MS,
    });
    await awaitStates(this.cluster, task, (states) => allSynced(states, 1), {
      what: `${task} to be in sync`,
      timeoutMs: RECOVERY_LIMIT_MS,
      failOnPause: false,
    });
  }

  async #cleanUp(schema: string): Promise<void> {
    await this.#target.query(`DROP DATABASE ${schema}`);
    await this.#upstream.query(`DROP DATABASE ${schema}`);
  }
}
