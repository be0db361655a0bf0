/**
 * The tables of a source as they are at one place of its binlog. Each DDL changes the model as the
 * server changed its own, so that the rows behind it decode with the right columns. Tables are never
 * changed in place: a snapshot is a copy of the map.
 */
import type { TableName } from '../model/table-name.js';
import { quoteTable, tableKey } from '../model/table-name.js';
import { unreachable } from '../model/assert.js';
import { DmError } from '../errors/dm-error.js';
import { applyAlter } from './apply-alter.js';
import { buildTable, trackError } from './build-table.js';
import { type CharsetPair, resolveCharset, serverDefault } from './charsets.js';
import type { SchemaServer } from './column-type.js';
import type { AlterTable, ParsedStatement } from './ddl-types.js';
import type { TableSchema } from './table.js';

export interface TrackerOptions extends SchemaServer {
  /** The server folds names to lower case (lower_case_table_names 1 or 2). */
  readonly lowerCaseNames?: boolean;
  /** character_set_server and collation_server, for CREATE DATABASE without a character set. */
  readonly serverDefault?: CharsetPair;
}

/** Opaque; give it back to `restore`. */
export interface TrackerSnapshot {
  readonly tables: ReadonlyMap<string, TableSchema>;
  readonly schemas: ReadonlyMap<string, CharsetPair>;
}

export class SchemaTracker {
  #options: TrackerOptions;
  #tables = new Map<string, TableSchema>();
  /** Default character sets of the schemas. */
  #schemas = new Map<string, CharsetPair>();

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  /** What the session of the next statement says; what is left out stays as it was. */
  useSession(session: Pick<TrackerOptions, 'explicitDefaultsForTimestamp' | 'serverDefault'>): void {
    this.#options = { ...this.#options, ...session };
  }

  /** The name as the source's server keeps it. */
  fold(name: TableName): TableName {
    if (!this.#options.lowerCaseNames) return name;
    return { schema: name.schema.toLowerCase(), table: name.table.toLowerCase() };
  }

  #key(name: TableName): string {
    return tableKey(this.fold(name));
  }

  get(name: TableName): TableSchema | undefined {
    return this.#tables.get(this.#key(name));
  }

  set(table: TableSchema): void {
    this.#tables.set(this.#key(table), table);
  }

  drop(name: TableName): void {
    this.#tables.delete(this.#key(name));
  }

  tables(): TableSchema[] {
    return [...this.#tables.values()];
  }

  /** Tells a schema's default character set; needed before tables are created in it. */
  setSchema(schema: string, pair: CharsetPair): void {
    this.#schemas.set(this.#key({ schema, table: '' }), pair);
  }

  hasSchema(schema: string): boolean {
    return this.#schemas.has(this.#key({ schema, table: '' }));
  }

  /** A tracker of the same server that knows no tables yet. */
  fork(): SchemaTracker {
    const fork = new SchemaTracker(this.#options);
    fork.#schemas = new Map(this.#schemas);
    return fork;
  }

  snapshot(): TrackerSnapshot {
    return { tables: new Map(this.#tables), schemas: new Map(this.#schemas) };
  }

  restore(snapshot: TrackerSnapshot): void {
    this.#tables = new Map(snapshot.tables);
    this.#schemas = new Map(snapshot.schemas);
  }

  /**
   * Applies a DDL and returns the tables that changed, came or went, by their names before and after.
   * All or nothing: throws DmError 44006 and changes nothing where the statement does not fit the model.
   * Statements that are no DDL on tables change nothing.
   */
  apply(statement: ParsedStatement): TableName[] {
    const before = this.snapshot();
    try {
      return this.#apply(statement);
    } catch (error) {
      this.restore(before);
      if (error instanceof DmError) throw error;
      throw trackError(statement.sql.slice(0, 500), error);
    }
  }

  #serverDefault(): CharsetPair {
    return this.#options.serverDefault ?? serverDefault(this.#options);
  }

  /** What a table gets in this schema that names no character set. */
  schemaDefault(schema: string): CharsetPair {
    return this.#schemaDefault(schema);
  }

  #schemaDefault(schema: string): CharsetPair {
    return this.#schemas.get(this.#key({ schema, table: '' })) ?? this.#serverDefault();
  }

  #must(name: TableName): TableSchema {
    const table = this.get(name);
    if (table === undefined) throw trackError(`table ${quoteTable(name)} is not known`);
    return table;
  }

  #apply(statement: ParsedStatement): TableName[] {
    switch (statement.kind) {
      case 'create-database': {
        const { schema } = statement.database.name;
        if (statement.ifNotExists && this.hasSchema(schema)) return [];
        const dropped = statement.orReplace ? this.#dropSchema(schema) : [];
        this.setSchema(schema, resolveCharset(statement, this.#serverDefault(), this.#options));
        return dropped;
      }
      case 'alter-database': {
        const { schema } = statement.database.name;
        this.setSchema(schema, resolveCharset(statement, this.#schemaDefault(schema), this.#options));
        return [];
      }
      case 'drop-database':
        return this.#dropSchema(statement.database.name.schema);
      case 'create-table':
        return this.#create(statement);
      case 'drop-table': {
        const names = statement.tables.map((ref) => ref.name);
        for (const name of names) this.drop(name);
        return names;
      }
      case 'rename-table': {
        const changed: TableName[] = [];
        for (const { from, to } of statement.pairs) {
          if (statement.ifExists && this.get(from.name) === undefined) continue;
          this.#rename(this.#must(from.name), to.name);
          changed.push(from.name, to.name);
        }
        return changed;
      }
      case 'alter-table':
        return this.#alter(statement);
      case 'create-index':
        return this.#alterBy(statement.table.name, {
          ...statement,
          kind: 'alter-table',
          ifExists: false,
          operations: this.#createIndexOperations(statement),
        });
      case 'drop-index': {
        const { name, ifExists } = statement;
        const place = { start: 0, end: 0, text: '' };
        return this.#alterBy(statement.table.name, {
          ...statement,
          kind: 'alter-table',
          ifExists: false,
          operations: [{ ...place, op: 'drop-index', name, ifExists }],
        });
      }
      case 'truncate-table':
      case 'other-ddl':
      case 'dml':
      case 'begin':
      case 'commit':
      case 'rollback':
      case 'xa':
      case 'empty':
        return [];
      default:
        return unreachable(statement);
    }
  }

