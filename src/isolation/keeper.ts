/** Puts rows of parked tables into the side log: only those that no lane had applied to the table before. */
import { compileRowCodec } from '../binlog/codec.js';
import type { RowsEvent, TableMap } from '../binlog/events.js';
import type { RowIndex } from '../binlog/rows.js';
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import type { TableSchema } from '../schema/table.js';
import { laneOf } from '../sync/lanes/lane-set.js';
import { compilePlan, type TablePlan } from '../sync/lanes/plan.js';
import type { Tables } from '../sync/tables.js';
import type { SchemaTracker } from '../schema/apply.js';
import type { Transaction } from '../sync/transaction.js';
import { encodeRows, encodeTable } from './entry.js';
import type { ParkedTable } from './parked-table.js';
import type { SideLog } from './side-log.js';

export interface KeeperOptions {
  readonly log: SideLog;
  readonly tables: Tables;
  readonly tracker: SchemaTracker;
}

/** How rows of a source table were last written. */
interface Known {
  readonly map: TableMap;
  readonly schema: TableSchema | null;
  readonly tableSeq: number;
  /** Tells the lane of a row, while there are rows that lanes have applied. */
  readonly plan: TablePlan | null;
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #known = new Map<string, Known>();
  readonly #index: RowIndex = {
    images: 0,
    columnCount: 0,
    starts: new Int32Array(1024),
    lengths: new Int32Array(1024),
    buf: Buffer.alloc(0),
  };

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Returns a promise only where something has to be looked up or room waited for. */
  keep(
    table: ParkedTable,
    event: RowsEvent,
    transaction: Transaction,
    safeMode: boolean,
  ): Promise<void> | undefined {
    transaction.atImage(0);
    if (table.has(transaction, transaction.row)) return undefined;
    const source = { schema: event.map.schema, table: event.map.table };
    if (this.#options.tracker.get(source) === undefined) {
      return this.#lookUp(table, event, transaction, safeMode, source);
    }
    this.#keep(table, event, transaction, safeMode, source);
    return this.#options.log.room();
  }

  /** The table has rejoined: should it be parked again, its log begins anew. */
  forget(target: TableName): void {
    for (const [key, known] of this.#known) {
      const of = this.#options.tables.targetOf(known.map);
      if (tableKey(of) === tableKey(target)) this.#known.delete(key);
    }
  }

  async #lookUp(
    table: ParkedTable,
    event: RowsEvent,
    transaction: Transaction,
    safeMode: boolean,
    source: TableName,
  ): Promise<void> {
    await this.#options.tables.sourceSchema(source, event.map);
    this.#keep(table, event, transaction, safeMode, source);
    await this.#options.log.room();
  }

  #keep(
    table: ParkedTable,
    event: RowsEvent,
    transaction: Transaction,
    safeMode: boolean,
    source: TableName,
  ): void {
    const { log } = this.#options;
    const { row } = transaction;
    const known = this.#describe(table, event.map, source, transaction);
    const done =
      table.lanes.any && known.plan !== null ? this.#done(table, event, transaction, known.plan) : null;
    if (done?.every((image) => image === 1) === true) return;
    const { gtid, name, pos, timestamp } = transaction;
    const payload = encodeRows(
      { transaction: { gtid, name, pos, timestamp }, tableSeq: known.tableSeq, safeMode, done },
      event,
    );
    log.append(table, 'rows', payload, transaction, row);
  }

  /** Writes table map and structure where they are not those of the last rows. */
  #describe(table: ParkedTable, map: TableMap, source: TableName, transaction: Transaction): Known {
    const key = tableKey(source);
    const schema = this.#options.tracker.get(source) ?? null;
    const before = this.#known.get(key);
    if (before !== undefined && before.schema === schema && sameMap(before.map, map)) return before;
    const { log } = this.#options;
    log.append(table, 'table', encodeTable({ map, schema }), transaction, 0);
    const known = { map, schema, tableSeq: table.lastSeq, plan: planFor(table, map, schema, source) };
    this.#known.set(key, known);
    table.sources.add(quoteTable(source));
    return known;
  }

  /** For each image whether the lane it belongs to had applied it when the table was parked. */
  #done(table: ParkedTable, event: RowsEvent, transaction: Transaction, plan: TablePlan): Uint8Array | null {
    const index = this.#index;
    try {
      plan.codec.index(event, index);
    } catch {
      // What does not decode was never given out.
      return null;
    }
    const done = new Uint8Array(index.images);
    const step = event.kind === 'update' ? 2 : 1;
    for (let image = 0; image < index.images; image++) {
      transaction.atImage(image - (image % step));
      const lane = laneOf(plan, index, image, table.laneCount);
      done[image] = table.lanes.skipped(lane, transaction.row) ? 1 : 0;
    }
    transaction.atImage(0);
    return done.includes(1) ? done : null;
  }
}

/** Only its identity counts: which lane a row had. */
function planFor(
  table: ParkedTable,
  map: TableMap,
  sourceSchema: TableSchema | null,
  source: TableName,
): TablePlan | null {
  if (!table.lanes.any || table.structure === null || sourceSchema === null) return null;
  try {
    const codec = compileRowCodec(map, sourceSchema);
    return compilePlan({
      source,
      target: table.structure,
      codec,
      sourceSchema,
      targetIsMariaDb: false,
      targetHasTriggers: false,
    });
  } catch {
    // Rows for which no plan can be made were never given out.
    return null;
  }
}

function sameMap(a: TableMap, b: TableMap): boolean {
  if (a === b) return true;
  return (
    a.tableId === b.tableId &&
    a.schema === b.schema &&
    a.table === b.table &&
    Buffer.compare(a.types, b.types) === 0 &&
    a.metadata.length === b.metadata.length &&
    a.metadata.every((value, i) => value === b.metadata[i])
  );
}
