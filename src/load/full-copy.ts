/**
 * The full copy of a subtask: dump and load as one, resumable on any node at any moment.
 *
 *   plan (tables, chunks) -> [ snapshot -> read chunks, load chunks ]* -> finished
 *
 * The plan and what is done of it stand in the target (copy-meta.ts). Files are only on their way: a node
 * that takes over needs none of them.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { must } from '../model/assert.js';
import { tableKey, quoteTable } from '../model/table-name.js';
import type { DumpStatus, LoadStatus } from '../model/status.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { connectSession } from '../mysql/connect.js';
import { isTransient, toDmError } from '../mysql/db-error.js';
import { SqlError, type Session } from '../mysql/session.js';
import { METADATA_FILE } from '../dump/file-names.js';
import type { FileFormat } from '../dump/row-format.js';
import { connectSource, currentLocation, openSnapshot, type Snapshot } from '../dump/snapshot.js';
import { readSourceTables, type SourceTable } from '../dump/source-tables.js';
import type { Ports } from '../runtime/ports.js';
import { CopyMeta, FencedError, PlanTaken, type CopyState } from './copy-meta.js';
import { CopySession } from './copy-session.js';
import { createTables } from './create-tables.js';
import { buildIndexes, deferIndexes } from './deferred-indexes.js';
import { fitColumns } from './fit-columns.js';
import type { Connections } from './over-connections.js';
import { CopyProgress } from './progress.js';
import { atOnePlace, isTorn, unite } from './families.js';
import { isAsPlanned, newChunks, pendingTables, planAll, reconcile } from './reconcile.js';
import { keepBeginning, recopyInexact } from './recopy.js';
import { SourceChanged } from './source-changed.js';
import { TargetObjects } from './target-objects.js';

export interface FullCopyOptions {
  readonly config: SubtaskConfig;
  /** Placement epoch: a copy with a higher one takes over, a lower one is fenced. */
  readonly epoch: number;
  /** Made when missing; dump files go into a folder beneath it, or into an absolute `loaders.dir`. */
  readonly dataDir: string;
  readonly ports: Pick<Ports, 'clock' | 'log'>;
  /** Reading goes on until all chunks are read (`Dump`); then what is read is being loaded (`Load`). */
  readonly onUnit: (unit: 'Dump' | 'Load') => void;
  readonly signal: AbortSignal;
}

/** `ended`: the signal was aborted; everything that is loaded stays so. */
export type FullCopyEnd =
  | { readonly outcome: 'finished' }
  | { readonly outcome: 'ended' }
  | { readonly outcome: 'fenced'; readonly seenEpoch: number };

/** Tables come in any order, and before those that they refer to. */
const NO_FOREIGN_KEYS = { foreign_key_checks: '0' };

/** Sessions in a row that did not get a single chunk loaded. */
const MAX_FRUITLESS = 10;

export class FullCopy {
  readonly #options: FullCopyOptions;
  readonly #meta: CopyMeta;
  readonly #progress: CopyProgress;
  /** Path of the folders of all owners up to the epoch. */
  readonly #folders: string;
  readonly #folder: string;
  #format: FileFormat = 'csv';

  constructor(options: FullCopyOptions) {
    this.#options = options;
    this.#meta = new CopyMeta(options.config);
    this.#progress = new CopyProgress(options.ports.clock);
    const { load, task, sourceId } = options.config;
    // A folder for each owner: one that has been fenced but still runs must not write into our files.
    const name = `${load.dir === '' ? 'dumped_data' : load.dir}.${task}.${sourceId}.`;
    this.#folders = path.resolve(options.dataDir, name);
    this.#folder = this.#folders + String(options.epoch);
  }

  status(): { dump: DumpStatus; load: LoadStatus } {
    return { dump: this.#progress.dump(), load: this.#progress.load() };
  }

  /** Rejects with a DmError when the copy cannot go on by itself; run it anew to resume. */
  async run(): Promise<FullCopyEnd> {
    const { signal, ports } = this.#options;
    let fruitless = 0;
    for (;;) {
      const before = this.#loadedChunks;
      try {
        await this.#session();
        return { outcome: 'finished' };
      } catch (error) {
        if (signal.aborted) return { outcome: 'ended' };
        if (error instanceof FencedError) {
          ports.log.warn('the full copy has been fenced', { error: error.message });
          return { outcome: 'fenced', seenEpoch: error.seenEpoch };
        }
        fruitless = this.#loadedChunks > before ? 0 : fruitless + 1;
        if (!isPassing(error) || fruitless >= MAX_FRUITLESS) throw asDmError(error);
        ports.log.warn('the full copy goes on in a new session', { error: String(error) });
        const aborted = await ports.clock.sleep(Math.min(10_000, 100 * 2 ** fruitless), signal).then(
          () => false,
          () => true,
        );
        if (aborted) return { outcome: 'ended' };
      }
    }
  }

  get #loadedChunks(): number {
    return this.#state?.chunks.filter((chunk) => chunk.loaded).length ?? 0;
  }

