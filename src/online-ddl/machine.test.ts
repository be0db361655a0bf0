import { describe, expect, it } from 'vitest';
import { silentLog } from '../../test/copy/support.js';
import type { TableName } from '../model/table-name.js';
import { SchemaTracker } from '../schema/apply.js';
import { parseDdl } from '../schema/ddl.js';
import { MigratedTables } from './migrated-tables.js';
import { OnlineDdlMachine, type World } from './machine.js';
import { partsOf } from './parts.js';
import { DEFAULT_SHADOW_RULE, DEFAULT_TRASH_RULE } from './rules.js';
import { OnlineDdlStore } from './store.js';

const none = { doDbs: [], doTables: [], ignoreDbs: [], ignoreTables: [] };
const parse = (sql: string) => parseDdl(sql, { flavor: 'mysql', defaultSchema: 's' });

/** A source that runs statements, and what the target is given for each. */
class Source {
  readonly tracker = new SchemaTracker({ flavor: 'mysql' });
  readonly store = new OnlineDdlStore({ table: 'm.o', sourceId: 'a', fold: (name) => name });
  readonly #migrated = new MigratedTables({
    blockAllow: { ...none, ignoreTables: [{ dbName: 's', tblName: 'out' }] },
    caseSensitive: false,
    metaSchema: 'm',
    onlineDdl: true,
    shadowTableRules: [DEFAULT_SHADOW_RULE],
    trashTableRules: [DEFAULT_TRASH_RULE],
  });

  constructor(...setup: string[]) {
    for (const sql of setup) this.tracker.apply(parse(sql));
  }

  /** Statements for the target. */
  run(sql: string, world: Partial<World> = {}): string[] {
    const machine = new OnlineDdlMachine({
      migrated: this.#migrated,
      tracker: this.tracker,
      records: this.store,
      reparse: parse,
      parseAs: parse,
      mode: null,
      zone: null,
      withoutForeignKeys: false,
      copied: () => false,
      hasForeignKey: () => true,
      log: silentLog,
      ...world,
    });
    for (const part of partsOf(parse(sql), this.#migrated, parse)) machine.step(part);
    return machine.runs.map(({ statement }) => statement.sql);
  }

  columns(table: string): string[] | undefined {
    return this.tracker.get({ schema: 's', table })?.columns.map(({ name }) => name);
  }

  ddls(table: string): readonly string[] | undefined {
    return this.store.get({ schema: 's', table })?.ddls;
  }
}

const T = 'CREATE TABLE t (id INT PRIMARY KEY, a INT)';

describe('OnlineDdlMachine', () => {
  it('replays on the real table, and follows the ghost', () => {
    const source = new Source(T);
    expect(source.run('CREATE TABLE _t_new LIKE t')).toEqual([]);
    expect(source.run('ALTER TABLE _t_new ADD b INT FIRST')).toEqual([]);
    expect(source.run('CREATE INDEX i ON _t_new (b)')).toEqual([]);
    expect(source.ddls('_t_new')).toEqual([
      'ALTER TABLE `s`.`_t_new` ADD b INT FIRST',
      'CREATE INDEX i ON `s`.`_t_new` (b)',
    ]);
    expect(source.run('RENAME TABLE t TO _t_old, _t_new TO t')).toEqual([
      'ALTER TABLE `s`.`t` ADD b INT FIRST',
      'CREATE INDEX i ON `s`.`t` (b)',
    ]);
    expect(source.columns('t')).toEqual(['b', 'id', 'a']);
    expect(source.columns('_t_new')).toBeUndefined();
    expect(source.columns('_t_old')).toBeUndefined();
    expect(source.ddls('_t_new')).toBeUndefined();
  });

  it('replays onto what it knows where the ghost was never seen', () => {
    const source = new Source(T);
    source.run('ALTER TABLE _t_new ADD b INT');
    expect(source.columns('_t_new')).toEqual(['id', 'a', 'b']);
    source.tracker.drop({ schema: 's', table: '_t_new' });
    source.run('RENAME TABLE t TO _t_old, _t_new TO t');
    expect(source.columns('t')).toEqual(['id', 'a', 'b']);
  });

  it('does not record what is read twice, as after a checkpoint of DM', () => {
    const source = new Source(T);
    source.run('ALTER TABLE _t_new ADD b INT');
    source.run('ALTER TABLE _t_new ADD b INT');
    expect(source.ddls('_t_new')).toHaveLength(1);
  });

  it('carries what is recorded over to another ghost of the same table', () => {
    const source = new Source(T);
    source.run('CREATE TABLE _t_new LIKE t');
    source.run('ALTER TABLE _t_new ADD b INT');
    source.run('RENAME TABLE _t_new TO _t_gho');
    expect(source.ddls('_t_gho')).toEqual(['ALTER TABLE `s`.`_t_gho` ADD b INT']);
    expect(source.run('ALTER TABLE t RENAME _t_del')).toEqual([]);
    expect(source.run('ALTER TABLE _t_gho ADD c INT, RENAME t')).toEqual([
      'ALTER TABLE `s`.`t` ADD b INT',
      'ALTER TABLE `s`.`t` ADD c INT',
    ]);
  });

  it('knows foreign keys by the names of the tool', () => {
    const source = new Source(
      T,
      'CREATE TABLE c (id INT PRIMARY KEY, r INT, CONSTRAINT f FOREIGN KEY (r) REFERENCES t (id) ON DELETE CASCADE)',
    );
    const ghost =
      'CREATE TABLE _c_new (id INT PRIMARY KEY, r INT, CONSTRAINT _f FOREIGN KEY (r) REFERENCES t (id) ON DELETE CASCADE)';
    const swap = 'RENAME TABLE c TO _c_old, _c_new TO c';
    source.run(ghost);
    source.run('ALTER TABLE _c_new ADD d INT');
    expect(source.run(swap, { hasForeignKey: (_, key) => key === 'f' })).toEqual([
      'ALTER TABLE `s`.`c` ADD d INT',
      'ALTER TABLE `s`.`c` DROP FOREIGN KEY `f`, ADD CONSTRAINT `_f` FOREIGN KEY (`r`) REFERENCES `s`.`t` (`id`) ON DELETE CASCADE',
    ]);
    source.run(ghost.replace('_f', 'f'));
    source.run('ALTER TABLE _c_new ADD e INT, DROP FOREIGN KEY f');
    expect(source.run(swap)).toEqual(['ALTER TABLE `s`.`c` ADD e INT, DROP FOREIGN KEY `_f`']);
  });

  it('leaves out what a later copy holds', () => {
    const source = new Source(T);
    source.run('ALTER TABLE _t_new ADD b INT');
    const copied = ({ table }: TableName) => table === 't';
    expect(source.run('RENAME TABLE t TO _t_old, _t_new TO t', { copied })).toEqual([]);
    expect(source.columns('t')).toEqual(['id', 'a']);
    expect(source.ddls('_t_new')).toBeUndefined();
  });

  it('treats the other tables of a statement as always', () => {
    const source = new Source(T, 'CREATE TABLE x (id INT)', 'CREATE TABLE y (id INT)');
    source.run('ALTER TABLE _t_new ADD b INT');
    expect(source.run('RENAME TABLE x TO z, t TO _t_old, _t_new TO t, out TO other')).toEqual([
      'RENAME TABLE `s`.`x` TO `s`.`z`',
      'ALTER TABLE `s`.`t` ADD b INT',
    ]);
    expect(source.run('DROP TABLE IF EXISTS _t_old, y, _y_gho, out')).toEqual([
      'DROP TABLE IF EXISTS `s`.`y`',
    ]);
  });

  it('drops the old table when a new one takes the name by hand', () => {
    const source = new Source(T, 'CREATE TABLE x (id INT)');
    expect(source.run('RENAME TABLE t TO _t_old')).toEqual([]);
    expect(source.run('DROP TABLE IF EXISTS t')).toEqual([]);
    expect(source.run('RENAME TABLE x TO t')).toEqual([
      'DROP TABLE IF EXISTS `s`.`t`',
      'RENAME TABLE `s`.`x` TO `s`.`t`',
    ]);
    // What has become of the old one matters no more.
    expect(source.run('DROP TABLE _t_old')).toEqual([]);
  });

  it('gives an old table the name that it gets by hand', () => {
    const source = new Source(T);
    source.run('RENAME TABLE t TO _t_old');
    expect(source.run('ALTER TABLE _t_old ADD b INT')).toEqual(['ALTER TABLE `s`.`t` ADD b INT']);
    expect(source.run('RENAME TABLE _t_old TO archive')).toEqual(['RENAME TABLE `s`.`t` TO `s`.`archive`']);
    expect(source.columns('archive')).toEqual(['id', 'a', 'b']);
    expect(source.columns('t')).toBeUndefined();
  });

  it('drops the table of drop_swap when its ghost never comes', () => {
    const source = new Source(T);
    source.run('ALTER TABLE _t_new ADD b INT');
    const without = { withoutForeignKeys: true };
    expect(source.run('DROP TABLE IF EXISTS t', without)).toEqual([]);
    expect(source.run('DROP TABLE _t_new')).toEqual(['DROP TABLE IF EXISTS `s`.`t`']);
    expect(source.ddls('_t_new')).toBeUndefined();
    const other = new Source(T);
    expect(other.run('DROP TABLE IF EXISTS t', without)).toEqual(['DROP TABLE IF EXISTS `s`.`t`']);
  });

  it.each([
    ['RENAME TABLE t TO _x_new', 36044],
    ['RENAME TABLE t TO _t_old, _t_new TO t', 36046],
    ['RENAME TABLE _u_old TO u', 60420],
    ['RENAME TABLE t TO _t_old, _u_gho TO t', 60420],
  ])('refuses %s', (sql, code) => {
    expect(() => new Source(T).run(sql)).toThrow(expect.objectContaining({ code }) as Error);
  });
});

describe('OnlineDdlStore', () => {
  it('says what a checkpoint has to write, until it is written', () => {
    const source = new Source(T);
    source.run("ALTER TABLE _t_new ADD b VARCHAR(9) DEFAULT 'it''s'");
    const first = source.store.unsaved();
    expect(first.statements).toEqual([
      'REPLACE INTO m.o (id, ghost_schema, ghost_table, ddls) VALUES (\'a\', \'s\', \'_t_new\', \'{"schema":"s","table":"t","ddls":["ALTER TABLE `s`.`_t_new` ADD b VARCHAR(9) DEFAULT \\\'it\\\'\\\'s\\\'"],"sql_modes":[null]}\')',
    ]);
    source.run('DROP TABLE _t_new');
    first.saved();
    const second = source.store.unsaved();
    expect(second.statements).toEqual([
      "DELETE FROM m.o WHERE id='a' AND ghost_schema='s' AND ghost_table='_t_new'",
    ]);
    second.saved();
    expect(source.store.unsaved().statements).toEqual([]);
  });
});
