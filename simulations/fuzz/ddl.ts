/**
 * Random DDL. The fuzzer's idea of the tables changes at once, as if the source accepted everything: where
 * it does not (duplicate values under a new unique key), later statements on that table fail there too and
 * nothing is compared wrongly.
 */
import type { SeededRandom } from '../../test/support/seeded-random.js';
import {
  columnSql,
  createSql,
  indexSql,
  keyPart,
  newColumn,
  newTable,
  partsSql,
  settable,
  type FuzzColumn,
  type FuzzIndex,
  type FuzzTable,
} from './tables.js';
import { anyCharset, integerKind, type Dialect } from './values.js';

export class DdlGenerator {
  readonly #tables: FuzzTable[];
  readonly #random: SeededRandom;
  readonly #dialect: Dialect;
  #names = 100;

  /** `tables` is changed in place. */
  constructor(tables: FuzzTable[], random: SeededRandom, dialect: Dialect) {
    this.#tables = tables;
    this.#random = random;
    this.#dialect = dialect;
  }

  next(): string[] {
    const random = this.#random;
    const table = random.pick(this.#tables);
    const draw = random.next();
    if (draw < 0.72) return [this.#alter(table)];
    if (draw < 0.78) return [`TRUNCATE TABLE \`${table.name}\``];
    if (draw < 0.84) return this.#recreate(table);
    if (draw < 0.9) return [this.#rename(table)];
    if (draw < 0.95) return [this.#swap()];
    if (draw < 0.975) return this.#createLike(table);
    return [`ALTER TABLE \`${table.name}\` CONVERT TO CHARACTER SET ${this.#wideCharset()}`];
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  #wideCharset(): string {
    return this.#random.pick(['utf8mb4 COLLATE utf8mb4_general_ci', 'utf8mb4 COLLATE utf8mb4_bin']);
  }

  #alter(table: FuzzTable): string {
    const parts = [this.#operation(table)];
    while (this.#random.next() < 0.2) parts.push(this.#operation(table));
    const kept = parts.filter((part) => part !== '');
    return `ALTER TABLE \`${table.name}\` ${kept.length > 0 ? kept.join(', ') : "COMMENT 'it''s'"}`;
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
    const free = this.#free(table).filter((column) => !column.extra.includes('CURRENT'));
    if (free.length === 0) return '';
    const column = random.pick(free);
    const changed =
      random.next() < 0.5
        ? {
            ...column,
            notNull: !column.notNull && column.kind.sql !== 'POINT' && column.kind.sql !== 'POINT',
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
    return random.next() < 0.5 && this.#dialect.source !== 'mysql-5.6'
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
    const columns = settable(table).filter((column) => column.notNull && column.kind.key !== 'no');
    if (columns.length === 0) return '';
    table.primary = [keyPart(random.pick(columns), random)];
    return `ADD PRIMARY KEY (${partsSql(table.primary)})`;
  }

  #setDefault(table: FuzzTable): string {
    const columns = settable(table).filter(
      (column) => column.kind.group === 'integer' && column.extra === '',
    );
    if (columns.length === 0) return '';
    return `ALTER COLUMN \`${this.#random.pick(columns).name}\` SET DEFAULT ${this.#random.int(0, 99)}`;
  }

  #recreate(table: FuzzTable): string[] {
    const fresh = newTable(table.name, this.#random, this.#dialect);
    this.#tables[this.#tables.indexOf(table)] = fresh;
    return [`DROP TABLE IF EXISTS \`${table.name}\``, createSql(fresh)];
  }

  #rename(table: FuzzTable): string {
    const from = table.name;
    table.name = this.#name('t');
    return this.#random.next() < 0.5
      ? `RENAME TABLE \`${from}\` TO \`${table.name}\``
      : `ALTER TABLE \`${from}\` RENAME TO \`${table.name}\``;
  }

  #swap(): string {
    const a = this.#random.pick(this.#tables);
    const b = this.#random.pick(this.#tables);
    if (a === b) return this.#rename(a);
    const between = this.#name('t');
    [a.name, b.name] = [b.name, a.name];
    return `RENAME TABLE \`${b.name}\` TO \`${between}\`, \`${a.name}\` TO \`${b.name}\`, \`${between}\` TO \`${a.name}\``;
  }

  #createLike(table: FuzzTable): string[] {
    const name = this.#name('t');
    this.#tables.push({ ...table, name });
    return [`CREATE TABLE \`${name}\` LIKE \`${table.name}\``];
  }

  /** A new table beside those that are there. */
  create(): string[] {
    const table = newTable(this.#name('t'), this.#random, this.#dialect);
    this.#tables.push(table);
    const charset = anyCharset(this.#random, this.#dialect).sql;
    const extra = integerKind(this.#random).sql;
    return [
      createSql(table),
      `CREATE TABLE IF NOT EXISTS \`${this.#name('s')}\` (a ${extra}, b VARCHAR(9) CHARACTER SET ${charset})`,
    ];
  }
}
