/**
 * The statements of a stream: DDL, and what an operator has decided about them. Everything before one is applied
 * and committed before it runs.
 */
import type { EventHeader, RowsEvent } from '../binlog/events.js';
import type { Operator } from '../checkpoint/operators.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { ChunkPositions } from '../load/chunk-positions.js';
import { comparePositions, type BinlogLocation } from '../model/location.js';
import type { TableName } from '../model/table-name.js';
import type { Log } from '../runtime/ports.js';
import type { SchemaTracker } from '../schema/apply.js';
import type { ParsedStatement } from '../schema/ddl-types.js';
import type { TableSchema } from '../schema/table.js';
import { isCopied } from './copied.js';
import { ddlError, tablesBefore, type DdlPlan, type DdlRunner, type QueryEvent } from './ddl/ddl.js';
import { asWritten } from './ddl/ddl-modes.js';
import { copiedAt, type OnlineDdl } from './ddl/online-ddl.js';
import { mayBeOperated, placesOf, tryParse, type OperatedDdl } from './ddl/operated-ddl.js';
import type { Dispatcher } from './dispatcher.js';
import type { Parking } from './parking.js';
import { formatPlaces } from './place.js';
import { withServerNames } from './source-names.js';
import { ofTable } from './table-error.js';
import type { Tables } from './tables.js';
import type { Transaction } from './transaction.js';

/** Nothing ahead: rows are not kept up. */
const NONE: readonly Operator[] = [];

export interface StatementsOptions {
  readonly tables: Tables;
  readonly tracker: SchemaTracker;
  readonly dispatcher: Dispatcher;
  readonly ddl: DdlRunner;
  readonly copied: ChunkPositions | null;
  readonly onTracked: (name: TableName) => void;
  /** Resolves when all changes so far are committed and the checkpoint stands at the low-water mark. */
  readonly barrier: (endDdl: boolean) => Promise<void>;
  /** Tables that are set aside; absent where none can be. */
  readonly parking?: () => Parking | null;
  /** null: tables of tools for online DDL are tables like all others. */
  readonly online: OnlineDdl | null;
  readonly log: Log;
}

/** The walk through the stream, of which a statement is one step. */
export interface Walk {
  readonly transaction: Transaction;
  /** End of the last transaction that was read whole. */
  location(): BinlogLocation;
  /** The transaction ends with this event. */
  commit(header: EventHeader): void;
  xa(what: string, xid: string, event: QueryEvent): Promise<void>;
}

export class Statements {
  readonly #options: StatementsOptions;
  readonly #walk: Walk;
  readonly #transaction: Transaction;
  readonly #decisions: OperatedDdl;
  /** Statements that are to run before row changes ahead of us; null: not read yet. */
  #injections: readonly Operator[] | null = null;
  /** The only table of the target that the DDL under way changes. */
  #ddlTarget: TableName | null = null;
  ddls = 0;

  constructor(options: StatementsOptions, walk: Walk) {
    this.#options = options;
    this.#walk = walk;
    this.#transaction = walk.transaction;
    this.#decisions = options.ddl.operated(options.tracker);
  }

  /** Are there statements that may have to run before a row change ahead of us? */
  get injects(): boolean {
    return this.#injections !== NONE;
  }

