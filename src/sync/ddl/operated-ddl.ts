/**
 * Statements of the source about which an operator has decided: skipped on the target, replaced by others,
 * or run after others.
 *
 * The source's tables have changed as the source's own statement says, whatever the target is given: the
 * tracker follows that statement, so that the rows behind it decode. Only where it cannot be read or does
 * not fit what is known, the replacement is taken for what has happened, and else the structure is looked
 * for anew at the next rows.
 */
import type { RowsEvent } from '../../binlog/events.js';
import {
  deleteOperators,
  operatorAt,
  readOperators,
  type Operator,
  type OperatorKey,
  type Place,
} from '../../checkpoint/operators.js';
import type { Ownership } from '../../checkpoint/ownership.js';
import type { TableName } from '../../model/table-name.js';
import type { Log } from '../../runtime/ports.js';
import type { SchemaTracker } from '../../schema/apply.js';
import type { ParsedStatement } from '../../schema/ddl-types.js';
import { statementTable } from '../../schema/statement-table.js';
import type { ControlSession } from '../control-session.js';
import type { DdlPlan, DdlRunner, DdlSteps, QueryEvent } from './ddl.js';

export interface OperatedDdlOptions {
  readonly owner: () => Ownership;
  readonly target: Pick<ControlSession, 'retry'>;
  readonly ddl: Pick<DdlRunner, 'parse' | 'plan' | 'run' | 'dialectOf'>;
  readonly tracker: SchemaTracker;
  readonly log: Log;
}

export interface OperatedStatement {
  readonly operator: Operator;
  readonly event: QueryEvent;
  /** null: nobody can read it. */
  readonly parsed: ParsedStatement | null;
  /** What is migrated of it; null with `parsed`. */
  readonly plan: DdlPlan | null;
  /** Identifies the event: the same when it is read again. */
  readonly location: string;
  /** Told before each statement that runs, as the operator or the source has written it. */
  readonly onStatement: (sql: string) => void;
}

/** Reads a statement, which it may be impossible to do. */
export function tryParse(
  ddl: Pick<DdlRunner, 'parse'>,
  event: QueryEvent,
):
  | { readonly parsed: ParsedStatement; readonly error: null }
  | { readonly parsed: null; readonly error: unknown } {
  try {
    return { parsed: ddl.parse(event), error: null };
  } catch (error) {
    return { parsed: null, error };
  }
}

/** What is neither a statement about tables nor would be refused passes by itself: nobody asks for it. */
export function mayBeOperated(parsed: ParsedStatement | null): boolean {
  if (parsed === null) return true;
  switch (parsed.kind) {
    case 'begin':
    case 'commit':
    case 'rollback':
    case 'xa':
    case 'other-ddl':
    case 'empty':
      return false;
    default:
      return true;
  }
}

/** The places by which an operator may name the event: its own beginning, and its transaction's. */
export function placesOf(event: QueryEvent, transaction: Place): Place[] {
  const { file, logPos, eventSize } = event.header;
  return [
    { name: transaction.name, pos: transaction.pos },
    { name: file, pos: logPos - eventSize },
  ];
}

export class OperatedDdl {
  readonly #options: OperatedDdlOptions;

  constructor(options: OperatedDdlOptions) {
    this.#options = options;
  }

  /** Asked anew for each statement: operators may decide at any time. */
  at(places: readonly Place[]): Promise<Operator | null> {
    return this.#options.target.retry((session) => operatorAt(session, this.#key(), places));
  }

  /** The statement has passed; a crash before this leaves what is forgotten with the next operator. */
  async passed(places: readonly Place[]): Promise<void> {
    await this.#options.target.retry((session) => deleteOperators(session, this.#key(), places));
  }

  /** What is to run before single row changes, as far as it was decided before the subtask began to work. */
  async injections(): Promise<Operator[]> {
    const known = await this.#options.target.retry((session) => readOperators(session, this.#key()));
    return known.filter(({ op }) => op === 'inject');
  }

