/** All that a replay needs: the ownership of its stream, and tables and DDL of its own. */
import { resetLanes, takeOver, type Ownership } from '../checkpoint/ownership.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import type { Ports } from '../runtime/ports.js';
import type { ControlSession } from '../sync/control-session.js';
import { DdlRunner } from '../sync/ddl/ddl.js';
import { connectLane } from '../sync/lanes/lane-session.js';
import type { ParkingContext } from '../sync/parking.js';
import { Tables } from '../sync/tables.js';
import { readTables } from './pages.js';
import type { ParkedTable } from './parked-table.js';
import { Replay } from './replay.js';
import type { IsolationStore } from './store.js';

/** The stream of what is applied from the log (checkpoint/ownership.ts). */
const REPLAY_STREAM = 'isolation-replay';

export interface OpenReplayOptions {
  readonly config: SubtaskConfig;
  readonly epoch: number;
  readonly ports: Pick<Ports, 'clock' | 'log'>;
  readonly retryMs: number;
  readonly context: ParkingContext;
  readonly store: IsolationStore;
  readonly owner: Ownership;
  readonly control: ControlSession;
  /** DDL changes its session for a while: nobody else may use it. */
  readonly ddlSession: ControlSession;
  readonly signal: AbortSignal;
}

export async function openReplay(options: OpenReplayOptions, table: ParkedTable): Promise<Replay> {
  const { config, context, control, store, ports, retryMs, epoch, owner, signal } = options;
  const key = { tables: owner.tables, sourceId: owner.sourceId, stream: REPLAY_STREAM };
  const replayOwner = await control.retry(async (session) => {
    const taken = await takeOver(session, key, epoch, 1, ports.log);
    if (taken.existed) return taken;
    return resetLanes(session, taken, 1, { name: '', pos: 0, gtid: '', row: 0 });
  });
  const tracker = context.tracker.fork();
  const replay = new Replay({
    table,
    owner: replayOwner,
    store,
    tables: new Tables({
      ...context.tablesOptions,
      target: control,
      tracker,
      onTracked: () => undefined,
    }),
    tracker,
    present: context.tracker,
    ddl: new DdlRunner({
      ...context.ddlOptions,
      owner: () => replayOwner,
      target: options.ddlSession,
      signal,
    }),
    copied: context.copied,
    connect: () => connectLane(config),
    batch: config.sync.batch,
    retryMs,
    clock: ports.clock,
    log: ports.log,
  });
  const known = await control.retry((session) => readTables(session, store, table));
  for (const entry of known) replay.remember(entry);
  return replay;
}
