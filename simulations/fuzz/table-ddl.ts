/** Random DDL on whole tables and schemas: created, copied, renamed, moved, emptied and dropped. */
import type { SeededRandom } from '../../test/support/seeded-random.js';
import { createSql, newTable, settable, tableSql, type FuzzColumn, type FuzzTable } from './tables.js';
import { anyCharset, integerKind, type Dialect } from './values.js';

export class TableDdl {
  readonly #tables: FuzzTable[];
  readonly #random: SeededRandom;
  readonly #dialect: Dialect;
  readonly #name: (prefix: string) => string;
  readonly #schemas: readonly string[];

  constructor(
    tables: FuzzTable[],
    random: SeededRandom,
    dialect: Dialect,
    name: (prefix: string) => string,
    schemas: readonly string[],
  ) {
    this.#tables = tables;
    this.#random = random;
    this.#dialect = dialect;
    this.#name = name;
    this.#schemas = schemas;
  }

  next(table: FuzzTable): string[] {
    const random = this.#random;
    const kind = random.pick([
      'truncate',
      'truncate',
      'recreate',
      'recreate',
      'rename',
      'rename',
      'swap',
      'swap',
      'rotate',
      'like',
      'select',
      'select',
      'create',
      'drop',
      'replace',
      'temporary',
      'schema',
      'schema',
    ]);
    switch (kind) {
      case 'truncate':
        return [`TRUNCATE ${random.pick(['', 'TABLE '])}${tableSql(table)}`];
      case 'recreate':
        return this.#recreate(table);
      case 'rename':
        return [this.#rename(table)];
      case 'swap':
        return [this.#swap()];
      case 'rotate':
        return this.#rotate();
      case 'like':
        return this.#createLike(table);
      case 'select':
        return this.#createSelect(table);
      case 'create':
        return this.#create();
      case 'drop':
        return this.#drop(table);
      case 'replace':
        return this.#replace(table);
      case 'temporary':
        return this.#temporary(table);
      default:
        return this.#schema();
    }
  }

  #anySchema(): string {
    return this.#random.next() < 0.3 ? this.#random.pick(this.#schemas) : '';
  }

  #fresh(schema: string, name: string): FuzzTable {
    return { ...newTable(name, this.#random, this.#dialect), schema };
  }

  #recreate(table: FuzzTable): string[] {
    const fresh = this.#fresh(table.schema, table.name);
    this.#tables[this.#tables.indexOf(table)] = fresh;
    return [`DROP TABLE IF EXISTS ${tableSql(table)}`, createSql(fresh)];
  }

  /** MariaDB's CREATE OR REPLACE; elsewhere as `recreate`. */
  #replace(table: FuzzTable): string[] {
    if (this.#dialect.source !== 'mariadb' || this.#dialect.target !== 'mariadb')
      return this.#recreate(table);
    const fresh = this.#fresh(table.schema, table.name);
    this.#tables[this.#tables.indexOf(table)] = fresh;
    return [createSql(fresh).replace('CREATE', 'CREATE OR REPLACE')];
  }

  #rename(table: FuzzTable): string {
    const from = tableSql(table);
    table.name = this.#name('t');
    if (this.#random.next() < 0.3) table.schema = this.#anySchema();
    return this.#random.next() < 0.5
      ? `RENAME TABLE ${from} TO ${tableSql(table)}`
      : `ALTER TABLE ${from} RENAME ${this.#random.pick(['TO ', 'AS ', ''])}${tableSql(table)}`;
  }

  #swap(): string {
    const a = this.#random.pick(this.#tables);
    const b = this.#random.pick(this.#tables);
    if (a === b) return this.#rename(a);
    const between = tableSql({ schema: a.schema, name: this.#name('t') });
    const [x, y] = [tableSql(a), tableSql(b)];
    [a.name, b.name] = [b.name, a.name];
    [a.schema, b.schema] = [b.schema, a.schema];
    return `RENAME TABLE ${x} TO ${between}, ${y} TO ${x}, ${between} TO ${y}`;
  }

  /** As a rebuild by hand does: a new table takes the place of the old one, which gets another name. */
  #rotate(): string[] {
    const table = this.#random.pick(this.#tables);
    const place = tableSql(table);
    const fresh: FuzzTable = { ...table, name: this.#name('t') };
    const old = this.#name('t');
    const create = `CREATE TABLE ${tableSql(fresh)} LIKE ${place}`;
    const columns = settable(table)
      .map((column) => `\`${column.name}\``)
      .join(',');
    const away = tableSql({ schema: table.schema, name: old });
    const from = tableSql(fresh);
    fresh.name = table.name;
    table.name = old;
    this.#tables.push(fresh);
    return [
      create,
      `INSERT INTO ${from} (${columns}) SELECT ${columns} FROM ${place}`,
      `RENAME TABLE ${place} TO ${away}, ${from} TO ${place}`,
    ];
  }

  #createLike(table: FuzzTable): string[] {
    const copy: FuzzTable = { ...table, schema: this.#anySchema(), name: this.#name('t') };
    this.#tables.push(copy);
    const guarded = this.#random.next() < 0.3 ? 'IF NOT EXISTS ' : '';
    return [
      this.#random.next() < 0.7
        ? `CREATE TABLE ${guarded}${tableSql(copy)} LIKE ${tableSql(table)}`
        : `CREATE TABLE ${guarded}${tableSql(copy)} (LIKE ${tableSql(table)})`,
    ];
  }

  /** Columns become plain ones; the new table has the keys that the statement gives it. */
  #createSelect(table: FuzzTable): string[] {
    const random = this.#random;
    const chosen = table.columns.filter(() => random.next() < 0.8);
    if (chosen.length === 0) return this.#create();
    const columns = chosen.map((column): FuzzColumn => {
      const plain = { ...column, extra: '' };
      delete (plain as { generatedFrom?: string }).generatedFrom;
      return plain;
    });
    const copy: FuzzTable = {
      schema: this.#anySchema(),
      name: this.#name('t'),
      columns,
      primary: [],
      indexes: [],
      options: '',
    };
    this.#tables.push(copy);
    const list = chosen.map((column) => `\`${column.name}\``).join(', ');
    const extra = random.next() < 0.3 ? '(`own` INT NOT NULL DEFAULT 7) ' : '';
    return [`CREATE TABLE ${tableSql(copy)} ${extra}SELECT ${list} FROM ${tableSql(table)}`];
  }

  #drop(table: FuzzTable): string[] {
    if (this.#tables.length < 4) return this.#create();
    const others = this.#tables.filter((other) => other !== table);
    const second = this.#random.next() < 0.4 && others.length > 3 ? [this.#random.pick(others)] : [];
    const gone = [table, ...second];
    const kept = this.#tables.filter((other) => !gone.includes(other));
    this.#tables.splice(0, this.#tables.length, ...kept);
    const missing = this.#random.next() < 0.2 ? [this.#name('never')] : [];
    const names = [...gone.map(tableSql), ...missing.map((name) => `\`${name}\``)];
    return [`DROP TABLE ${missing.length > 0 ? 'IF EXISTS ' : ''}${names.join(', ')}`];
  }

  /** What never reaches the target, and a drop that does not say that it means a temporary table. */
  #temporary(table: FuzzTable): string[] {
    const name = `\`${this.#name('tmp')}\``;
    return [
      `CREATE TEMPORARY TABLE ${name} LIKE ${tableSql(table)}`,
      `ALTER TABLE ${name} ADD COLUMN only_here INT`,
      `INSERT INTO ${name} (only_here) VALUES (1)`,
      `DROP ${this.#random.pick(['TEMPORARY ', ''])}TABLE ${name}`,
    ];
  }

