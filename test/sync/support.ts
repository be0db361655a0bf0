/** What the tests of sync share: a syncer with its promise, and waiting until all is applied. */
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import type { Log } from '../../src/runtime/ports.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { nextTurn } from '../../src/runtime/real/turn.js';
import type { StartTime } from '../../src/sync/start/start-time.js';
import { Syncer, type SyncerEnd } from '../../src/sync/syncer.js';
import { silentLog, subtaskConfig, type Address } from '../copy/support.js';
import type { DatabaseServer } from '../servers/database.js';
import { compareTables } from '../support/compare-tables.js';
import { waitFor } from '../support/wait-for.js';
import { expect } from 'vitest';

export interface RunningSyncer {
  readonly syncer: Syncer;
  readonly done: Promise<SyncerEnd>;
}

export function startSyncer(
  config: SubtaskConfig,
  epoch: number,
  log: Log = silentLog,
  startTime?: StartTime,
): RunningSyncer {
  const syncer = new Syncer({
    config,
    epoch,
    ports: { clock: new RealClock(), log },
    nextTurn,
    retryMs: 30_000,
    startTime,
  });
  const done = syncer.run();
  // Whoever awaits `done` sees the failure; until then it must not count as unhandled.
  done.catch(() => undefined);
  return { syncer, done };
}

/** A task that starts at the source's present place. */
export async function incremental(
  source: DatabaseServer,
  target: Address,
  extra: Partial<SubtaskConfig> = {},
): Promise<SubtaskConfig> {
  const [row] = await source.query(
    source.kind === 'mysql-9.7' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS',
  );
  const [gtid] = await source.query(
    source.flavor === 'mariadb' ? 'SELECT @@gtid_binlog_pos AS g' : 'SELECT @@gtid_executed AS g',
  );
  return subtaskConfig(source, target, {
    taskMode: 'incremental',
    task: 'sync',
    meta: {
      binlogName: String(row?.['File']),
      binlogPos: Number(row?.['Position']),
      binlogGtid: String(gtid?.['g']).replaceAll('\n', ''),
    },
    ...extra,
  });
}

/** Waits until everything of the source is committed in the target; fails with the syncer's own failure. */
export async function untilSynced(running: RunningSyncer, timeoutMs?: number): Promise<void> {
  let end: unknown;
  running.done.then(
    (value) => (end = value),
    (error: unknown) => (end = error),
  );
  await waitFor(async () => end !== undefined || (await running.syncer.status()).synced, {
    what: 'the syncer to catch up',
    timeoutMs,
  });
  if (end instanceof Error) throw end;
  if (end !== undefined) throw new Error(`the syncer has ended: ${JSON.stringify(end)}`);
}

/** Waits until it has applied so many rows more than at the call; fails with the syncer's own failure. */
export async function untilApplied(running: RunningSyncer, more: number): Promise<void> {
  let end: unknown;
  running.done.then(
    (value) => (end = value),
    (error: unknown) => (end = error),
  );
  const rows = async () => Number((await running.syncer.status()).totalRows);
  const before = await rows();
  await waitFor(async () => end !== undefined || (await rows()) >= before + more, {
    what: `${more} more rows to be applied`,
    intervalMs: 10,
  });
  if (end instanceof Error) throw end;
  if (end !== undefined) throw new Error(`the syncer has ended: ${JSON.stringify(end)}`);
}

export async function expectEqualTables(a: Address, b: Address, tables: readonly string[]): Promise<void> {
  const compared = await compareTables(a, b, tables);
  expect(compared.filter((table) => !table.equal)).toEqual([]);
}
