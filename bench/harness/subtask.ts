/** One subtask of ours in this process, as a worker's thread runs it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { UnitName } from '../../src/model/stage.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { nextTurn } from '../../src/runtime/real/turn.js';
import type { SubtaskEnd } from '../../src/subtask/protocol.js';
import { SubtaskRunner } from '../../src/subtask/runner.js';
import { silentLog } from '../../test/copy/support.js';

export interface RunningSubtask {
  readonly runner: SubtaskRunner;
  /** How it has ended by itself or after `end`. */
  readonly ended: Promise<SubtaskEnd>;
  /** Resolves at a safe place. */
  end(): Promise<void>;
}

const POLL_MS = 10;

/** Starts from nothing: what earlier runs have left in the target's meta tables is removed. */
export async function startSubtask(
  config: SubtaskConfig,
  onUnit: (unit: UnitName) => void = () => undefined,
): Promise<RunningSubtask> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-bench-'));
  const log = { level: 'error', file: '', format: 'text' } as const;
  const runner = new SubtaskRunner({
    start: { config, epoch: 1, removeMeta: true, workerName: 'bench', dataDir, log },
    ports: { clock: new RealClock(), log: silentLog },
    nextTurn,
    onUnit,
  });
  const ended = runner.run().finally(() => rm(dataDir, { recursive: true, force: true }));
  return {
    runner,
    ended,
    async end() {
      runner.end();
      await ended;
    },
  };
}

/** Until the sync unit's place is not before this one; rejects when the subtask ends before. */
export async function untilSynced(
  { runner, ended }: RunningSubtask,
  to: { readonly name: string; readonly pos: number },
): Promise<void> {
  let over: SubtaskEnd | null = null;
  void ended.then((end) => (over = end));
  for (;;) {
    const at = /\((.*), (\d+)\)/.exec((await runner.status()).sync?.syncerBinlog ?? '');
    if (at !== null && at[1] === to.name && Number(at[2]) >= to.pos) return;
    if (over !== null) throw new Error(`the subtask has ended: ${JSON.stringify(over)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