  #create(): string[] {
    const table = this.#fresh(this.#anySchema(), this.#name('t'));
    this.#tables.push(table);
    const charset = anyCharset(this.#random, this.#dialect).sql;
    const extra = integerKind(this.#random).sql;
    return [
      createSql(table),
      `CREATE TABLE IF NOT EXISTS \`${this.#name('s')}\` (a ${extra}, b VARCHAR(9) CHARACTER SET ${charset})`,
    ];
  }

  #schema(): string[] {
    const random = this.#random;
    const schema = random.pick(this.#schemas);
    const charset = random.pick(['utf8mb4 COLLATE utf8mb4_bin', 'latin1', 'gbk', 'utf8mb4']);
    const draw = random.next();
    if (draw < 0.4) return [`ALTER DATABASE \`${schema}\` CHARACTER SET ${charset}`];
    if (draw < 0.6) return [`CREATE DATABASE IF NOT EXISTS \`${schema}\` CHARACTER SET = ${charset}`];
    const left = this.#tables.filter((table) => table.schema !== schema);
    if (left.length === 0) return this.#create();
    this.#tables.splice(0, this.#tables.length, ...left);
    const table = this.#fresh(schema, this.#name('t'));
    this.#tables.push(table);
    return [
      `DROP ${random.pick(['DATABASE', 'SCHEMA'])} ${random.pick(['', 'IF EXISTS '])}\`${schema}\``,
      `CREATE DATABASE \`${schema}\` DEFAULT CHARACTER SET ${charset}`,
      createSql(table),
    ];
  }
}
