/** Turns rows events into changes of lanes. No promise and no object per row. */
import type { RowsEvent } from '../binlog/events.js';
import type { RowIndex } from '../binlog/rows.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { ChunkPositions, CopySpan } from '../load/chunk-positions.js';
import type { DmlEvent } from '../model/event-names.js';
import { comparePositions, type BinlogLocation } from '../model/location.js';
import { quoteTable } from '../model/table-name.js';
import type { LaneSet } from './lanes/lane-set.js';
import type { Parking } from './parking.js';
import { formatPlaces, placed } from './place.js';
import type { KeyPlan, TablePlan } from './lanes/plan.js';
import { ofTable } from './table-error.js';
import type { Tables } from './tables.js';
import type { Transaction } from './transaction.js';

const OF_ANOTHER_STRUCTURE: ReadonlySet<number> = new Set([
  CODES.syncColumnCount.code,
  CODES.schemaTrackerCannotFetchTable.code,
]);

export interface DispatcherOptions {
  readonly tables: Tables;
  readonly lanes: () => Pick<LaneSet, 'insert' | 'delete' | 'update'>;
  /** Where each part of a full copy was read; null without one. */
  readonly copied: ChunkPositions | null;
  readonly safeMode: () => boolean;
  /** Tables that are set aside; absent where none can be. */
  readonly parking?: () => Parking | null;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #index: RowIndex = {
    images: 0,
    columnCount: 0,
    starts: new Int32Array(1024),
    lengths: new Int32Array(1024),
    buf: Buffer.alloc(0),
  };
  /** False once the stream has passed the last place of the copy. */
  #filtering: boolean;
  rows = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#filtering = options.copied !== null;
  }

  /** True while a change may be in the copy already. */
  get filtering(): boolean {
    return this.#filtering;
  }

  beginTransaction(transaction: Transaction): void {
    const { copied } = this.#options;
    if (this.#filtering && copied !== null && isAfter(transaction, copied.max)) this.#filtering = false;
  }

  /** Returns a promise only where the table has to be looked up first. */
  handle(event: RowsEvent, transaction: Transaction): Promise<void> | undefined {
    const plan = this.#options.tables.plan(event.map);
    if (plan === null) return undefined;
    transaction.eventEnd = event.header.logPos;
    const parking = this.#options.parking?.() ?? null;
    if (parking !== null && parking.active && parking.takes(event.map)) {
      return parking.keepRows(event, transaction, this.#options.safeMode());
    }
    if (plan === undefined) {
      return this.#handleNew(event, transaction).catch((error: unknown) => {
        throw this.#explain(error, event, transaction);
      });
    }
    try {
      this.#apply(event, plan, transaction);
    } catch (error) {
      throw this.#explain(error, event, transaction);
    }
    return undefined;
  }

  #explain(error: unknown, event: RowsEvent, transaction: Transaction): unknown {
    const places = placesOf(event, transaction);
    const { schema, table } = event.map;
    // Of DM's form, which scripts look for; other errors name their table.
    const fits = !(error instanceof DmError && error.code === CODES.syncColumnCount.code);
    const at = fits ? places : `${places}: gen ${event.kind} sqls failed, schema: ${schema}, table: ${table}`;
    return ofTable(placed(error, at), this.#options.tables.targetOf(event.map));
  }

  async #handleNew(event: RowsEvent, transaction: Transaction): Promise<void> {
    const { map } = event;
    const { copied, tables } = this.#options;
    const source = { schema: map.schema, table: map.table };
    let plan: TablePlan | null;
    try {
      plan = await tables.prepare(map);
    } catch (error) {
      // Before the table's copy its structure may have been another one, or its name that of a table which is
      // gone by now: such rows are in the copy.
      const before =
        this.#filtering && copied !== null && !isAfter(transaction, copied.positionFor(source, null));
      if (before && error instanceof DmError && OF_ANOTHER_STRUCTURE.has(error.code)) return;
      throw error;
    }
    if (plan !== null) this.#apply(event, plan, transaction);
  }

  #apply(event: RowsEvent, plan: TablePlan, transaction: Transaction): void {
    requireAllColumns(event);
    const index = this.#index;
    plan.codec.index(event, index);
    if (this.#filtering) {
      this.#applyFiltered(event, plan, transaction);
      return;
    }
    this.#applyAll(event, plan, transaction, this.#options.safeMode());
  }

  #applyAll(event: RowsEvent, plan: TablePlan, transaction: Transaction, safeMode: boolean): void {
    const index = this.#index;
    const lanes = this.#options.lanes();
    const { images } = index;
    switch (event.kind) {
      case 'insert':
        for (let image = 0; image < images; image++) {
          if (this.#takes(plan, 'insert', image, transaction))
            lanes.insert(plan, index, image, transaction, safeMode);
        }
        break;
      case 'delete':
        for (let image = 0; image < images; image++) {
          if (this.#takes(plan, 'delete', image, transaction))
            lanes.delete(plan, index, image, transaction, safeMode);
        }
        break;
      case 'update':
        for (let image = 0; image < images; image += 2) {
          if (this.#takes(plan, 'update', image, transaction))
            lanes.update(plan, index, image, image + 1, transaction, safeMode);
        }
        break;
    }
  }

  /** Only what the chunk of each image does not hold yet; a key change counts as delete and insert. */
  #applyFiltered(event: RowsEvent, plan: TablePlan, transaction: Transaction): void {
    const { copied } = this.#options;
    const meets = copied !== null && (mayMeetAcrossChunks(plan) || copied.hidesChunks(plan.source));
    const span = meets ? copied.spanOf(plan.source) : null;
    if (span !== null) {
      this.#applyMeeting(event, plan, transaction, span);
      return;
    }
    const index = this.#index;
    const lanes = this.#options.lanes();
    const safeMode = this.#options.safeMode();
    const step = event.kind === 'update' ? 2 : 1;
    for (let image = 0; image < index.images; image += step) {
      if (!this.#isNew(transaction, image)) continue;
      const first = this.#isAfterCopy(plan, image, transaction);
      switch (event.kind) {
        case 'insert':
          if (first && this.#passes(plan, 'insert', image)) {
            lanes.insert(plan, index, image, transaction, safeMode);
          }
          break;
        case 'delete':
          if (first && this.#passes(plan, 'delete', image)) {
            lanes.delete(plan, index, image, transaction, safeMode);
          }
          break;
        case 'update': {
          const second = this.#isAfterCopy(plan, image + 1, transaction);
          if ((first || second) && !this.#passes(plan, 'update', image)) break;
          if (first && second) lanes.update(plan, index, image, image + 1, transaction, safeMode);
          else if (first) lanes.delete(plan, index, image, transaction, safeMode);
          else if (second) lanes.insert(plan, index, image + 1, transaction, safeMode);
          break;
        }
      }
    }
  }

  /**
   * Of a table whose chunks were read at several places, and that has a unique key by which rows of two chunks
   * can meet: a chunk that was read later may hold a value of which another chunk's row has let go in the
   * meantime, and would not leave room for that row. So all changes since the first place are applied, in safe
   * mode: REPLACE makes room, and whatever had to give way has a change of its own, which is still to come.
   */
  #applyMeeting(event: RowsEvent, plan: TablePlan, transaction: Transaction, span: CopySpan): void {
    if (isAfter(transaction, span.first)) {
      const between = !isAfter(transaction, span.last);
      this.#applyAll(event, plan, transaction, between || this.#options.safeMode());
      return;
    }
    const step = event.kind === 'update' ? 2 : 1;
    for (let image = 0; image < this.#index.images; image += step) this.#isNew(transaction, image);
  }

  /** Filters are asked last: they are the dear part, and may throw. */
  #takes(plan: TablePlan, kind: DmlEvent, image: number, transaction: Transaction): boolean {
    return this.#isNew(transaction, image) && this.#passes(plan, kind, image);
  }

  #passes(plan: TablePlan, kind: DmlEvent, image: number): boolean {
    return plan.rowFilter === null || plan.rowFilter.passes(kind, this.#index, image);
  }

  #isNew(transaction: Transaction, image: number): boolean {
    this.rows++;
    transaction.atImage(image);
    return transaction.row > transaction.handedOn;
  }

  #isAfterCopy(plan: TablePlan, image: number, transaction: Transaction): boolean {
    const { copied } = this.#options;
    if (copied === null) return true;
    const { buf, starts, lengths, columnCount } = this.#index;
    const column = plan.chunkColumn;
    const at = image * columnCount + column;
    const value =
      column < 0 || starts[at] < 0 ? null : plan.codec.columns[column].value(buf, starts[at], lengths[at]);
    return isAfter(transaction, copied.positionFor(plan.source, value));
  }
}

