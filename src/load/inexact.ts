/**
 * Which tables of a full copy cannot be brought up to date by the statements of the binlog, because the copy
 * was made while structures changed.
 *
 * A name's copy holds what the name stood for at its P. Sync applies to a name what comes after its P. That
 * is exact as long as
 *
 * 1. no statement touched the name between P and the moment in which its rows were read (another table may
 *    have come under the name);
 * 2. no statement touched the name between the P of two of its chunks (TRUNCATE between them);
 * 3. a statement that concerns several names (RENAME, LIKE, EXCHANGE PARTITION, DROP) comes after the P of
 *    all of them or before that of all: a table cannot be renamed into a name that was copied later.
 *
 * What breaks one of these is copied again, at a P after all these statements.
 */
import { comparePositions, type BinlogLocation } from '../model/location.js';
import { tableKey, type TableName } from '../model/table-name.js';

type Place = Pick<BinlogLocation, 'name' | 'pos'>;

/** A statement of the binlog; `at` is where its transaction begins. */
export interface DdlPlace {
  readonly at: Place;
  /** An empty table name stands for all of a schema. */
  readonly names: readonly TableName[];
}

export interface CopiedSpan {
  readonly source: TableName;
  /** P of the chunk. */
  readonly location: Place;
  /** End of the binlog when its rows had been read. */
  readonly readUntil: Place;
}

/** The names to copy anew, also such that the copy does not have. */
export function inexactTables(ddls: readonly DdlPlace[], spans: readonly CopiedSpan[]): TableName[] {
  const chunks = new Map<string, CopiedSpan[]>();
  const known = new Map<string, TableName>();
  const know = (name: TableName) => {
    if (name.table !== '') known.set(tableKey(name), name);
  };
  for (const span of spans) {
    know(span.source);
    chunks.set(tableKey(span.source), [...(chunks.get(tableKey(span.source)) ?? []), span]);
  }
  for (const { names } of ddls) names.forEach(know);
  const concerned = ({ names }: DdlPlace) =>
    names.flatMap((name) =>
      name.table === '' ? [...known.values()].filter(({ schema }) => schema === name.schema) : [name],
    );
  const again = new Map<string, TableName>();
  for (const ddl of ddls) {
    for (const name of concerned(ddl)) {
      if (isCut(ddl.at, chunks.get(tableKey(name)) ?? [])) again.set(tableKey(name), name);
    }
  }
  /** What is not in the copy was not there at its beginning: statements bring it. */
  const isBefore = (name: TableName, at: Place) =>
    again.has(tableKey(name)) ||
    (chunks.get(tableKey(name)) ?? []).some(({ location }) => comparePositions(at, location) < 0);
  for (let size = -1; size !== again.size;) {
    size = again.size;
    for (const ddl of ddls) {
      const names = concerned(ddl);
      const before = names.filter((name) => isBefore(name, ddl.at));
      if (before.length === 0 || before.length === names.length) continue;
      for (const name of names) again.set(tableKey(name), name);
    }
  }
  return [...again.values()];
}

/** A statement in the time in which the chunks were read, or between them. */
function isCut(at: Place, chunks: readonly CopiedSpan[]): boolean {
  const after = (place: Place) => comparePositions(at, place) >= 0;
  if (chunks.some(({ location, readUntil }) => after(location) && !after(readUntil))) return true;
  return chunks.some(({ location }) => after(location)) && !chunks.every(({ location }) => after(location));
}
