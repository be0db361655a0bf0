/**
 * The sync unit: reads a source's binlog and applies it to the target, exactly once.
 *
 * reader -> applier -> dispatcher -> lanes -> target
 *
 * `run` takes over the stream in the target, chooses the start and works until `end` or a failure. Reading
 * and giving out happen in turns of bounded size, between which sockets are served.
 */
import { GtidTracker } from '../binlog/gtid.js';
import type { BinlogReader } from '../binlog/reader.js';
import { FencedError } from '../checkpoint/fenced.js';
import type { StreamKey } from '../checkpoint/ownership.js';
import { createMetaTables, MAIN_STREAM, metaTables } from '../checkpoint/tables.js';
import { connectSource, currentLocation } from '../dump/snapshot.js';
import { Router } from '../filter/router.js';
import type { BinlogLocation } from '../model/location.js';
import type { SyncFigures, SyncStatus } from '../model/status.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { connectSession } from '../mysql/connect.js';
import { toDmError } from '../mysql/db-error.js';
import type { Session } from '../mysql/session.js';
import { MigratedTables } from '../online-ddl/migrated-tables.js';
import type { Ports } from '../runtime/ports.js';
import { sharedAbort } from '../runtime/shared-abort.js';
import { flavorOf } from '../schema/fetch.js';
import type { SchemaTracker } from '../schema/apply.js';
import type { TableSchema } from '../schema/table.js';
import { Applier } from './applier.js';
import { ControlSession } from './control-session.js';
import { endDumpThread } from './dump-thread.js';
import { DdlCollations } from './ddl/ddl-collations.js';
import { DdlRunner } from './ddl/ddl.js';
import { Dispatcher } from './dispatcher.js';
import { EventStream } from './event-stream.js';
import { Flusher } from './flusher.js';
import { SyncLimits } from './limits.js';
import { OwnedLanes } from './owned-lanes.js';
import type { OpenParking, Parking, ParkingContext } from './parking.js';
import { loadOnlineDdl, OnlineDdl, type OnlineDdlOptions } from './ddl/online-ddl.js';
import { Progress } from './progress.js';
import { withGtidSets } from './place.js';
import { ReplacedRows } from './rows/replaced-rows.js';
import { SafeMode } from './safe-mode.js';
import { explainRefusal, openSourceBinlog } from './start/source-binlog.js';
import { chooseStart, type StartPoint } from './start/start.js';
import { PlaceFinder } from './start/start-place.js';
import { newXaRows } from './xa-search.js';
import { noteStarted, type StartTime } from './start/start-time.js';
import { SyncMeter } from './meter.js';
import { SyncTime } from './sync-time.js';
import { runTurns } from './turns.js';
import { requireSourceHas } from './start/source-check.js';
import { taskFilters } from './row-filter.js';
import { TableError } from './table-error.js';
import { Tables } from './tables.js';
import { Unsaved } from './unsaved.js';
import { IdleWait, unlessAborted } from './waits.js';

export interface SyncerOptions {
  readonly config: SubtaskConfig;
  readonly epoch: number;
  readonly ports: Pick<Ports, 'clock' | 'log'>;
  /** Lets sockets be served between two turns. */
  readonly nextTurn: () => Promise<void>;
  /** How long trouble with a server is borne before the unit fails, ms; default 60 s. */
  readonly retryMs?: number;
  /** Begin anew at this time, if this start has not. */
  readonly startTime?: StartTime;
  /** Sets tables aside (src/isolation); absent where none is to be. */
  readonly openParking?: OpenParking;
}

export type SyncerEnd =
  { readonly outcome: 'ended' } | { readonly outcome: 'fenced'; readonly seenEpoch: number };

const ENDED = new Error('the unit has been told to end');

