/**
 * ALTER TABLE on the model, in the order in which the servers build the new table: columns that stay
 * or change in place, then new and moved ones, then the indexes mapped to what has become of their
 * columns, then new indexes.
 */
import { unreachable } from '../model/assert.js';
import { quoteName } from '../model/table-name.js';
import {
  foreignKeyFromDef,
  inlineForeignKeys,
  inlineIndexes,
  keptOptions,
  trackError,
} from './build-table.js';
import { type CharsetPair, maxBytes, resolveCharset } from './charsets.js';
import { isTextType, resolveColumn, type SchemaServer, textCapacity, textTypeFor } from './column-type.js';
import type { AlterOperation, AlterTable, ColumnDef, ForeignKeyDef, Position } from './ddl-types.js';
import { columnMap, indexForForeignKey, indexFromDef, primaryNotNull, settleIndexes } from './indexes.js';
import { versionNumber } from './dialect.js';
import type { Column, ForeignKey, Index, IndexPart, TableSchema } from './table.js';

type ColumnChange = Extract<AlterOperation, { op: 'change-column' | 'rename-column' | 'alter-column' }>;

/** The table after the statement, under its old name; a renaming is for the caller to do. */
export function applyAlter(
  table: TableSchema,
  statement: AlterTable,
  schemaDefault: CharsetPair,
  server: SchemaServer,
): TableSchema {
  return new Alteration(table, schemaDefault, server).run(statement.operations);
}

class Alteration {
  readonly #old: TableSchema;
  readonly #schemaDefault: CharsetPair;
  readonly #server: SchemaServer;
  #pair: CharsetPair;
  #convert: CharsetPair | undefined;
  /** DEFAULT CHARACTER SET stands in the statement; on MariaDB it wins over CONVERT TO for the table. */
  #namesDefault = false;
  #comment: string;
  #options: Record<string, string>;
  #partitioning: string | undefined;
  #foreignKeys: ForeignKey[];
  /** Lower-case old name -> what has become of the column; null = dropped. */
  readonly #changes = new Map<string, ColumnChange[] | null>();
  readonly #added: Extract<AlterOperation, { op: 'add-column' }>[] = [];
  #indexes: Index[];
  readonly #newIndexes: Index[] = [];

  constructor(table: TableSchema, schemaDefault: CharsetPair, server: SchemaServer) {
    this.#old = table;
    this.#schemaDefault = schemaDefault;
    this.#server = server;
    this.#pair = { charset: table.charset, collation: table.collation };
    this.#comment = table.comment;
    this.#options = table.options;
    this.#partitioning = table.partitioning;
    this.#foreignKeys = table.foreignKeys;
    this.#indexes = table.indexes;
  }

  run(operations: readonly AlterOperation[]): TableSchema {
    for (const operation of operations) this.#note(operation);
    if (operations.length === 1 && this.#isIdleConvert()) return this.#old;
    const { columns, newNames } = this.#columns();
    const indexes = [...this.#mapIndexes(newNames), ...this.#newIndexes];
    const existing = columnMap(columns);
    for (const index of indexes) {
      for (const { column } of index.parts) {
        if (column !== '' && !existing.has(column.toLowerCase())) {
          throw this.#error(`key column ${column} does not exist`);
        }
      }
    }
    if (indexes.filter((index) => index.kind === 'primary').length > 1) {
      throw this.#error('the table has a primary key already');
    }
    this.#checkIndexNames(indexes);
    const keyed = primaryNotNull(columns, indexes);
    const { partitioning: _partitioning, ...rest } = this.#old;
    return {
      ...rest,
      columns: keyed,
      indexes: settleIndexes(indexes, keyed),
      foreignKeys: this.#foreignKeys.map((key) => ({
        ...key,
        columns: key.columns.map((column) => newNames.get(column.toLowerCase()) ?? column),
      })),
      charset: this.#pair.charset,
      collation: this.#pair.collation,
      comment: this.#comment,
      options: this.#options,
      ...(this.#partitioning === undefined ? {} : { partitioning: this.#partitioning }),
    };
  }

