/**
 * Tables that refer to each other and to themselves, with every rule of ON DELETE and ON UPDATE, where the
 * target checks foreign keys. What the source's engine changes in children is in no binlog: the target has to
 * come to the same by itself, whichever lanes the rows are of.
 */
import type { SubtaskConfig } from '../../../src/model/subtask-config.js';
import type { SeededRandom } from '../../../test/support/seeded-random.js';
import { initialRows, largeTransaction, transaction } from '../dml.js';
import type { Step } from '../script.js';
import {
  columnSql,
  createSql,
  newColumn,
  tableSql,
  type FuzzColumn,
  type FuzzIndex,
  type FuzzTable,
} from '../tables.js';
import { integerKind, keyKind, type Kind } from '../values.js';
import type { Extra, ExtraOptions } from './extra.js';

const TABLES = 6;
const RULES = ['', 'RESTRICT', 'NO ACTION', 'CASCADE', 'CASCADE', 'CASCADE', 'SET NULL', 'SET NULL'];

interface Reference {
  readonly name: string;
  readonly child: FuzzTable;
  readonly columns: readonly string[];
  readonly parent: FuzzTable;
  readonly parentColumns: readonly string[];
}

export class ForeignKeys implements Extra {
  readonly #options: ExtraOptions;
  readonly #random: SeededRandom;
  /** Kinds of columns that may refer to each other. */
  readonly #id: Kind;
  readonly #code: Kind;
  readonly #tables: FuzzTable[];
  #references: Reference[] = [];
  #names = 0;

  constructor(options: ExtraOptions) {
    this.#options = options;
    this.#random = options.random;
    this.#id = this.#random.next() < 0.7 ? integerKind(this.#random) : this.#wholeKind();
    this.#code = this.#wholeKind();
    this.#tables = Array.from({ length: TABLES }, (_, i) => this.#table(`k${i}`));
  }

  configure(config: SubtaskConfig): SubtaskConfig {
    return {
      ...config,
      to: { ...config.to, session: { ...config.to.session, foreign_key_checks: '1' } },
      sync: { ...config.sync, safeMode: false, compact: false, multipleRows: false },
    };
  }

  prepare(): Step[] {
    const create = this.#tables.map((table): Step => ({ kind: 'ddl', writer: 0, sql: [createSql(table)] }));
    const refer = this.#tables.flatMap((table, i) =>
      Array.from({ length: i === 0 ? 1 : this.#random.int(1, 2) }, (): Step => {
        const sql = [this.#addReference(table, this.#tables.slice(0, i + 1))];
        return { kind: 'ddl', writer: 0, sql };
      }),
    );
    const fill = this.#tables.map((table): Step => ({
      kind: 'dml',
      writer: 0,
      sql: initialRows(table, this.#random),
    }));
    return [...create, ...refer, ...fill];
  }

  next(): Step[] {
    return Array.from({ length: 4 }, () => this.#step());
  }

  #step(): Step {
    const random = this.#random;
    const writer = random.int(0, this.#options.writers - 1);
    const draw = random.next();
    if (draw < 0.05) return { kind: 'ddl', writer, sql: this.#ddl() };
    if (draw < 0.052)
      return { kind: 'dml', writer, sql: largeTransaction(random.pick(this.#tables), random) };
    return { kind: 'dml', writer, sql: transaction(this.#tables, random) };
  }

  #wholeKind(): Kind {
    for (;;) {
      const kind = keyKind(this.#random, this.#options.dialect);
      if (kind.key === 'whole') return kind;
    }
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  #table(name: string): FuzzTable {
    const random = this.#random;
    const column = (label: string, kind: Kind, notNull: boolean): FuzzColumn => ({
      name: label,
      kind,
      notNull,
      extra: '',
    });
    const columns = [
      column('id', this.#id, true),
      column('code', this.#code, random.next() < 0.3),
      column('p', this.#id, random.next() < 0.2),
      column('q', this.#id, false),
      column('pc', this.#code, false),
      newColumn('v', random, this.#options.dialect),
    ];
    const plain = (label: string, ...of: string[]): FuzzIndex => ({
      name: label,
      unique: false,
      parts: of.map((part) => ({ column: part })),
    });
    return {
      schema: '',
      name,
      columns,
      primary: [{ column: 'id' }],
      indexes: [
        { name: 'code', unique: true, parts: [{ column: 'code' }] },
        plain('pair', 'id', 'code'),
        // Else the server makes them, and forgets that it has when a table is copied.
        plain('p', 'p', 'pc'),
        plain('q', 'q'),
        plain('pc', 'pc'),
      ],
      options: 'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
    };
  }

  #addReference(child: FuzzTable, parents: readonly FuzzTable[]): string {
    const random = this.#random;
    const parent = random.pick(parents);
    const [columns, parentColumns] = random.pick([
      [['p'], ['id']],
      [['p'], ['id']],
      [['q'], ['id']],
      [['pc'], ['code']],
      [
        ['p', 'pc'],
        ['id', 'code'],
      ],
      // A key that refers itself: as extensions of a table have it.
      [['id'], ['id']],
    ] as const);
    const name = this.#name('fk');
    this.#references.push({ name, child, columns, parent, parentColumns });
    const list = (names: readonly string[]) => names.map((column) => `\`${column}\``).join(',');
    const rule = (event: string) => {
      const action = random.pick(RULES);
      return action === '' ? '' : ` ON ${event} ${action}`;
    };
    return (
      `ALTER TABLE ${tableSql(child)} ADD CONSTRAINT \`${name}\` FOREIGN KEY (${list(columns)})` +
      ` REFERENCES ${tableSql(parent)} (${list(parentColumns)})${rule('DELETE')}${rule('UPDATE')}`
    );
  }

  #ddl(): string[] {
    const random = this.#random;
    const table = random.pick(this.#tables);
    switch (random.pick(['add', 'add', 'drop', 'column', 'column', 'recreate', 'truncate', 'rename'])) {
      case 'add':
        return [this.#addReference(table, this.#tables)];
      case 'drop': {
        if (this.#references.length === 0) return [this.#addReference(table, this.#tables)];
        const gone = random.pick(this.#references);
        this.#references = this.#references.filter((reference) => reference !== gone);
        return [`ALTER TABLE ${tableSql(gone.child)} DROP FOREIGN KEY \`${gone.name}\``];
      }
      case 'column': {
        const column = newColumn(this.#name('n'), random, this.#options.dialect);
        table.columns = [...table.columns, column];
        return [`ALTER TABLE ${tableSql(table)} ADD COLUMN ${columnSql(column)}`];
      }
      case 'recreate': {
        // Where another refers to it the source refuses, but to a session that does not look.
        const looks = random.next() < 0.5;
        this.#references = this.#references.filter(({ child }) => child !== table);
        const fresh = this.#table(table.name);
        Object.assign(table, { columns: fresh.columns, indexes: fresh.indexes });
        const sql = [
          `DROP TABLE ${tableSql(table)}`,
          createSql(table),
          this.#addReference(table, this.#tables),
        ];
        return looks ? sql : ['SET SESSION foreign_key_checks=0', ...sql, 'SET SESSION foreign_key_checks=1'];
      }
      case 'truncate':
        return [`TRUNCATE TABLE ${tableSql(table)}`];
      default: {
        const from = tableSql(table);
        table.name = this.#name('k1');
        return [`RENAME TABLE ${from} TO ${tableSql(table)}`];
      }
    }
  }
}
