/**
 * Finds for each table map of the binlog how its rows are applied: filter, route, the source's structure
 * at this place, the target's structure, and the plan compiled from them.
 */
import { compileRowCodec, fitsTable } from '../binlog/codec.js';
import type { TableMap } from '../binlog/events.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import type { Router } from '../filter/router.js';
import { quoteTable, tableKey, type TableName } from '../model/table-name.js';
import { toDmError } from '../mysql/db-error.js';
import type { SchemaTracker } from '../schema/apply.js';
import { fetchTableSchema, hasTriggers, type NameFilter } from '../schema/fetch.js';
import type { TableSchema } from '../schema/table.js';
import type { ControlSession } from './control-session.js';
import { fetchReferences, type Reference } from './lanes/foreign-keys.js';
import { compilePlan, type TablePlan } from './lanes/plan.js';
import type { RowFilters } from './row-filter.js';
import { isSequence, looksLikeSequence, Sequences } from './sequences.js';

export interface TablesOptions {
  readonly filter: NameFilter;
  readonly router: Router;
  readonly rowFilters: RowFilters;
  readonly tracker: SchemaTracker;
  readonly source: Pick<ControlSession, 'retry'>;
  readonly target: Pick<ControlSession, 'retry'>;
  /** A table's structure has become known or has changed: it belongs in the next checkpoint. */
  readonly onTracked: (table: TableSchema) => void;
}

interface Entry {
  readonly map: TableMap;
  /** null: filtered out. */
  readonly plan: TablePlan | null;
}

export class Tables {
  readonly #options: TablesOptions;
  /** Of a MariaDB source, as its statements tell. */
  readonly sequences = new Sequences();
  /** By table id of the source; forgotten at every DDL. */
  readonly #entries = new Map<number, Entry>();
  readonly #targets = new Map<string, TableSchema>();
  /** Foreign keys that the target checks; null until they are asked for. */
  #references: readonly Reference[] | null = null;

  constructor(options: TablesOptions) {
    this.#options = options;
  }

  /** The plan of a table map, null when its rows are not migrated, undefined when `prepare` must run first. */
  plan(map: TableMap): TablePlan | null | undefined {
    const entry = this.#entries.get(map.tableId);
    if (entry === undefined) return undefined;
    if (entry.map === map) return entry.plan;
    if (!sameMap(entry.map, map)) return undefined;
    return entry.plan;
  }

  allows(name: TableName): boolean {
    return this.#options.filter.allows(name);
  }

  allowsSchema(schema: string): boolean {
    return this.#options.filter.allowsSchema(schema);
  }

  targetOf(source: TableName): TableName {
    return this.#options.router.route(source);
  }

  /** Rows of the table may go to the target. */
  migrates(source: TableName): boolean {
    return this.allows(source) && !this.#options.rowFilters.ignoresAll(source);
  }

  /** The target's structure by which rows were given out since the last DDL. */
  knownTarget(target: TableName): TableSchema | undefined {
    return this.#targets.get(tableKey(target));
  }