  /** A statement that is not the begin or end of a transaction. */
  async apply(logged: QueryEvent): Promise<void> {
    const { ddl, log } = this.#options;
    const event = asWritten(logged, this.#transaction.explicit);
    const start = this.#walk.location();
    let shown = event.sql;
    try {
      const parsed = await this.#operated(event, (sql) => (shown = sql));
      if (parsed === null) return;
      switch (parsed.kind) {
        case 'dml':
          if (!this.#options.tables.allowsSchema(event.schema)) break;
          throw new DmError(
            CODES.syncNotRowFormat,
            `only support ROW format binlog, unexpected DML statement in query event`,
          );
        case 'begin':
          this.#transaction.explicit = true;
          break;
        case 'commit':
        case 'rollback':
          this.#walk.commit(event.header);
          return;
        case 'xa':
          await this.#walk.xa(parsed.what, parsed.xid, event);
          return;
        case 'other-ddl':
          this.#options.tables.sequences.observe(parsed);
          log.debug('a statement that is not migrated', { sql: event.sql });
          break;
        case 'empty':
          log.debug('a statement that is not migrated', { sql: event.sql });
          break;
        default: {
          const { online, tracker, tables } = this.#options;
          const reparse = (sql: string) => ddl.parse({ ...event, sql });
          const named = withServerNames(parsed, (name) => tracker.fold(name), reparse);
          if (online?.concerns(named, event) === true) {
            await this.#runOnline(online, event, named);
            break;
          }
          const settled = await ddl.settle(named, tables.sequences, tracker);
          if (settled !== null) await this.#runDdl(event, settled);
        }
      }
    } catch (error) {
      const end = { ...this.#walk.location(), name: event.header.file, pos: event.header.logPos };
      const placed = ddlError(error, formatPlaces(start, end, shown), shown);
      throw this.#ddlTarget === null ? placed : ofTable(placed, this.#ddlTarget);
    }
    if (this.#transaction.open && !this.#transaction.explicit) this.#walk.commit(event.header);
  }

  /**
   * Reads the statement, and deals with it where an operator has decided about it; null when it is dealt with.
   * `onStatement` is told what runs in its place.
   */
  async #operated(event: QueryEvent, onStatement: (sql: string) => void): Promise<ParsedStatement | null> {
    const { barrier, ddl, tables, tracker, onTracked, log } = this.#options;
    const read = tryParse(ddl, event);
    if (read.parsed !== null && !mayBeOperated(read.parsed)) return read.parsed;
    const places = placesOf(event, this.#transaction);
    const operator = await this.#decisions.at(places);
    if (operator === null) {
      if (read.parsed === null) return this.#refuse(read.error);
      return read.parsed;
    }
    const statement = read.parsed?.kind === 'dml' ? null : read.parsed;
    // What stands in the statement's place need not be found; what still runs behind it must.
    const settles = statement !== null && operator.op === 'inject';
    const parsed = settles ? await ddl.settle(statement, tables.sequences, tracker) : statement;
    const plan = parsed && (await ddl.plan(parsed, await this.#filteredTable(parsed)));
    if (plan !== null && this.#isCopied(plan)) {
      log.info('a DDL from before the full copy, which an operator has decided about', { sql: event.sql });
      if (!this.#transaction.explicit) this.#walk.commit(event.header);
      return null;
    }
    // The changes of a table that is set aside keep their order: the decision counts when they are applied.
    if (plan !== null && (this.#options.parking?.()?.parkedBy(plan) ?? null) !== null) return read.parsed;
    for (const table of parsed === null ? [] : tablesBefore(parsed))
      if (tables.allows(table)) await tables.sourceSchema(table, null);
    await barrier(false);
    const { name, pos, gtid } = this.#transaction;
    const location = `${name}:${pos} ${gtid}`;
    await ddl.enterSession(event, tracker);
    if (this.#transaction.explicit && parsed?.kind === 'create-table') tracker.drop(parsed.table.name);
    const changes = await this.#decisions.run({ operator, event, parsed, plan, location, onStatement });
    for (const changed of changes) if (tables.allows(changed)) onTracked(changed);
    for (const changed of this.#options.online?.operated(parsed) ?? []) onTracked(changed);
    tables.forget();
    this.ddls++;
    const single = !this.#transaction.explicit;
    if (single) this.#walk.commit(event.header);
    await barrier(single);
    // Until the transaction has ended it may be read again.
    if (single) await this.#decisions.passed(places);
    return null;
  }

  /** What comes before a statement that cannot be migrated is applied: a user looks at the target as it was then. */
  async #refuse(error: unknown): Promise<never> {
    await this.#options.barrier(false);
    throw error;
  }

  async #runDdl(event: QueryEvent, parsed: ParsedStatement): Promise<void> {
    const { barrier, ddl, tracker, tables, onTracked } = this.#options;
    const unknown = tablesBefore(parsed).filter((table) => tracker.get(table) === undefined);
    const planned = await ddl.plan(parsed, await this.#filteredTable(parsed));
    if (planned.steps.length === 0 && !planned.filtered && planned.refused === null) return;
    const again = await this.#databaseAgain(planned);
    const plan = again ?? planned;
    if (again === null && this.#isCopied(plan)) {
      this.#options.log.info('a DDL from before the full copy', { sql: event.sql });
      return;
    }
    if (plan.refused !== null) return this.#refuse(plan.refused);
    const parking = this.#options.parking?.() ?? null;
    await parking?.untangle(plan);
    const parked = plan.steps.length === 0 ? null : (parking?.parkedBy(plan) ?? null);
    // The tables must be known, and saved, as they are before the statement: on a restart in its midst the
    // target tells no longer what they were.
    for (const table of tablesBefore(parsed))
      if (tables.allows(table)) await tables.sourceSchema(table, null);
    await barrier(false);
    const { name, pos, gtid } = this.#transaction;
    if (parking !== null && parked !== null) {
      const before = parsed.tables.map(({ name }) => tracker.get(name))[0];
      const sql = parsed.comments?.origin ?? parsed.sql;
      parking.keepDdl({ ...event, sql }, parked, this.#transaction, before);
    } else {
      this.#ddlTarget = plan.targets.length === 1 && plan.targets[0].table !== '' ? plan.targets[0] : null;
      await ddl.enterSession(event, tracker);
      await ddl.run(plan, event, `${name}:${pos} ${gtid}`);
      this.#ddlTarget = null;
    }
    // Of a CREATE TABLE ... SELECT the table may be saved while its rows were still to come: read again.
    if (this.#transaction.explicit && parsed.kind === 'create-table') tracker.drop(parsed.table.name);
    const changes = plan.steps.length > 0 ? tracker.apply(parsed) : this.#trackFiltered(parsed, unknown);
    for (const changed of changes) if (tables.allows(changed)) onTracked(changed);
    tables.forget();
    this.ddls++;
    // A DDL within a transaction (CREATE TABLE ... SELECT) stays recorded until the transaction ends.
    const single = !this.#transaction.explicit;
    if (single) this.#walk.commit(event.header);
    await barrier(single);
  }

  /** A statement of a tool for online DDL, or what it has to do with. */
  async #runOnline(online: OnlineDdl, event: QueryEvent, parsed: ParsedStatement): Promise<void> {
    const { barrier, ddl, tables, onTracked, copied, dispatcher } = this.#options;
    const inCopy = copiedAt(this.#transaction, dispatcher.filtering ? copied : null);
    const plan = await online.plan(event, parsed, inCopy);
    await barrier(false);
    const { name, pos, gtid } = this.#transaction;
    const parking = this.#options.parking?.() ?? null;
    await parking?.untangle(plan);
    const parked = plan.steps.length === 0 ? null : (parking?.parkedBy(plan) ?? null);
    if (parking !== null && parked !== null) {
      parking.keepDdl(plan.asOneStatement(), parked, this.#transaction);
    } else {
      this.#ddlTarget = plan.targets.length === 1 && plan.targets[0].table !== '' ? plan.targets[0] : null;
      await ddl.run(plan, plan.event, `${name}:${pos} ${gtid}`);
      this.#ddlTarget = null;
    }
    // Nothing is waited for from here to the end of the transaction: a checkpoint holds all of it or nothing.
    for (const changed of plan.finish()) onTracked(changed);
    tables.forget();
    this.ddls++;
    const single = !this.#transaction.explicit;
    if (single) this.#walk.commit(event.header);
    await barrier(single);
  }

  /** The table as it was, by which an event filter judges the operations of an ALTER. */
  async #filteredTable(parsed: ParsedStatement): Promise<TableSchema | undefined> {
    const { ddl, tables } = this.#options;
    if (!ddl.judgesEvents || (parsed.kind !== 'alter-table' && parsed.kind !== 'drop-index'))
      return undefined;
    const { name } = parsed.table;
    return tables.allows(name) ? tables.sourceSchema(name, null) : undefined;
  }

  /**
   * A statement that a filter keeps from the target changes the source's tables all the same. Where a table
   * was not known before, and the statement does not fit what the servers have now, it stays unknown: its
   * structure is looked for again at its next rows.
   */
  #trackFiltered(parsed: ParsedStatement, unknown: readonly TableName[]): readonly TableName[] {
    const { tracker, log } = this.#options;
    log.info('a DDL that an event filter ignores', { sql: parsed.sql });
    try {
      return tracker.apply(parsed);
    } catch (error) {
      if (unknown.length === 0) throw error;
      log.warn('an ignored DDL does not fit', { sql: parsed.sql, error: String(error) });
      for (const name of unknown) tracker.drop(name);
      return unknown;
    }
  }

  /** Of a CREATE DATABASE whose database the target has from the copy what is left of it to do. */
  async #databaseAgain(plan: DdlPlan): Promise<DdlPlan | null> {
    const { copied, dispatcher, ddl } = this.#options;
    const { parsed } = plan;
    if (copied === null || !dispatcher.filtering || parsed.kind !== 'create-database') return null;
    const made = copied.madeDatabase(parsed.database.name.schema);
    return ddl.databaseAgain(plan, this.#isCopied(plan), made);
  }

  /** The copy was made after this statement: its tables are as it left them. */
  #isCopied(plan: DdlPlan): boolean {
    const { copied, dispatcher } = this.#options;
    if (copied === null || !dispatcher.filtering) return false;
    return isCopied(plan.parsed, this.#transaction, copied, this.#options.tables);
  }

  /** Rows while statements wait that are to run before single row changes; what they are is read at the first. */
  async rowsBehindInjected(event: RowsEvent): Promise<void> {
    const { barrier, dispatcher, tables } = this.#options;
    const transaction = this.#transaction;
    this.#injections ??= await this.#decisions.injections();
    const operator = this.#injections.find(({ place }) => comparePositions(place, transaction) === 0);
    if (operator !== undefined) {
      await barrier(false);
      const { name, pos, gtid } = transaction;
      let shown = '';
      try {
        await this.#decisions.inject(operator, event, `${name}:${pos} ${gtid}`, (sql) => (shown = sql));
      } catch (error) {
        const start = { name, pos, gtidSet: gtid };
        const end = { name: event.header.file, pos: event.header.logPos, gtidSet: gtid };
        throw ddlError(error, formatPlaces(start, end, shown), shown);
      }
      tables.forget();
    }
    const ahead = this.#injections.filter(({ place }) => comparePositions(place, transaction) > 0);
    this.#injections = ahead.length === 0 ? NONE : ahead;
    await dispatcher.handle(event, transaction);
  }
}