  #state: CopyState | null = null;

  async #session(): Promise<void> {
    const { config, epoch, signal } = this.#options;
    const meta = this.#meta;
    const target = await labelled(
      'downstream',
      connectSession({ db: config.to, session: NO_FOREIGN_KEYS, signal }),
    );
    const source = { session: null as Session | null };
    let snapshot: Snapshot | null = null;
    try {
      await meta.prepare(target);
      let state = await meta.takeOver(target, epoch);
      if (state?.finished) {
        this.#begin(state);
        return;
      }
      this.#enter('Dump');
      const control = await labelled('upstream', connectSource({ config, signal }));
      source.session = control;
      const before = await readSourceTables(control, config);
      state = await this.#plan(target, control, state, before);
      this.#begin(state);
      await mkdir(this.#folder, { recursive: true });
      const begun = state.chunks.some((chunk) => chunk.loaded);
      const objects = new TargetObjects({
        config,
        source: control,
        target,
        meta,
        epoch,
        databases: state.databases,
        begun,
        folder: this.#folder,
        log: this.#options.ports.log,
      });
      const defaults = begun ? '' : await objects.defaults();
      const assertDefaults = async () => {
        if (begun || (await objects.defaults()) === defaults) return;
        throw new SourceChanged('the databases of the source have just changed');
      };
      await objects.createSchemas(before);
      const pending = state.chunks.filter((chunk) => !chunk.loaded);
      if (pending.length > 0) {
        const wanted = pendingTables(state);
        const lockable = before.filter((table) => wanted.has(tableKey(table.source)));
        snapshot = await openSnapshot({
          config,
          tables: lockable.map((table) => table.source),
          connections: Math.min(config.dump.threads, pending.length),
          clock: this.#options.ports.clock,
          log: this.#options.ports.log,
          signal,
        });
        snapshot = { ...snapshot, connections: atOnePlace(snapshot.connections, config) };
        const tables = await readSourceTables(control, config);
        assertUnchanged(state, tables);
        if (isTorn(state, tables, config)) throw new SourceChanged('foreign keys have just changed');
        await assertDefaults();
        await this.#copy(target, objects, snapshot, state, tables);
        snapshot.close();
      }
      const { ports } = this.#options;
      const again = await recopyInexact({
        config,
        epoch,
        meta,
        state,
        source: control,
        target,
        ports,
        signal,
      });
      if (again > 0) throw new SourceChanged(`${again} tables have changed while they were copied`);
      const rows = [...state.tables.values()];
      await buildIndexes({ ...this.#connections(target), meta, epoch, rows, log: ports.log });
      await this.#finish(target, control, state, assertDefaults);
    } finally {
      snapshot?.close();
      source.session?.destroy();
      if (signal.aborted) target.destroy();
      else await target.close();
    }
  }

  #connections(target: Session): Connections {
    const { config, signal } = this.#options;
    const connect = () => connectSession({ db: config.to, session: NO_FOREIGN_KEYS, signal });
    return { target, connect, limit: config.load.poolSize };
  }

  #unit: 'Dump' | 'Load' | null = null;

  #enter(unit: 'Dump' | 'Load'): void {
    if (this.#unit === unit) return;
    this.#unit = unit;
    this.#options.onUnit(unit);
  }

  #begin(state: CopyState): void {
    this.#state = state;
    this.#progress.begin(state);
  }