  async prepare(map: TableMap): Promise<TablePlan | null> {
    const source = { schema: map.schema, table: map.table };
    const rows = this.migrates(source) && !(await this.#isSequence(map));
    const plan = rows ? await this.#compile(map, source) : null;
    if (this.#entries.size > 10_000) this.#entries.clear();
    this.#entries.set(map.tableId, { map, plan });
    return plan;
  }

  /** After a DDL: nothing of what was compiled holds any more. */
  forget(): void {
    this.#entries.clear();
    this.#targets.clear();
    this.#references = null;
  }

  /** The source's structure at this place of the binlog. */
  async sourceSchema(source: TableName, map: TableMap | null): Promise<TableSchema | undefined> {
    const { tracker } = this.#options;
    const tracked = tracker.get(source);
    if (tracked !== undefined) return tracked;
    const found = await this.#firstSchema(source, map);
    if (found === undefined) return undefined;
    tracker.set(found);
    this.#options.onTracked(found);
    return found;
  }

  async #isSequence(map: TableMap): Promise<boolean> {
    const { tracker, source, target, router } = this.#options;
    if (!looksLikeSequence(map) || tracker.get(map) !== undefined) return false;
    if (this.sequences.has(map) || (await source.retry((session) => isSequence(session, map)))) return true;
    // A table would have been made in the target.
    const name = router.route({ schema: map.schema, table: map.table });
    return target.retry(async (session) => (await fetchTableSchema(session, name)) === undefined);
  }

  async #compile(map: TableMap, source: TableName): Promise<TablePlan> {
    const target = await this.#targetSchema(this.#options.router.route(source));
    const sourceSchema = await this.sourceSchema(source, map);
    if (sourceSchema === undefined) {
      throw new DmError(
        CODES.schemaTrackerCannotFetchTable,
        `cannot find the structure of ${quoteTable(source)}: it is neither in the checkpoint nor on a server`,
      );
    }
    const targetIsMariaDb = await this.#options.target.retry((session) => Promise.resolve(session.isMariaDb));
    this.#references ??= await this.#options.target.retry(fetchReferences);
    const targetHasTriggers = await this.#options.target.retry((session) => hasTriggers(session, target));
    const codec = compileRowCodec(map, sourceSchema);
    return compilePlan({
      source,
      target,
      codec,
      sourceSchema,
      rowFilter: this.#options.rowFilters.compile(source, codec, sourceSchema),
      targetIsMariaDb,
      targetHasTriggers,
      references: this.#references,
    });
  }

  #fetchTarget(name: TableName): Promise<TableSchema | undefined> {
    return this.#options.target
      .retry((session) => fetchTableSchema(session, name, { scope: 'downstream' }))
      .catch((error: unknown) => {
        throw toDmError(error, 'downstream');
      });
  }

  async #targetSchema(name: TableName): Promise<TableSchema> {
    const known = this.#targets.get(tableKey(name));
    if (known !== undefined) return known;
    const table = await this.#fetchTarget(name);
    if (table === undefined) {
      throw new DmError(
        CODES.schemaTrackerCannotFetchTable,
        `cannot fetch downstream table schema of ${quoteTable(name)}: the table does not exist`,
        { scope: 'downstream' },
      );
    }
    this.#targets.set(tableKey(name), table);
    return table;
  }

  /**
   * The structure of a table of which nothing is saved. The source's present one is right when no DDL lies
   * between; the target's is right when its columns are the source's. The present one is believed when it
   * fits the table map and the target knows its columns (a rename ahead would show there). Without a map,
   * that is before a DDL, the target's counts.
   */
  async #firstSchema(source: TableName, map: TableMap | null): Promise<TableSchema | undefined> {
    const present = await this.#options.source
      .retry((session) => fetchTableSchema(session, source))
      .catch((error: unknown) => {
        throw toDmError(error, 'upstream');
      });
    const target = await this.#fetchTarget(this.#options.router.route(source));
    const fits = (table: TableSchema) => map === null || fitsTable(map, table);
    // Before a DDL the target stands exactly where the source stood.
    if (present !== undefined && fits(present) && (map !== null || target === undefined)) {
      const known = new Set(target?.columns.map((column) => column.name.toLowerCase()));
      if (target === undefined || present.columns.every((column) => known.has(column.name.toLowerCase()))) {
        return present;
      }
    }
    if (target !== undefined && fits(target)) {
      // Character sets decide how text decodes: the source's count where the column is still there.
      const charsets = new Map(present?.columns.map((column) => [column.name.toLowerCase(), column.type]));
      const columns = target.columns.map((column) => {
        const type = charsets.get(column.name.toLowerCase());
        return type?.base === column.type.base ? { ...column, type } : column;
      });
      return { ...target, ...source, columns };
    }
    return present ?? (target && { ...target, ...source });
  }
}

function sameMap(a: TableMap, b: TableMap): boolean {
  return (
    a.table === b.table &&
    a.schema === b.schema &&
    sameNumbers(a.types, b.types) &&
    sameNumbers(a.metadata, b.metadata)
  );
}

function sameNumbers(a: Uint8Array | Uint16Array, b: Uint8Array | Uint16Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