  #createIndexOperations(
    statement: Extract<ParsedStatement, { kind: 'create-index' }>,
  ): AlterTable['operations'] {
    const place = { start: 0, end: 0, text: '' };
    const add = { ...place, op: 'add-index', index: statement.index } as const;
    if (!statement.orReplace) return [add];
    return [{ ...place, op: 'drop-index', name: statement.index.name, ifExists: true }, add];
  }

  #dropSchema(schema: string): TableName[] {
    const folded = this.fold({ schema, table: '' }).schema;
    const gone = this.tables().filter((table) => this.fold(table).schema === folded);
    for (const table of gone) this.drop(table);
    this.#schemas.delete(this.#key({ schema, table: '' }));
    return gone.map((table) => ({ schema: table.schema, table: table.table }));
  }

  #create(statement: Extract<ParsedStatement, { kind: 'create-table' }>): TableName[] {
    const { name } = statement.table;
    if (this.get(name) !== undefined) {
      if (statement.ifNotExists) return [];
      if (!statement.orReplace) throw trackError(`table ${quoteTable(name)} exists already`);
    }
    if (statement.like !== undefined) {
      const { partitioning, ...like } = this.#must(statement.like.name);
      this.set({
        ...like,
        ...this.fold(name),
        foreignKeys: [],
        indexes: like.indexes.map(({ generated: _generated, ...index }) => index),
        ...(partitioning === undefined ? {} : { partitioning }),
      });
    } else {
      const table = buildTable(statement, this.#schemaDefault(name.schema), this.#options);
      this.set({ ...table, ...this.fold(name) });
    }
    return [name];
  }

  #rename(table: TableSchema, to: TableName): void {
    if (this.get(to) !== undefined && this.#key(to) !== this.#key(table)) {
      throw trackError(`table ${quoteTable(to)} exists already`);
    }
    this.drop(table);
    // Names that the server made from the table's follow it.
    const prefix = `${table.table}_ibfk_`;
    const foreignKeys = table.foreignKeys.map((key) =>
      key.name.startsWith(prefix)
        ? { ...key, name: `${to.table}_ibfk_${key.name.slice(prefix.length)}` }
        : key,
    );
    this.set({ ...table, ...this.fold(to), foreignKeys });
  }

  #alter(statement: AlterTable): TableName[] {
    const { name } = statement.table;
    if (statement.ifExists && this.get(name) === undefined) return [];
    const changed = this.#alterBy(name, statement);
    let current = name;
    for (const operation of statement.operations) {
      if (operation.op !== 'rename-table') continue;
      this.#rename(this.#must(current), operation.to.name);
      current = operation.to.name;
      changed.push(current);
    }
    return changed;
  }

  #alterBy(name: TableName, statement: AlterTable): TableName[] {
    const table = this.#must(name);
    this.set(applyAlter(table, statement, this.#schemaDefault(name.schema), this.#options));
    return [name];
  }
}
