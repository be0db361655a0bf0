/**
 * Tables that are set aside (`on-table-error: isolate`): keeps their changes, and lets them catch up and
 * rejoin. The way of a parked table:
 *
 * parked --retry--> catching up (the log is applied from its beginning, new changes are appended)
 *   --nearly empty--> at the next end of a transaction, with everything committed and saved: the rest is
 *   applied, and the table is as any other again. A change that fails again leaves it parked.
 */
import { FencedError } from '../checkpoint/fenced.js';
import { resetLanes, takeOver, type Ownership } from '../checkpoint/ownership.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { IsolatedTable } from '../model/status.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import { connectSession } from '../mysql/connect.js';
import { toDmError } from '../mysql/db-error.js';
import type { Ports } from '../runtime/ports.js';
import type { RowsEvent } from '../binlog/events.js';
import type { TableSchema } from '../schema/table.js';
import { ControlSession } from '../sync/control-session.js';
import type { DdlPlan, QueryEvent } from '../sync/ddl.js';
import { DdlRunner } from '../sync/ddl.js';
import { connectLane } from '../sync/lane-session.js';
import type { Parking, ParkingContext } from '../sync/parking.js';
import { Tables } from '../sync/tables.js';
import type { Transaction } from '../sync/transaction.js';
import { encodeDdl } from './entry.js';
import { Keeper } from './keeper.js';
import type { ParkedTable } from './parked-table.js';
import { readPage, readTables } from './pages.js';
import { Replay } from './replay.js';
import { SideLog } from './side-log.js';
import type { IsolationStore } from './store.js';

/** The streams of the log and of what is applied from it (checkpoint/ownership.ts). */
export const LOG_STREAM = 'isolation';
export const REPLAY_STREAM = 'isolation-replay';

export interface IsolationOptions {
  readonly config: SubtaskConfig;
  readonly epoch: number;
  readonly ports: Pick<Ports, 'clock' | 'log'>;
  readonly retryMs: number;
  readonly context: ParkingContext;
  readonly store: IsolationStore;
  readonly owner: Ownership;
  readonly control: ControlSession;
  readonly tables: readonly ParkedTable[];
}

/** Ends of transactions are waited for once no more than this many changes are left. */
const NEARLY = 500;

export class Isolation implements Parking {
  readonly #options: IsolationOptions;
  readonly #tables = new Map<string, ParkedTable>();
  readonly #abort = new AbortController();
  readonly #log: SideLog;
  readonly #keeper: Keeper;
  readonly #ddlSession: ControlSession;
  /** Tables to catch up, in turn. */
  readonly #queue: ParkedTable[] = [];
  #working: Promise<void> = Promise.resolve();
  #wake: (() => void) | null = null;
  #replay: Replay | null = null;
  /** The table that has nearly caught up, and what tells its worker that the boundary has been. */
  #rejoining: { readonly table: ParkedTable; readonly finish: () => Promise<void> } | null = null;
  /** Targets of source tables, as the router says. */
  readonly #targets = new Map<string, ParkedTable | null>();

