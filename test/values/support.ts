/** A whole subtask in this process: the copy and then the binlog, as a task of mode `all` does it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { comparePositions } from '../../src/model/location.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import type { Log } from '../../src/runtime/ports.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { nextTurn } from '../../src/runtime/real/turn.js';
import type { SubtaskEnd } from '../../src/subtask/protocol.js';
import { SubtaskRunner } from '../../src/subtask/runner.js';
import { silentLog, subtaskConfig, type Address } from '../copy/support.js';
import { available, startDatabase, type DatabaseKind } from '../servers/availability.js';
import type { DatabaseServer } from '../servers/database.js';
import { waitFor } from '../support/wait-for.js';

export class Task {
  readonly #runner: SubtaskRunner;
  readonly #done: Promise<SubtaskEnd>;
  readonly #folder: string;
  readonly #source: DatabaseServer;
  #end: SubtaskEnd | undefined;

  private constructor(runner: SubtaskRunner, folder: string, source: DatabaseServer) {
    this.#runner = runner;
    this.#source = source;
    this.#folder = folder;
    this.#done = runner.run();
    void this.#done.then((end) => (this.#end = end));
  }

  static async start(
    source: DatabaseServer,
    target: Address,
    extra: Partial<SubtaskConfig>,
    options: { readonly epoch?: number; readonly log?: Log } = {},
  ): Promise<Task> {
    const folder = await mkdtemp(path.join(tmpdir(), 'sluice-values-'));
    const config = subtaskConfig(source, target, { ignoreCheckingItems: ['all'], ...extra });
    const runner = new SubtaskRunner({
      start: {
        config,
        epoch: options.epoch ?? 1,
        removeMeta: false,
        workerName: 'w',
        dataDir: folder,
        log: { level: 'info', file: '', format: 'text' },
      },
      ports: { clock: new RealClock(), log: options.log ?? silentLog },
      nextTurn,
      onUnit: () => undefined,
      retryMs: 20_000,
    });
    return new Task(runner, folder, source);
  }

  /** Everything that the source has now is in the target; fails with the task's own error. */
  async untilSynced(): Promise<void> {
    const status = this.#source.flavor === 'mariadb' ? 'SHOW MASTER STATUS' : 'SHOW BINARY LOG STATUS';
    const [row] = await this.#source.query(status);
    const master = { name: String(row!['File']), pos: Number(row!['Position']) };
    const reached = async () => {
      const shown = /^\((.*), (\d+)\)$/.exec((await this.#runner.status()).sync?.syncerBinlog ?? '');
      return shown !== null && comparePositions({ name: shown[1], pos: Number(shown[2]) }, master) >= 0;
    };
    await waitFor(async () => this.#end !== undefined || (await reached()), {
      what: 'the subtask to catch up',
    });
    if (this.#end !== undefined) throw new Error(`the subtask has ended: ${JSON.stringify(this.#end)}`);
  }

  /** The message of the error with which the task ends by itself. */
  async failure(): Promise<string> {
    const end = await this.#done;
    await rm(this.#folder, { recursive: true, force: true });
    if (end.outcome !== 'failed') throw new Error(`expected a failure: ${JSON.stringify(end)}`);
    return end.errors
      .map((error) => `${error.ErrCode} ${error.Message} ${error.RawCause} ${error.Workaround}`)
      .join('\n');
  }

  async stop(): Promise<void> {
    this.#runner.end();
    await this.#done;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export function only(schema: string): Pick<SubtaskConfig, 'blockAllow' | 'task'> {
  return {
    task: schema,
    blockAllow: { doDbs: [schema], doTables: [], ignoreDbs: [], ignoreTables: [] },
  };
}

/** Servers of one test file, each started once. */
export class Servers {
  readonly #started = new Map<string, Promise<DatabaseServer>>();

  /** Null, and the reason, where there is none here. */
  async get(kind: DatabaseKind, role: string): Promise<DatabaseServer | { readonly missing: string }> {
    const state = await available(kind);
    if (!state.ok) return { missing: state.missing };
    const key = `${role} ${kind}`;
    let server = this.#started.get(key);
    if (server === undefined) {
      server = startDatabase(kind);
      this.#started.set(key, server);
    }
    return server;
  }

  async stop(): Promise<void> {
    for (const server of this.#started.values()) await (await server).stop();
  }
}
