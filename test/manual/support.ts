/**
 * What the tests of the manual's examples share: an example as it is printed made a whole task file (only the
 * servers' addresses are put in, and what an excerpt leaves out), and that task run between real servers.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { createSecrets } from '../../src/config/secret.js';
import { parseSourceConfig } from '../../src/config/source-config.js';
import { resolveSubtasks } from '../../src/config/subtasks.js';
import { parseTaskConfig } from '../../src/config/task-config.js';
import type { ProcessError } from '../../src/model/status.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { nextTurn } from '../../src/runtime/real/turn.js';
import type { SubtaskEnd } from '../../src/subtask/protocol.js';
import { SubtaskRunner } from '../../src/subtask/runner.js';
import { silentLog } from '../copy/support.js';
import type { DatabaseAddress, DatabaseServer } from '../servers/database.js';
import { startMariaDb } from '../servers/index.js';
import { waitFor } from '../support/wait-for.js';

export interface Excerpt {
  /** Of a task file that the example does not name. */
  readonly name?: string;
  readonly mode?: 'all' | 'full' | 'incremental';
  /** Of an example without `mysql-instances`: its only source; it refers to all rules of the example. */
  readonly source?: string;
  /** Of several block-allow lists, the one that the instance takes; the others are left out, as unused ones are refused. */
  readonly list?: string;
}

const REFERENCES = [
  ['routes', 'route-rules'],
  ['filters', 'filter-rules'],
  ['expression-filter', 'expression-filters'],
] as const;

/** The example with the target's address, and where it is an excerpt, with the rest of a task file. */
export function taskFile(example: string, target: DatabaseAddress, excerpt: Excerpt = {}): string {
  const file = parseDocument(example);
  const set = (at: (string | number)[], value: unknown): void => {
    if (!file.hasIn(at)) file.setIn(at, file.createNode(value));
  };
  set(['name'], excerpt.name ?? 'test');
  set(['task-mode'], excerpt.mode ?? 'all');
  const { host, port, user, password } = target;
  for (const [key, value] of Object.entries({ host, port, user, password })) {
    file.setIn(['target-database', key], value);
  }
  const value = file.toJS() as Record<string, Record<string, unknown> | undefined>;
  const lists = ['block-allow-list', 'black-white-list'].flatMap((key) =>
    Object.keys(value[key] ?? {}).map((name) => [key, name] as const),
  );
  const list = excerpt.list ?? lists[0]?.[1];
  for (const [key, name] of lists) if (name !== list) file.deleteIn([key, name]);
  const instance: Record<string, unknown> = { 'source-id': excerpt.source ?? 'mysql-replica-01' };
  if (list !== undefined) instance['block-allow-list'] = list;
  for (const [rules, key] of REFERENCES) {
    if (value[rules] !== undefined) instance[key] = Object.keys(value[rules]);
  }
  set(['mysql-instances'], [instance]);
  return file.toString();
}

/** The subtasks of a task file whose sources are these servers. */
export function subtasks(text: string, sources: Readonly<Record<string, DatabaseServer>>): SubtaskConfig[] {
  const task = parseTaskConfig(text, 'task.yaml');
  const configs = Object.entries(sources).map(([id, server]) => {
    const { host, port, user, password, flavor } = server;
    const from = JSON.stringify({ host, port, user, password });
    return [
      id,
      parseSourceConfig(`source-id: ${id}\nflavor: ${flavor}\nfrom: ${from}`, 'source.yaml'),
    ] as const;
  });
  return resolveSubtasks(task, new Map(configs), createSecrets());
}

