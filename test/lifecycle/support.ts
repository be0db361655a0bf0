/** What the lifecycle tests share: configuration texts, and the two doors of a command. */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { expect } from 'vitest';
import type { DatabaseAddress, DatabaseServer } from '../servers/database.js';
import type { TestCluster } from '../support/cluster.js';
import { waitFor } from '../support/wait-for.js';

export interface SourceOptions extends Partial<DatabaseAddress> {
  readonly gtid?: boolean;
  /** Further lines at the top level. */
  readonly extra?: string;
}

function endpoint({ host, port, user, password }: DatabaseAddress, indent = '  '): string {
  return [`host: ${host}`, `port: ${port}`, `user: ${user}`, `password: "${password}"`]
    .map((line) => indent + line)
    .join('\n');
}

export function address(server: DatabaseAddress, other: Partial<DatabaseAddress> = {}): DatabaseAddress {
  const { host, port, user, password } = server;
  return { host, port, user, password, ...other };
}

export function sourceYaml(id: string, server: DatabaseAddress, options: SourceOptions = {}): string {
  const { gtid = false, extra = '', ...other } = options;
  return `source-id: ${id}\nenable-gtid: ${gtid}\nfrom:\n${endpoint(address(server, other))}\n${extra}`;
}

export interface TaskOptions {
  readonly name: string;
  readonly target: DatabaseAddress;
  readonly sources: readonly string[];
  readonly mode?: 'full' | 'incremental' | 'all';
  /** The schemas to migrate; default: one with the name of the task. */
  readonly schemas?: readonly string[];
  /** Further lines of each instance (four spaces deep). */
  readonly instance?: (source: string) => string;
  /** Further lines at the top level. */
  readonly extra?: string;
}

export function taskYaml(options: TaskOptions): string {
  const { name, target, sources, mode = 'all', schemas = [name], instance, extra = '' } = options;
  const instances = sources.map(
    (source) => `  - source-id: ${source}\n    block-allow-list: own\n${instance?.(source) ?? ''}`,
  );
  return `name: ${name}
task-mode: ${mode}
target-database:
${endpoint(target)}
mysql-instances:
${instances.join('')}block-allow-list:
  own:
    do-dbs: [${schemas.map((schema) => `"${schema}"`).join(', ')}]
${extra}`;
}

/** The answers' shapes are what the tests check: they look into them freely. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Answer = any;

/** A bare NATS client, as `nats request dm.ctl.<command> '<json>'`. */
export class BareClient implements AsyncDisposable {
  readonly #connection: NatsConnection;

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  static async connect(cluster: TestCluster): Promise<BareClient> {
    return new BareClient(await connect({ servers: cluster.masters[0]!.addr, maxReconnectAttempts: -1 }));
  }

  /** The answer to raw bytes, which need be no JSON. */
  async raw(command: string, data: string | Uint8Array, timeoutMs = 60_000): Promise<Answer> {
    const message = await this.#connection.request(`dm.ctl.${command}`, data, { timeout: timeoutMs });
    return message.json();
  }

  ask(command: string, request: object = {}): Promise<Answer> {
    return this.raw(command, JSON.stringify(request));
  }

  /** As `ask`, and throws with the answer unless it says `result: true`. */
  async must(command: string, request: object = {}): Promise<Answer> {
    const answer = await this.ask(command, request);
    if (answer.result !== true) throw new Error(`${command} failed: ${JSON.stringify(answer, undefined, 1)}`);
    return answer;
  }

  /** Source -> worker ('' = none). */
  async placements(): Promise<Record<string, string>> {
    const { sources } = await this.must('operate-source', { op: 'show' });
    return Object.fromEntries(
      (sources as { source: string; worker: string }[]).map((one) => [one.source, one.worker]),
    );
  }

  async taskNames(): Promise<string[]> {
    const { tasks } = await this.must('query-status');
    return (tasks as { taskName: string }[]).map((task) => task.taskName);
  }

  /** Status of the task's subtask on the source (of its only one without a name). */
  async subtask(task: string, source?: string): Promise<Answer> {
    const answer = await this.ask('query-status', { task });
    const views = (answer.sources ?? []) as Answer[];
    const view = source === undefined ? views[0] : views.find((one) => one.sourceStatus.source === source);
    return view?.subTaskStatus?.[0];
  }

  async untilSubtask(
    task: string,
    what: string,
    done: (status: Answer) => boolean,
    options: { source?: string; timeoutMs?: number | undefined; details?: () => string } = {},
  ): Promise<Answer> {
    let last: Answer;
    return waitFor(
      async () => {
        last = await this.subtask(task, options.source);
        return last !== undefined && done(last) ? last : false;
      },
      {
        what: `${task} ${options.source ?? ''}: ${what}`,
        timeoutMs: options.timeoutMs,
        intervalMs: 100,
        details: () => `${JSON.stringify(last, undefined, 1)}\n${options.details?.() ?? ''}`,
      },
    );
  }

  untilSync(task: string, source?: string): Promise<Answer> {
    return this.untilSubtask(task, 'to replicate', (s) => s.stage === 'Running' && s.unit === 'Sync', {
      source,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}

/** Rows of a table as one text each, sorted, for tables that have no key. */
export async function rowsOf(server: DatabaseServer, table: string): Promise<string[]> {
  const rows = await server.query(`SELECT * FROM ${table}`);
  return rows.map((row) => JSON.stringify(Object.values(row))).sort();
}

/** Waits until the table holds the same rows on both sides. */
export async function untilEqual(
  upstream: DatabaseServer,
  target: DatabaseServer,
  table: string,
  options: { timeoutMs?: number | undefined; targetTable?: string; details?: () => string } = {},
): Promise<void> {
  const expected = await rowsOf(upstream, table);
  let seen: string[] = [];
  const same = () =>
    waitFor(
      async () => {
        seen = await rowsOf(target, options.targetTable ?? table);
        return seen.length === expected.length && seen.every((row, i) => row === expected[i]);
      },
      {
        what: `${table} to be the same on both sides`,
        timeoutMs: options.timeoutMs,
        intervalMs: 100,
        details: () =>
          `expected ${expected.length} rows, found ${seen.length}: ${seen.slice(-5).join()}\n${options.details?.() ?? ''}`,
      },
    );
  await same();
}

/** Every error answer says so, with the code, a message and, where there is one to give, a way out. */
export function expectRefusal(answer: Answer, code: number, message: RegExp | string): void {
  expect(answer?.result, JSON.stringify(answer)).toBe(false);
  expect(answer.msg).toMatch(
    new RegExp(`^\\[code=${code}:class=[a-z-]+:scope=[a-z-]+:level=(low|medium|high)\\], Message: `),
  );
  if (typeof message === 'string') expect(answer.msg).toContain(message);
  else expect(answer.msg).toMatch(message);
  expect(answer.msg).toMatch(/, Workaround: \S/);
}
