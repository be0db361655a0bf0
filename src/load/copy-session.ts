/**
 * One session of the copy: a snapshot of the source, from which chunks are read by `threads` connections
 * while up to `pool-size` connections load them into the target. It ends when all chunks are loaded, or
 * with the first error that is not of a single chunk; the snapshot is gone then, and the chunks that are
 * not loaded are read in another session with a later P.
 */
import { must } from '../model/assert.js';
import { tableKey, quoteTable } from '../model/table-name.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { isLocalInfileRefused, isTransient } from '../mysql/db-error.js';
import { ConnectionError, type Session } from '../mysql/session.js';
import { TimedSession } from '../mysql/timed-session.js';
import { dumpChunk } from '../dump/chunk-dumper.js';
import { PartMemory } from '../dump/part-memory.js';
import { PartQueue } from '../dump/part-queue.js';
import type { FileFormat } from '../dump/row-format.js';
import {
  connectSource,
  currentLocation,
  readEnd,
  releaseTables,
  type Snapshot,
  type SnapshotConnection,
} from '../dump/snapshot.js';
import { readDefinition, sameDefinition, type SourceTable } from '../dump/source-tables.js';
import type { Clock, Log } from '../runtime/ports.js';
import { sharedAbort } from '../runtime/shared-abort.js';
import { ChunkLoader, connectLoader, type LoadJob } from './chunk-loader.js';
import type { ChunkRead, ChunkRow, CopyMeta } from './copy-meta.js';
import { CopyPace } from './copy-pace.js';
import { orSourceChanged } from './definition-errors.js';
import type { CopyProgress } from './progress.js';
import { gatherSmall, loadSmall, readSmall, type SmallTable, type Work } from './small-tables.js';
import { SourceChanged } from './source-changed.js';

export interface CopySessionOptions {
  readonly config: SubtaskConfig;
  readonly epoch: number;
  readonly meta: CopyMeta;
  readonly snapshot: Snapshot;
  readonly tables: ReadonlyMap<string, SourceTable>;
  readonly chunks: readonly ChunkRow[];
  readonly folder: string;
  readonly format: FileFormat;
  readonly progress: CopyProgress;
  readonly clock: Clock;
  readonly log: Log;
  readonly onDumped: () => void;
  readonly signal: AbortSignal;
}

type Amount = Pick<ChunkRead, 'rows' | 'bytes'>;

/** Files of one chunk that wait to be loaded; with the number of chunks under way this bounds the disk. */
const FILES_PER_CHUNK = 2;
/** For as much as a file where their size has no limit. */
const LARGE_FILE = 64 * 1024 * 1024;
/** Tries of a chunk whose load failed for a passing reason: a deadlock, a lost connection. */
const MAX_TRIES = 20;

export class CopySession {
  readonly #options: CopySessionOptions;
  readonly #loader: ChunkLoader;
  /** Ends all work of the session at once. */
  readonly #stop = sharedAbort();
  readonly #queue: Work[];
  /** Null where the user keeps the files. */
  readonly #memory: PartMemory | null;
  readonly #pace: CopyPace;
  readonly #tries = new Map<ChunkRow, number>();
  readonly #idle: Session[] = [];
  #loaders = 0;
  #dumping = 0;
  #loading = 0;
  #wake: (() => void)[] = [];
  #error: Error | undefined;
  #format: FileFormat;

  constructor(options: CopySessionOptions) {
    this.#options = options;
    this.#format = options.format;
    this.#loader = new ChunkLoader(options);
    this.#queue = gatherSmall(options.chunks, options.tables, options.config);
    const { clock, config, snapshot } = options;
    this.#memory = config.cleanDumpFile ? new PartMemory(clock, snapshot.connections.length) : null;
    this.#pace = new CopyPace({ ...options, signal: this.#stop.signal, time: options.progress.time });
    options.progress.pace = this.#pace;
  }

  /** True when the target turned out to refuse LOAD DATA LOCAL INFILE. */
  get localRefused(): boolean {
    return this.#format === 'sql' && this.#options.format === 'csv';
  }

