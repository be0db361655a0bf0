/** Subtasks of ours as a worker process runs them: a thread each. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ThreadRunner } from '../../actors/thread-runner.js';
import type { UnitName } from '../../src/model/stage.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import type { SubtaskEnd } from '../../src/subtask/protocol.js';
import { silentLog } from '../../test/copy/support.js';
import type { Place } from './replication.js';

const STATUS_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

export interface SubtaskThread {
  /** Resolves with the time (ms) at which this unit has begun; rejects when the subtask ends before. */
  begun(unit: UnitName): Promise<number>;
  /** How it has ended by itself or after `end`. */
  readonly ended: Promise<SubtaskEnd>;
  /** Until the sync unit's place is not before this one; rejects when the subtask ends before. */
  synced(to: Pick<Place, 'name' | 'pos'>): Promise<void>;
  /** Resolves at a safe place. */
  end(): Promise<void>;
}

export async function startThread(config: SubtaskConfig): Promise<SubtaskThread> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-bench-'));
  const runner = new ThreadRunner({
    clock: new RealClock(),
    log: silentLog,
    entry: new URL('../../src/subtask/thread.js', import.meta.url),
  });
  const begins = new Map<UnitName, number>();
  let over: SubtaskEnd | null = null;
  let told: (end: SubtaskEnd) => void;
  const ended = new Promise<SubtaskEnd>((resolve) => (told = resolve)).finally(() =>
    rm(dataDir, { recursive: true, force: true }),
  );
  const log = { level: 'error', file: path.join(dataDir, 'log'), format: 'text' } as const;
  const running = runner.start(
    { config, epoch: 1, removeMeta: false, workerName: 'bench', dataDir, log },
    {
      unit: (name) => begins.set(name, performance.now()),
      ended: (end) => {
        over = end;
        told(end);
      },
    },
  );
  /** Asks until there is something. */
  async function poll<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (over !== null) throw new Error(`${config.sourceId} has ended: ${JSON.stringify(over)}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  return {
    ended,
    begun: (unit) => poll(async () => begins.get(unit)),
    async synced(to) {
      await poll(async () => {
        const { sync } = await running.status(STATUS_TIMEOUT_MS);
        const at = /\((.*), (\d+)\)/.exec(sync?.syncerBinlog ?? '');
        return at !== null && at[1] === to.name && Number(at[2]) >= to.pos ? true : undefined;
      });
    },
    async end() {
      running.end('stop');
      await ended;
    },
  };
}
