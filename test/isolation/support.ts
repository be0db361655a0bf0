/** What the tests of isolation share. */
import { expect } from 'vitest';
import { IsolatingSyncer } from '../../src/isolation/isolating-syncer.js';
import { comparePositions } from '../../src/model/location.js';
import type { IsolatedTable } from '../../src/model/status.js';
import type { SubtaskConfig } from '../../src/model/subtask-config.js';
import type { Log } from '../../src/runtime/ports.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { nextTurn } from '../../src/runtime/real/turn.js';
import type { SyncerEnd } from '../../src/sync/syncer.js';
import { silentLog, type Address } from '../copy/support.js';
import type { DatabaseServer } from '../servers/database.js';
import { waitFor } from '../support/wait-for.js';
import { incremental } from '../sync/support.js';

export interface Running {
  readonly syncer: IsolatingSyncer;
  readonly done: Promise<SyncerEnd>;
}

/** A task that starts at the source's present place and sets tables aside. */
export async function isolating(
  source: DatabaseServer,
  target: Address,
  extra: Partial<SubtaskConfig> = {},
  sync: Partial<SubtaskConfig['sync']> = {},
): Promise<SubtaskConfig> {
  const config = await incremental(source, target, extra);
  return { ...config, sync: { ...config.sync, onTableError: 'isolate', ...sync } };
}

export function start(config: SubtaskConfig, epoch: number, log: Log = silentLog): Running {
  const ports = { clock: new RealClock(), log };
  const syncer = new IsolatingSyncer({ config, epoch, ports, nextTurn, retryMs: 30_000 });
  const done = syncer.run();
  // Whoever awaits `done` sees the failure; until then it must not count as unhandled.
  done.catch(() => undefined);
  return { syncer, done };
}

export async function stop(running: Running): Promise<void> {
  running.syncer.end();
  expect(await running.done).toEqual({ outcome: 'ended' });
}

export async function kill(running: Running): Promise<void> {
  running.syncer.destroy();
  await Promise.allSettled([running.done]);
}

/** Waits for a condition; fails at once with the syncer's own failure. */
export async function until(
  running: Running,
  what: string,
  condition: () => Promise<boolean>,
  timeoutMs?: number,
): Promise<void> {
  let end: unknown;
  running.done.then(
    (value) => (end = value),
    (error: unknown) => (end = error),
  );
  await waitFor(async () => end !== undefined || (await condition()), { what, timeoutMs });
  if (end instanceof Error) throw end;
  if (end !== undefined) throw new Error(`the syncer has ended: ${JSON.stringify(end)}`);
}

export async function isolated(running: Running): Promise<IsolatedTable[]> {
  return (await running.syncer.status()).isolatedTables ?? [];
}

/** Waits until the target tables (`schema.table`) are set aside, no more and no fewer. */
export function untilParked(running: Running, ...tables: string[]): Promise<void> {
  const wanted = tables.map((table) => table.replace(/^(.*)\.(.*)$/, '`$1`.`$2`')).sort();
  return until(running, `${tables.join(', ')} to be set aside`, async () => {
    const now = (await isolated(running)).filter(({ state }) => state === 'parked');
    const names = now.map(({ target }) => target).sort();
    return JSON.stringify(names) === JSON.stringify(wanted);
  });
}

/** Waits until everything that the source has now is applied or kept. */
export async function untilSynced(running: Running, source: DatabaseServer): Promise<void> {
  const [row] = await source.query('SHOW MASTER STATUS');
  const end = { name: String(row['File']), pos: Number(row['Position']) };
  await until(running, 'the syncer to catch up', async () => {
    const { syncerBinlog } = await running.syncer.status();
    const [, name, pos] = /^\((.*), (\d+)\)$/.exec(syncerBinlog) ?? [];
    return name !== undefined && name !== '' && comparePositions({ name, pos: Number(pos) }, end) >= 0;
  });
}

/** Waits until nothing is set aside and all is applied. */
export async function untilWhole(running: Running, source: DatabaseServer): Promise<void> {
  await until(running, 'all tables to rejoin', async () => {
    // Before the unit has begun nobody knows of any.
    return running.syncer.opened && (await isolated(running)).length === 0;
  });
  await untilSynced(running, source);
}

export function retry(running: Running, name: string): void {
  const { isolation } = running.syncer;
  const table = isolation?.all().find(({ target }) => `${target.schema}.${target.table}` === name);
  if (!isolation || !table) throw new Error(`${name} is not set aside`);
  isolation.retry(table);
}