  constructor(options: IsolationOptions) {
    this.#options = options;
    const { config, context, ports, retryMs } = options;
    for (const table of options.tables) this.#tables.set(tableKey(table.target), table);
    const connect = () => connectLane(config);
    this.#log = new SideLog({
      owner: options.owner,
      store: options.store,
      clock: ports.clock,
      log: ports.log,
      connect,
      retryMs,
      takeSeq: context.takeSeq,
      onFailure: context.onFailure,
    });
    this.#keeper = new Keeper({ log: this.#log, tables: context.tables, tracker: context.tracker });
    this.#ddlSession = new ControlSession({
      clock: ports.clock,
      retryMs,
      signal: this.#abort.signal,
      scope: 'downstream',
      connect: () => connectSession({ db: config.to }),
    });
  }

  get active(): boolean {
    return this.#tables.size > 0;
  }

  get firstUncommitted(): number {
    return this.#log.firstUncommitted;
  }

  drain(): Promise<void> {
    return this.#log.drain();
  }

  start(): void {
    this.#log.start();
    this.#working = this.#work();
  }

  async end(): Promise<void> {
    this.#abort.abort(new Error('isolation ends'));
    this.#wake?.();
    await Promise.all([this.#log.end(), this.#replay?.end(), this.#working]);
    await Promise.all([this.#ddlSession.close(), this.#options.control.close()]);
  }

  destroy(): void {
    this.#abort.abort(new Error('isolation ends'));
    this.#log.destroy();
    this.#replay?.destroy();
    this.#ddlSession.destroy();
    this.#options.control.destroy();
  }

  status(): IsolatedTable[] {
    return [...this.#tables.values()].map((table) => table.status());
  }

  beginTransaction(transaction: Transaction): void {
    for (const table of this.#tables.values()) table.beginTransaction(transaction);
  }

  endTransaction(): void {
    for (const table of this.#tables.values()) table.endTransaction();
  }

  takes(source: TableName): boolean {
    return this.#parked(source) !== null;
  }

  keepRows(event: RowsEvent, transaction: Transaction, safeMode: boolean): Promise<void> | undefined {
    const table = this.#parked(event.map);
    if (table === null) return undefined;
    const waiting = this.#keeper.keep(table, event, transaction, safeMode);
    this.#log.pump();
    this.#requireRoom();
    return waiting;
  }

  parkedBy(plan: DdlPlan): TableName | null {
    if (this.#tables.size === 0) return null;
    const parked = plan.targets.filter((target) =>
      target.table === '' ? this.#holdsSchema(plan, target) : this.#tables.has(tableKey(target)),
    );
    if (parked.length === 0) return null;
    if (plan.targets.length === 1 && parked[0].table !== '') return parked[0];
    throw new DmError(
      CODES.isolationSpans,
      `the statement concerns ${parked.map(quoteTable).join(', ')}, which is set aside, and other tables: their order could not be kept`,
    );
  }

  keepDdl(event: QueryEvent, target: TableName, transaction: Transaction, before?: TableSchema): void {
    const table = this.#tables.get(tableKey(target));
    if (table === undefined || table.has(transaction, 1)) return;
    const { gtid, name, pos, timestamp } = transaction;
    this.#log.append(
      table,
      'ddl',
      encodeDdl({ transaction: { gtid, name, pos, timestamp }, event, before }),
      transaction,
      1,
    );
    this.#targets.clear();
  }

  /** Lets the table catch up; at once, where nothing else does. */
  retry(table: ParkedTable): void {
    if (table.catchingUp || this.#queue.includes(table)) return;
    this.#queue.push(table);
    this.#wake?.();
  }

  all(): ParkedTable[] {
    return [...this.#tables.values()];
  }

  /** Gives up what is kept of the table: it rejoins without. */
  async drop(table: ParkedTable): Promise<void> {
    const { control, store } = this.#options;
    await control.retry((session) => store.setState(session, table.number, 'dropping'));
    table.state = 'dropping';
    this.retry(table);
  }

  get wantsBoundary(): boolean {
    const rejoining = this.#rejoining;
    return rejoining !== null && rejoining.table.passed && !this.#options.context.catchingUp();
  }

  async atBoundary(): Promise<void> {
    const rejoining = this.#rejoining;
    if (rejoining === null) return;
    this.#rejoining = null;
    await this.#options.context.barrier();
    await rejoining.finish();
  }

  #parked(source: TableName): ParkedTable | null {
    const key = tableKey(source);
    const known = this.#targets.get(key);
    if (known !== undefined) return known;
    const { tables } = this.#options.context;
    const found = tables.migrates(source) ? this.#tables.get(tableKey(tables.targetOf(source))) : undefined;
    this.#targets.set(key, found ?? null);
    return found ?? null;
  }

  #holdsSchema(plan: DdlPlan, { schema }: TableName): boolean {
    if (plan.parsed.kind !== 'drop-database') return false;
    return [...this.#tables.values()].some(({ target }) => target.schema === schema);
  }

  #requireRoom(): void {
    const { isolateMaxBytes } = this.#options.config.sync;
    let bytes = 0;
    for (const table of this.#tables.values()) bytes += table.bytes;
    if (bytes <= isolateMaxBytes) return;
    const names = [...this.#tables.values()].map(({ target }) => quoteTable(target)).join(', ');
    throw new DmError(
      CODES.isolationFull,
      `the changes that are kept for ${names} take more than \`isolate-max-bytes\`: ${isolateMaxBytes} bytes`,
    );
  }

  /** One table after the other catches up. */
  async #work(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const table = this.#queue.shift();
      if (table === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = null;
        continue;
      }
      try {
        await this.#catchUp(table);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof FencedError) {
          this.#options.context.onFailure(error);
          return;
        }
        await this.#failedAgain(table, error).catch((failure: unknown) =>
          this.#options.context.onFailure(failure),
        );
      }
    }
  }

  async #failedAgain(table: ParkedTable, error: unknown): Promise<void> {
    const { ports, control, store } = this.#options;
    table.catchingUp = false;
    table.state = 'parked';
    table.error = toDmError(error, 'downstream').toProcessError();
    ports.log.warn('a table that is set aside cannot catch up', {
      table: quoteTable(table.target),
      error: table.error.Message,
      cause: table.error.RawCause,
    });
    await control.retry((session) => store.setState(session, table.number, 'parked', table.error));
  }

  async #catchUp(table: ParkedTable): Promise<void> {
    const { control, ports } = this.#options;
    table.catchingUp = true;
    if (table.state === 'dropping') {
      await this.#boundary(table, async () => {
        await this.#emptyLog(table);
        await this.#rejoin(table);
      });
      return;
    }
    ports.log.info('a table that was set aside catches up', {
      table: quoteTable(table.target),
      changes: table.changes,
    });
    const replay = await this.#openReplay(table);
    this.#replay = replay;
    try {
      this.#abort.signal.throwIfAborted();
      // A table that is written faster than it catches up rejoins with the stream waiting.
      let patience = 2 * table.changes + NEARLY;
      while (table.changes > NEARLY && patience > 0) {
        const page = await control.retry((session) => readPage(session, this.#options.store, table));
        if (page.length === 0) break;
        await replay.apply(page);
        patience -= page.length;
        this.#abort.signal.throwIfAborted();
      }
      await this.#boundary(table, async () => {
        for (;;) {
          const page = await control.retry((session) => readPage(session, this.#options.store, table));
          if (page.length === 0) break;
          await replay.apply(page);
        }
        await this.#rejoin(table);
      });
    } finally {
      this.#replay = null;
      await replay.end();
    }
  }

  /** Runs the last steps while the stream stands between two transactions, with all committed and saved. */
  #boundary(table: ParkedTable, steps: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = this.#abort;
      const stop = () => reject(signal.reason as Error);
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener('abort', stop, { once: true });
      const finish = async (): Promise<void> => {
        try {
          await steps();
          resolve();
        } catch (error) {
          // The table stays parked; the stream goes on.
          reject(error as Error);
        } finally {
          signal.removeEventListener('abort', stop);
        }
      };
      this.#rejoining = { table, finish };
      this.#options.context.wake();
    });
  }

  async #rejoin(table: ParkedTable): Promise<void> {
    const { control, store, context, ports } = this.#options;
    await control.retry((session) => store.unpark(session, table.number));
    this.#tables.delete(tableKey(table.target));
    this.#targets.clear();
    this.#keeper.forget(table.target);
    context.tables.forget();
    ports.log.info('a table that was set aside has rejoined', { table: quoteTable(table.target) });
  }

  async #emptyLog(table: ParkedTable): Promise<void> {
    const { control, store } = this.#options;
    while (await control.retry((session) => store.dropSome(session, table.number))) {
      this.#abort.signal.throwIfAborted();
    }
  }

  async #openReplay(table: ParkedTable): Promise<Replay> {
    const { config, context, control, store, ports, retryMs, epoch, owner } = this.#options;
    const key = { tables: owner.tables, sourceId: owner.sourceId, stream: REPLAY_STREAM };
    const replayOwner = await control.retry(async (session) => {
      const taken = await takeOver(session, key, epoch, 1, ports.log);
      if (taken.existed) return taken;
      return resetLanes(session, taken, 1, { name: '', pos: 0, gtid: '', row: 0 });
    });
    const tracker = context.tracker.fork();
    const tables = new Tables({
      ...context.tablesOptions,
      target: control,
      tracker,
      onTracked: () => undefined,
    });
    const replay = new Replay({
      table,
      owner: replayOwner,
      store,
      tables,
      tracker,
      present: context.tracker,
      ddl: new DdlRunner({
        ...context.ddlOptions,
        owner: () => replayOwner,
        target: this.#ddlSession,
        signal: this.#abort.signal,
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
}
