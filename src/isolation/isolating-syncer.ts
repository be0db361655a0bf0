/**
 * The sync unit with tables set aside. An error that concerns one table ends the syncer inside like any
 * other; a new one takes over at once, finds from the lanes' positions what was applied of the table, and
 * keeps its further changes in the side log. So what is kept begins exactly where the table stands.
 */
import { takeOver, resetLanes } from '../checkpoint/ownership.js';
import { metaTables } from '../checkpoint/tables.js';
import type { SyncStatus } from '../model/status.js';
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import { connectSession } from '../mysql/connect.js';
import type { TableSchema } from '../schema/table.js';
import { ControlSession } from '../sync/control-session.js';
import type { Parking, ParkingContext } from '../sync/parking.js';
import { Syncer, type SyncerEnd, type SyncerOptions } from '../sync/syncer.js';
import type { TableError } from '../sync/table-error.js';
import { Isolation, LOG_STREAM } from './isolation.js';
import { readTables } from './pages.js';
import { ParkedTable } from './parked-table.js';
import {
  createIsolationTables,
  IsolationStore,
  isolationTables,
  loadParked,
  type ParkedRow,
} from './store.js';
import { decodeTable } from './entry.js';

interface Failed {
  readonly error: TableError;
  readonly structure: TableSchema | null;
}

export class IsolatingSyncer {
  readonly #options: SyncerOptions;
  #syncer: Syncer;
  #isolation: Isolation | null = null;
  /** The table that is to be set aside. */
  #failed: Failed | null = null;
  /** Tables that were set aside before the unit began are tried again when it does. */
  #first = true;
  #ended = false;
  #opened = false;

  constructor(options: SyncerOptions) {
    this.#options = options;
    this.#syncer = this.#newSyncer();
  }

  /** Whether it is known what is set aside: not while the unit takes over. */
  get opened(): boolean {
    return this.#opened;
  }

  /** Tables that are set aside; null while nothing is. */
  get isolation(): Isolation | null {
    return this.#isolation;
  }

  end(): void {
    this.#ended = true;
    this.#syncer.end();
  }

  destroy(): void {
    this.#ended = true;
    this.#syncer.destroy();
  }

  async status(): Promise<SyncStatus> {
    const status = await this.#syncer.status();
    const isolatedTables = this.#isolation?.status() ?? [];
    return isolatedTables.length === 0 ? status : { ...status, isolatedTables };
  }

  /** The syncer that works now. */
  get current(): Syncer {
    return this.#syncer;
  }

  /** As Syncer.run. */
  async run(): Promise<SyncerEnd> {
    for (;;) {
      try {
        return await this.#syncer.run();
      } catch (error) {
        const failed =
          this.#options.config.sync.onTableError === 'isolate' ? this.#syncer.failedTable() : null;
        if (failed === null || this.#ended || this.#isParked(failed.error.target)) throw error;
        this.#options.ports.log.warn('setting a table aside', {
          table: quoteTable(failed.error.target),
          error: failed.error.message,
          cause: failed.error.rawCause,
        });
        this.#failed = failed;
        this.#first = false;
        this.#isolation = null;
        this.#opened = false;
        this.#syncer = this.#newSyncer();
      }
    }
  }

  #isParked(target: TableName): boolean {
    return this.#isolation?.all().some((table) => tableKey(table.target) === tableKey(target)) ?? false;
  }

  #newSyncer(): Syncer {
    return new Syncer({ ...this.#options, openParking: (context) => this.#open(context) });
  }

  async #open(context: ParkingContext): Promise<Parking | null> {
    const { config, epoch, ports } = this.#options;
    const retryMs = this.#options.retryMs ?? 60_000;
    const names = isolationTables(config);
    const failed = this.#failed;
    let rows = await context.target.retry((session) => loadParked(session, names, config.sourceId));
    if (rows.length === 0 && failed === null) {
      this.#opened = true;
      return null;
    }
    const control = new ControlSession({
      clock: ports.clock,
      retryMs,
      signal: context.signal,
      scope: 'downstream',
      connect: () => connectSession({ db: config.to }),
    });
    const session = await control.get();
    await createIsolationTables(session, names);
    const key = { tables: metaTables(config), sourceId: config.sourceId, stream: LOG_STREAM };
    let owner = await takeOver(session, key, epoch, 1, ports.log);
    if (!owner.existed) owner = await resetLanes(session, owner, 1, { name: '', pos: 0, gtid: '', row: 0 });
    // Only now nobody else writes.
    rows = await loadParked(session, names, config.sourceId);
    const store = new IsolationStore(names, owner);
    if (failed !== null) {
      rows.push(
        await store.park(session, {
          target: failed.error.target,
          since: new Date(ports.clock.wall()).toISOString().slice(0, 19).replace('T', ' '),
          error: failed.error.toProcessError(),
          lanes: context.taken,
          structure: failed.structure,
        }),
      );
    }
    this.#failed = null;
    const tables = rows.map((row) => new ParkedTable(row, context));
    for (const table of tables) {
      const known = await readTables(session, store, table);
      for (const { payload } of known) table.sources.add(quoteTable(named(decodeTable(payload).map)));
      table.first = await firstPlace(control, store, table);
    }
    const isolation = new Isolation({
      config,
      epoch,
      ports,
      retryMs,
      context,
      store,
      owner,
      control,
      tables,
    });
    this.#isolation = isolation;
    this.#opened = true;
    for (const table of tables) if (this.#first || isAsked(rows, table)) isolation.retry(table);
    return isolation;
  }
}

/** The user has asked for it before the last owner could do it. */
function isAsked(rows: readonly ParkedRow[], table: ParkedTable): boolean {
  return rows.some((row) => row.number === table.number && row.state !== 'parked');
}

function named({ schema, table }: TableName): TableName {
  return { schema, table };
}

async function firstPlace(
  control: ControlSession,
  store: IsolationStore,
  table: ParkedTable,
): Promise<string> {
  const [row] = await control.retry((session) =>
    session.query(
      `SELECT place FROM ${store.tables.log} WHERE ${store.where(table.number)} AND kind<>'table'` +
        ` ORDER BY seq LIMIT 1`,
    ),
  );
  return row?.place ?? '';
}
