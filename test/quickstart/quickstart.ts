/** The steps of the quickstart. */
import path from 'node:path';
import { available, startDatabase } from '../servers/availability.js';
import type { DatabaseServer } from '../servers/database.js';
import { natsBinary } from '../servers/nats.js';
import { prepareMariaDb, startMariaDb } from '../servers/mariadb.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { compareTables, type TablePair } from '../support/compare-tables.js';
import { createWriterTables, RandomWriter, writerTables } from '../support/random-writer.js';
import { createSysbenchTable } from '../support/sysbench-table.js';
import { waitFor } from '../support/wait-for.js';
import { SAMPLE_DATA, sourceFile, TASK, taskFile, type SourceDescription } from './files.js';
import type { Screen } from './screen.js';
import { allReplicating, allSynced, awaitStates, type SubtaskState } from '../support/task-status.js';

/** Seconds of silence after which the masters give a worker's source to another one. */
const KEEPALIVE_TTL = 3;
const COPY_LIMIT_MS = 300_000;
const WRITES_PER_SECOND = 150;
const WRITE_AWHILE_MS = 3_000;

export interface QuickstartOptions {
  readonly screen: Screen;
  readonly folder: string;
  readonly rows: number;
}

interface Results {
  copiedRows: number;
  copySeconds: number;
  lagMs: number;
  failoverSeconds: number;
}

export class Quickstart {
  readonly #screen: Screen;
  readonly #folder: string;
  readonly #rows: number;
  readonly #servers: DatabaseServer[] = [];
  readonly #writers: RandomWriter[] = [];
  readonly #results: Results = { copiedRows: 0, copySeconds: 0, lagMs: 0, failoverSeconds: 0 };
  #sources: (SourceDescription & { server: DatabaseServer })[] = [];
  #target: DatabaseServer | undefined;
  #cluster: TestCluster | undefined;

  constructor(options: QuickstartOptions) {
    this.#screen = options.screen;
    this.#folder = options.folder;
    this.#rows = options.rows;
  }

  /** Starts everything, loads the data, and migrates until both sources replicate. */
  async migrate(): Promise<void> {
    await this.#startServers();
    await this.#loadData();
    await this.#startProcesses();
    await this.#startTask();
  }

  /** Keeps writing, kills the replicating worker, waits until in sync, compares. True when all is equal. */
  async prove(): Promise<boolean> {
    await this.#writeAWhile();
    await this.#killWorker();
    await this.#writeAWhile();
    return this.#compare();
  }

  /** Leaves everything running and says what to try. */
  async play(): Promise<true> {
    const line = (text = ''): void => this.#screen.line(text);
    line();
    line('Everything runs until Ctrl-C. What to try, in another terminal:');
    line();
    for (const source of this.#sources) {
      const { server } = source;
      line(`  upstream ${source.sourceId}:  ${this.#client(server)}`);
    }
    line(`  target:  ${this.#client(this.#must(this.#target))}`);
    line();
    const commands = ['query-status', `query-status ${TASK}`, 'list-member', `pause-task ${TASK}`];
    commands.push(`resume-task ${TASK}`, 'operate-source show', `stop-task ${TASK}`);
    for (const command of commands) line(`  ${this.#dmctl(command.split(' '))}`);
    line(`  ${this.#dmctl(['start-task', path.join(this.#folder, 'task.yaml')])}`);
    line(`  ${this.#dmctl([])}     (interactive)`);
    line();
    for (const worker of this.#must(this.#cluster).workers) {
      line(`  kill -9 ${worker.pid}     (${worker.name}; watch its source move with query-status ${TASK})`);
    }
    line();
    line('Random writes go on upstream. Logs are in ' + this.#folder);
    return true;
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#writers.map((writer) => writer.stop()));
    await this.#cluster?.stop();
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  async #startServers(): Promise<void> {
    const screen = this.#screen;
    const second = await screen.step(
      'Looking for the servers, installing what is missing',
      async (progress) => {
        await Promise.all([prepareMariaDb(), natsBinary()]);
        progress('MySQL 9.7 from Debian packages, into the cache folder');
        const state = await available('mysql-9.7');
        progress(state.ok ? 'MariaDB, MySQL 9.7, nats-server' : 'MariaDB, nats-server');
        if (!state.ok)
          screen.note(`  MySQL 9.7 cannot be had (${state.missing}): a second MariaDB takes its place`);
        return state.ok ? ('mysql-9.7' as const) : ('mariadb-10.11' as const);
      },
    );
    await screen.step('Starting two upstreams and a target', async (progress) => {
      const [first, other, target] = await Promise.all([
        startMariaDb({ redoLogMb: 256 }),
        startDatabase(second),
        startMariaDb({ redoLogMb: 256 }),
      ]);
      this.#servers.push(first, other, target);
      this.#target = target;
      this.#sources = [
        {
          sourceId: 'source-01',
          server: first,
          flavor: 'mariadb',
          schemas: ['testdm', 'sbtest', 'app1'],
          renamed: {},
        },
        {
          sourceId: 'source-02',
          server: other,
          flavor: other.flavor,
          schemas: ['testdm', 'app2'],
          renamed: { testdm: 'testdm_from_02' },
        },
      ];
      progress(`upstreams ${first.kind} and ${other.kind}, target ${target.kind}`);
    });
  }

