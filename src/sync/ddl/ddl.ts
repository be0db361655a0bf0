/**
 * Statements of the source that change structures, run on the target.
 *
 * They are run with all lanes drained. A DDL is not transactional, so each step is recorded as about to
 * run, together with the definitions it is going to change; after a crash, definitions that differ from
 * the record say that it has run.
 */
import type { BinlogEvent } from '../../binlog/events.js';
import type { Ownership } from '../../checkpoint/ownership.js';
import { readDdlRecord, writeDdlRecord, type DdlRecord } from '../../checkpoint/points.js';
import { CODES } from '../../errors/codes.js';
import { DmError } from '../../errors/dm-error.js';
import { eventRefused, type EventFilter } from '../../filter/event-filter.js';
import { statementParts } from '../../filter/event-types.js';
import type { Router } from '../../filter/router.js';
import { runWithCheckNames } from '../../load/check-names.js';
import { runWithPartitionColumns } from '../../load/partition-columns.js';
import { quoteName, quoteTable, tableKey, type TableName } from '../../model/table-name.js';
import { ConnectionError, SqlError, type Session } from '../../mysql/session.js';
import type { Clock, Log } from '../../runtime/ports.js';
import type { SchemaTracker } from '../../schema/apply.js';
import { passingNames } from '../../schema/changed-tables.js';
import type { ParsedStatement, TableRef } from '../../schema/ddl-types.js';
import { parseDdl, type ParseOptions } from '../../schema/ddl.js';
import { SQL_MODE_ANSI_QUOTES, SQL_MODE_NO_BACKSLASH_ESCAPES, type Dialect } from '../../schema/dialect.js';
import { dialectOf, type NameFilter } from '../../schema/fetch.js';
import { withoutPassedOver } from '../../schema/passed-over.js';
import { rewriteTables } from '../../schema/rewrite.js';
import { splitAlter, splitStatement } from '../../schema/split.js';
import type { TableSchema } from '../../schema/table.js';
import type { ControlSession } from '../control-session.js';
import { alreadyDone, refusalWorkaround } from './ddl-already.js';
import type { DdlCollations } from './ddl-collations.js';
import { databaseAgain } from './ddl-database.js';
import { explicitTimestamps } from './ddl-modes.js';
import { withDdlLock } from './ddl-lock.js';
import { fillNewJson } from './ddl-new-json.js';
import { runAsStored, withoutStrictness } from './ddl-lax.js';
import { nullFill } from './ddl-nulls.js';
import { borderMoves, isNewName } from './ddl-moves.js';
import { executeAsSource, zoneOffset } from './ddl-session.js';
import { settle } from './ddl-settle.js';
import { OperatedDdl } from './operated-ddl.js';
import { placed } from '../place.js';
import type { Sequences } from '../sequences.js';

export type QueryEvent = Extract<BinlogEvent, { type: 'query' }>;

export interface DdlOptions {
  readonly owner: () => Ownership;
  readonly source: ControlSession;
  readonly target: ControlSession;
  readonly filter: NameFilter;
  readonly events: EventFilter;
  readonly router: Router;
  readonly dialect: Pick<ParseOptions, 'flavor' | 'serverVersion'>;
  readonly ansiQuotes: boolean;
  readonly collations: DdlCollations;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const RETRY_MS = 100;
/** Times that a statement is sent to a target whose connection breaks each time. */
const MAX_LOST = 5;
/** A syntax error; MariaDB's invisible column that needs a default. */
const CLAUSE_UNKNOWN = new Set([1064, 4108]);

/** Tables that a statement needs to be there before it. */
export function tablesBefore(parsed: ParsedStatement): TableName[] {
  switch (parsed.kind) {
    case 'alter-table':
    case 'create-index':
    case 'drop-index':
      return [parsed.table.name];
    case 'rename-table':
      return parsed.pairs
        .map((pair) => pair.from.name)
        .filter((name) => !passingNames(parsed).has(tableKey(name)));
    case 'create-table':
      return parsed.like === undefined ? [] : [parsed.like.name];
    default:
      return [];
  }
}

/** What is run on the target. */
export interface DdlSteps {
  /** Statements for the target, in order; empty when nothing is migrated. */
  readonly steps: string[];
  /** For each step where there is one: what is left where the target refuses it (passed-over.ts). */
  readonly spare?: readonly (string | undefined)[];
  /** Target objects that they change. */
  readonly targets: TableName[];
  /** On the source, of the first table that the statement names. */
  readonly schema?: string;
}

type Step = Omit<DdlRecord, 'before'> & { readonly spare?: string };

/** What of a statement is migrated. */
export interface DdlPlan extends DdlSteps {
  readonly parsed: ParsedStatement;
  /** An event filter takes something out: the source's structure changes all the same. */
  readonly filtered: boolean;
  /** An event filter with the action Error matches: DmError 60402, to be thrown when the statement counts. */
  readonly refused: DmError | null;
}

export class DdlRunner {
  readonly #options: DdlOptions;