  /** The plan as it is now: made, or brought in line with the source. */
  async #plan(
    target: Session,
    source: Session,
    state: CopyState | null,
    current: readonly SourceTable[],
  ): Promise<CopyState> {
    const { config, epoch, ports } = this.#options;
    const meta = this.#meta;
    if (state === null) {
      if (current.length === 0) {
        ports.log.warn('no table of the source passes the block-allow list: nothing to copy');
      }
      const plan = await planAll(source, current, config);
      await meta.writePlan(target, epoch, plan.tables, plan.chunks);
    } else {
      const reconciled = await reconcile(source, state, current, config);
      const changes = await unite(source, state, current, config, reconciled);
      if (changes.length > 0) await keepBeginning(meta, target, epoch, state);
      for (const { table, chunks, added } of changes) {
        ports.log.warn('the plan of the full copy changes', {
          table: quoteTable(table.source),
          state: added ? 'new' : table.state,
        });
        if (added) await meta.addTable(target, epoch, table, chunks);
        else await meta.replan(target, epoch, table, chunks);
      }
    }
    return must(await meta.read(target), 'plan of the copy');
  }

  async #copy(
    target: Session,
    objects: TargetObjects,
    snapshot: Snapshot,
    state: CopyState,
    current: SourceTable[],
  ): Promise<void> {
    const { config, epoch, ports, signal } = this.#options;
    const meta = this.#meta;
    await this.#cleanFolder();
    const tables = new Map(current.map((table) => [tableKey(table.source), table]));
    const rows = [...pendingTables(state)].map((key) => must(state.tables.get(key), 'table of a chunk'));
    for (const row of rows) if (row.state !== 'planned') await this.#dropTarget(target, objects, row);
    const there = rows.filter((row) => row.state !== 'gone');
    const wanted = there.map(({ source }) => must(tables.get(tableKey(source)), 'source table'));
    await deferIndexes({ target, meta, epoch, config, rows: there, tables });
    await objects.dropGone();
    await objects.createDatabases(wanted);
    await createTables(this.#connections(target), wanted, (table, session) =>
      objects.create(table, session, must(state.tables.get(tableKey(table.source)), 'table').deferred),
    );
    for (const row of there.filter(({ state }) => state === 'recopy')) {
      await meta.setTableState(target, epoch, row.source, 'planned');
      row.state = 'planned';
    }
    const fitted = await fitColumns(target, wanted);
    const { location } = snapshot.connections[0];
    for (const chunk of state.chunks) {
      if (chunk.loaded || state.tables.get(tableKey(chunk.source))?.state !== 'gone') continue;
      const read = { location, exitSafe: null, readUntil: location, rows: 0, bytes: 0 };
      const [{ affectedRows }] = await target.execute(meta.markLoaded(chunk, epoch, read));
      if (affectedRows !== 1) {
        await meta.checkEpoch(target, epoch);
        // An answer that was lost: it is marked already.
        if ((await meta.loadedAmount(target, chunk)) === null) throw meta.lost(epoch, chunk.source);
      }
      Object.assign(chunk, read, { loaded: true });
    }
    await this.#writeMetadata(snapshot);
    if ((await localInfile(target)) === false) this.#format = 'sql';
    const session = new CopySession({
      config,
      epoch,
      meta,
      snapshot,
      tables: fitted,
      chunks: state.chunks.filter((chunk) => !chunk.loaded),
      folder: this.#folder,
      format: this.#format,
      progress: this.#progress,
      clock: ports.clock,
      log: ports.log,
      onDumped: () => this.#enter('Load'),
      signal,
    });
    try {
      await session.run();
    } finally {
      if (session.localRefused) this.#format = 'sql';
    }
  }

  /** Drops a table that only this copy has filled. */
  async #dropTarget(
    target: Session,
    objects: TargetObjects,
    row: Parameters<CopyMeta['replan']>[2],
  ): Promise<void> {
    const { config, epoch } = this.#options;
    const meta = this.#meta;
    if (await meta.isShared(target, row)) {
      throw new DmError(
        CODES.loadTargetTable,
        `the definition of ${quoteTable(row.source)} has changed while it was copied, and other tables are copied into ${quoteTable(row.target)} too`,
        {
          workaround: `Please stop the task, drop ${quoteTable(row.target)} on the target and start the task again with --remove-meta.`,
        },
      );
    }
    // Not ours any more? Then the table is not ours to drop.
    await meta.checkEpoch(target, epoch);
    this.#options.ports.log.warn('dropping a table on the target to copy it again', {
      table: quoteTable(row.target),
      task: config.task,
    });
    await objects.drop(row.target);
  }

  async #finish(
    target: Session,
    source: Session,
    state: CopyState,
    assertDefaults: () => Promise<void>,
  ): Promise<void> {
    const { config, epoch } = this.#options;
    if (state.chunks.length === 0) {
      // Without a table there is still a place at which the copy of nothing was made.
      const location = await currentLocation(source, config);
      await assertDefaults();
      const [first] = await readSourceTables(source, config);
      if (first !== undefined) throw new SourceChanged(`${quoteTable(first.source)} was just created`);
      const [chunk] = newChunks({ schema: '', table: '' }, [{ low: null, high: null }]);
      await this.#meta.addChunk(target, epoch, { ...chunk, loaded: true, location });
    }
    await this.#meta.finish(target, epoch);
    this.#progress.dumpDone();
  }

  /** Files of earlier sessions are of no use: their chunks are loaded or will be read again. */
  async #cleanFolder(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const { config, epoch, ports } = this.#options;
    if (!config.cleanDumpFile) return;
    const parent = path.dirname(this.#folders);
    const prefix = path.basename(this.#folders);
    for (const name of await readdir(parent)) {
      const of = name.startsWith(prefix) ? name.slice(prefix.length) : '';
      if (!/^\d+$/.test(of) || Number(of) >= epoch) continue;
      await rm(path.join(parent, name), { recursive: true, force: true }).catch((error: unknown) => {
        // Its owner, fenced but not stopped yet, still writes there: the next session cleans up.
        ports.log.warn('a folder of an earlier owner is still in use', {
          folder: name,
          error: String(error),
        });
      });
    }
    for (const name of await readdir(this.#folder)) {
      if (/\.\d{13,}\.(csv|sql)$/.test(name)) await rm(path.join(this.#folder, name), { force: true });
    }
  }

  async #writeMetadata(snapshot: Snapshot): Promise<void> {
    const time = new Date(this.#options.ports.clock.wall()).toISOString().slice(0, 19).replace('T', ' ');
    const [{ location }] = snapshot.connections;
    const text = `Started dump at: ${time}\nSHOW MASTER STATUS:\n\tLog: ${location.name}\n\tPos: ${location.pos}\n\tGTID: ${location.gtidSet}\n`;
    await writeFile(path.join(this.#folder, METADATA_FILE), text);
  }
}

function assertUnchanged(state: CopyState, tables: readonly SourceTable[]): void {
  const now = new Map(tables.map((table) => [tableKey(table.source), table]));
  const wanted = pendingTables(state);
  for (const key of wanted) {
    const planned = must(state.tables.get(key), 'table of a chunk');
    if (!isAsPlanned(planned, now.get(key)))
      throw new SourceChanged(`the definition of ${quoteTable(planned.source)} has just changed`);
  }
  const isNew = tables.find((table) => !state.tables.has(tableKey(table.source)));
  if (isNew && !state.chunks.some((chunk) => chunk.loaded)) {
    throw new SourceChanged(`${quoteTable(isNew.source)} was just created`);
  }
}

/**
 * The snapshot cannot show a table any more: 1412 changed, 1054 column gone, 1176 primary key gone, 1146 table
 * gone, 1049 its schema.
 */
const CHANGED_WHILE_READING = new Set([1412, 1054, 1176, 1146, 1049]);

function isPassing(error: unknown): boolean {
  if (error instanceof SourceChanged || error instanceof PlanTaken) return true;
  if (error instanceof SqlError && CHANGED_WHILE_READING.has(error.errno)) return true;
  // A new owner on this machine has removed our folder: the next session finds that we are fenced.
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return true;
  return isTransient(error);
}

function asDmError(error: unknown): DmError {
  if (error instanceof SourceChanged) {
    return new DmError(CODES.dumpTableChanging, error.message, { cause: error });
  }
  return toDmError(error, 'not-set');
}

/** Says whose connection could not be made. */
async function labelled<T>(scope: 'upstream' | 'downstream', work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isTransient(error) || !(error instanceof Error)) throw error;
    throw toDmError(error, scope);
  }
}

/** Whether the target takes LOAD DATA LOCAL INFILE; null when it does not say. */
async function localInfile(target: Session): Promise<boolean | null> {
  try {
    const [{ l }] = await target.query('SELECT @@local_infile AS l');
    return l === '1' || l === 'ON';
  } catch (error) {
    if (error instanceof SqlError) return null;
    throw error;
  }
}
