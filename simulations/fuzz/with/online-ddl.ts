/**
 * Runs as gh-ost and pt-online-schema-change make them: a ghost table is made and changed, filled while its
 * table is written to, and takes its place in one of several ways, or is given up. Each table is written by
 * one writer only, which carries out its runs as well, so what the ghost holds at the swap is exact without
 * triggers or locks.
 */
import type { SubtaskConfig } from '../../../src/model/subtask-config.js';
import { DEFAULT_SHADOW_RULE, DEFAULT_TRASH_RULE } from '../../../src/online-ddl/rules.js';
import type { SeededRandom } from '../../../test/support/seeded-random.js';
import { commentColumn, generatedColumn, indexStatement, tableOption } from '../alter-parts.js';
import { initialRows, transaction } from '../dml.js';
import type { Step, ToolRun } from '../script.js';
import {
  columnSql,
  createSql,
  indexSql,
  keyPart,
  newColumn,
  newTable,
  settable,
  tableSql,
  type FuzzTable,
} from '../tables.js';
import type { Extra, ExtraOptions } from './extra.js';

const TABLES = 4;

interface Change {
  /** The table as it is after the run, under its own name. */
  readonly table: FuzzTable;
  readonly statements: string[];
  /** Columns that are renamed, by their new names. */
  readonly renamed: Map<string, string>;
}

export class OnlineDdlRuns implements Extra {
  readonly #options: ExtraOptions;
  readonly #random: SeededRandom;
  readonly #tables: FuzzTable[];
  #names = 0;

