/**
 * Tables that are set aside (`on-table-error: isolate`): keeps their changes, and lets them catch up and
 * rejoin. The way of a parked table:
 *
 * parked --retry--> catching up (the log is applied from its beginning, new changes are appended)
 *   --nearly empty--> at the next end of a transaction, with everything committed and saved: the rest is
 *   applied, and the table is as any other again. A change that fails again leaves it parked.
 */
import { FencedError } from '../checkpoint/fenced.js';
import type { Ownership } from '../checkpoint/ownership.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { IsolatedTable } from '../model/status.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import { connectSession } from '../mysql/connect.js';
import { toDmError } from '../mysql/db-error.js';
import type { Ports } from '../runtime/ports.js';
import { sharedAbort } from '../runtime/shared-abort.js';
import type { RowsEvent } from '../binlog/events.js';
import type { TableSchema } from '../schema/table.js';
import { ControlSession } from '../sync/control-session.js';
import type { DdlPlan, QueryEvent } from '../sync/ddl/ddl.js';
import { connectLane } from '../sync/lanes/lane-session.js';
import type { Parking, ParkingContext } from '../sync/parking.js';
import type { Transaction } from '../sync/transaction.js';
import { encodeDdl } from './entry.js';
import { Keeper } from './keeper.js';
import type { ParkedTable } from './parked-table.js';
import { openReplay } from './open-replay.js';
import { readPage } from './pages.js';
import type { Replay } from './replay.js';
import { Room } from './room.js';
import { SideLog } from './side-log.js';
import type { IsolationStore } from './store.js';

/** The stream of the log (checkpoint/ownership.ts). */
export const LOG_STREAM = 'isolation';

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

interface Rejoining {
  readonly table: ParkedTable;
  /** To be called at the boundary. */
  readonly finish: () => Promise<void>;
  /** There is no boundary before more is applied. */
  readonly interrupt: () => void;
}

/** Ends of transactions are waited for once no more than this many changes are left. */
const NEARLY = 500;

export class Isolation implements Parking {
  readonly #options: IsolationOptions;
  readonly #tables = new Map<string, ParkedTable>();
  readonly #abort = sharedAbort();
  readonly #log: SideLog;
  readonly #keeper: Keeper;
  readonly #ddlSession: ControlSession;
  readonly #room: Room;
  /** Tables to catch up, in turn. */
  readonly #queue: ParkedTable[] = [];
  #catching = false;
  #wakeUntangling: (() => void) | null = null;
  #working: Promise<void> = Promise.resolve();
  #wake: (() => void) | null = null;
  #replay: Replay | null = null;
  /** The table that has nearly caught up, and what tells its worker that the boundary has been. */
  #rejoining: Rejoining | null = null;
  /** Targets of source tables, as the router says. */
  readonly #targets = new Map<string, ParkedTable | null>();

