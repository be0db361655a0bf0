/**
 * Sequences of a MariaDB source. They are not migrated, but they share the names and some statements of
 * tables, and their values come as rows of a table of eight fixed columns.
 */
import type { TableMap } from '../binlog/events.js';
import { TYPE } from '../binlog/event-types.js';
import { tableKey, type TableName } from '../model/table-name.js';
import type { Session } from '../mysql/session.js';
import { quoteString } from '../mysql/text.js';
import type { ParsedStatement } from '../schema/ddl-types.js';

/** next_not_cached_value, minimum_value, maximum_value, start_value, increment, cache_size, cycle_option, cycle_count. */
const SHAPE = [
  TYPE.LONGLONG,
  TYPE.LONGLONG,
  TYPE.LONGLONG,
  TYPE.LONGLONG,
  TYPE.LONGLONG,
  TYPE.LONGLONG,
  TYPE.TINY,
  TYPE.LONGLONG,
];

/** Whether the rows may be those of a sequence: a table can have the same columns. */
export function looksLikeSequence(map: TableMap): boolean {
  return map.types.length === SHAPE.length && SHAPE.every((type, i) => map.types[i] === type);
}

/** Whether the server has a sequence of this name now. */
export async function isSequence(session: Session, name: TableName): Promise<boolean> {
  const rows = await session.query(
    `SELECT table_type AS t FROM information_schema.tables` +
      ` WHERE table_schema=${quoteString(name.schema)} AND table_name=${quoteString(name.table)}`,
  );
  return rows[0]?.t === 'SEQUENCE';
}

/** Sequences by name, as far as their statements have been read. */
export class Sequences {
  readonly #names = new Set<string>();

  has(name: TableName): boolean {
    return this.#names.has(tableKey(name));
  }

  /** A statement that is not migrated. */
  observe(statement: Extract<ParsedStatement, { kind: 'other-ddl' }>): void {
    for (const { name } of statement.tables) {
      if (statement.what === 'CREATE SEQUENCE') this.#names.add(tableKey(name));
      else if (statement.what === 'DROP SEQUENCE') this.#names.delete(tableKey(name));
    }
  }

  /**
   * The statement without what it does to sequences, which is noted; null where nothing is left of it.
   * `asks` looks for what this run has not seen.
   */
  async without(
    statement: ParsedStatement,
    asks: (now: TableName, before: TableName) => Promise<boolean>,
  ): Promise<ParsedStatement | null> {
    switch (statement.kind) {
      case 'alter-table':
      case 'truncate-table': {
        const { name } = statement.table;
        if (!this.has(name)) return statement;
        if (statement.kind === 'alter-table') {
          for (const one of statement.operations) {
            if (one.op === 'rename-table') this.#rename(name, one.to.name);
          }
        }
        return null;
      }
      case 'create-table':
        this.#names.delete(tableKey(statement.table.name));
        return statement;
      case 'rename-table': {
        const pairs = [];
        for (const pair of statement.pairs) {
          const { from, to } = pair;
          const known = this.has(from.name) || (await asks(to.name, from.name));
          if (known) this.#rename(from.name, to.name);
          else pairs.push(pair);
        }
        if (pairs.length === statement.pairs.length) return statement;
        if (pairs.length === 0) return null;
        return { ...statement, pairs, tables: pairs.flatMap(({ from, to }) => [from, to]) };
      }
      case 'drop-table': {
        const tables = statement.tables.filter(({ name }) => !this.#names.delete(tableKey(name)));
        if (tables.length === statement.tables.length) return statement;
        return tables.length === 0 ? null : { ...statement, tables };
      }
      default:
        return statement;
    }
  }

  #rename(from: TableName, to: TableName): void {
    this.#names.delete(tableKey(from));
    this.#names.add(tableKey(to));
  }
}