  async run(): Promise<void> {
    const { signal, snapshot } = this.#options;
    const onAbort = () => this.#fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const watching = this.#pace.run();
    try {
      await Promise.all(snapshot.connections.map((connection) => this.#work(connection)));
      if (this.#error !== undefined) throw this.#error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#pace.end();
      await watching;
      snapshot.close();
      await Promise.all(this.#idle.map((session) => session.close()));
    }
  }

  #fail(error: unknown): void {
    if (this.#error !== undefined) return;
    this.#error = error instanceof Error ? error : new Error(`aborted: ${String(error)}`);
    this.#stop.abort(this.#error);
    this.#options.snapshot.close();
    this.#changed();
  }

  /** As #fail, at what was to be done with these chunks; never rejects. */
  async #failAt(error: unknown, chunks: Work): Promise<void> {
    if (this.#error !== undefined) return;
    const { config, tables } = this.#options;
    const withSource = async <T>(work: (source: Session) => Promise<T>) => {
      const source = await connectSource({ config, signal: this.#stop.signal });
      return work(source).finally(() => source.destroy());
    };
    const used = chunks.flatMap(({ source }) => tables.get(tableKey(source)) ?? []);
    await orSourceChanged({ error, tables: used, config, withSource }).then(
      (known) => this.#fail(known),
      (other: unknown) => this.#fail(isTransient(other) ? other : error),
    );
  }

  #changed(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  /** One dump connection's work; never rejects. Resolves when nothing is left that could need it. */
  async #work(connection: SnapshotConnection): Promise<void> {
    const { config } = this.#options;
    const maxLoading = Math.max(1, config.load.poolSize) + 2;
    while (this.#error === undefined) {
      const room = this.#loading < maxLoading;
      const work = room ? this.#queue.shift() : undefined;
      if (work === undefined) {
        if (this.#queue.length === 0 && this.#dumping === 0) {
          this.#options.progress.dumpDone();
          this.#options.onDumped();
        }
        if (this.#queue.length === 0 && this.#loading === 0) {
          this.#changed();
          return;
        }
        await this.#change();
        continue;
      }
      this.#dumping++;
      try {
        if (work.length === 1) await this.#copy(connection, work[0]);
        else await this.#copySmall(connection, work);
      } catch (error) {
        await this.#failAt(error, work);
      }
      this.#dumping--;
      this.#changed();
    }
    // Loads that were under way have to be over before the session says it is.
    while (this.#loading > 0) await this.#change();
  }

  /** Reads a chunk; its load goes on by itself and puts the chunk back where it has to be tried again. */
  async #copy(connection: SnapshotConnection, chunk: ChunkRow): Promise<void> {
    const { config, folder, tables, snapshot, progress } = this.#options;
    const table = must(tables.get(tableKey(chunk.source)), 'source table of a chunk');
    const { chunkFilesize } = config.dump;
    const parts = new PartQueue(FILES_PER_CHUNK * (chunkFilesize || LARGE_FILE), progress.time);
    const own = table.transactional ? null : await this.#lockedConnection(table);
    const { session, location } = own ?? connection;
    const format = this.#format;
    const { exitSafe } = snapshot;
    const job: LoadJob = { table, chunk, parts, format, location, exitSafe, readUntil: location };
    this.#loading++;
    const loading = this.#load(job);
    let failure: unknown;
    try {
      const dumping = dumpChunk({
        session,
        table,
        chunk: chunk.chunk,
        range: chunk.range,
        where: config.dump.where,
        folder,
        format,
        fileSize: chunkFilesize || Infinity,
        statementSize: config.dump.statementSize,
        parts,
        memory: this.#memory,
        onBytes: (rows, bytes) => progress.dumping(chunk, rows, bytes),
        pace: (bytes) => this.#pace.pace(bytes),
        writes: progress.time.write,
        waits: progress.time.waitForLoad,
      });
      await progress.time.dump.during(dumping);
      // Not before the end: the table is ours until the snapshot lets go of it.
      job.readUntil = own === null ? await readEnd(session, config) : location;
      parts.end();
      if (own === null) await releaseTables(session);
    } catch (error) {
      failure = error;
      parts.fail(error as Error);
    }
    await own?.session.close();
    // Not before both are over is a chunk read again: its files have the same names.
    const over = loading.then(() => {
      this.#loading--;
      if (this.#error === undefined && failure === undefined && !chunk.loaded) this.#queue.push([chunk]);
      this.#changed();
    });
    if (failure !== undefined) {
      await over;
      throw failure as Error;
    }
    void over;
  }

  async #copySmall({ session, location }: SnapshotConnection, work: Work): Promise<void> {
    const { config, tables, snapshot, progress } = this.#options;
    this.#loading++;
    try {
      const { read, large } = await readSmall(session, work, tables, config);
      const readUntil = await readEnd(session, config);
      await releaseTables(session);
      for (const chunk of large) this.#queue.push([chunk]);
      let bytes = 0;
      for (const { chunk, insert, rows } of read) {
        progress.dumping(chunk, rows, insert.length);
        bytes += insert.length;
      }
      await this.#pace.pace(bytes);
      this.#loading++;
      void this.#loadSmall(read, { location, exitSafe: snapshot.exitSafe, readUntil });
    } finally {
      this.#loading--;
    }
  }

  /** Never rejects. */
  async #loadSmall(tables: readonly SmallTable[], read: Omit<ChunkRead, 'rows' | 'bytes'>): Promise<void> {
    const { meta, epoch } = this.#options;
    try {
      const session = await this.#takeLoader();
      const committed = await loadSmall({ session, meta, epoch, tables, read }).finally(() =>
        this.#giveBack(session),
      );
      for (const { chunk, insert, rows } of tables) {
        if (committed) this.#done({ chunk, ...read }, { rows, bytes: insert.length });
        else this.#queue.push([chunk]);
      }
    } catch (error) {
      if (isTransient(error)) for (const { chunk } of tables) this.#queue.push([chunk]);
      else
        await this.#failAt(
          error,
          tables.map(({ chunk }) => chunk),
        );
    }
    this.#loading--;
    this.#changed();
  }

  /**
   * A table without snapshots (MyISAM, Aria) stands still under a lock of its own while it is read, so any
   * place of the binlog in that time is its P.
   */
  async #lockedConnection(table: SourceTable): Promise<SnapshotConnection> {
    const { config } = this.#options;
    const session = await connectSource({ config, signal: this.#stop.signal });
    await session.execute(`LOCK TABLES ${quoteTable(table.source)} READ`);
    const definition = await readDefinition(session, table.source);
    if (definition === null || !sameDefinition(definition, table.createSql)) {
      await session.close();
      throw new SourceChanged(`the definition of ${quoteTable(table.source)} has just changed`);
    }
    return { session, location: await currentLocation(session, config) };
  }

  /** Never rejects: what concerns only this chunk leaves it unloaded, all else ends the session. */
  async #load(job: LoadJob): Promise<void> {
    try {
      const session = await this.#takeLoader();
      try {
        this.#done(job, await this.#loader.load(session, job));
      } finally {
        this.#giveBack(session);
      }
    } catch (error) {
      job.parts.cancel();
      await this.#discard(job);
      if (this.#error !== undefined) return;
      await this.#again(job, error).catch((fatal: unknown) => this.#failAt(fatal, [job.chunk]));
    }
  }

  #done(job: Omit<ChunkRead, 'rows' | 'bytes'> & Pick<LoadJob, 'chunk'>, amount: Amount): void {
    const { chunk, location, exitSafe, readUntil } = job;
    Object.assign(chunk, amount, { loaded: true, location, exitSafe, readUntil });
    this.#options.progress.loaded(chunk, amount);
  }

  /** Returns when the chunk can be tried again, throws when that makes no sense. */
  async #again(job: LoadJob, error: unknown): Promise<void> {
    const { meta, log, clock } = this.#options;
    const { chunk } = job;
    if (isLocalInfileRefused(error)) {
      log.info('the target refuses LOAD DATA LOCAL INFILE: loading with INSERT', {
        error: (error as Error).message,
      });
      this.#format = 'sql';
      return;
    }
    const tries = (this.#tries.get(chunk) ?? 0) + 1;
    this.#tries.set(chunk, tries);
    if (!isTransient(error) || tries >= MAX_TRIES) throw error;
    log.warn('loading a chunk failed and is tried again', {
      table: quoteTable(chunk.source),
      chunk: chunk.chunk,
      error: (error as Error).message,
    });
    await clock.sleep(Math.min(5000, 100 * 2 ** tries), this.#stop.signal);
    if (!(error instanceof ConnectionError)) return;
    // The connection may have broken between COMMIT and its answer.
    const session = await this.#takeLoader();
    try {
      const amount = await meta.loadedAmount(session, chunk);
      if (amount) this.#done(job, amount);
    } finally {
      this.#giveBack(session);
    }
  }

  async #discard({ parts }: LoadJob): Promise<void> {
    for (const part of parts.remaining()) await part.drop('unwanted');
  }

  async #takeLoader(): Promise<Session> {
    const { config } = this.#options;
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      const idle = this.#idle.pop();
      if (idle && !idle.closed) return idle;
      if (idle) {
        this.#loaders--;
        continue;
      }
      if (this.#loaders < Math.max(1, config.load.poolSize)) {
        this.#loaders++;
        try {
          const session = await connectLoader(config, this.#stop.signal);
          return new TimedSession(session, this.#options.progress.time);
        } catch (error) {
          this.#loaders--;
          throw error;
        }
      }
      await this.#change();
    }
  }

  #giveBack(session: Session): void {
    if (session.closed) this.#loaders--;
    else this.#idle.push(session);
    this.#changed();
  }
}
