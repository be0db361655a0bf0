/**
 * Statements that have to do with a tool for online DDL (src/online-ddl): what of them is run on the target,
 * and what is known after them. Nothing changes before `finish`: a failed statement is read again as it was.
 */
import type { MetaTables } from '../../checkpoint/tables.js';
import { readDefinition } from '../../dump/source-tables.js';
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import type { Router } from '../../filter/router.js';
import type { ChunkPositions } from '../../load/chunk-positions.js';
import { quoteName, quoteTable, tableKey, type TableName } from '../../model/table-name.js';
import type { Session } from '../../mysql/session.js';
import { OnlineDdlMachine, rowsUnknown, type Records, type Run } from '../../online-ddl/machine.js';
import type { MigratedTables } from '../../online-ddl/migrated-tables.js';
import { partsOf, type Part } from '../../online-ddl/parts.js';
import { OnlineDdlStore, type GhostRecord } from '../../online-ddl/store.js';
import type { Log } from '../../runtime/ports.js';
import type { SchemaTracker } from '../../schema/apply.js';
import type { ParsedStatement } from '../../schema/ddl-types.js';
import type { ControlSession } from '../control-session.js';
import { ignoresForeignKeys } from './ddl-session.js';
import { tablesBefore, type DdlPlan, type DdlRunner, type QueryEvent } from './ddl.js';
import { isAfter } from '../dispatcher.js';
import type { Tables } from '../tables.js';
import type { Transaction } from '../transaction.js';

export interface OnlineDdlOptions {
  readonly store: OnlineDdlStore;
  readonly migrated: MigratedTables;
  readonly tracker: SchemaTracker;
  readonly tables: Pick<Tables, 'sourceSchema'>;
  readonly ddl: Pick<DdlRunner, 'parse' | 'plan'>;
  readonly target: Pick<ControlSession, 'retry'>;
  readonly router: Router;
  readonly log: Log;
}

export interface OnlinePlan extends DdlPlan {
  /** As which event the steps are run. */
  readonly event: QueryEvent;
  /** What it comes to for a table that is set aside. Throws DmError 60701 where that is several statements. */
  readonly asOneStatement: () => QueryEvent;
  /** The statement has passed; returns the tables of the tracker that have changed. */
  readonly finish: () => readonly TableName[];
}

/** The records of a task that follows tools; null for one that does not. Throws DmError 36039. */
export async function loadOnlineDdl(
  session: Session,
  migrated: MigratedTables,
  tables: MetaTables,
  sourceId: string,
  tracker: SchemaTracker,
): Promise<OnlineDdlStore | null> {
  if (migrated.rules === null) return null;
  const store = new OnlineDdlStore({
    table: tables.onlineDdl,
    sourceId,
    fold: (name) => tracker.fold(name),
  });
  await store.load(session);
  return store;
}

/** Whether a full copy of a table was made after the transaction. */
export function copiedAt(
  { name, pos }: Pick<Transaction, 'name' | 'pos'>,
  copied: ChunkPositions | null,
): (real: TableName) => boolean {
  return (real) => copied !== null && !isAfter({ name, pos }, copied.positionFor(real, null));
}

export class OnlineDdl {
  readonly #options: OnlineDdlOptions;

  constructor(options: OnlineDdlOptions) {
    this.#options = options;
  }

  /** Whether the statement touches a ghost or trash table, or the place of a table that has gone into one. */
  concerns(parsed: ParsedStatement, event: QueryEvent): boolean {
    const { migrated, store } = this.#options;
    if (parsed.tables.some(({ name }) => migrated.follows(name))) return true;
    const machine = this.#machine(event, this.#options.store, () => false, new Map());
    switch (parsed.kind) {
      case 'create-table':
        return machine.vacated(parsed.table.name);
      case 'rename-table':
        return parsed.pairs.some(({ to }) => machine.vacated(to.name));
      case 'drop-table':
        return parsed.tables.some(
          ({ name }) =>
            machine.vacated(name) || store.all().some(({ real }) => tableKey(real) === tableKey(name)),
        );
      case 'drop-database':
        return store.all().some(({ ghost }) => ghost.schema === parsed.database.name.schema);
      default:
        return false;
    }
  }

