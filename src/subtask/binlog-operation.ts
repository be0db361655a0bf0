/**
 * `binlog skip | replace | inject | revert | list`: notes in the target what is to become of a statement.
 * Nothing is done about it here: whoever walks through the binlog finds it (src/sync/ddl/operated-ddl.ts).
 */
import {
  deleteOperators,
  deletePassed,
  readOperators,
  saveOperator,
  type Operator,
  type OperatorKey,
  type OperatorKind,
  type Place,
} from '../checkpoint/operators.js';
import { loadCheckpoint, readStreamDdl } from '../checkpoint/points.js';
import { createMetaTables, metaTables } from '../checkpoint/tables.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { readSetAside, type SetAside } from '../isolation/set-aside.js';
import { compareBinlogNames, comparePositions, formatPosition } from '../model/location.js';
import type { BinlogOperation, OperationAnswer, OperationContext } from '../model/operation.js';
import type { SubtaskConfig } from '../model/subtask-config.js';
import { quoteTable } from '../model/table-name.js';
import { connectSession } from '../mysql/connect.js';
import { toDmError } from '../mysql/db-error.js';
import type { Session } from '../mysql/session.js';
import { parseDdl } from '../schema/ddl.js';
import { parseBinlogPos } from './binlog-pos.js';
import { parsePlaces, type ErrorPlaces } from '../sync/place.js';

/** Numbers of DM's ErrorOp, which `binlog list` prints. */
const OP_NUMBERS: Record<OperatorKind, number> = { skip: 1, replace: 2, inject: 4 };

/** Rejects with DmError. */
export async function operateBinlog(
  operation: BinlogOperation,
  context: OperationContext,
  config: SubtaskConfig,
): Promise<OperationAnswer> {
  const current = currentError(context);
  const place = placeOf(operation, current, context);
  for (const sql of operation.sqls) requireDdl(sql, config);
  const session = await connectSession({ db: config.to }).catch((error: unknown) => {
    throw toDmError(error, 'downstream');
  });
  try {
    return await carryOut(session, operation, config, current, place);
  } catch (error) {
    throw toDmError(error, 'downstream');
  } finally {
    await session.close();
  }
}

async function carryOut(
  session: Session,
  operation: BinlogOperation,
  config: SubtaskConfig,
  current: ErrorPlaces | null,
  named: Place | null | 'no-error',
): Promise<OperationAnswer> {
  const tables = metaTables(config);
  const key: OperatorKey = { tables, sourceId: config.sourceId };
  await createMetaTables(session, tables);
  const checkpoint = await loadCheckpoint(session, tables, config.sourceId);
  const aside = await readSetAside(session, config);
  if (checkpoint !== null) await deletePassed(session, key, firstUnread(checkpoint.global, aside));
  if (named === 'no-error') throw noError(config, aside);
  const place = named;
  const { op } = operation;
  if (op === 'list' || place === null) {
    const known = await readOperators(session, key);
    const listed = place === null ? known : known.filter((one) => !isBefore(one.place, place));
    return { result: true, msg: JSON.stringify(listed.map((one) => shown(one, config.task))) };
  }
  const isCurrent = current !== null && within(place, current);
  if (op === 'revert') {
    // The statement may have been named by its transaction's beginning as well as by its own.
    const known = await readOperators(session, key);
    const places = known
      .map((one) => one.place)
      .filter((one) => samePlace(one, place) || (isCurrent && within(one, current)));
    if ((await deleteOperators(session, key, places)) === 0) {
      throw new DmError(
        CODES.syncOperatorNotExist,
        `error operator not exist, position: ${formatPosition(place)}`,
      );
    }
  } else {
    const doneSteps = op === 'inject' && isCurrent ? await stepsDone(session, key, current) : 0;
    await saveOperator(session, key, { place, op, sqls: operation.sqls, doneSteps });
  }
  return { result: true, msg: '', resume: isCurrent };
}

