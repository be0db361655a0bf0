/**
 * The port through which sync sets a table aside: what src/isolation does for `on-table-error: isolate`.
 * Changes of a parked table go into a side log instead of the table; everything else goes on.
 */
import type { RowsEvent } from '../binlog/events.js';
import type { LanePosition, Ownership } from '../checkpoint/ownership.js';
import type { ChunkPositions } from '../load/chunk-positions.js';
import type { BinlogLocation } from '../model/location.js';
import type { IsolatedTable } from '../model/status.js';
import type { TableName } from '../model/table-name.js';
import type { SchemaTracker } from '../schema/apply.js';
import type { TableSchema } from '../schema/table.js';
import type { ControlSession } from './control-session.js';
import type { DdlOptions, DdlPlan, QueryEvent } from './ddl/ddl.js';
import type { Beside } from './lanes/lane-set.js';
import type { GtidOrder } from './lanes/lane-skips.js';
import type { Tables, TablesOptions } from './tables.js';
import type { Transaction } from './transaction.js';

export interface Parking extends Beside {
  /** False while no table is parked: then nothing else need be asked. */
  readonly active: boolean;
  /** A parked table is to rejoin: `atBoundary` should be called at the next end of a transaction. */
  readonly wantsBoundary: boolean;
  /** To be called at the start of each transaction of the stream, in order. */
  beginTransaction(transaction: Transaction): void;
  endTransaction(): void;
  /** Whether rows of this source table are kept aside. */
  takes(source: TableName): boolean;
  /** Returns a promise only where room has to be waited for. */
  keepRows(event: RowsEvent, transaction: Transaction, safeMode: boolean): Promise<void> | undefined;
  /** Before a statement about a parked table and others: waits for tables that are catching up to rejoin. */
  untangle(plan: DdlPlan): Promise<void>;
  /**
   * The parked table whose structure the statement changes, null where it concerns none. Throws DmError
   * 60701 for a statement that concerns a parked table and others.
   */
  parkedBy(plan: DdlPlan): TableName | null;
  /** `before`: the source's table as it was, by which event filters judge. */
  keepDdl(event: QueryEvent, target: TableName, transaction: Transaction, before?: TableSchema): void;
  /** Between two transactions: lets tables rejoin that have caught up. */
  atBoundary(): Promise<void>;
  status(): IsolatedTable[];
  start(): void;
  /** Ends at the nearest safe place; what is queued is left to the next run. */
  end(): Promise<void>;
  /** Breaks all connections off, as a crash would. */
  destroy(): void;
}

export interface ParkingContext {
  readonly owner: Ownership;
  /** Where each lane stood when it was taken over; empty for a stream that begins anew. */
  readonly taken: readonly LanePosition[];
  /** Where reading starts. */
  readonly from: BinlogLocation;
  readonly gtidOrder: GtidOrder | null;
  readonly target: ControlSession;
  readonly tables: Tables;
  readonly tracker: SchemaTracker;
  /** For what is applied again. */
  readonly tablesOptions: Omit<TablesOptions, 'tracker' | 'onTracked'>;
  readonly ddlOptions: Omit<DdlOptions, 'owner'>;
  readonly copied: ChunkPositions | null;
  readonly takeSeq: () => number;
  /** Lanes have yet to pass what they applied before a restart. */
  readonly catchingUp: () => boolean;
  /** Resolves when all changes so far are committed and the checkpoint says so. */
  readonly barrier: () => Promise<void>;
  /** `wantsBoundary` has become true: a stream that sleeps should look. */
  readonly wake: () => void;
  /** The unit cannot go on. */
  readonly onFailure: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** null where nothing is parked and nothing is to be. */
export type OpenParking = (context: ParkingContext) => Promise<Parking | null>;