  /** `copied`: a full copy of the real table was made after the statement. */
  async plan(
    event: QueryEvent,
    parsed: ParsedStatement,
    copied: (real: TableName) => boolean,
  ): Promise<OnlinePlan> {
    const { migrated, tracker, log } = this.#options;
    const parts = partsOf(parsed, migrated, (sql) => this.#parse(event, sql));
    this.#checkRules(parsed, copied);
    for (const name of this.#wanted(parts)) {
      if (migrated.allows(name) && !copied(name) && tracker.get(name) === undefined)
        await this.#learn(event, name);
    }
    const records = new Edits(this.#options.store, (name) => tableKey(tracker.fold(name)));
    const present = await this.#present(parts);
    const machine = this.#machine(event, records, copied, present);
    const before = tracker.snapshot();
    try {
      for (const part of parts) machine.step(part);
      const after = tracker.snapshot();
      tracker.restore(before);
      const plans = await this.#plans(machine.runs, present);
      log.info('a statement of an online DDL', {
        sql: event.sql,
        runs: plans.flatMap(({ steps }) => steps).join('; '),
      });
      return {
        steps: plans.flatMap(({ steps }) => steps),
        spare: plans.flatMap(({ steps, spare }) => steps.map((_, i) => spare?.[i])),
        targets: unique(plans.flatMap(({ targets }) => targets)),
        parsed,
        filtered: false,
        refused: null,
        event: eventOf(event, machine.runs),
        asOneStatement: () => {
          const [first, ...others] = machine.runs.filter((_, i) => plans[i].steps.length > 0);
          if (others.length === 0) return { ...eventOf(event, [first]), sql: first.statement.sql };
          throw new DmError(
            CODES.isolationSpans,
            'an online DDL comes to several statements for a table that is set aside, which can only be kept one by one',
          );
        },
        finish: () => {
          tracker.restore(after);
          records.save();
          return machine.changed;
        },
      };
    } finally {
      tracker.restore(before);
    }
  }

  /**
   * An operator has decided about a statement, and the tracker has followed it: what was known of the ghost and
   * trash tables that it names is done with. Returns the tables that changed.
   */
  operated(parsed: ParsedStatement | null): TableName[] {
    const { migrated, tracker, store } = this.#options;
    const names = (parsed?.tables ?? []).map(({ name }) => name).filter((name) => migrated.follows(name));
    for (const name of names) {
      store.set(name, null);
      tracker.drop(name);
    }
    return names;
  }

  #parse(event: QueryEvent, sql: string, mode: bigint | null = null): ParsedStatement {
    const { status } = event;
    return this.#options.ddl.parse({
      ...event,
      sql,
      status: mode === null ? status : { ...status, sqlMode: mode },
    });
  }

  #machine(
    event: QueryEvent,
    records: Records,
    copied: (real: TableName) => boolean,
    present: ReadonlyMap<string, string>,
  ): OnlineDdlMachine {
    const { migrated, tracker, log } = this.#options;
    const { sqlMode, timeZone } = event.status;
    return new OnlineDdlMachine({
      migrated,
      tracker,
      records,
      reparse: (sql) => this.#parse(event, sql),
      parseAs: (sql, mode) => this.#parse(event, sql, mode),
      mode: sqlMode ?? null,
      zone: timeZone ?? null,
      withoutForeignKeys: ignoresForeignKeys(event),
      copied,
      hasForeignKey: (real, key) =>
        (present.get(tableKey(real)) ?? '').includes(`CONSTRAINT ${quoteName(key)} FOREIGN KEY`),
      log,
    });
  }

  /** Tables whose structure has to be known before the statement. */
  #wanted(parts: readonly Part[]): TableName[] {
    const { migrated } = this.#options;
    return parts.flatMap((part) => {
      switch (part.kind) {
        case 'plain':
        case 'create':
          return tablesBefore(part.statement);
        case 'change':
          return [migrated.rules?.classify(part.table).real ?? part.table];
        case 'rename':
          return migrated.follows(part.from) ? [part.to] : [part.from];
        default:
          return [];
      }
    });
  }

  /** Not the structure of what has taken, or will take, the name of a table that has gone. */
  async #learn(event: QueryEvent, name: TableName): Promise<void> {
    const machine = this.#machine(event, this.#options.store, () => false, new Map());
    if (!machine.vacated(name)) await this.#options.tables.sourceSchema(name, null);
  }

  /** Definitions in the target of the real tables that others take the place of. */
  async #present(parts: readonly Part[]): Promise<ReadonlyMap<string, string>> {
    const { migrated, target, router } = this.#options;
    const present = new Map<string, string>();
    for (const part of parts) {
      if (part.kind !== 'rename' || !migrated.follows(part.from) || !migrated.allows(part.to)) continue;
      const name = router.route(part.to);
      const definition = await target.retry((session) => readDefinition(session, name));
      if (definition !== null) present.set(tableKey(part.to), definition);
    }
    return present;
  }

  async #plans(runs: readonly Run[], present: ReadonlyMap<string, string>): Promise<DdlPlan[]> {
    const plans: DdlPlan[] = [];
    for (const { statement, before, ghost } of runs) {
      const plan = await this.#options.ddl.plan(statement, before);
      if (plan.refused !== null) throw plan.refused;
      const [real] = statement.tables;
      if (ghost !== undefined && plan.steps.length > 0 && !present.has(tableKey(real.name))) {
        throw rowsUnknown(real.name, ghost);
      }
      plans.push(plan);
    }
    return plans;
  }

  /**
   * A tool swaps two tables in one RENAME. Where only one of its halves has names by the rules, the rules are
   * not those that the tool was given.
   */
  #checkRules(parsed: ParsedStatement, copied: (real: TableName) => boolean): void {
    if (parsed.kind !== 'rename-table' || parsed.pairs.length !== 2) return;
    const { migrated } = this.#options;
    const kind = (name: TableName) =>
      migrated.follows(name)
        ? migrated.rules?.classify(name).kind
        : migrated.allows(name)
          ? 'real'
          : undefined;
    const [away, home] = parsed.pairs;
    const trashed = kind(away.from.name) === 'real' && kind(away.to.name) === 'trash';
    const swapped = kind(home.from.name) === 'ghost' && kind(home.to.name) === 'real';
    if (trashed === swapped || copied(trashed ? away.from.name : home.to.name)) return;
    const [table, rules] = trashed
      ? [home.from.name, 'shadow-table-rules']
      : [away.to.name, 'trash-table-rules'];
    throw new DmError(
      CODES.configOnlineDdlMistakeRegex,
      `online ddl sql '${parsed.sql}' invalid, table ${quoteTable(table)} fail to match '${rules}' online ddl regex`,
    );
  }
}

