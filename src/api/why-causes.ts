/** Errors as `query-status --why` tells them: a chain of causes, and what deals with errors of their kind. Pure. */
import type { IsolatedTable, ProcessError } from '../model/status.js';

/** One link of what led here, the nearest first. */
export type Cause =
  | {
      type: 'error';
      code: number;
      class: string;
      scope: string;
      level: string;
      message: string;
    }
  /** Where in the source's binlog. */
  | { type: 'location'; startLocation: string; endLocation: string }
  /** The source's statement. */
  | { type: 'statement'; sql: string }
  /** What the server or library at the root of it said. */
  | { type: 'raw'; text: string }
  /** A table that is set aside; the errors behind it are its own. */
  | { type: 'table'; table: string; text: string }
  | { type: 'placement'; text: string }
  | { type: 'command'; text: string };

export interface WayOut {
  /** What it does, or when it is the right one. */
  what: string;
  /** A command line; '' where there is nothing to type. */
  command: string;
}

/** A subtask, as commands name it. */
export interface SubtaskName {
  readonly task: string;
  readonly source: string;
}

const PLACES = /^startLocation: \[(position: .*?)\], endLocation: \[(position: .*?)\](?:: |, origin SQL: \[)/;

interface Parts {
  readonly startLocation: string;
  readonly endLocation: string;
  /** undefined where it is an error of rows. */
  readonly sql: string | undefined;
  readonly message: string;
}

/** What the sync unit has put in front of a message (src/sync/place.ts); null where it is of another unit. */
function partsOf(message: string): Parts | null {
  const match = PLACES.exec(message);
  if (match === null) return null;
  const [head, startLocation, endLocation] = match;
  const rest = message.slice(head.length);
  if (!head.endsWith('[')) return { startLocation, endLocation, sql: undefined, message: rest };
  // The statement may hold the bracket that ends it, but then within quotes.
  let end = rest.indexOf(']: ');
  while (end >= 0 && inQuotes(rest.slice(0, end))) end = rest.indexOf(']: ', end + 1);
  if (end < 0) end = rest.indexOf(']: ');
  if (end < 0) return { startLocation, endLocation, sql: rest, message: '' };
  return { startLocation, endLocation, sql: rest.slice(0, end), message: rest.slice(end + 3) };
}

function inQuotes(sql: string): boolean {
  return ["'", '"', '`'].some((quote) => sql.split(quote).length % 2 === 0);
}

/** An error as a chain: what failed, where, on which statement, and what the server said. */
export function causesOf(error: ProcessError): Cause[] {
  const parts = partsOf(error.Message);
  const causes: Cause[] = [
    {
      type: 'error',
      code: error.ErrCode,
      class: error.ErrClass,
      scope: error.ErrScope,
      level: error.ErrLevel,
      message: parts?.message ?? error.Message,
    },
  ];
  if (parts !== null) {
    const { startLocation, endLocation, sql } = parts;
    causes.push({ type: 'location', startLocation, endLocation });
    if (sql !== undefined) causes.push({ type: 'statement', sql });
  }
  if (error.RawCause !== '') causes.push({ type: 'raw', text: error.RawCause });
  return causes;
}

/** What the error itself says, and the commands that deal with errors of its kind. */
export function remedies({ source, task }: SubtaskName, error: ProcessError): WayOut[] {
  const ways: WayOut[] = [];
  const where = `-s ${source} ${task}`;
  if (partsOf(error.Message)?.sql !== undefined) {
    ways.push(
      { what: 'Leaves the statement out.', command: `dmctl binlog skip ${where}` },
      { what: 'Runs other statements in its place.', command: `dmctl binlog replace ${where} "<sql>;"` },
    );
  }
  if (STRUCTURE.has(error.ErrCode)) {
    ways.push({
      what: 'Sets the structure by which the rows decode.',
      command: `dmctl operate-schema set ${where} -d <database> -t <table> <schema-file>`,
    });
  }
  if (/\bError 1236\b/.test(error.RawCause)) {
    ways.push({
      what: 'Begins anew with a full copy, after stop-task.',
      command: 'dmctl start-task --remove-meta <task-file>',
    });
  }
  if (error.Workaround !== '') ways.push({ what: error.Workaround, command: '' });
  return ways;
}

/** Rows do not fit the structure that is known, or a statement does not. */
const STRUCTURE = new Set([36027, 44001, 44005, 44006, 44007]);

/** A table that is set aside while the others go on. */
export function causesOfIsolated({ table, error, changesKept, since }: IsolatedTable): Cause[] {
  return [
    { type: 'table', table, text: `set aside since ${since} UTC, ${changesKept} changes of it are kept` },
    ...causesOf(error),
  ];
}

export function remediesOfIsolated({ source, task }: SubtaskName, { table, error }: IsolatedTable): WayOut[] {
  const name = table.replaceAll('`', '');
  return [
    ...(error.Workaround === '' ? [] : [{ what: error.Workaround, command: '' }]),
    {
      what: 'Lets the table catch up, once it is mended.',
      command: `dmctl isolation retry -s ${source} ${task} --table ${name}`,
    },
    {
      what: 'Gives up what is kept of it: it then lacks those changes.',
      command: `dmctl isolation drop -s ${source} ${task} --table ${name}`,
    },
  ];
}