export class Syncer {
  /** The source's structures at the place that has been read; null before there are any. */
  tracker: SchemaTracker | null = null;
  readonly #options: SyncerOptions;
  readonly #abort = sharedAbort();
  readonly #key: StreamKey;
  readonly #source: ControlSession;
  readonly #target: ControlSession;
  readonly #flushSession: ControlSession;
  readonly #flusher: Flusher;
  readonly #unsaved = new Unsaved();
  readonly #meter: SyncMeter;
  readonly #limits: SyncLimits;
  readonly #time: SyncTime;
  readonly #own: OwnedLanes;
  #progress: Progress | null = null;
  #applier: Applier | null = null;
  #stream: EventStream | null = null;
  #tables: Tables | null = null;
  #parking: Parking | null = null;
  readonly #idle = new IdleWait();
  #failure: unknown = null;
  readonly #safeMode: SafeMode;
  readonly #replaced = new ReplacedRows();

  constructor(options: SyncerOptions) {
    this.#options = options;
    const { config, ports } = options;
    const { signal } = this.#abort;
    const retryMs = options.retryMs ?? 60_000;
    const common = { clock: ports.clock, retryMs, signal };
    this.#key = { tables: metaTables(config), sourceId: config.sourceId, stream: MAIN_STREAM };
    this.#source = new ControlSession({
      ...common,
      scope: 'upstream',
      connect: () => connectSource({ config, signal }),
    });
    const connect = () => connectSession({ db: config.to });
    this.#target = new ControlSession({ ...common, scope: 'downstream', connect });
    this.#flushSession = new ControlSession({ ...common, scope: 'downstream', connect });
    this.#flusher = new Flusher({
      ...ports,
      session: this.#flushSession,
      owner: () => this.#own.owner,
      progress: () => this.#progress,
      firstUncommitted: () => this.#own.lanes.firstUncommitted(),
      safeModeExit: (location) => this.#safeMode.exitAt(location),
      unsaved: this.#unsaved,
      intervalMs: config.sync.checkpointFlushIntervalMs,
    });
    this.#meter = new SyncMeter(ports.clock);
    this.#limits = new SyncLimits(config.sync, ports.clock);
    this.#time = new SyncTime(ports.clock, (ms) => this.#limits.answered(ms));
    this.#own = new OwnedLanes({
      config,
      key: this.#key,
      epoch: options.epoch,
      ports,
      target: this.#target,
      time: this.#time,
      replaced: this.#replaced,
      retryMs,
      parking: () => this.#parking,
      onFailure: (error) => this.#fail(error),
    });
    this.#safeMode = new SafeMode({ config: config.sync, clock: ports.clock, log: ports.log });
  }

  /** Ends at a safe place within a second; `run` resolves. */
  end(): void {
    this.#abort.abort(ENDED);
  }

  /** Breaks everything off as a crash would: nothing more is committed or saved. */
  destroy(): void {
    this.#abort.abort(ENDED);
    this.#own.present?.destroy();
    this.#parking?.destroy();
    this.#source.destroy();
    this.#target.destroy();
    this.#flushSession.destroy();
  }

  status(): Promise<SyncStatus> {
    return this.#meter.status({
      config: this.#options.config,
      source: this.#source,
      progress: this.#progress,
      lanes: this.#own.present,
      applier: this.#applier,
      replaced: this.#replaced,
      time: this.#time,
      limits: this.#limits,
      serverVersionKnown: this.#own.isOwner,
    });
  }

  /** Counted since the unit has begun. */
  figures(): SyncFigures {
    const { execute } = this.#time;
    return {
      transactions: this.#applier?.transactions ?? 0,
      ddls: this.#applier?.ddls ?? 0,
      bytesRead: this.#stream?.bytesRead ?? 0,
      queuedBytes: this.#own.present?.queuedBytes ?? 0,
      answers: execute.calls,
      answerSeconds: execute.callMs / 1000,
    };
  }

  /**
   * The table that the unit has failed at, where the others could go on; null where it is not certain what of
   * it is applied: its structure was never read while lanes had yet to pass what they applied before.
   */
  failedTable(): { error: TableError; structure: TableSchema | null } | null {
    const error = this.#failure;
    if (!(error instanceof TableError)) return null;
    const structure = this.#tables?.knownTarget(error.target) ?? null;
    return structure === null && this.#own.lanes.catchingUp ? null : { error, structure };
  }

  /** Rejects with DmError. */
  async run(): Promise<SyncerEnd> {
    try {
      await this.#run();
      return { outcome: 'ended' };
    } catch (error) {
      this.#failure ??= error;
      const cause = this.#failure;
      if (cause instanceof FencedError) {
        this.#options.ports.log.warn('sync has been fenced', { error: cause.message });
        return { outcome: 'fenced', seenEpoch: cause.seenEpoch };
      }
      if (cause === ENDED) return { outcome: 'ended' };
      const at = this.#applier?.location();
      const gtids = (set: string) => new GtidTracker(this.#options.config.flavor, set);
      const failure = withGtidSets(
        toDmError(cause, 'not-set'),
        (place) => this.#progress?.gtidSetAt(place, gtids) ?? null,
      );
      throw await explainRefusal(failure, this.#options.config, at);
    } finally {
      await this.#close();
    }
  }

  async #run(): Promise<void> {
    const { config, ports } = this.#options;
    const target = await this.#target.get();
    await createMetaTables(target, this.#key.tables);
    const owner = await this.#own.takeOver();
    const source = await this.#source.get();
    const filter = new MigratedTables(config);
    const finder = new PlaceFinder({ config, source, ports, signal: this.#abort.signal });
    const { startTime } = this.#options;
    const { tables } = this.#key;
    const start = await chooseStart({ config, tables, source, target, filter, finder, startTime });
    ports.log.info('sync starts', {
      name: start.from.name,
      pos: start.from.pos,
      gtidSet: start.from.gtidSet,
    });
    this.#unsaved.online = await loadOnlineDdl(target, filter, tables, config.sourceId, start.tracker);
    for (const table of start.unsaved) this.#unsaved.change(table);
    for (const table of start.outdated) this.#unsaved.drop(table);
    await this.#safeMode.begin({
      from: start.from,
      exit: start.safeModeExit,
      sourceEnd: this.#own.takesOver(start)
        ? async () => currentLocation(await this.#source.get(), config)
        : null,
    });
    await this.#own.prepare(start);
    await this.#meter.calibrate(source, config);
    const context = this.#build(start, filter, source);
    const taken = start.resumed && !start.foreign ? owner.lanes.map(({ position }) => position) : [];
    this.#parking = (await this.#options.openParking?.({ ...context, owner, taken })) ?? null;
    await this.#flusher.flush(start.begun !== null);
    if (start.begun !== null) await noteStarted(target, tables, config.sourceId, start.begun);
    this.#own.lanes.start();
    this.#parking?.start();
    const flushLoop = this.#flusher.run(this.#abort.signal).catch((error: unknown) => this.#fail(error));
    try {
      await this.#loop();
    } finally {
      this.#abort.abort(ENDED);
      await flushLoop;
      await this.#own.end();
      if (this.#failure === null) await this.#flusher.flushAtEnd();
    }
  }

  #build(
    start: StartPoint,
    filter: MigratedTables,
    source: Session,
  ): Omit<ParkingContext, 'owner' | 'taken'> {
    const { config, ports } = this.#options;
    const { signal } = this.#abort;
    const tracks = config.enableGtid || start.from.gtidSet !== '';
    const gtidsFrom = (set: string) => new GtidTracker(config.flavor, set);
    const progress = new Progress(start.from, tracks ? gtidsFrom(start.from.gtidSet) : null);
    const router = new Router(config.routes, { caseSensitive: config.caseSensitive });
    const filters = { filter, ...taskFilters(config, () => ports.clock.wall()) };
    const { tracker } = start;
    const tablesOptions = { ...filters, router, source: this.#source, target: this.#target };
    const tables = new Tables({
      ...tablesOptions,
      tracker,
      onTracked: (table) => this.#unsaved.change(table),
    });
    const lanes = () => this.#own.lanes;
    const dispatcher = new Dispatcher({
      tables,
      lanes,
      copied: start.copied,
      safeMode: () => this.#safeMode.isOn(this.#applier?.transaction),
      parking: () => this.#parking,
    });
    const ddlOptions = {
      source: this.#source,
      target: this.#target,
      ...filters,
      router,
      dialect: { flavor: flavorOf(source), serverVersion: source.serverVersion },
      ansiQuotes: config.sync.enableAnsiQuotes,
      collations: new DdlCollations({ config, source: this.#source, tracker, log: ports.log }),
      clock: ports.clock,
      log: ports.log,
      signal,
    };
    const ddl = new DdlRunner({ ...ddlOptions, owner: () => this.#own.owner });
    const applier = new Applier({
      start: start.from,
      tables,
      tracker,
      dispatcher,
      lanes,
      progress,
      ddl,
      copied: start.copied,
      xa: newXaRows({ config, ports, signal }, this.#source, tables),
      readGtids: tracks ? gtidsFrom(start.from.gtidSet) : null,
      gtidsFrom,
      onTracked: (name) => this.#unsaved.note(tracker, name),
      online: this.#onlineDdl({ migrated: filter, tracker, tables, ddl, router }),
      barrier: (endDdl) => this.#barrier(endDdl),
      parking: () => this.#parking,
      log: ports.log,
    });
    this.#progress = progress;
    this.tracker = tracker;
    this.#applier = applier;
    this.#tables = tables;
    this.#stream = new EventStream({
      open: (from) => this.#open(from),
      resumeAt: () => applier.location(),
      onReopen: () => applier.reopened(),
      clock: ports.clock,
      log: ports.log,
      retryMs: this.#options.retryMs ?? 60_000,
    });
    return {
      from: start.from,
      gtidOrder: this.#own.gtidOrder(start.from),
      target: this.#target,
      tables,
      tracker,
      tablesOptions,
      ddlOptions,
      copied: start.copied,
      takeSeq: () => this.#own.lanes.takeSeq(),
      catchingUp: () => this.#own.lanes.catchingUp,
      barrier: () => this.#barrier(false),
      wake: () => this.#idle.wake(),
      onFailure: (error) => this.#fail(error),
      signal,
    };
  }

  #onlineDdl(parts: Omit<OnlineDdlOptions, 'store' | 'target' | 'log'>): OnlineDdl | null {
    const store = this.#unsaved.online;
    const { log } = this.#options.ports;
    return store === null ? null : new OnlineDdl({ ...parts, store, target: this.#target, log });
  }

  async #open(from: BinlogLocation): Promise<BinlogReader> {
    const { config, ports } = this.#options;
    const { signal } = this.#abort;
    const { clock } = ports;
    const applied = this.#own.lanes.unpassed();
    await unlessAborted(
      requireSourceHas({ config, source: this.#source, from, applied, clock, signal }),
      signal,
    );
    return openSourceBinlog({ config, ports, signal }, from);
  }

  async #loop(): Promise<void> {
    const stream = this.#stream;
    const applier = this.#applier;
    if (stream === null || applier === null) return;
    const { nextTurn } = this.#options;
    await runTurns({
      stream,
      applier,
      lanes: () => this.#own.lanes,
      parking: () => this.#parking,
      idle: this.#idle,
      limits: this.#limits,
      time: this.#time,
      nextTurn,
      afterTurn: () =>
        this.#own.resizes
          ? this.#own.maybeResize(
              () => applier.location(),
              () => this.#barrier(false),
            )
          : undefined,
      signal: this.#abort.signal,
    });
  }

  async #barrier(endDdl: boolean): Promise<void> {
    const drained = unlessAborted(this.#own.lanes.drain(), this.#abort.signal);
    await this.#time.during('waitForLane', drained);
    await this.#flusher.flush(endDdl);
  }

  /** The first trouble ends the unit; what goes wrong while it ends changes nothing any more. */
  #fail(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.#failure = error;
    this.#abort.abort(error);
  }

  async #close(): Promise<void> {
    this.#abort.abort(ENDED);
    const thread = this.#stream?.threadId ?? null;
    await this.#stream?.close();
    const { config, ports } = this.#options;
    await Promise.all([
      thread === null ? undefined : endDumpThread(config, thread, ports),
      this.#source.close(),
      this.#target.close(),
      this.#flushSession.close(),
    ]);
  }
}
