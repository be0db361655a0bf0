/**
 * Random DDL. The fuzzer's idea of the tables changes at once, as if the source accepted everything: where
 * it does not (duplicate values under a new unique key), later statements on that table fail there too and
 * nothing is compared wrongly.
 */
import type { SeededRandom } from '../../test/support/seeded-random.js';
import {
  columnSql,
  indexSql,
  keyPart,
  newColumn,
  partsSql,
  primaryPart,
  settable,
  tableSql,
  takesPrefix,
  type FuzzColumn,
  type FuzzIndex,
  type FuzzTable,
} from './tables.js';
import {
  checkConstraint,
  commentColumn,
  commentOption,
  dressed,
  generatedColumn,
  indexStatement,
  partitionSql,
  renameIndex,
  tableOption,
} from './alter-parts.js';
import { noise } from './noise.js';
import { TableDdl } from './table-ddl.js';
import type { Dialect, Kind } from './values.js';

export class DdlGenerator {
  readonly #tables: FuzzTable[];
  readonly #random: SeededRandom;
  readonly #dialect: Dialect;
  readonly #objects: TableDdl;
  #names = 100;

  /** `tables` is changed in place; `schemas` are those besides the writers' own. */
  constructor(tables: FuzzTable[], random: SeededRandom, dialect: Dialect, schemas: readonly string[]) {
    this.#tables = tables;
    this.#random = random;
    this.#dialect = dialect;
    this.#objects = new TableDdl(tables, random, dialect, this.#name, schemas);
  }