  constructor(options: IsolationOptions) {
    this.#options = options;
    const { config, context, ports, retryMs } = options;
    for (const table of options.tables) this.#tables.set(tableKey(table.target), table);
    this.#room = new Room({
      maxBytes: config.sync.isolateMaxBytes,
      tables: () => this.#tables.values(),
      // A table that waits for the end of a transaction applies nothing until then.
      shrinks: () => this.#rejoining === null && (this.#queue.length > 0 || this.#catching),
      goOn: () => this.#interrupt(),
    });
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
    if (waiting === undefined) return this.#kept();
    return waiting.then(() => this.#kept());
  }

  #kept(): Promise<void> | undefined {
    this.#log.pump();
    return this.#room.wait();
  }

  async untangle(plan: DdlPlan): Promise<void> {
    for (;;) {
      const parked = this.#parkedTargets(plan);
      if (parked.length === 0 || (plan.targets.length === 1 && parked[0].table !== '')) return;
      const rejoining = this.#rejoining;
      if (rejoining?.table.passed === true && !this.#options.context.catchingUp()) await this.atBoundary();
      else if (this.#catching || this.#queue.length > 0) {
        await new Promise<void>((resolve) => (this.#wakeUntangling = resolve));
      } else return;
    }
  }

  #parkedTargets(plan: DdlPlan): TableName[] {
    if (this.#tables.size === 0) return [];
    return plan.targets.filter((target) =>
      target.table === '' ? this.#holdsSchema(plan, target) : this.#tables.has(tableKey(target)),
    );
  }

  parkedBy(plan: DdlPlan): TableName | null {
    const parked = this.#parkedTargets(plan);
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
    if (table.catchingUp) {
      table.askedAgain = true;
      return;
    }
    if (this.#queue.includes(table)) return;
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

  /** Less is kept, or what was being applied waits or has ended. */
  #noteChange(): void {
    this.#room.changed();
    const wake = this.#wakeUntangling;
    this.#wakeUntangling = null;
    wake?.();
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
      this.#catching = true;
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
      } finally {
        this.#catching = false;
        this.#noteChange();
      }
    }
  }

  async #failedAgain(table: ParkedTable, error: unknown): Promise<void> {
    const { ports, control, store } = this.#options;
    table.catchingUp = false;
    const dropped = table.askedAgain && table.state === 'dropping';
    if (!dropped) table.state = 'parked';
    table.error = toDmError(error, 'downstream').toProcessError();
    ports.log.warn('a table that is set aside cannot catch up', {
      table: quoteTable(table.target),
      error: table.error.Message,
      cause: table.error.RawCause,
    });
    await control.retry((session) => store.setState(session, table.number, table.state, table.error));
    if (table.askedAgain) this.retry(table);
  }

  async #catchUp(table: ParkedTable): Promise<void> {
    const { ports } = this.#options;
    table.catchingUp = true;
    table.askedAgain = false;
    if (table.state === 'dropping') {
      await this.#emptyLog(table);
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
    const replay = await openReplay(
      { ...this.#options, ddlSession: this.#ddlSession, signal: this.#abort.signal },
      table,
    );
    this.#replay = replay;
    try {
      this.#abort.signal.throwIfAborted();
      // A table that is written faster than it catches up rejoins with the stream waiting.
      let patience = 2 * table.changes + NEARLY;
      do {
        while (this.#room.isWaitedFor || (table.changes > NEARLY && patience > 0)) {
          const applied = await this.#applyPage(replay, table);
          if (applied === 0) break;
          patience -= applied;
        }
      } while (!(await this.#boundary(table, () => this.#finish(replay, table))));
    } finally {
      this.#replay = null;
      await replay.end();
    }
  }

  /** The number of entries that were applied: 0 at the end of the log. */
  async #applyPage(replay: Replay, table: ParkedTable): Promise<number> {
    const { control, store } = this.#options;
    this.#abort.signal.throwIfAborted();
    const page = await control.retry((session) => readPage(session, store, table));
    await replay.apply(page);
    this.#noteChange();
    return page.length;
  }

  async #finish(replay: Replay, table: ParkedTable): Promise<void> {
    while ((await this.#applyPage(replay, table)) > 0);
    await this.#rejoin(table);
  }

  /** The stream stands in the midst of a transaction and needs room. */
  #interrupt(): boolean {
    const rejoining = this.#rejoining;
    if (rejoining === null || rejoining.table.changes === 0) return false;
    this.#rejoining = null;
    rejoining.interrupt();
    return true;
  }

  /**
   * Runs the last steps while the stream stands between two transactions, with all committed and saved.
   * Resolves with false where it cannot come to stand before more is applied.
   */
  #boundary(table: ParkedTable, steps: () => Promise<void>): Promise<boolean> {
    const { signal } = this.#abort;
    return new Promise<boolean>((resolve, reject) => {
      const stop = () => reject(signal.reason as Error);
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener('abort', stop, { once: true });
      const settle = (how: () => void): void => {
        signal.removeEventListener('abort', stop);
        how();
      };
      this.#rejoining = {
        table,
        // Where the steps fail the table stays parked; the stream goes on.
        finish: () =>
          steps().then(
            () => settle(() => resolve(true)),
            (error: unknown) => settle(() => reject(error as Error)),
          ),
        interrupt: () => settle(() => resolve(false)),
      };
      this.#noteChange();
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
}
