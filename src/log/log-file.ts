import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../runtime/ports.js';

/** DM's size of one log file. */
const DEFAULT_MAX_BYTES = 512 * 1024 * 1024;

/**
 * Appends lines to a file; one that has reached its size is put aside as `name-<time>.log` and a new one
 * begun. Files put aside are the operator's to delete. Writes are synchronous, so nothing is lost when
 * the process dies; a disk that is full must not stop the replication, so failed writes are counted only.
 */
export class LogFile {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  #fd: number;
  #size: number;
  /** Lines that could not be written. */
  lost = 0;

  constructor(file: string, clock: Clock, maxBytes = DEFAULT_MAX_BYTES) {
    this.#file = file;
    this.#clock = clock;
    this.#maxBytes = maxBytes;
    mkdirSync(path.dirname(file), { recursive: true });
    this.#fd = openSync(file, 'a');
    this.#size = fstatSync(this.#fd).size;
  }

  write(line: string): void {
    try {
      if (this.#size > 0 && this.#size + line.length > this.#maxBytes) this.#rotate();
      this.#size += writeSync(this.#fd, line);
    } catch {
      this.lost++;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #rotate(): void {
    const { dir, name, ext } = path.parse(this.#file);
    const time = new Date(this.#clock.wall()).toISOString().replace(/:/g, '-').replace('Z', '');
    renameSync(this.#file, path.join(dir, `${name}-${time}${ext}`));
    const old = this.#fd;
    this.#fd = openSync(this.#file, 'a');
    closeSync(old);
    this.#size = 0;
  }
}
