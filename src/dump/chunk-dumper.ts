/** Reads one chunk from its snapshot into parts and hands each over as soon as it is complete. */
import { open, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { BusyTimer } from '../metrics/phase-timer.js';
import { quoteName } from '../model/table-name.js';
import { ByteWriter } from '../mysql/byte-writer.js';
import type { Session } from '../mysql/session.js';
import { chunkSelect, type KeyRange } from './chunk-plan.js';
import { chunkFile } from './file-names.js';
import type { PartMemory } from './part-memory.js';
import type { Part, PartQueue } from './part-queue.js';
import { RowFormat, type FileFormat } from './row-format.js';
import type { SourceTable } from './source-tables.js';

/** After so many bytes they are counted, the limits are asked, and files are written. */
const STEP_BYTES = 256 * 1024;
/** Of a file that is only on its way: what waits in it is not loaded before it is complete. */
const PASSING_FILE_BYTES = 8 * 1024 * 1024;

export interface ChunkDumpOptions {
  readonly session: Session;
  readonly table: SourceTable;
  readonly chunk: number;
  readonly range: KeyRange;
  readonly where: string | undefined;
  readonly folder: string;
  readonly format: FileFormat;
  /** Bytes per file. */
  readonly fileSize: number;
  /** Bytes per INSERT of a .sql file. */
  readonly statementSize: number;
  readonly parts: PartQueue;
  /** Null where all has to become files, which stay. */
  readonly memory: PartMemory | null;
  readonly onBytes: (rows: number, bytes: number) => void;
  /** Waits where more must not be read yet; told how many bytes have been. */
  readonly pace: (bytes: number) => Promise<void>;
  /** Told how long files take to write. */
  readonly writes?: BusyTimer;
  /** Told how long there was no room for what had been read. */
  readonly waits?: BusyTimer;
}

/** Returns what was read. The last part is handed over before it returns; `parts.end()` is the caller's. */
export async function dumpChunk(options: ChunkDumpOptions): Promise<{ rows: number; bytes: number }> {
  const writer = new ChunkParts(options);
  try {
    await options.session.stream(
      chunkSelect(options.table, options.range, options.where),
      (packet, start, end) => writer.row(packet, start, end),
    );
    await writer.finish();
  } finally {
    await writer.close();
  }
  return { rows: writer.totalRows, bytes: writer.totalBytes };
}

class ChunkParts {
  readonly #options: ChunkDumpOptions;
  readonly #rowFormat: RowFormat;
  readonly #insert: string;
  /** What of the part is not in its file. */
  #out: ByteWriter;
  /** So many bytes of `#out` have been counted. */
  #counted = 0;
  #file: FileHandle | null = null;
  #path = '';
  #fileNumber = 0;
  #fileBytes = 0;
  #partRows = 0;
  #statementStart = 0;
  #inStatement = false;
  #statements: number[] = [];
  totalRows = 0;
  totalBytes = 0;

  constructor(options: ChunkDumpOptions) {
    this.#options = options;
    const { table, format, memory } = options;
    this.#out = memory?.writer() ?? new ByteWriter(STEP_BYTES * 2);
    this.#rowFormat = new RowFormat(table.columns, format);
    const columns = table.columns.map((column) => quoteName(column.name)).join(',');
    this.#insert = `INSERT INTO ${quoteName(table.source.table)} (${columns}) VALUES\n`;
  }

  row(packet: Buffer, start: number, end: number): Promise<void> | undefined {
    const out = this.#out;
    if (this.#options.format === 'sql') this.#openStatement();
    this.#rowFormat.write(packet, start, end, out);
    this.#partRows++;
    this.totalRows++;
    return out.length - this.#counted >= STEP_BYTES ? this.#step() : undefined;
  }

  async finish(): Promise<void> {
    await this.#count();
    if (this.#partRows > 0) await this.#completePart();
    this.#options.memory?.giveBack(this.#out);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  #openStatement(): void {
    const out = this.#out;
    if (this.#inStatement) {
      if (this.#fileBytes + out.length - this.#statementStart < this.#options.statementSize) {
        out.ascii(',\n');
        return;
      }
      out.ascii(';\n');
    }
    this.#statementStart = this.#fileBytes + out.length;
    this.#inStatement = true;
    this.#statements.push(this.#statementStart);
    out.utf8(this.#insert);
  }

  async #step(): Promise<void> {
    const { memory, fileSize } = this.#options;
    await this.#count();
    if (memory !== null && this.#file === null) {
      if (this.#out.length >= memory.partBytes) await this.#completePart();
      return;
    }
    await this.#flush();
    const most = memory === null ? fileSize : Math.min(fileSize, PASSING_FILE_BYTES);
    if (this.#fileBytes >= most) await this.#completePart();
  }

  async #count(): Promise<void> {
    const more = this.#out.length - this.#counted;
    this.#counted = this.#out.length;
    this.totalBytes += more;
    this.#options.onBytes(this.totalRows, this.totalBytes);
    await this.#options.pace(more);
  }

  /** Writes to the part's file. */
  async #flush(): Promise<void> {
    const { folder, table, chunk, format, writes } = this.#options;
    const out = this.#out;
    if (this.#file === null) {
      this.#path = path.join(folder, chunkFile(table.source, chunk, this.#fileNumber, format));
      this.#file = await open(this.#path, 'w');
    }
    const writing = this.#file.writeFile(out.view());
    await (writes?.during(writing) ?? writing);
    this.#fileBytes += out.length;
    out.reset();
    this.#counted = 0;
  }

  async #completePart(): Promise<void> {
    const { memory, waits } = this.#options;
    if (this.#inStatement) this.#out.ascii(';\n');
    if (memory !== null && this.#file === null) {
      const holding = memory.hold(this.#out.length);
      if (await (waits?.during(holding) ?? holding)) {
        const out = this.#out;
        this.#out = memory.writer();
        const drop = async (why: 'loaded' | 'unwanted') => memory.release(out, why === 'loaded');
        await this.#hand(this.#part(out.view(), out.length, drop));
        return;
      }
    }
    await this.#flush();
    await this.#file?.close();
    this.#file = null;
    const file = this.#path;
    const drop = async (why: 'loaded' | 'unwanted') => {
      if (memory !== null || why === 'unwanted') await rm(file, { force: true });
    };
    await this.#hand(this.#part(file, this.#fileBytes, drop));
    this.#fileNumber++;
  }

  #part(content: Part['content'], bytes: number, drop: Part['drop']): Part {
    return {
      content,
      bytes,
      rows: this.#partRows,
      emptyEnums: this.#rowFormat.emptyEnums,
      statements: this.#statements,
      headBytes: Buffer.byteLength(this.#insert),
      drop,
    };
  }

  async #hand(part: Part): Promise<void> {
    this.#inStatement = false;
    this.#statements = [];
    this.#fileBytes = 0;
    this.#counted = 0;
    this.#partRows = 0;
    this.#rowFormat.emptyEnums = 0;
    if (!(await this.#options.parts.push(part))) await part.drop('unwanted');
  }
}