  async #loadData(): Promise<void> {
    const screen = this.#screen;
    await screen.step(
      `Loading the manual's sample data and ${this.#rows} sysbench rows upstream`,
      async (progress) => {
        for (const [i, { server }] of this.#sources.entries()) {
          await server.execute(SAMPLE_DATA);
          await server.query('CREATE TABLE testdm.marker (id INT PRIMARY KEY)');
          await createWriterTables(server, `app${i + 1}`, { seed: i + 1 });
        }
        const connection = await this.#sources[0]!.server.connect();
        await createSysbenchTable(connection, {
          schema: 'sbtest',
          table: 'sbtest1',
          rows: this.#rows,
          onProgress: (rows) => progress(`${rows} rows`),
        });
        await connection.end();
      },
    );
  }

  async #startProcesses(): Promise<void> {
    const screen = this.#screen;
    const cluster = await screen.step(
      'Starting one dm-master (with its nats-server) and three dm-workers',
      () => startCluster({ masters: 1, workers: 3, keepaliveTtl: KEEPALIVE_TTL, folder: this.#folder }),
    );
    this.#cluster = cluster;
    for (const one of [...cluster.masters, ...cluster.workers]) screen.command(one.command);
  }

  async #startTask(): Promise<void> {
    const cluster = this.#must(this.#cluster);
    for (const source of this.#sources) {
      const file = await cluster.file(`${source.sourceId}.yaml`, sourceFile(source));
      const answer = await this.#run(['operate-source', 'create', file]);
      this.#screen.note(`  ${source.sourceId} is on ${answer.json?.sources?.[0]?.worker}`);
    }
    const task = await cluster.file('task.yaml', taskFile(this.#must(this.#target), this.#sources));
    await this.#run(['check-task', task], 120_000);
    // Writers run during the copy too.
    for (const [i, { server }] of this.#sources.entries()) {
      const writer = new RandomWriter({
        server,
        schema: `app${i + 1}`,
        seed: i + 11,
        ratePerSecond: WRITES_PER_SECOND,
      });
      this.#writers.push(writer.start());
    }
    const began = performance.now();
    await this.#run(['start-task', task], 120_000);
    await this.#screen.step('Copying', async (progress) => {
      await awaitStates(cluster, TASK, (states) => allReplicating(states, this.#sources.length), {
        what: 'both sources to replicate',
        timeoutMs: COPY_LIMIT_MS,
        onState: (states) => progress(describeStates(states)),
      });
    });
    this.#results.copySeconds = (performance.now() - began) / 1000;
    const [count] = await this.#must(this.#target).query<{ n: number }>(
      'SELECT COUNT(*) AS n FROM sbtest.sbtest1',
    );
    // Sysbench rows, the sample rows of both sources, and what the writers' tables began with.
    this.#results.copiedRows = Number(count?.n ?? 0) + this.#sources.length * (5 + 4 * 200);
    await this.#run(['query-status']);
  }

  /** Lets the writers run and measures how long a committed row takes to the target. */
  async #writeAWhile(): Promise<void> {
    const target = this.#must(this.#target);
    await this.#screen.step('Writing upstream while it replicates', async (progress) => {
      const until = performance.now() + WRITE_AWHILE_MS;
      while (performance.now() < until) {
        const ms = await this.#markerDelay(this.#sources[0]!, target);
        this.#results.lagMs = Math.max(this.#results.lagMs, ms);
        progress(`a row takes ${ms.toFixed(0)} ms to the target`);
      }
    });
  }

  #marker = 0;

  async #markerDelay(
    source: SourceDescription & { server: DatabaseServer },
    target: DatabaseServer,
  ): Promise<number> {
    const id = ++this.#marker;
    await source.server.query('INSERT INTO testdm.marker VALUES (?)', [id]);
    const began = performance.now();
    const table = `${source.renamed['testdm'] ?? 'testdm'}.marker`;
    await waitFor(async () => (await target.query(`SELECT id FROM ${table} WHERE id = ${id}`)).length > 0, {
      what: `row ${id} of ${source.sourceId} in the target`,
      timeoutMs: 60_000,
      intervalMs: 5,
      details: () => this.#must(this.#cluster).describe(),
    });
    return performance.now() - began;
  }

  async #killWorker(): Promise<void> {
    const cluster = this.#must(this.#cluster);
    const source = this.#sources[0]!;
    const states = await awaitStates(cluster, TASK, (all) => allReplicating(all, this.#sources.length), {
      what: 'both sources to replicate',
      timeoutMs: 30_000,
    });
    const before = states.find((state) => state.source === source.sourceId)?.worker ?? '';
    const worker = cluster.worker(before);
    this.#screen.note(`Killing ${before}, which replicates ${source.sourceId}`);
    this.#screen.command(`kill -9 ${worker.pid}`);
    await worker.signal('SIGKILL');
    const began = performance.now();
    await this.#screen.step('Waiting for another worker to go on', async (progress) => {
      const moved = await awaitStates(
        cluster,
        TASK,
        (all) =>
          allReplicating(all, this.#sources.length) &&
          all.every(
            (state) => state.source !== source.sourceId || (state.worker !== before && state.worker !== ''),
          ),
        { what: `${source.sourceId} to move`, timeoutMs: 120_000, failOnPause: false },
      );
      const after = moved.find((state) => state.source === source.sourceId)?.worker;
      // It has moved when rows arrive again.
      await this.#markerDelay(source, this.#must(this.#target));
      progress(`${source.sourceId} moved from ${before} to ${after}`);
    });
    this.#results.failoverSeconds = (performance.now() - began) / 1000;
    await this.#run(['list-member', '--worker']);
  }

  async #compare(): Promise<boolean> {
    const cluster = this.#must(this.#cluster);
    const target = this.#must(this.#target);
    const screen = this.#screen;
    const stats = await Promise.all(this.#writers.map((writer) => writer.stop()));
    this.#writers.length = 0;
    screen.note('Stopped the writers');
    const states = await screen.step('Waiting until in sync', async () => {
      for (const source of this.#sources) await this.#markerDelay(source, target);
      return awaitStates(cluster, TASK, (all) => allSynced(all, this.#sources.length), {
        what: 'both sources to be in sync',
        timeoutMs: 120_000,
      });
    });
    await this.#run(['query-status', TASK]);
    const comparisons = await screen.step('Comparing checksums of all tables', async () => {
      const all = [];
      for (const [i, source] of this.#sources.entries()) {
        const pairs: (TablePair | string)[] = ['t1', 't2', 'marker'].map((table) => ({
          a: `testdm.${table}`,
          b: `${source.renamed['testdm'] ?? 'testdm'}.${table}`,
        }));
        pairs.push(...writerTables(`app${i + 1}`));
        if (i === 0) pairs.push('sbtest.sbtest1');
        for (const result of await compareTables(source.server, target, pairs)) {
          all.push({ source: source.sourceId, ...result });
        }
      }
      return all;
    });
    for (const { source, table, rowsA, rowsB, equal, differences } of comparisons) {
      screen.note(
        `  ${source} ${table}: ${rowsA} rows, ${rowsB} in the target: ${equal ? 'equal' : 'DIFFERENT'}`,
      );
      for (const difference of differences) screen.line(`            ${difference}`);
    }
    const equal = comparisons.length > 0 && comparisons.every((result) => result.equal);
    const events = states.reduce((sum, state) => sum + Number(state.detail['totalEvents'] ?? 0), 0);
    const { copiedRows, copySeconds, failoverSeconds, lagMs } = this.#results;
    screen.table([
      ['rows copied', String(copiedRows)],
      ['rows/s', (copiedRows / copySeconds).toFixed(0)],
      ['rows changed upstream', String(stats.reduce((sum, one) => sum + one.rows, 0))],
      ['events replicated (since the failover)', String(events)],
      ['failover time', `${failoverSeconds.toFixed(1)} s (keepalive-ttl ${KEEPALIVE_TTL} s)`],
      ['lag, worst seen', `${lagMs.toFixed(0)} ms`],
      ['data', equal ? 'equal' : 'NOT equal'],
    ]);
    return equal;
  }

  #run(args: readonly string[], timeoutMs?: number): ReturnType<TestCluster['must']> {
    this.#screen.command(this.#dmctl(args));
    return this.#must(this.#cluster).must(args, timeoutMs ? { timeoutMs } : {});
  }

  #dmctl(args: readonly string[]): string {
    const address = this.#must(this.#cluster).masterAddr;
    return ['node dist/src/bin/dmctl.js', `--master-addr ${address}`, ...args].join(' ');
  }

  #client(server: DatabaseServer): string {
    return `mariadb -h ${server.host} -P ${server.port} -u ${server.user} -p${server.password}`;
  }

  #must<T>(value: T | undefined): T {
    if (value === undefined) throw new Error('the quickstart has not come to this part yet');
    return value;
  }
}

function describeStates(states: readonly SubtaskState[]): string {
  return states
    .map((state) => {
      const progress = state.detail['progress'];
      return `${state.source} ${state.stage} ${state.unit}${progress ? ` ${String(progress)}` : ''}`;
    })
    .join(', ');
}
