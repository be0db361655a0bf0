/** Errors of the sync unit say where in the binlog they happened, in DM's form, which scripts parse. */
import { DmError } from '../errors/dm-error.js';
import { formatLocation, type BinlogLocation } from '../model/location.js';

/** `startLocation: [..], endLocation: [..]`, with the source's statement where there is one. */
export function formatPlaces(start: BinlogLocation, end: BinlogLocation, sql = ''): string {
  const text = `startLocation: [${formatLocation(start)}], endLocation: [${formatLocation(end)}]`;
  return sql === '' ? text : `${text}, origin SQL: [${sql}]`;
}

/** The same error with the place in front of its message; what is no DmError stays as it is. */
export function placed(error: unknown, places: string): unknown {
  if (!(error instanceof DmError)) return error;
  const { code, scope, level, workaround, rawCause } = error;
  return new DmError({ code, class: error.class, scope, level, workaround }, `${places}: ${error.message}`, {
    cause: error,
    rawCause,
  });
}

/** What the message of a placed error says. */
export interface ErrorPlaces {
  readonly start: Pick<BinlogLocation, 'name' | 'pos'>;
  readonly end: Pick<BinlogLocation, 'name' | 'pos'>;
  /** It is an error of a statement, not of rows. */
  readonly statement: boolean;
}

const PLACES =
  /^startLocation: \[position: \(([^,]*), (\d+)\), gtid-set: ([^\]]*)\], endLocation: \[position: \(([^,]*), (\d+)\), gtid-set: ([^\]]*)\](, origin SQL: \[)?/;

/**
 * The same error with `setAt` of both places for their `gtid-set`. Rows know but the GTID of their own transaction,
 * and who starts again from a `startLocation` needs the set of those before it. Null leaves the place as it is.
 */
export function withGtidSets(
  error: DmError,
  setAt: (place: Pick<BinlogLocation, 'name' | 'pos'>) => string | null,
): DmError {
  const match = PLACES.exec(error.message);
  if (match === null) return error;
  const at = (name: string, pos: string, known: string): BinlogLocation => {
    const place = { name, pos: Number(pos) };
    return { ...place, gtidSet: setAt(place) ?? known };
  };
  const places = formatPlaces(at(match[1], match[2], match[3]), at(match[4], match[5], match[6]));
  const { code, scope, level, workaround, rawCause } = error;
  const message = `${places}${match[7] ?? ''}${error.message.slice(match[0].length)}`;
  return new DmError({ code, class: error.class, scope, level, workaround }, message, {
    cause: error.cause,
    rawCause,
  });
}

/** Reads what `formatPlaces` has put in front of a message; null where it has no place. */
export function parsePlaces(message: string): ErrorPlaces | null {
  const match = PLACES.exec(message);
  if (match === null) return null;
  return {
    start: { name: match[1], pos: Number(match[2]) },
    end: { name: match[4], pos: Number(match[5]) },
    statement: match[7] !== undefined,
  };
}