  /** Runs what was decided to run before the transaction of these rows. To be called with all lanes drained. */
  async inject(
    operator: Operator,
    { header, map }: RowsEvent,
    location: string,
    onStatement: (sql: string) => void,
  ): Promise<void> {
    const session = { schema: map.schema, threadId: 0, errorCode: 0, execSeconds: 0, status: {} } as const;
    const event: QueryEvent = { type: 'query', header, sql: '', sqlBytes: Buffer.alloc(0), ...session };
    this.#options.log.info('an operator has decided what runs before a row change', {
      sqls: operator.sqls.join('; '),
    });
    const { plan, origins } = await this.#plan({ operator, event, plan: null });
    const onStep = (step: number) => onStatement(origins[step] ?? '');
    await this.#options.ddl.run(plan, event, `${location} ${operator.id}`, onStep);
  }

  /** To be called with all lanes drained. Returns the tables of the source that have changed. */
  async run(statement: OperatedStatement): Promise<readonly TableName[]> {
    const { operator, event, location, onStatement } = statement;
    const { ddl, log } = this.#options;
    log.info('an operator has decided about a statement', {
      op: operator.op,
      sql: event.sql,
      sqls: operator.sqls.join('; '),
    });
    const { plan, origins } = await this.#plan(statement);
    // The same statements decided on anew are others: what ran of the earlier ones does not count.
    const place = operator.op === 'skip' ? location : `${location} ${operator.id}`;
    await ddl.run(plan, event, place, (step) => onStatement(origins[step] ?? event.sql));
    onStatement(event.sql);
    return this.#track(statement);
  }

  /** `origins`: for each step the statement that it comes from. */
  async #plan(
    statement: Pick<OperatedStatement, 'operator' | 'event' | 'plan'>,
  ): Promise<{ plan: DdlSteps; origins: string[] }> {
    const { operator, event, plan: own } = statement;
    const { ddl } = this.#options;
    const parts: { sql: string; plan: DdlPlan; from: number }[] = [];
    if (operator.op !== 'skip') {
      for (const sql of operator.sqls) {
        // What an operator asks for is not judged by event filters.
        parts.push({ sql, plan: await ddl.plan(ddl.parse({ ...event, sql }), undefined, false), from: 0 });
      }
    }
    if (operator.op === 'inject' && own !== null) {
      if (own.refused !== null) throw own.refused;
      parts.push({ sql: event.sql, plan: own, from: operator.doneSteps });
    }
    const steps = parts.flatMap(({ plan, from }) => plan.steps.slice(from));
    const spare = parts.flatMap(({ plan, from }) => plan.steps.map((_, i) => plan.spare?.[i]).slice(from));
    const targets = new Map(
      parts.flatMap(({ plan }) => plan.targets.map((target) => [JSON.stringify(target), target] as const)),
    );
    const origins = parts.flatMap(({ sql, plan, from }) => plan.steps.slice(from).map(() => sql));
    return { plan: { steps, spare, targets: [...targets.values()] }, origins };
  }

  #track({ operator, event, parsed }: OperatedStatement): readonly TableName[] {
    const { tracker, log, ddl } = this.#options;
    try {
      if (parsed !== null) return tracker.apply(parsed);
    } catch (error) {
      log.warn('a statement that an operator has dealt with does not fit the known structure', {
        sql: event.sql,
        error: String(error),
      });
    }
    const replacements = operator.op === 'replace' ? operator.sqls : [];
    const parsedReplacements = replacements.map((sql) => ddl.parse({ ...event, sql }));
    const concerned = [parsed, ...parsedReplacements].flatMap((one) => one?.tables ?? []);
    try {
      if (parsedReplacements.length > 0) return parsedReplacements.flatMap((one) => tracker.apply(one));
    } catch (error) {
      log.warn('nor does its replacement', { sqls: replacements.join('; '), error: String(error) });
    }
    const names = concerned.map((ref) => ref.name).filter((name) => name.table !== '');
    const guessed = parsed === null ? statementTable(event.sql, ddl.dialectOf(event), event.schema) : null;
    if (guessed !== null) names.push(guessed);
    for (const name of names) tracker.drop(name);
    return names;
  }

  #key(): OperatorKey {
    return this.#options.owner();
  }
}