  constructor(options: ExtraOptions) {
    this.#options = options;
    this.#random = options.random;
    const [, other] = options.schemas;
    this.#tables = Array.from({ length: TABLES }, (_, i) => ({
      ...newTable(`o${i}`, this.#random, options.dialect),
      schema: i === TABLES - 1 && other !== undefined ? other : '',
    }));
  }

  configure(config: SubtaskConfig): SubtaskConfig {
    return {
      ...config,
      onlineDdl: true,
      shadowTableRules: [DEFAULT_SHADOW_RULE],
      trashTableRules: [DEFAULT_TRASH_RULE],
    };
  }

  prepare(): Step[] {
    return this.#tables.flatMap((table, i) => [
      { kind: 'ddl', writer: this.#owner(i), sql: [createSql(table)] },
      { kind: 'dml', writer: this.#owner(i), sql: initialRows(table, this.#random) },
    ]);
  }

  next(): Step[] {
    const random = this.#random;
    const i = random.int(0, TABLES - 1);
    const draw = random.next();
    if (draw < 0.3) return this.#run(i);
    if (draw < 0.36) return this.#anew(i);
    return [this.#writes(i)];
  }

  leavesOut(table: string): boolean {
    return /^_|^given_up/.test(table);
  }

  #owner(i: number): number {
    return i % this.#options.writers;
  }

  #writes(i: number): Step {
    const table = this.#tables[i]!;
    return { kind: 'dml', writer: this.#owner(i), sql: transaction([table], this.#random) };
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  /** After some refused statements the idea of a table and the table itself have little in common. */
  #anew(i: number): Step[] {
    const old = this.#tables[i]!;
    const fresh = { ...newTable(old.name, this.#random, this.#options.dialect), schema: old.schema };
    this.#tables[i] = fresh;
    const sql = [`DROP TABLE IF EXISTS ${tableSql(fresh)}`, createSql(fresh)];
    return [{ kind: 'ddl', writer: this.#owner(i), sql }];
  }

  #run(i: number): Step[] {
    const random = this.#random;
    const writer = this.#owner(i);
    const table = this.#tables[i]!;
    const ghOst = random.next() < 0.5;
    const named = (end: string) => ({ schema: table.schema, name: `_${table.name}_${end}` });
    const ghost = { ...table, name: named(ghOst ? 'gho' : 'new').name };
    const trash = tableSql(named(ghOst ? 'del' : 'old'));
    const log = tableSql(named('ghc'));
    const run: ToolRun = { begun: false, failed: false };
    const must = (sql: string[]): Step => ({ kind: 'ddl', writer, sql, run });
    const may = (sql: string[]): Step => ({ kind: 'dml', writer, sql, run, mayFail: true });
    const change = this.#change(ghost, table);
    const columns = shared(table, change);
    const cleanUp: Step = {
      kind: 'ddl',
      writer,
      sql: [
        'ROLLBACK',
        `DROP TABLE IF EXISTS ${tableSql(ghost)}`,
        ...(ghOst ? [`DROP TABLE IF EXISTS ${log}`] : []),
      ],
      run,
      cleanUp: true,
    };
    const steps: Step[] = [
      must([`DROP TABLE IF EXISTS ${tableSql(ghost)}`, `DROP TABLE IF EXISTS ${trash}`]),
      ...(ghOst
        ? [
            must([
              `DROP TABLE IF EXISTS ${log}`,
              `CREATE TABLE ${log} (id BIGINT AUTO_INCREMENT PRIMARY KEY, value VARCHAR(4096) NOT NULL) AUTO_INCREMENT=256`,
            ]),
          ]
        : []),
      must([this.#createGhost(ghost, table), ...change.statements]),
    ];
    for (let n = random.int(0, 6); n > 0; n--) {
      steps.push(
        random.next() < 0.5 ? this.#writes(i) : may([copySql(columns, table, ghost, random.int(1, 60))]),
      );
      if (ghOst) steps.push(may([`INSERT INTO ${log} (value) VALUES ('copied ${n}')`]));
    }
    const draw = random.next();
    if (draw < 0.08) return [...steps, cleanUp];
    // Left behind: the next run of the table drops it.
    if (draw < 0.12) return steps;
    if (draw < 0.16) {
      const away = tableSql({ schema: table.schema, name: this.#name('given_up') });
      return [...steps, must([`RENAME TABLE ${tableSql(ghost)} TO ${away}`]), cleanUp];
    }
    this.#tables[i] = change.table;
    const filled = must([
      'SET @mode=@@sql_mode',
      "SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO'",
      'BEGIN',
      `DELETE FROM ${tableSql(ghost)}`,
      copySql(columns, table, ghost, null),
      'COMMIT',
    ]);
    const restored: Step = {
      kind: 'dml',
      writer,
      sql: ['ROLLBACK', 'SET SESSION sql_mode=@mode, foreign_key_checks=1'],
      run,
      cleanUp: true,
    };
    return [
      ...steps,
      filled,
      ...this.#swap(tableSql(table), tableSql(ghost), trash, ghOst).map(must),
      restored,
      cleanUp,
      // Else columns that only the source knows of would not be copied next time.
      {
        kind: 'ddl',
        writer,
        sql: [`DROP TABLE IF EXISTS ${tableSql(table)}`, createSql(change.table)],
        run,
        afterFailure: true,
      },
    ];
  }

  /** The ghost takes the place of its table, as one step or as several, between which a worker may die. */
  #swap(table: string, ghost: string, trash: string, ghOst: boolean): string[][] {
    const away = [`DROP TABLE IF EXISTS ${trash}`];
    switch (this.#random.int(0, 5)) {
      case 0:
        return [[`RENAME TABLE ${table} TO ${trash}`], [`RENAME TABLE ${ghost} TO ${table}`], away];
      case 1:
        return [[`ALTER TABLE ${table} RENAME ${trash}`, `ALTER TABLE ${ghost} RENAME TO ${table}`], away];
      case 2:
        return ghOst
          ? [
              [`CREATE TABLE ${trash} (id INT AUTO_INCREMENT PRIMARY KEY) COMMENT='ghost-cut-over-sentry'`],
              [`DROP TABLE ${trash}`, `RENAME TABLE ${table} TO ${trash}, ${ghost} TO ${table}`],
              away,
            ]
          : [
              ['SET SESSION foreign_key_checks=0', `DROP TABLE IF EXISTS ${table}`],
              [`RENAME TABLE ${ghost} TO ${table}`],
            ];
      default:
        return [[`RENAME TABLE ${table} TO ${trash}, ${ghost} TO ${table}`], away];
    }
  }

  #createGhost(ghost: FuzzTable, table: FuzzTable): string {
    if (this.#random.next() < 0.7) return `CREATE TABLE ${tableSql(ghost)} LIKE ${tableSql(table)}`;
    return `CREATE /* ghost */ TABLE IF NOT EXISTS ${tableSql(ghost)} (LIKE ${tableSql(table)})`;
  }

  #change(ghost: FuzzTable, table: FuzzTable): Change {
    const random = this.#random;
    const changed = { ...ghost };
    const renamed = new Map<string, string>();
    const statements: string[] = [];
    for (let n = random.pick([1, 1, 1, 2, 3]); n > 0; n--) {
      if (random.next() < 0.15) {
        const sql = indexStatement(changed, this.#name('gi'), random);
        // Rows that a unique key refuses are lost by the tools.
        if (!sql.startsWith('CREATE UNIQUE')) statements.push(sql);
        else changed.indexes = changed.indexes.slice(0, -1);
        continue;
      }
      const parts: string[] = [];
      do parts.push(this.#operation(changed, table, renamed));
      while (random.next() < 0.35);
      const kept = parts.filter((part) => part !== '');
      statements.push(
        `ALTER TABLE ${tableSql(ghost)} ${kept.length === 0 ? 'ENGINE=InnoDB' : kept.join(', ')}`,
      );
    }
    // A ghost that nothing was changed in is none: error 36046.
    if (statements.length === 0) statements.push(`ALTER TABLE ${tableSql(ghost)} ENGINE=InnoDB`);
    return { table: { ...changed, name: table.name }, statements, renamed };
  }

  /** Changes that give every row what filling the ghost row by row gives it. */
  #operation(ghost: FuzzTable, table: FuzzTable, renamed: Map<string, string>): string {
    const random = this.#random;
    const { dialect } = this.#options;
    const originals = new Set(table.columns);
    const needed = new Set([
      ...ghost.primary.map((part) => part.column),
      ...ghost.indexes.flatMap((index) => index.parts.map((part) => part.column)),
      ...ghost.columns.map((column) => column.generatedFrom),
    ]);
    const free = settable(ghost).filter((column) => originals.has(column) && !needed.has(column.name));
    const keyable = settable(ghost).filter((column) => column.kind.key !== 'no');
    switch (
      random.pick([
        'add',
        'add',
        'add',
        'add',
        'drop',
        'wider',
        'rename',
        'index',
        'drop-index',
        'comment',
        'generated',
        'option',
      ])
    ) {
      case 'add': {
        const fresh = newColumn(this.#name('n'), random, dialect);
        // A TIMESTAMP that is NOT NULL has the time of the row by itself where the server is old.
        const column = fresh.kind.sql.startsWith('TIMESTAMP') ? { ...fresh, notNull: false } : fresh;
        const first = random.next() < 0.3;
        ghost.columns = first ? [column, ...ghost.columns] : [...ghost.columns, column];
        return `ADD COLUMN ${columnSql(column)}${first ? ' FIRST' : ''}`;
      }
      case 'drop': {
        if (free.length === 0 || ghost.columns.length < 3) return '';
        const gone = random.pick(free);
        ghost.columns = ghost.columns.filter((column) => column !== gone);
        return `DROP COLUMN \`${gone.name}\``;
      }
      case 'wider': {
        const wide = free.filter((column) => column.kind.wider !== undefined && column.extra === '');
        if (wide.length === 0) return '';
        const column = random.pick(wide);
        const kind = { ...column.kind, sql: column.kind.wider ?? '', wider: undefined };
        ghost.columns = ghost.columns.map((other) => (other === column ? { ...column, kind } : other));
        return `MODIFY COLUMN ${columnSql({ ...column, kind })}`;
      }
      case 'rename': {
        if (free.length === 0) return '';
        const column = random.pick(free);
        const name = this.#name('r');
        renamed.set(name, column.name);
        ghost.columns = ghost.columns.map((other) => (other === column ? { ...column, name } : other));
        return `CHANGE \`${column.name}\` ${columnSql({ ...column, name })}`;
      }
      case 'index': {
        if (keyable.length === 0) return '';
        const index = {
          name: this.#name('gi'),
          unique: false,
          parts: [keyPart(random.pick(keyable), random)],
        };
        ghost.indexes = [...ghost.indexes, index];
        return `ADD ${indexSql(index)}`;
      }
      case 'drop-index': {
        if (ghost.indexes.length === 0) return '';
        const gone = random.pick(ghost.indexes);
        ghost.indexes = ghost.indexes.filter((index) => index !== gone);
        return `DROP INDEX \`${gone.name}\``;
      }
      case 'comment':
        return commentColumn({ ...ghost, columns: ghost.columns.filter((c) => originals.has(c)) }, random);
      case 'generated': {
        const { columns } = ghost;
        const sql = generatedColumn(ghost, this.#name('g'), random, dialect);
        if (sql.startsWith('DROP') || sql.includes(' BIGINT ')) return sql;
        // What does not fit is cut row by row, and refused where the change is replayed.
        ghost.columns = columns;
        return '';
      }
      default:
        return tableOption(random, dialect);
    }
  }
}

/** Pairs of columns, of the table and of its ghost, that hold the same. */
function shared(table: FuzzTable, { table: after, renamed }: Change): [string, string][] {
  const before = new Set(settable(table).map((column) => column.name));
  return settable(after)
    .map(({ name }): [string, string] => [renamed.get(name) ?? name, name])
    .filter(([from]) => before.has(from));
}

function copySql(columns: [string, string][], from: FuzzTable, to: FuzzTable, rows: number | null): string {
  const list = (i: 0 | 1) => columns.map((pair) => `\`${pair[i]}\``).join(',');
  const into = `INTO ${tableSql(to)} (${list(1)}) SELECT ${list(0)} FROM ${tableSql(from)}`;
  return rows === null ? `INSERT ${into}` : `INSERT IGNORE ${into} LIMIT ${rows}`;
}
