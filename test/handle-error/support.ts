/** What the tests of binlog and handle-error share: a cluster with two sources, and tasks paused by a DDL. */
import { expect } from 'vitest';
import { startDatabase, type DatabaseKind } from '../servers/availability.js';
import { startMariaDb } from '../servers/index.js';
import type { DatabaseServer } from '../servers/database.js';
import { startCluster, type TestCluster } from '../support/cluster.js';
import { address, BareClient, sourceYaml, taskYaml, untilEqual, type Answer } from '../lifecycle/support.js';

export type SourceId = 'one' | 'two';

export interface ErrorSetupOptions {
  readonly workers?: number;
  /** Of source `one` and of the target; default MariaDB. */
  readonly kind?: DatabaseKind;
}

export class ErrorSetup {
  private constructor(
    readonly cluster: TestCluster,
    readonly nats: BareClient,
    readonly sources: Record<SourceId, DatabaseServer>,
    readonly target: DatabaseServer,
  ) {}

  /** `one` is read by file and position (by GTID where it is no MariaDB), `two` by GTID. */
  static async start(options: ErrorSetupOptions = {}): Promise<ErrorSetup> {
    const { kind = 'mariadb-10.11' } = options;
    const [one, two, target, cluster] = await Promise.all([
      startDatabase(kind),
      startMariaDb(),
      startDatabase(kind, { binlog: 'off' }),
      startCluster({ workers: options.workers ?? 2, keepaliveTtl: 3 }),
    ]);
    const nats = await BareClient.connect(cluster);
    await nats.must('operate-source', {
      op: 'create',
      config: [
        sourceYaml('one', one, { gtid: one.flavor === 'mysql' }),
        sourceYaml('two', two, { gtid: true }),
      ],
    });
    return new ErrorSetup(cluster, nats, { one, two }, target);
  }

  async stop(): Promise<void> {
    await this.nats[Symbol.asyncDispose]();
    await this.cluster.stop();
    await Promise.all([this.sources.one.stop(), this.sources.two.stop(), this.target.stop()]);
  }

  async stopTasks(): Promise<void> {
    for (const task of await this.nats.taskNames()) await this.nats.ask('stop-task', { task });
  }

  /**
   * A task of the name of its schema, replicating. `tables`: for each source what creates its tables and
   * their first rows, within the schema.
   */
  async replicating(
    schema: string,
    tables: Partial<Record<SourceId, readonly string[]>>,
    more: { readonly extra?: string; readonly instance?: () => string } = {},
  ): Promise<void> {
    for (const [source, statements] of Object.entries(tables)) {
      const server = this.sources[source as SourceId];
      await server.execute(`CREATE DATABASE ${schema}`);
      for (const sql of statements) await server.execute(`USE ${schema}; ${sql}`);
    }
    const sources = Object.keys(tables);
    await this.nats.must('start-task', {
      task: taskYaml({ name: schema, target: address(this.target), sources, ...more }),
    });
    for (const source of sources) await this.nats.untilSync(schema, source);
  }

  /** Runs statements on a source, each by itself, in the schema. */
  async run(source: SourceId, schema: string, ...statements: readonly string[]): Promise<void> {
    await this.sources[source].execute([`USE ${schema}`, ...statements].join(';'));
  }

  async runOnTarget(schema: string, ...statements: readonly string[]): Promise<void> {
    await this.target.execute([`USE ${schema}`, ...statements].join(';'));
  }

  /** Waits until the subtask is paused by an error that matches; gives the error. */
  async pausedBy(task: string, pattern: RegExp, source: SourceId = 'one'): Promise<Answer> {
    const text = (status: Answer): string => JSON.stringify(status.result?.errors ?? '');
    const status = await this.nats.untilSubtask(
      task,
      `to be paused by ${pattern}`,
      (s: Answer) => s.stage === 'Paused' && pattern.test(text(s)),
      { source, details: () => this.cluster.describe() },
    );
    expect(status.result.errors).toHaveLength(1);
    return status.result.errors[0];
  }

  /** The answer of a command without a position, as everybody types it. */
  binlog(op: string, task: string, more: object = {}): Promise<Answer> {
    return this.nats.ask('binlog', { op, task, ...more });
  }

  /** As `binlog`; every `result` of the answer is true. */
  async decided(op: string, task: string, more: object = {}): Promise<Answer> {
    const answer = await this.binlog(op, task, more);
    expect(answer, JSON.stringify(answer)).toMatchObject({ result: true, msg: '' });
    for (const one of answer.sources) expect(one).toMatchObject({ result: true });
    return answer;
  }

  /** What `binlog list` says of the only source. */
  async listed(task: string, more: object = {}): Promise<Answer> {
    const answer = await this.binlog('list', task, more);
    expect(answer.result, JSON.stringify(answer)).toBe(true);
    return JSON.parse(answer.sources[0].msg as string);
  }

  async running(task: string, source: SourceId = 'one'): Promise<void> {
    await this.nats.untilSync(task, source);
  }

  async equal(table: string, source: SourceId = 'one'): Promise<void> {
    await untilEqual(this.sources[source], this.target, table, { details: () => this.cluster.describe() });
  }
}

/** `startLocation` of an error, as `--binlog-pos` takes it. */
export function startOf(error: Answer): string {
  const match = /startLocation: \[position: \((\S+), (\d+)\), gtid-set: [^\]]*\]/.exec(
    error.Message as string,
  );
  if (match === null) throw new Error(`no place in ${error.Message}`);
  return `${match[1]}:${match[2]}`;
}

/** Where the source's statements that match begin, as SHOW BINLOG EVENTS tells. */
export async function positionsOf(server: DatabaseServer, pattern: RegExp): Promise<string[]> {
  const [status] = await server.query(
    server.flavor === 'mysql' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS',
  );
  const file = String(status?.['File']);
  const events = await server.query(`SHOW BINLOG EVENTS IN '${file}'`);
  return events
    .filter((event) => event['Event_type'] === 'Query' && pattern.test(String(event['Info'])))
    .map((event) => `${file}:${String(event['Pos'])}`);
}
