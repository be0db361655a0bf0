/** Counts what was dumped and loaded, and says so as query-status prints it. */
import { formatPosition, type BinlogLocation } from '../model/location.js';
import type { DumpStatus, LoadStatus } from '../model/status.js';
import type { Clock } from '../runtime/ports.js';
import { CopyTime } from './copy-time.js';
import type { ChunkRow, CopyState } from './copy-meta.js';

/** From this share of the time on a limit is told of. */
const LIMITED = 0.05;

interface Amount {
  rows: number;
  bytes: number;
}

export class CopyProgress {
  readonly #clock: Clock;
  readonly #startedAt: number;
  #state: CopyState | null = null;
  readonly #dumped = new Map<ChunkRow, Amount>();
  #dumpedRows = 0;
  #dumpedBytes = 0;
  #loadedBytes = 0;
  #newlyDumped = 0;
  #newlyLoaded = 0;
  #pendingOfTable = new Map<object, number>();
  #dumpDone = false;
  readonly time: CopyTime;
  /** Of the session that is under way. */
  pace: { readonly by: string } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
    this.time = new CopyTime(clock);
  }

  /** Begins anew from what the target's meta tables say. */
  begin(state: CopyState): void {
    this.#state = state;
    this.#dumped.clear();
    this.#pendingOfTable = new Map();
    this.#dumpedRows = 0;
    this.#dumpedBytes = 0;
    this.#loadedBytes = 0;
    this.#dumpDone = state.chunks.every((chunk) => chunk.loaded);
    for (const chunk of state.chunks) {
      if (!chunk.loaded) {
        this.#pendingOfTable.set(chunk.source, (this.#pendingOfTable.get(chunk.source) ?? 0) + 1);
        continue;
      }
      this.#dumpedRows += chunk.rows;
      this.#dumpedBytes += chunk.bytes;
      this.#loadedBytes += chunk.bytes;
    }
  }

  /** Totals of a chunk so far; smaller ones than before when it is read again. */
  dumping(chunk: ChunkRow, rows: number, bytes: number): void {
    const before = this.#dumped.get(chunk);
    this.#dumpedRows += rows - (before?.rows ?? 0);
    this.#dumpedBytes += bytes - (before?.bytes ?? 0);
    this.#newlyDumped += Math.max(0, bytes - (before?.bytes ?? 0));
    this.#dumped.set(chunk, { rows, bytes });
  }

  loaded(chunk: ChunkRow, amount: Amount): void {
    this.dumping(chunk, amount.rows, amount.bytes);
    this.#loadedBytes += amount.bytes;
    this.#newlyLoaded += amount.bytes;
    this.#pendingOfTable.set(chunk.source, (this.#pendingOfTable.get(chunk.source) ?? 1) - 1);
  }

  dumpDone(): void {
    this.#dumpDone = true;
  }

  dump(): DumpStatus {
    const { dump: timeShares } = this.time.shares();
    const limited = timeShares.limited >= LIMITED ? (this.pace?.by ?? '') : '';
    const tables = this.#state?.tables.size ?? 0;
    const open = [...this.#pendingOfTable.values()].filter((count) => count > 0).length;
    const estimate = this.#estimatedRows();
    return {
      totalTables: String(tables),
      completedTables: tables - open,
      finishedBytes: this.#dumpedBytes,
      finishedRows: this.#dumpedRows,
      estimateTotalRows: estimate,
      bps: String(this.#perSecond(this.#newlyDumped)),
      progress: percent(this.#dumpDone ? 1 : ratio(this.#dumpedRows, estimate)),
      timeShares,
      ...(limited === '' ? {} : { limitedBy: limited }),
    };
  }

  load(): LoadStatus {
    const total = this.#dumpDone
      ? this.#dumpedBytes
      : Math.round(this.#dumpedBytes / Math.max(ratio(this.#dumpedRows, this.#estimatedRows()), 0.0001));
    const first = this.#firstLocation();
    return {
      finishedBytes: String(this.#loadedBytes),
      totalBytes: String(total),
      progress: percent(this.#dumpDone && total === 0 ? 1 : ratio(this.#loadedBytes, total)),
      metaBinlog: first ? formatPosition(first) : '',
      metaBinlogGTID: first?.gtidSet ?? '',
      bps: String(this.#perSecond(this.#newlyLoaded)),
      timeShares: this.time.shares().load,
    };
  }

  #firstLocation(): BinlogLocation | null {
    return this.#state?.chunks.find((chunk) => chunk.location.name !== '')?.location ?? null;
  }

  #estimatedRows(): number {
    let rows = 0;
    for (const table of this.#state?.tables.values() ?? []) rows += table.rows;
    return this.#dumpDone ? this.#dumpedRows : Math.max(rows, this.#dumpedRows);
  }

  #perSecond(bytes: number): number {
    const seconds = Math.max(0.001, (this.#clock.monotonic() - this.#startedAt) / 1000);
    return Math.round(bytes / seconds);
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.min(1, part / whole);
}

/** `25.44 %`, as DM prints it. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