  constructor(options: DdlOptions) {
    this.#options = options;
  }

  /** There are event filters, which judge an ALTER by the table as it was. */
  get judgesEvents(): boolean {
    return !this.#options.events.empty;
  }

  /** What operators have decided about single statements. */
  operated(tracker: SchemaTracker): OperatedDdl {
    return new OperatedDdl({ ...this.#options, ddl: this, tracker });
  }

  parse(event: QueryEvent): ParsedStatement {
    const { events } = this.#options;
    try {
      return parseDdl(event.sql, { ...this.dialectOf(event), defaultSchema: event.schema });
    } catch (error) {
      // Nobody can tell what it does, but a filter may say by its text that it is not wanted.
      if (events.text(event.schema, event.sql) !== 'Ignore') throw error;
      const what = 'a statement that an event filter ignores';
      return { kind: 'other-ddl', what, sql: event.sql, tables: [], removals: [] };
    }
  }

  /** How the event's text is read. */
  dialectOf({ status }: QueryEvent): Dialect {
    const { dialect, ansiQuotes } = this.#options;
    const mode = status.sqlMode ?? 0n;
    return {
      flavor: dialect.flavor,
      serverVersion: dialect.serverVersion ?? '',
      ansiQuotes: ansiQuotes || (mode & SQL_MODE_ANSI_QUOTES) !== 0n,
      noBackslashEscapes: (mode & SQL_MODE_NO_BACKSLASH_ESCAPES) !== 0n,
    };
  }

  /** What the statement comes down to (ddl-settle.ts); null: nothing. */
  settle(
    parsed: ParsedStatement,
    sequences: Sequences,
    tracker: SchemaTracker,
  ): Promise<ParsedStatement | null> {
    return settle(parsed, sequences, tracker, this.#options);
  }

  /** Tells the tracker what the statement's session says about structures. */
  async enterSession(event: QueryEvent, tracker: SchemaTracker): Promise<void> {
    const explicit = explicitTimestamps(event, this.#options.dialect);
    if (explicit !== undefined) tracker.useSession({ explicitDefaultsForTimestamp: explicit });
    const serverDefault = await this.#options.collations.serverDefault(event);
    if (serverDefault !== undefined) tracker.useSession({ serverDefault });
  }

  /** `judged`: event filters have a say. */
  async plan(parsed: ParsedStatement, before?: TableSchema, judged = true): Promise<DdlPlan> {
    const session = await this.#options.target.get();
    const { passes, refused } = judged
      ? this.#eventsPass(parsed, before)
      : { passes: statementParts(parsed, before).map(() => true), refused: null };
    const border = borderMoves(parsed, (ref) => this.#allowed(ref));
    const isTiDb = session.serverVersion.includes('TiDB');
    const steps = this.#steps(parsed, passes, isTiDb);
    const { flavor, serverVersion = '' } = dialectOf(session);
    const rest = withoutPassedOver(parsed, { flavor, serverVersion });
    const spare = rest === null ? [] : this.#steps(rest, passes, isTiDb);
    const targets = new Map<string, TableName>();
    for (const ref of parsed.tables) {
      if (!this.#allowed(ref)) continue;
      const target = this.#map(ref.name);
      targets.set(quoteTable(target), target);
    }
    const schema = parsed.tables[0]?.name.schema;
    const filtered = passes.includes(false) || border.leaves;
    const barred = refused ?? (passes.includes(false) || !judged ? null : border.enters);
    return { parsed, steps, spare, filtered, refused: barred, targets: [...targets.values()], schema };
  }

  /** What to run of a CREATE DATABASE from the time of the copy (ddl-database.ts). */
  databaseAgain(plan: DdlPlan, isCopied: boolean, made: boolean): Promise<DdlPlan | null> {
    return this.#options.target.retry((session) => databaseAgain({ plan, isCopied, made, session }));
  }

  /** For each part of the statement whether the event filter lets it pass; what is not allowed anyhow passes. */
  #eventsPass(
    parsed: ParsedStatement,
    before: TableSchema | undefined,
  ): { passes: boolean[]; refused: DmError | null } {
    const { events, filter } = this.#options;
    let refused: DmError | null = null;
    const passes = statementParts(parsed, before).map((part) => {
      if (events.empty || !filter.allows(part.name)) return true;
      const action = events.ddl(part.name, part.events, parsed.sql);
      if (action === 'Error') refused ??= eventRefused(part.name, part.events.join(', '));
      return action === 'Do';
    });
    return { passes, refused };
  }

  readonly #map = (name: TableName): TableName => this.#options.router.route(name);

  #allowed(ref: TableRef): boolean {
    const { filter } = this.#options;
    return ref.name.table === '' ? filter.allowsSchema(ref.name.schema) : filter.allows(ref.name);
  }

  #steps(parsed: ParsedStatement, passes: readonly boolean[], oneOperationEach: boolean): string[] {
    const map = this.#map;
    if (!passes.includes(true)) return [];
    switch (parsed.kind) {
      case 'create-database':
      case 'alter-database':
      case 'drop-database':
        return this.#allowed(parsed.database) ? [rewriteTables(parsed, map)] : [];
      case 'drop-table':
      case 'rename-table': {
        const kept =
          parsed.kind === 'drop-table'
            ? parsed.tables.map((ref) => this.#allowed(ref))
            : parsed.pairs.map((pair) => this.#allowed(pair.from) && this.#allowed(pair.to));
        return splitStatement(parsed, map).filter((_, i) => kept[i] && passes[i]);
      }
      case 'alter-table':
        if (!parsed.tables.every((ref) => this.#allowed(ref) || !isNewName(parsed, ref))) return [];
        if (!this.#allowed(parsed.table)) return [];
        if (passes.includes(false)) {
          return splitAlter(parsed, map, undefined, (one) => passes[parsed.operations.indexOf(one)]);
        }
        // Whole, it is atomic and one rebuild; TiDB does not take every combination.
        return oneOperationEach ? splitStatement(parsed, map) : [rewriteTables(parsed, map)];
      case 'create-table':
      case 'truncate-table':
      case 'create-index':
      case 'drop-index':
        return this.#allowed(parsed.table) ? [rewriteTables(parsed, map)] : [];
      default:
        return [];
    }
  }

  /** `location` identifies the event: the same when it is read again. `onStep` is told before each step. */
  async run(
    plan: DdlSteps,
    event: QueryEvent,
    location: string,
    onStep: (step: number) => void = () => undefined,
  ): Promise<void> {
    const record = await this.#options.target.retry((session) =>
      readDdlRecord(session, this.#options.owner()),
    );
    const resumed = record !== null && record.location === location ? record : null;
    const { isMariaDb } = await this.#options.target.get();
    const dialect = this.dialectOf(event);
    const fills = isMariaDb && dialect.flavor !== 'mariadb';
    const pieces = (sql: string) => (fills ? fillNewJson(sql, dialect) : [sql]).map(forTarget);
    const steps = plan.steps.flatMap((sql, of) => {
      const rest = plan.spare?.[of];
      const spares = rest === undefined ? [] : pieces(rest);
      return pieces(sql).map((one, i) => ({ of, sql: one, spare: spares.at(i) }));
    });
    for (let step = 0; step < steps.length; step++) {
      if (resumed !== null && step < resumed.step) continue;
      onStep(steps[step].of);
      const { sql, spare } = steps[step];
      const before = resumed !== null && step === resumed.step ? resumed.before : null;
      await this.#runStep(plan, event, { location, step, sql, spare }, before);
    }
  }

  /** `before`: the definitions before an earlier try, of which nobody knows what has become. */
  async #runStep(plan: DdlSteps, event: QueryEvent, statement: Step, before: string | null): Promise<void> {
    const { target, log, clock, signal, owner } = this.#options;
    let known = before;
    for (let lost = 1; ; lost++) {
      const session = await target.get();
      try {
        await withDdlLock(session, owner(), log, async () => {
          const now = await stateBefore(session, plan.targets, statement.sql);
          if (known !== null && known !== now) {
            log.info('a DDL has run before', { sql: statement.sql });
            return;
          }
          await writeDdlRecord(session, owner(), { ...statement, before: now });
          known = now;
          await this.#execute(session, event, statement, plan);
        });
        return;
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        if (lost >= MAX_LOST) throw lostAgain(statement.sql, error);
        // It may still be running there, or have run: the definitions tell, once we have the lock.
        log.warn('lost the target during a DDL', { sql: statement.sql, error: error.message });
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }

  async #execute(session: Session, event: QueryEvent, statement: Step, plan: DdlSteps): Promise<void> {
    const { schema, targets } = plan;
    const { target, source, log, owner, collations } = this.#options;
    const dialect = this.dialectOf(event);
    const translated = await collations.translate(session, event, statement.sql, dialect, schema);
    log.info('running a DDL', { sql: translated });
    try {
      const { before, sql } = await nullFill({
        session,
        sql: translated,
        sourceSql: this.#asRun(event),
        sqlMode: event.status.sqlMode ?? 0n,
        dialect,
        defaultSchema: event.schema,
      });
      const as = (of: QueryEvent, one: string) =>
        executeAsSource(session, of, one, this.#options.dialect, (zone, seconds) =>
          source.retry((upstream) => zoneOffset(upstream, zone, seconds)),
        );
      const run = (one: string) =>
        runAsStored({
          sql: one,
          dialect,
          defaultSchema: event.schema,
          log,
          run: (text, lax) => as(lax ? withoutStrictness(event) : event, text),
        });
      for (const one of before) await run(one);
      const byColumns = (one: string) => runWithPartitionColumns(one, log, run);
      await runWithCheckNames({ sql, session, log, table: targets[0], run: byColumns });
    } catch (error) {
      if (error instanceof ConnectionError) throw error;
      if (error instanceof SqlError && statement.spare !== undefined && CLAUSE_UNKNOWN.has(error.errno)) {
        log.warn('the target does not take what stands in an executable comment: it is left out', {
          sql: translated,
          error: error.message,
        });
        const rest = { ...statement, sql: statement.spare, spare: undefined };
        return this.#execute(session, event, rest, plan);
      }
      let refusal = error;
      if (error instanceof SqlError) {
        refusal = await this.#alreadyDone(session, event, translated, error);
        if (refusal === null) return;
      }
      // It has certainly not run, those before it have: what somebody changes by hand now must not look
      // like its effect.
      await target.retry((other) => writeDdlRecord(other, owner(), { ...statement, before: null }));
      throw refusal as Error;
    }
  }

  /** The event's text without executable comments. */
  #asRun(event: QueryEvent): string {
    try {
      return this.parse(event).sql;
    } catch (error) {
      // An operator has decided about what nobody understands.
      if (error instanceof DmError) return event.sql;
      throw error;
    }
  }

  /** Null where the target stands already where the statement leads, else the error with its way out. */
  async #alreadyDone(
    session: Session,
    event: QueryEvent,
    sql: string,
    error: SqlError,
  ): Promise<DdlRefusal | null> {
    const ifExists = /^\W*RENAME\b.*\bIF\s+EXISTS\b/is.test(this.#asRun(event));
    const already = await alreadyDone({ session, error, sql, ifExists });
    if (!already.done) return new DdlRefusal(error, refusalWorkaround(error, already.differs));
    this.#options.log.warn('a DDL that the target has already', {
      sql,
      why: already.why,
      error: error.message,
    });
    return null;
  }
}

function forTarget(sql: string): string {
  return sql.replace(/\s+START\s+TRANSACTION\s*$/i, '');
}

/**
 * What a statement changes, as text. EXCHANGE PARTITION leaves the definitions alone and would be undone by a
 * second run: what the exchanged table holds tells whether it has run.
 */
async function stateBefore(session: Session, names: readonly TableName[], sql: string): Promise<string> {
  const text = await definitions(session, names);
  const exchanged = names.at(-1);
  if (exchanged === undefined || !/\bEXCHANGE\s+PARTITION\b/i.test(sql)) return text;
  return `${text}\n${await contentMark(session, exchanged)}`;
}

async function contentMark(session: Session, table: TableName): Promise<string> {
  const [{ rows }] = await session.execute(`SHOW COLUMNS FROM ${quoteTable(table)}`);
  const values = rows.map(([name]) => `COALESCE(HEX(${quoteName(name ?? '')}), '-')`).join(', ');
  const [row] = await session.query(
    `SELECT COUNT(*) AS n, BIT_XOR(CRC32(CONCAT_WS(',', ${values}))) AS x FROM ${quoteTable(table)}`,
  );
  return `${row.n} rows, ${row.x}`;
}

function lostAgain(sql: string, cause: ConnectionError): DmError {
  const message = `the connection to the target broke ${MAX_LOST} times while a DDL ran, whose effect is not there: ${sql}`;
  return new DmError(CODES.databaseDriver, message, {
    cause,
    scope: 'downstream',
    workaround:
      'Please see what ends the connection (the log of the target, limits on the time of a statement there or on the way). The task tries again by itself; the statement runs only once.',
  });
}

/** The definitions of tables and schemas as text; what does not exist is empty. */
async function definitions(session: Session, names: readonly TableName[]): Promise<string> {
  const texts: string[] = [];
  for (const name of names) {
    const what = name.table === '' ? `DATABASE ${quoteName(name.schema)}` : `TABLE ${quoteTable(name)}`;
    try {
      const [result] = await session.execute(`SHOW CREATE ${what}`);
      texts.push((result.rows[0]?.[1] ?? '').replace(/ AUTO_INCREMENT=\d+/, ''));
    } catch (error) {
      // 1146 no such table, 1049 no such schema.
      if (!(error instanceof SqlError) || (error.errno !== 1146 && error.errno !== 1049)) throw error;
      texts.push('');
    }
  }
  return texts.join('\n');
}

/** A DDL that the target refuses. */
class DdlRefusal extends Error {
  override readonly name = 'DdlRefusal';
  constructor(
    readonly error: SqlError,
    readonly workaround: string,
  ) {
    super(error.message, { cause: error });
  }
}

/** An error at a statement of the source; `places` is where (place.ts). */
export function ddlError(error: unknown, places: string, sql: string): unknown {
  const refusal = error instanceof SqlError ? new DdlRefusal(error, refusalWorkaround(error, '')) : error;
  if (!(refusal instanceof DdlRefusal)) return placed(error, places);
  return new DmError(CODES.databaseExecute, `${places}: execute statement failed: ${sql}`, {
    cause: refusal.error,
    scope: 'downstream',
    workaround: refusal.workaround,
  });
}