/** From where on statements will still be read: by the stream, or by a table that catches up behind it. */
function firstUnread(checkpoint: Place, aside: readonly SetAside[]): Place {
  let first = checkpoint;
  for (const { from } of aside) if (from !== null && comparePositions(from, first) < 0) first = from;
  return first;
}

/** The way out names the statements that tables are set aside by: they are no errors of the subtask. */
function noError({ sourceId, task }: SubtaskConfig, aside: readonly SetAside[]): DmError {
  const ways = aside.flatMap(({ target, error }) => {
    const places = parsePlaces(error.Message);
    if (places === null || !places.statement) return [];
    return [
      `${quoteTable(target)} is set aside by a statement: \`binlog skip ${task} -b ${places.start.name}:${places.start.pos}\`, then \`isolation retry ${task}\`.`,
    ];
  });
  return invalid(
    `source '${sourceId}' has no error`,
    ways.length > 0
      ? ways.join(' ')
      : 'Please give the position of the statement with --binlog-pos to decide about it in advance.',
  );
}

/** The statement or row change that the subtask is paused at. */
function currentError(context: OperationContext): ErrorPlaces | null {
  if (context.stage !== 'Paused') return null;
  for (const { Message } of context.errors) {
    const places = parsePlaces(Message);
    if (places !== null) return places;
  }
  return null;
}

/** Null: `list` of everything. */
function placeOf(
  { op, binlogPos, sqls }: BinlogOperation,
  current: ErrorPlaces | null,
  context: OperationContext,
): Place | null | 'no-error' {
  if ((op === 'replace' || op === 'inject') !== sqls.length > 0) {
    throw invalid(
      sqls.length > 0
        ? `binlog ${op} takes no statements`
        : `binlog ${op} needs the statements that are to run, separated by semicolons`,
    );
  }
  if (binlogPos !== '') return parseBinlogPos(binlogPos);
  if (op === 'list') return null;
  if (current === null && context.errors.length === 0) return 'no-error';
  if (current === null || (!current.statement && op !== 'inject' && op !== 'revert')) {
    throw invalid(
      'only support to handle ddl error currently, see docs/handle-error.md for other errors',
      'Please mend what the error says, in the target or in the task, then run `resume-task`.',
    );
  }
  return current.start;
}

function invalid(message: string, workaround?: string): DmError {
  return new DmError(CODES.binlogOperationInvalid, message, workaround === undefined ? {} : { workaround });
}

function requireDdl(sql: string, { flavor }: SubtaskConfig): void {
  const parsed = parseDdl(sql, { flavor });
  switch (parsed.kind) {
    case 'dml':
    case 'begin':
    case 'commit':
    case 'rollback':
    case 'xa':
    case 'other-ddl':
    case 'empty':
      throw invalid(`only support replace or inject with DDL currently: ${sql}`);
    default:
  }
}

/** How many steps of the statement ran before the one that failed. */
async function stepsDone(session: Session, key: OperatorKey, { start }: ErrorPlaces): Promise<number> {
  const record = await readStreamDdl(session, key);
  // A location with an operator's id behind the GTID is of statements that are not the source's.
  const [place, , operator] = record?.location.split(' ') ?? [];
  return record !== null && place === `${start.name}:${start.pos}` && operator === undefined
    ? record.step
    : 0;
}

function within(place: Place, { start, end }: ErrorPlaces): boolean {
  return (
    place.name === start.name && place.pos >= start.pos && (place.name !== end.name || place.pos < end.pos)
  );
}

function samePlace(a: Place, b: Place): boolean {
  return a.name === b.name && a.pos === b.pos;
}

function isBefore(a: Place, b: Place): boolean {
  return (compareBinlogNames(a.name, b.name) || a.pos - b.pos) < 0;
}

function shown({ op, place, sqls }: Operator, task: string): object {
  return {
    op: OP_NUMBERS[op],
    task,
    binlogPos: formatPosition(place),
    ...(sqls.length > 0 ? { sqls } : {}),
  };
}