  #error(detail: string): ReturnType<typeof trackError> {
    return trackError(`${detail} (table ${quoteName(this.#old.schema)}.${quoteName(this.#old.table)})`);
  }

  /** MySQL 5.6 does nothing at all, not even to the table's default, where no column has to be converted. */
  #isIdleConvert(): boolean {
    const { flavor, serverVersion } = this.#server;
    if (flavor !== 'mysql' || versionNumber(serverVersion ?? '') >= 50700) return false;
    const to = this.#convert;
    return (
      to !== undefined &&
      this.#old.columns.every(
        ({ type }) =>
          !isTextType(type.base) || (type.charset === to.charset && type.collation === to.collation),
      )
    );
  }

  #hadColumn(name: string): boolean {
    return this.#old.columns.some((column) => sameName(column.name, name));
  }

  #hasColumn(name: string): boolean {
    return this.#hadColumn(name) || this.#added.some(({ column }) => sameName(column.name, name));
  }

  #note(operation: AlterOperation): void {
    switch (operation.op) {
      case 'add-column': {
        if (operation.ifNotExists && this.#hasColumn(operation.column.name)) return;
        this.#added.push(operation);
        this.#newIndexes.push(...inlineIndexes(operation.column));
        for (const def of inlineForeignKeys(operation.column, this.#server)) this.#addForeignKey(def);
        return;
      }
      case 'drop-column': {
        // IF EXISTS looks at the table as it was.
        if (operation.ifExists && !this.#hadColumn(operation.name)) return;
        if (!this.#hadColumn(operation.name)) {
          throw this.#error(`column ${operation.name} does not exist`);
        }
        this.#changes.set(operation.name.toLowerCase(), null);
        return;
      }
      case 'change-column':
      case 'rename-column':
      case 'alter-column': {
        if (operation.ifExists && !this.#hadColumn(operation.name)) return;
        if (!this.#hasColumn(operation.name)) {
          throw this.#error(`column ${operation.name} does not exist`);
        }
        if (operation.op === 'change-column' && this.#replaceAdded(operation)) return;
        const key = operation.name.toLowerCase();
        this.#changes.set(key, [...(this.#changes.get(key) ?? []), operation]);
        if (operation.op === 'change-column') this.#newIndexes.push(...inlineIndexes(operation.column));
        return;
      }
      case 'add-index': {
        const { index } = operation;
        if (index.ifNotExists && this.#findIndex(index.name) !== undefined) return;
        this.#newIndexes.push(indexFromDef(index));
        return;
      }
      case 'drop-index':
        return this.#dropIndex(operation.name, operation.ifExists);
      case 'drop-primary':
        return this.#dropIndex('PRIMARY', false);
      case 'rename-index':
        if (this.#findIndex(operation.name) === undefined) {
          throw this.#error(`index ${operation.name} does not exist`);
        }
        return this.#replaceIndex(operation.name, { name: operation.newName });
      case 'alter-index':
        return this.#replaceIndex(operation.name, { invisible: operation.invisible });
      case 'add-foreign-key': {
        const def = operation.foreignKey;
        if (def.ifNotExists && this.#foreignKeys.some((key) => sameName(key.name, def.name))) return;
        this.#addForeignKey(def);
        return;
      }
      case 'drop-foreign-key':
        this.#foreignKeys = this.#foreignKeys.filter((key) => !sameName(key.name, operation.name));
        return;
      case 'drop-constraint':
        // A check is not part of the model, so a name that is unknown here may well be one.
        if (this.#findIndex(operation.name)) this.#dropIndex(operation.name, true);
        this.#foreignKeys = this.#foreignKeys.filter((key) => !sameName(key.name, operation.name));
        return;
      case 'convert-charset': {
        // DEFAULT: MySQL takes the schema's collation, MariaDB its character set's own.
        const fallback = this.#server.flavor === 'mariadb' ? this.#schemaDefault.charset : undefined;
        const given = { charset: operation.charset ?? fallback, collation: operation.collation };
        this.#convert = resolveCharset(given, this.#schemaDefault, this.#server);
        if (!this.#namesDefault || this.#server.flavor !== 'mariadb') this.#pair = this.#convert;
        return;
      }
      case 'table-options': {
        const { options } = operation;
        // DEFAULT CHARACTER SET alone goes back to that character set's own collation.
        this.#pair = resolveCharset(options, this.#pair, this.#server);
        if (options.charset !== undefined || options.collation !== undefined) this.#namesDefault = true;
        if (options.comment !== undefined) this.#comment = options.comment;
        this.#options = { ...this.#options, ...keptOptions(options) };
        return;
      }
      case 'partition-by':
        this.#partitioning = operation.partitioning;
        return;
      case 'add-check':
      case 'rename-table':
      case 'order-by':
      case 'partitions':
      case 'modifier':
        return;
      case 'versioning':
        // Versioned tables have row_start and row_end columns in the binlog that no statement shows.
        throw this.#error(`${operation.what} is not supported`);
      default:
        unreachable(operation);
    }
  }

  /** The new column list, and lower-case old name -> new name of the columns that stay. */
  #columns(): { columns: Column[]; newNames: Map<string, string> } {
    const newNames = new Map<string, string>();
    const columns: Column[] = [];
    // Moved and added columns take their places after the others, in the order of the statement.
    const later: { column: Column; position: Position | undefined; start: number }[] = [];
    for (const old of this.#old.columns) {
      const changes = this.#changes.get(old.name.toLowerCase());
      if (changes === null) continue;
      let column = this.#convert ? convertColumn(old, this.#convert) : old;
      let moved: { position: Position; start: number } | undefined;
      for (const change of changes ?? []) {
        column = this.#changeColumn(column, change);
        if (change.op === 'change-column' && change.position) {
          moved = { position: change.position, start: change.start };
        }
      }
      newNames.set(old.name.toLowerCase(), column.name);
      if (moved) later.push({ column, ...moved });
      else columns.push(column);
    }
    for (const { column, position, start } of this.#added) {
      later.push({ column: this.#resolve(column), position, start });
    }
    later.sort((a, b) => a.start - b.start);
    for (const { column, position } of later) {
      if (columns.some((other) => sameName(other.name, column.name))) {
        throw this.#error(`duplicate column ${column.name}`);
      }
      if (position === undefined) columns.push(column);
      else if ('first' in position) columns.unshift(column);
      else {
        const at = columns.findIndex((other) => sameName(other.name, position.after));
        if (at < 0) throw this.#error(`column ${position.after} does not exist`);
        columns.splice(at + 1, 0, column);
      }
    }
    if (columns.length === 0) throw this.#error('no column would be left');
    const names = new Set(columns.map((column) => column.name.toLowerCase()));
    if (names.size !== columns.length) throw this.#error('two columns would have the same name');
    return { columns, newNames };
  }

  /** CONVERT TO of the same statement wins over the character set that a definition names. */
  #resolve(def: ColumnDef): Column {
    const column = resolveColumn(def, this.#pair, this.#server);
    const { type } = column;
    if (!this.#convert || !isTextType(type.base) || type.charset === 'binary') return column;
    return { ...column, type: { ...type, ...this.#convert } };
  }

  #changeColumn(column: Column, change: ColumnChange): Column {
    switch (change.op) {
      case 'change-column':
        return this.#resolve(change.column);
      case 'rename-column':
        return { ...column, name: change.newName };
      case 'alter-column': {
        const changed = { ...column };
        if (change.default !== undefined) changed.default = change.default;
        if (change.invisible === true) changed.invisible = true;
        else if (change.invisible === false) delete changed.invisible;
        return changed;
      }
      default:
        return unreachable(change);
    }
  }

  /** Indexes without their dropped columns; those without any column are gone. */
  #mapIndexes(newNames: ReadonlyMap<string, string>): Index[] {
    const mapped: Index[] = [];
    for (const index of this.#indexes) {
      const parts = index.parts.flatMap((part) => {
        if (part.column === '') return [part];
        const readded = this.#readded(part);
        if (readded !== undefined) return [readded];
        const name = newNames.get(part.column.toLowerCase());
        return name === undefined ? [] : [{ ...part, column: name }];
      });
      if (parts.length > 0) mapped.push({ ...index, parts });
    }
    return mapped;
  }

  /**
   * DROP COLUMN c, ADD COLUMN c: the servers find the new column by its name and keep it in the index,
   * with the old one's size as its prefix.
   */
  #readded(part: IndexPart): IndexPart | undefined {
    const lower = part.column.toLowerCase();
    if (this.#changes.get(lower) !== null) return undefined;
    const added = this.#added.find(({ column }) => column.name.toLowerCase() === lower);
    const old = this.#old.columns.find((column) => column.name.toLowerCase() === lower);
    if (added === undefined || old === undefined) return undefined;
    const length = part.length ?? INTEGER_BYTES[old.type.base] ?? old.type.length;
    return { ...part, column: added.column.name, ...(length === undefined ? {} : { length }) };
  }

  #checkIndexNames(indexes: readonly Index[]): void {
    const names = new Set<string>();
    for (const { name, generated } of indexes) {
      if (name === '' || generated) continue;
      const lower = name.toLowerCase();
      if (names.has(lower)) throw this.#error(`duplicate index ${name}`);
      names.add(lower);
    }
  }

  /** MariaDB: MODIFY of a column that the same statement adds gives it another type and place. */
  #replaceAdded(operation: Extract<AlterOperation, { op: 'change-column' }>): boolean {
    const { column, position, start } = operation;
    if (this.#hadColumn(operation.name)) return false;
    const at = this.#added.findIndex((added) => sameName(added.column.name, operation.name));
    const { position: _position, ...added } = this.#added[at];
    this.#added[at] = { ...added, column, start, ...(position === undefined ? {} : { position }) };
    return true;
  }

  #addForeignKey(def: ForeignKeyDef): void {
    const key = foreignKeyFromDef(def, this.#old.table, this.#foreignKeys, this.#server);
    this.#foreignKeys = [...this.#foreignKeys, key];
    this.#newIndexes.push(indexForForeignKey(def));
  }

  #findIndex(name: string): Index | undefined {
    return this.#indexes.find((index) => sameName(index.name, name));
  }

  #dropIndex(name: string, ifExists: boolean): void {
    if (this.#findIndex(name) === undefined) {
      if (ifExists) return;
      throw this.#error(`index ${name} does not exist`);
    }
    this.#indexes = this.#indexes.filter((index) => !sameName(index.name, name));
  }

  #replaceIndex(name: string, change: Partial<Index>): void {
    this.#indexes = this.#indexes.map((index) =>
      sameName(index.name, name) ? { ...index, ...change } : index,
    );
  }
}

const INTEGER_BYTES: Readonly<Record<string, number>> = {
  tinyint: 1,
  smallint: 2,
  mediumint: 3,
  int: 4,
  bigint: 8,
};

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** CONVERT TO CHARACTER SET; texts grow so that as many characters fit as before. */
function convertColumn(column: Column, to: CharsetPair): Column {
  const { type } = column;
  if (!isTextType(type.base) || type.charset === 'binary') return column;
  const capacity = textCapacity(type.base);
  let { base } = type;
  if (capacity > 0 && Number.isSafeInteger(capacity) && base !== 'longtext') {
    const characters = Math.floor(capacity / maxBytes(type.charset));
    base = textTypeFor(characters * maxBytes(to.charset), false);
  }
  return { ...column, type: { ...type, base, charset: to.charset, collation: to.collation } };
}