  /** The statements of one step. */
  next(): string[] {
    const random = this.#random;
    const table = random.pick(this.#tables);
    const draw = random.next();
    if (draw < 0.6) return [this.#alter(table)];
    if (draw < 0.66) return [indexStatement(table, this.#name('i'), random)];
    if (draw < 0.7) return [partitionSql(table, random, this.#dialect)];
    if (draw < 0.74) return noise(table, this.#name('x'), random, this.#dialect);
    if (draw < 0.76)
      return [`ALTER TABLE ${tableSql(table)} CONVERT TO CHARACTER SET ${this.#wideCharset()}`];
    return this.#objects.next(table);
  }

  readonly #name = (prefix: string): string => `${prefix}${this.#names++}`;

  #wideCharset(): string {
    return this.#random.pick(['utf8mb4 COLLATE utf8mb4_general_ci', 'utf8mb4 COLLATE utf8mb4_bin']);
  }

  #alter(table: FuzzTable): string {
    const parts = [this.#operation(table)];
    while (this.#random.next() < 0.25) parts.push(this.#operation(table));
    const kept = parts.filter((part) => part !== '').map((part) => dressed(part, this.#random));
    return `ALTER TABLE ${tableSql(table)} ${kept.length > 0 ? kept.join(', ') : commentOption(this.#random)}`;
  }

  #operation(table: FuzzTable): string {
    const random = this.#random;
    switch (
      random.pick([
        'add',
        'add',
        'add',
        'drop',
        'modify',
        'modify',
        'rename',
        'index',
        'unique',
        'drop-index',
        'clock',
        'primary',
        'engine',
        'default',
        'generated',
        'generated',
        'check',
        'option',
        'option',
        'several',
        'comment',
        'rename-index',
      ])
    ) {
      case 'add':
        return this.#addColumn(table, newColumn(this.#name('n'), random, this.#dialect));
      case 'clock':
        return this.#addColumn(table, this.#clockColumn());
      case 'drop':
        return this.#dropColumn(table);
      case 'modify':
        return this.#modify(table);
      case 'rename':
        return this.#renameColumn(table);
      case 'index':
        return this.#addIndex(table, false);
      case 'unique':
        return this.#addIndex(table, true);
      case 'drop-index':
        return this.#dropIndex(table);
      case 'primary':
        return this.#primaryKey(table);
      case 'default':
        return this.#setDefault(table);
      case 'generated':
        return generatedColumn(table, this.#name('g'), random, this.#dialect);
      case 'check':
        // MySQL 5.6 reads it and forgets it, a newer target does not.
        return this.#dialect.source === 'mysql-5.6' ? '' : checkConstraint(table, this.#name('ck'), random);
      case 'option':
        return tableOption(random, this.#dialect);
      case 'several':
        return this.#addSeveral(table);
      case 'comment':
        return commentColumn(table, random);
      case 'rename-index':
        return this.#dialect.source === 'mysql-5.6' ? '' : renameIndex(table, this.#name('i'), random);
      default:
        return 'ENGINE=InnoDB';
    }
  }

  /** A column whose value in the rows that are there depends on when and where the statement runs. */
  #clockColumn(): FuzzColumn {
    const random = this.#random;
    const digits = random.pick(['', '(3)', '(6)']);
    const now = `CURRENT_TIMESTAMP${digits}`;
    const update = random.next() < 0.3 ? ` ON UPDATE ${now}` : '';
    const base = random.pick(['DATETIME', 'TIMESTAMP']);
    const literal = "'2021-01-01 00:00:00'";
    return {
      name: this.#name('n'),
      kind: { sql: `${base}${digits}`, group: 'time', key: 'whole', hot: () => literal, any: () => literal },
      notNull: true,
      extra: `DEFAULT ${now}${update}`,
    };
  }

  #addColumn(table: FuzzTable, column: FuzzColumn): string {
    const random = this.#random;
    const after = random.pick(table.columns);
    const at = table.columns.indexOf(after);
    switch (random.int(0, 2)) {
      case 0:
        table.columns = [column, ...table.columns];
        return `ADD COLUMN ${columnSql(column)} FIRST`;
      case 1:
        table.columns = [...table.columns.slice(0, at + 1), column, ...table.columns.slice(at + 1)];
        return `ADD COLUMN ${columnSql(column)} AFTER \`${after.name}\``;
      default:
        table.columns = [...table.columns, column];
        return `ADD ${columnSql(column)}`;
    }
  }

  #addSeveral(table: FuzzTable): string {
    const { source } = this.#dialect;
    const fresh = [1, 2].map(() => newColumn(this.#name('n'), this.#random, this.#dialect));
    table.columns = [...table.columns, ...fresh];
    const hidden = source !== 'mysql-5.6' && this.#dialect.target !== 'tidb' && this.#random.next() < 0.3;
    if (!hidden) return `ADD COLUMN (${fresh.map(columnSql).join(', ')})`;
    // Invisible columns are in the rows, and in nobody's SELECT *. MariaDB wants NULL or a default.
    return fresh
      .map((column) => `ADD COLUMN ${columnSql({ ...column, notNull: false })} INVISIBLE`)
      .join(', ');
  }

  /** Columns that no key and no generated column needs. */
  #free(table: FuzzTable): FuzzColumn[] {
    const used = new Set<string>();
    for (const part of [...table.primary, ...table.indexes.flatMap((index) => index.parts)])
      used.add(part.column);
    for (const column of table.columns)
      if (column.generatedFrom !== undefined) used.add(column.generatedFrom);
    return settable(table).filter((column) => !used.has(column.name));
  }

  #dropColumn(table: FuzzTable): string {
    const free = this.#free(table);
    if (free.length === 0 || table.columns.length < 3) return '';
    const column = this.#random.pick(free);
    table.columns = table.columns.filter((other) => other !== column);
    return `DROP COLUMN \`${column.name}\``;
  }

  #replace(table: FuzzTable, column: FuzzColumn, by: FuzzColumn): void {
    table.columns = table.columns.map((other) => (other === column ? by : other));
  }

  #modify(table: FuzzTable): string {
    const random = this.#random;
    const wide = settable(table).filter((column) => column.kind.wider !== undefined && column.extra === '');
    if (wide.length > 0 && random.next() < 0.6) {
      const column = random.pick(wide);
      const kind = { ...column.kind, sql: column.kind.wider ?? '', wider: undefined };
      const changed = { ...column, kind };
      this.#replace(table, column, changed);
      return `MODIFY COLUMN ${columnSql(changed)}`;
    }
    // Two flavours convert the values of one type to another as they like.
    const same = this.#dialect.source === this.#dialect.target;
    const free = this.#free(table).filter((column) => !column.extra.includes('CURRENT'));
    // MariaDB fills JSON with the empty text, which is no JSON.
    const json = same || this.#dialect.source === 'mysql-9.7';
    if (free.length === 0) return '';
    const column = random.pick(free);
    const changed =
      random.next() < 0.5 || !same
        ? {
            ...column,
            notNull: !column.notNull && column.kind.sql !== 'POINT' && (json || column.kind.sql !== 'JSON'),
          }
        : { ...newColumn(column.name, random, this.#dialect), notNull: false };
    this.#replace(table, column, changed);
    return `MODIFY ${columnSql(changed)}${random.next() < 0.3 ? ' FIRST' : ''}`;
  }

  #renameColumn(table: FuzzTable): string {
    const random = this.#random;
    const sources = new Set(table.columns.map((column) => column.generatedFrom));
    const candidates = settable(table).filter((column) => !sources.has(column.name));
    if (candidates.length === 0) return '';
    const column = random.pick(candidates);
    const changed = { ...column, name: this.#name('r') };
    this.#replace(table, column, changed);
    const rename = <T extends { readonly column: string }>(parts: readonly T[]): T[] =>
      parts.map((part) => (part.column === column.name ? { ...part, column: changed.name } : part));
    table.primary = rename(table.primary);
    table.indexes = table.indexes.map((index) => ({ ...index, parts: rename(index.parts) }));
    // CHANGE says the type anew. Where a statement before was refused it may be another, even a BLOB under a
    // unique key, which MariaDB alone takes.
    const { source, target } = this.#dialect;
    const apart = source === 'mariadb' && target !== 'mariadb';
    return (random.next() < 0.5 || apart) && source !== 'mysql-5.6'
      ? `RENAME COLUMN \`${column.name}\` TO \`${changed.name}\``
      : `CHANGE \`${column.name}\` ${columnSql(changed)}`;
  }

  #addIndex(table: FuzzTable, unique: boolean): string {
    const random = this.#random;
    const columns = table.columns.filter((column) => column.kind.key !== 'no');
    if (columns.length === 0) return '';
    const first = random.pick(columns);
    const second = random.pick(columns);
    const chosen = random.next() < 0.5 || first === second ? [first] : [first, second];
    const index: FuzzIndex = {
      name: this.#name('i'),
      unique,
      parts: chosen.map((column) => keyPart(column, random)),
    };
    table.indexes = [...table.indexes, index];
    return `ADD ${indexSql(index)}`;
  }

  #dropIndex(table: FuzzTable): string {
    if (table.indexes.length === 0) return '';
    const index = this.#random.pick(table.indexes);
    table.indexes = table.indexes.filter((other) => other !== index);
    return `DROP INDEX \`${index.name}\``;
  }

  #primaryKey(table: FuzzTable): string {
    const random = this.#random;
    if (table.columns.some((column) => column.extra.includes('AUTO_INCREMENT'))) return '';
    if (table.primary.length > 0) {
      table.primary = [];
      return 'DROP PRIMARY KEY';
    }
    const fits = (kind: Kind) =>
      kind.key === 'whole' || (kind.key === 'prefix' && takesPrefix(kind, this.#dialect));
    const columns = settable(table).filter((column) => column.notNull && fits(column.kind));
    if (columns.length === 0) return '';
    table.primary = [primaryPart(random.pick(columns), random, this.#dialect)];
    return `ADD PRIMARY KEY (${partsSql(table.primary)})`;
  }

  #setDefault(table: FuzzTable): string {
    const columns = settable(table).filter(
      (column) => column.kind.group === 'integer' && column.extra === '',
    );
    if (columns.length === 0) return '';
    return `ALTER COLUMN \`${this.#random.pick(columns).name}\` SET DEFAULT ${this.#random.int(0, 99)}`;
  }
}
