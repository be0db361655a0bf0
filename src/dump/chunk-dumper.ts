/** Reads one chunk from its snapshot into files and hands each file over as soon as it is complete. */
import { open, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { BusyTimer } from '../metrics/phase-timer.js';
import { quoteName } from '../model/table-name.js';
import { ByteWriter } from '../mysql/byte-writer.js';
import type { Session } from '../mysql/session.js';
import { chunkSelect, type KeyRange } from './chunk-plan.js';
import { chunkFile } from './file-names.js';
import type { PartQueue } from './part-queue.js';
import { RowFormat, type FileFormat } from './row-format.js';
import type { SourceTable } from './source-tables.js';

const FLUSH_BYTES = 256 * 1024;

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
  readonly onBytes: (rows: number, bytes: number) => void;
  /** Waits where more must not be read yet; told how many bytes have been. */
  readonly pace: (bytes: number) => Promise<void>;
  /** Told how long files take to write. */
  readonly writes?: BusyTimer;
}

/** Returns what was read. The last file is handed over before it returns; `parts.end()` is the caller's. */
export async function dumpChunk(options: ChunkDumpOptions): Promise<{ rows: number; bytes: number }> {
  const writer = new ChunkFiles(options);
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

class ChunkFiles {
  readonly #options: ChunkDumpOptions;
  readonly #rowFormat: RowFormat;
  readonly #out = new ByteWriter(FLUSH_BYTES * 2);
  readonly #insert: string;
  #file: FileHandle | null = null;
  #path = '';
  #fileNumber = 0;
  #fileBytes = 0;
  #fileRows = 0;
  #statementStart = 0;
  #inStatement = false;
  #statements: number[] = [];
  totalRows = 0;
  totalBytes = 0;

  constructor(options: ChunkDumpOptions) {
    this.#options = options;
    const { table, format } = options;
    this.#rowFormat = new RowFormat(table.columns, format);
    const columns = table.columns.map((column) => quoteName(column.name)).join(',');
    this.#insert = `INSERT INTO ${quoteName(table.source.table)} (${columns}) VALUES\n`;
  }

  row(packet: Buffer, start: number, end: number): Promise<void> | undefined {
    const out = this.#out;
    if (this.#options.format === 'sql') this.#openStatement();
    this.#rowFormat.write(packet, start, end, out);
    this.#fileRows++;
    this.totalRows++;
    return out.length >= FLUSH_BYTES ? this.#flush() : undefined;
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#completeFile();
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

  async #flush(): Promise<void> {
    const { folder, table, chunk, format, fileSize, onBytes, pace, writes } = this.#options;
    const out = this.#out;
    if (out.length > 0) {
      if (this.#file === null) {
        this.#path = path.join(folder, chunkFile(table.source, chunk, this.#fileNumber, format));
        this.#file = await open(this.#path, 'w');
      }
      const writing = this.#file.writeFile(out.view());
      await (writes?.during(writing) ?? writing);
      this.#fileBytes += out.length;
      this.totalBytes += out.length;
      onBytes(this.totalRows, this.totalBytes);
      const read = out.length;
      out.reset();
      await pace(read);
    }
    if (this.#fileBytes >= fileSize) await this.#completeFile();
  }

  async #completeFile(): Promise<void> {
    if (this.#file === null) return;
    if (this.#inStatement) {
      await this.#file.writeFile(';\n');
      this.#fileBytes += 2;
      this.#inStatement = false;
    }
    await this.close();
    const part = {
      path: this.#path,
      bytes: this.#fileBytes,
      rows: this.#fileRows,
      emptyEnums: this.#rowFormat.emptyEnums,
      statements: this.#statements,
      headBytes: Buffer.byteLength(this.#insert),
    };
    this.#statements = [];
    this.#fileNumber++;
    this.#fileBytes = 0;
    this.#fileRows = 0;
    this.#rowFormat.emptyEnums = 0;
    if (!(await this.#options.parts.push(part))) await rm(part.path, { force: true });
  }
}