/** Rows with equal values of a key that has the chunks' column in it are of one chunk. */
function mayMeetAcrossChunks({ identity, uniques, chunkColumn }: TablePlan): boolean {
  const meets = ({ parts }: KeyPlan) =>
    !parts.some(({ column, fold }) => column === chunkColumn && fold !== 'constant');
  return (identity !== null && meets(identity)) || uniques.some(meets);
}

/** Whether a transaction came after a snapshot at this place. */
export function isAfter(transaction: Pick<Transaction, 'name' | 'pos'>, place: BinlogLocation): boolean {
  return comparePositions(transaction, place) >= 0;
}

function placesOf({ header }: RowsEvent, { name, pos, gtid }: Transaction): string {
  return formatPlaces({ name, pos, gtidSet: gtid }, { name: header.file, pos: header.logPos, gtidSet: gtid });
}

function requireAllColumns(event: RowsEvent): void {
  const count = event.map.types.length;
  if (isFull(event.columnsBefore, count) && isFull(event.columnsAfter, count)) return;
  throw new DmError(
    CODES.binlogImageNotFull,
    `upstream didn't log enough columns in binlog for table ${quoteTable({ schema: event.map.schema, table: event.map.table })}`,
  );
}

function isFull(bitmap: Buffer | null, count: number): boolean {
  if (bitmap === null) return true;
  const bytes = count >> 3;
  for (let i = 0; i < bytes; i++) if (bitmap[i] !== 0xff) return false;
  const rest = (1 << (count & 7)) - 1;
  return rest === 0 || (bitmap[bytes] & rest) === rest;
}