/** A task that runs: its subtasks, each as in a worker's thread. */
export class RunningTask {
  readonly #runs: {
    readonly source: DatabaseServer;
    readonly runner: SubtaskRunner;
    readonly done: Promise<SubtaskEnd>;
  }[];
  readonly #ends: SubtaskEnd[] = [];

  constructor(
    configs: readonly SubtaskConfig[],
    sources: Readonly<Record<string, DatabaseServer>>,
    dataDir: string,
    epoch = 1,
  ) {
    this.#runs = configs.map((config) => {
      const runner = new SubtaskRunner({
        start: {
          config,
          epoch,
          removeMeta: false,
          workerName: 'w',
          dataDir,
          log: { level: 'info', file: '', format: 'text' },
        },
        ports: { clock: new RealClock(), log: silentLog },
        nextTurn,
        onUnit: () => undefined,
        retryMs: 20_000,
      });
      const done = runner.run();
      void done.then((end) => this.#ends.push(end));
      return { source: sources[config.sourceId], runner, done };
    });
  }

  /** Waits until the target has all that the sources have now. (`synced` may be some moments old.) */
  async synced(): Promise<void> {
    await Promise.all(
      this.#runs.map(async ({ source, runner }) => {
        const end = await endOf(source);
        const reached = async () => !before((await runner.status()).sync?.syncerBinlog, end);
        await waitFor(async () => this.#ends.length > 0 || reached(), {
          what: `the task to come to ${end}`,
          intervalMs: 20,
        });
      }),
    );
    if (this.#ends.length > 0) throw new Error(`a subtask has ended: ${JSON.stringify(this.#ends)}`);
  }

  /** Waits until a subtask has failed, and gives its errors. */
  async failed(): Promise<ProcessError[]> {
    const end = await Promise.race(this.#runs.map(({ done }) => done));
    if (end.outcome !== 'failed') throw new Error(`expected a failure, not ${JSON.stringify(end)}`);
    return end.errors;
  }

  async end(): Promise<void> {
    for (const { runner } of this.#runs) runner.end();
    await Promise.all(this.#runs.map(({ done }) => done));
  }
}

/** `(name, pos)` of the source's binlog. */
async function endOf(source: DatabaseServer): Promise<string> {
  const [row] = await source.query('SHOW MASTER STATUS');
  return `(${String(row['File'])}, ${String(row['Position'])})`;
}

/** Of two places in a status; one that is not known yet is before all. */
function before(a: string | undefined, b: string): boolean {
  const parse = (text: string) => /^\((.*), (\d+)\)$/.exec(text) ?? ['', '', ''];
  const [[, fileA, posA], [, fileB, posB]] = [parse(a ?? ''), parse(b)];
  return fileA === fileB ? Number(posA) < Number(posB) : fileA < fileB;
}

/** A source, a target, and the task that runs between them. */
export class ManualSetup {
  #task: RunningTask | null = null;
  #epoch = 0;

  private constructor(
    readonly source: DatabaseServer,
    readonly target: DatabaseServer,
    readonly dataDir: string,
  ) {}

  static async start(): Promise<ManualSetup> {
    const [source, target] = await Promise.all([startMariaDb(), startMariaDb({ binlog: 'off' })]);
    return new ManualSetup(source, target, await mkdtemp(path.join(tmpdir(), 'sluice-manual-')));
  }

  async stop(): Promise<void> {
    await this.#task?.end();
    await Promise.all([this.source.stop(), this.target.stop()]);
    await rm(this.dataDir, { recursive: true, force: true });
  }

  /** Ends the task and drops everything on both sides. */
  async wipe(): Promise<void> {
    await this.#task?.end();
    this.#task = null;
    for (const server of [this.source, this.target]) {
      for (const schema of await schemasOf(server)) await server.execute(`DROP DATABASE \`${schema}\``);
    }
  }

  /** Starts the example as a task. */
  begin(example: string, excerpt: Excerpt = {}): RunningTask {
    const text = taskFile(example, this.target, excerpt);
    const id = parseTaskConfig(text, 'task.yaml').instances[0].sourceId;
    const sources = { [id]: this.source };
    this.#task = new RunningTask(subtasks(text, sources), sources, this.dataDir, ++this.#epoch);
    return this.#task;
  }

  /** The example as a task whose full copy is done. */
  async replicating(example: string, excerpt: Excerpt = {}): Promise<RunningTask> {
    const task = this.begin(example, excerpt);
    await task.synced();
    return task;
  }

  /** Runs statements on the source, and waits until their effect has arrived. */
  async follow(...statements: readonly string[]): Promise<void> {
    for (const sql of statements) await this.source.execute(sql);
    await this.#task?.synced();
  }

  /** The target's schemas with their tables. */
  async arrived(): Promise<Record<string, string[]>> {
    return tablesOf(this.target);
  }

  /** Values of a query's only column on the target. */
  async values(sql: string): Promise<unknown[]> {
    return (await this.target.query(sql)).map((row) => Object.values(row)[0]);
  }
}

const SYSTEM = "'mysql', 'information_schema', 'performance_schema', 'sys'";

async function schemasOf(server: DatabaseServer): Promise<string[]> {
  const rows = await server.query(
    `SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name NOT IN (${SYSTEM})`,
  );
  return rows.map((row) => String(row['name']));
}

/** All schemas but those of the server and the tasks' own, with their tables in order. */
export async function tablesOf(server: DatabaseServer): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const schema of (await schemasOf(server)).sort()) {
    if (schema === 'dm_meta') continue;
    const rows = await server.query(`SHOW TABLES FROM \`${schema}\``);
    found[schema] = rows.map((row) => String(Object.values(row)[0])).sort();
  }
  return found;
}