/** Under the sql_mode and time zone of the statements that were recorded, where they had one and the same. */
function eventOf(event: QueryEvent, runs: readonly Run[]): QueryEvent {
  const [first] = runs;
  if (first === undefined) return event;
  const status = { ...event.status };
  if (first.mode !== null && runs.every(({ mode }) => mode === first.mode)) status.sqlMode = first.mode;
  // A statement for which the zone does not matter may come without one.
  const [zone, other] = new Set(runs.flatMap((run) => run.zone ?? []));
  if (zone !== undefined && other === undefined) status.timeZone = zone;
  return { ...event, status };
}

function unique(names: readonly TableName[]): TableName[] {
  return [...new Map(names.map((name) => [tableKey(name), name])).values()];
}

/** Changes of records that are kept apart until the statement has passed. */
class Edits implements Records {
  readonly #store: OnlineDdlStore;
  readonly #key: (name: TableName) => string;
  readonly #edits = new Map<string, { name: TableName; record: GhostRecord | null }>();

  constructor(store: OnlineDdlStore, key: (name: TableName) => string) {
    this.#store = store;
    this.#key = key;
  }

  get(ghost: TableName): GhostRecord | undefined {
    const edit = this.#edits.get(this.#key(ghost));
    return edit === undefined ? this.#store.get(ghost) : (edit.record ?? undefined);
  }

  set(ghost: TableName, record: GhostRecord | null): void {
    this.#edits.set(this.#key(ghost), { name: ghost, record });
  }

  all(): readonly GhostRecord[] {
    const untouched = this.#store.all().filter(({ ghost }) => !this.#edits.has(this.#key(ghost)));
    return [...untouched, ...[...this.#edits.values()].flatMap(({ record }) => record ?? [])];
  }

  save(): void {
    for (const { name, record } of this.#edits.values()) this.#store.set(name, record);
  }
}
