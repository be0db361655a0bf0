/** gh-ost's statements, played on the source: what the target makes of them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EventFilterRule, SubtaskConfig } from '../../src/model/subtask-config.js';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith, startDatabase } from '../servers/index.js';
import { incremental } from '../sync/support.js';
import { ghostBegin, ghostCopy, ghostEnd, ghostTidy, Pair, SCHEMA } from './support.js';

const T = `CREATE TABLE ${SCHEMA}.t (id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(20), b INT)`;
const ROWS = `INSERT INTO ${SCHEMA}.t VALUES (1, 'x', 1), (2, 'y', 2), (3, NULL, NULL)`;

let target: DatabaseServer;
beforeAll(async () => {
  target = await startDatabase('mariadb-10.11');
});
afterAll(async () => {
  await target?.stop();
});

function suite(kind: 'mariadb-10.11' | 'mysql-9.7'): void {
  let source: DatabaseServer;
  let pair: Pair;
  beforeAll(async () => {
    source = await startDatabase(kind);
    pair = new Pair(source, target);
  });
  afterAll(async () => {
    await pair?.end();
    await source?.stop();
  });

  it('changes the real table when the ghost takes its place', async () => {
    await pair.begin([T, ROWS]);
    await pair.run([
      ...ghostBegin('t', 'ADD COLUMN c INT NOT NULL DEFAULT 7, DROP COLUMN b'),
      ...ghostCopy('t', 'id, a'),
      // gh-ost carries changes of the real table over by itself.
      `INSERT INTO ${SCHEMA}.t VALUES (4, 'late', 4)`,
      `REPLACE /* gh-ost */ INTO ${SCHEMA}._t_gho (id, a) VALUES (4, 'late')`,
      `UPDATE ${SCHEMA}.t SET a='X' WHERE id=1`,
      `REPLACE /* gh-ost */ INTO ${SCHEMA}._t_gho (id, a) VALUES (1, 'X')`,
      ...ghostEnd('t'),
      `INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`,
    ]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.t`);
    expect(await pair.tables()).toEqual(['t']);
    expect(await pair.columns('t')).toEqual(['id', 'a', 'c']);
    await pair.expectNoRecords();
  });

  it('replays the change in the time zone that the tool had', async () => {
    await pair.begin([T, ROWS]);
    await pair.run([
      "SET SESSION time_zone='-08:00'",
      ...ghostBegin('t', "ADD COLUMN c TIMESTAMP NOT NULL DEFAULT '2020-02-02 10:00:00'"),
      ...ghostCopy('t', 'id, a, b'),
      ...ghostEnd('t'),
      `INSERT INTO ${SCHEMA}.t (a) VALUES ('after')`,
      'SET SESSION time_zone=DEFAULT',
    ]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.t`);
  });

  it('swaps in two steps, too', async () => {
    await pair.begin([T, ROWS]);
    await pair.run([
      ...ghostBegin('t', 'ADD COLUMN c INT'),
      ...ghostCopy('t', 'id, a, b'),
      `USE ${SCHEMA}`,
      `alter /* gh-ost */ table ${SCHEMA}.t rename _t_del`,
    ]);
    await pair.sync();
    // The target keeps the table until something takes its place on the source.
    expect(await pair.tables()).toEqual(['t']);
    await pair.run([
      `alter /* gh-ost */ table ${SCHEMA}._t_gho rename t`,
      ...ghostTidy('t'),
      `INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`,
    ]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.t`);
    await pair.expectNoRecords();
  });

  it('goes back when the first step alone was taken', async () => {
    await pair.begin([T, ROWS]);
    await pair.run([
      ...ghostBegin('t', 'ADD COLUMN c INT'),
      `RENAME TABLE ${SCHEMA}.t TO ${SCHEMA}._t_del`,
      `RENAME TABLE ${SCHEMA}._t_del TO ${SCHEMA}.t`,
      `DROP TABLE ${SCHEMA}._t_gho, ${SCHEMA}._t_ghc`,
      `INSERT INTO ${SCHEMA}.t (a) VALUES ('after')`,
    ]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.t`);
    expect(await pair.columns('t')).toEqual(['id', 'a', 'b']);
    await pair.expectNoRecords();
  });

  it('keeps what it knows over restarts, in the layout of DM', async () => {
    await pair.begin([T, ROWS]);
    await pair.run(ghostBegin('t', 'ADD COLUMN c INT, ADD INDEX (b)'));
    await pair.sync();
    await pair.run([
      `ALTER TABLE ${SCHEMA}._t_gho AUTO_INCREMENT=100`,
      `CREATE INDEX i ON ${SCHEMA}._t_gho (a)`,
    ]);
    pair.start();
    await pair.sync();
    const ddls = [
      `alter /* gh-ost */ table \`${SCHEMA}\`.\`_t_gho\` ADD COLUMN c INT, ADD INDEX (b)`,
      `ALTER TABLE ${SCHEMA}._t_gho AUTO_INCREMENT=100`,
      `CREATE INDEX i ON ${SCHEMA}._t_gho (a)`,
    ];
    expect(await pair.records()).toEqual([['source-1', `${SCHEMA}._t_gho`, `${SCHEMA}.t`, ddls]]);
    await pair.run([
      ...ghostCopy('t', 'id, a, b'),
      ...ghostEnd('t'),
      `INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`,
    ]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.t`);
    const indexes = await target.query(`SHOW INDEX FROM ${SCHEMA}.t`);
    expect(indexes.map((row) => row['Key_name'])).toEqual(['PRIMARY', 'b', 'i']);
    await pair.expectNoRecords();
  });

  it('goes on from what DM has recorded', async () => {
    await pair.begin([T, ROWS]);
    const begin = ghostBegin('t', 'ADD COLUMN c INT');
    await pair.run([...begin, ...ghostCopy('t', 'id, a, b')]);
    // A task of DM, stopped here: its checkpoint knows no ghost table.
    await pair.sync();
    await target.execute(
      `DELETE FROM dm_meta.sync_syncer_checkpoint WHERE cp_table<>'';
       UPDATE dm_meta.sync_onlineddl SET ddls='{"schema":"${SCHEMA}","table":"t","ddls":["ALTER TABLE \`${SCHEMA}\`.\`_t_gho\` ADD COLUMN \`c\` INT"]}'`,
    );
    await pair.run([...ghostEnd('t'), `INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.t`);
    await pair.expectNoRecords();
  });

  it('is told when it began in the middle, and what leads out', async () => {
    await pair.begin([T, ROWS]);
    await pair.run(ghostBegin('t', 'ADD COLUMN c INT'));
    const { meta } = await incremental(source, target);
    pair.config = { ...pair.config, meta };
    await pair.run([
      ...ghostCopy('t', 'id, a, b'),
      ...ghostEnd('t'),
      `INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`,
    ]);
    const failure: unknown = await pair.sync().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 36046,
      workaround: expect.stringContaining('binlog replace') as string,
    });
    expect(String(failure)).toContain(`online ddls on ghost table \`${SCHEMA}\`.\`_t_gho\``);
    expect(String(failure)).toContain('origin SQL: [rename /* gh-ost */');
  });

  it('forgets a ghost that is dropped, or begun anew', async () => {
    await pair.begin([T, ROWS]);
    await pair.run([...ghostBegin('t', 'DROP COLUMN a'), `DROP TABLE ${SCHEMA}._t_gho`, ...ghostTidy('t')]);
    await pair.sync();
    await pair.expectNoRecords();
    await pair.run([
      ...ghostBegin('t', 'DROP COLUMN b'),
      `DROP TABLE ${SCHEMA}._t_gho`,
      `CREATE TABLE ${SCHEMA}._t_gho LIKE ${SCHEMA}.t`,
      `ALTER TABLE ${SCHEMA}._t_gho ADD COLUMN c INT FIRST`,
      ...ghostCopy('t', 'id, a, b'),
      ...ghostEnd('t'),
      `INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`,
    ]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.t`);
    expect(await pair.columns('t')).toEqual(['c', 'id', 'a', 'b']);
  });

  it('leaves alone what an operator renames out of the way', async () => {
    await pair.begin([T, ROWS]);
    await pair.run([
      ...ghostBegin('t', 'ADD COLUMN c INT'),
      `RENAME TABLE ${SCHEMA}._t_gho TO ${SCHEMA}.will_be_deleted_t_gho`,
      `RENAME TABLE ${SCHEMA}._t_ghc TO other.t_notes`,
      `DROP TABLE IF EXISTS ${SCHEMA}.will_be_deleted_t_gho`,
      `INSERT INTO ${SCHEMA}.t (a) VALUES ('after')`,
    ]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.t`);
    expect(await pair.columns('t')).toEqual(['id', 'a', 'b']);
    expect(await pair.tables()).toEqual(['t']);
    await pair.expectNoRecords();
  });

  it('runs on the routed table, and lists name the real one', async () => {
    await pair.begin([T, ROWS, `CREATE TABLE ${SCHEMA}.left_out (id INT PRIMARY KEY)`], {
      blockAllow: {
        doDbs: [],
        doTables: [{ dbName: SCHEMA, tblName: 'T' }],
        ignoreDbs: [],
        ignoreTables: [],
      },
      routes: [{ schemaPattern: SCHEMA, tablePattern: 't', targetSchema: 'other', targetTable: 'u' }],
    });
    await target.execute(
      `CREATE TABLE other.u LIKE ${SCHEMA}.t; INSERT INTO other.u SELECT * FROM ${SCHEMA}.t`,
    );
    for (const [table, columns] of [
      ['t', 'id, a, b'],
      ['left_out', 'id'],
    ] as const) {
      await pair.run([
        ...ghostBegin(table, 'ADD COLUMN c INT DEFAULT 3'),
        ...ghostCopy(table, columns),
        ...ghostEnd(table),
      ]);
    }
    await pair.run([`INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`]);
    await pair.sync();
    const sql = (table: string) => `SELECT id, a, b, c FROM ${table} ORDER BY id`;
    expect(await target.query(sql('other.u'))).toEqual(await source.query(sql(`${SCHEMA}.t`)));
    expect(await pair.columns('left_out')).toEqual(['id']);
    expect(await pair.tables()).toEqual(['left_out', 't']);
  });

  it('lets event filters judge what is run on the real table', async () => {
    const rule: EventFilterRule = {
      schemaPattern: SCHEMA,
      tablePattern: 't',
      events: ['drop column', 'create index', 'rename table'],
      sqlPattern: [],
      action: 'Ignore',
    };
    await pair.begin([T, ROWS], { filters: [rule] });
    await pair.run([
      ...ghostBegin('t', 'ADD COLUMN c INT, DROP COLUMN b, ADD INDEX (a)'),
      ...ghostCopy('t', 'id, a'),
      ...ghostEnd('t'),
      `INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`,
    ]);
    await pair.sync();
    expect(await pair.columns('t')).toEqual(['id', 'a', 'b', 'c']);
    expect(await target.query(`SELECT a, b, c FROM ${SCHEMA}.t WHERE id > 2 ORDER BY id`)).toEqual([
      { a: null, b: null, c: null },
      { a: 'after', b: null, c: 9 },
    ]);
    await pair.begin([T, ROWS], { filters: [{ ...rule, action: 'Error' }] });
    await pair.run([
      ...ghostBegin('t', 'DROP COLUMN b'),
      `INSERT INTO ${SCHEMA}.t (a) VALUES ('before')`,
      ...ghostCopy('t', 'id, a'),
      ...ghostEnd('t'),
    ]);
    await expect(pair.sync()).rejects.toMatchObject({ code: 60402 });
    expect(await target.query(`SELECT b FROM ${SCHEMA}.t WHERE a='before'`)).toEqual([{ b: null }]);
    // Nothing of the table is wanted: the target need not have it.
    await pair.begin([], { filters: [{ ...rule, events: ['all'] }] });
    await pair.run([
      T,
      ROWS,
      ...ghostBegin('t', 'DROP COLUMN b'),
      ...ghostCopy('t', 'id, a'),
      ...ghostEnd('t'),
    ]);
    await pair.sync();
    expect(await pair.tables()).toEqual([]);
  });

  it('takes rules of the user, and refuses those that fit only half of a swap', async () => {
    const rules = { shadowTableRules: ['^(.+)__shadow$'], trashTableRules: ['^(.+)__trash$'] };
    const run = [
      `CREATE TABLE ${SCHEMA}.t__shadow LIKE ${SCHEMA}.t`,
      `ALTER TABLE ${SCHEMA}.t__shadow ADD COLUMN c INT`,
      `INSERT INTO ${SCHEMA}.t__shadow (id, a, b) SELECT id, a, b FROM ${SCHEMA}.t`,
      `RENAME TABLE ${SCHEMA}.t TO ${SCHEMA}.t__trash, ${SCHEMA}.t__shadow TO ${SCHEMA}.t`,
      `INSERT INTO ${SCHEMA}.t (a, c) VALUES ('after', 9)`,
    ];
    await pair.begin([T, ROWS], rules);
    await pair.run(run);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.t`);
    expect(await pair.tables()).toEqual(['t']);
    for (const [wrong, name] of [
      [{ ...rules, shadowTableRules: ['^(.+)__ghost$'] }, /t__shadow`? fail to match 'shadow-table-rules'/],
      [{ ...rules, trashTableRules: ['^(.+)__old$'] }, /t__trash`? fail to match 'trash-table-rules'/],
    ] as [Partial<SubtaskConfig>, RegExp][]) {
      await pair.begin([T, ROWS], wrong);
      await pair.run(run);
      const failure: unknown = await pair.sync().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 20049 });
      expect(String(failure)).toMatch(name);
    }
  });

  it('refuses a table that goes where its rows are not followed, or comes from there', async () => {
    await pair.begin([T, ROWS]);
    await pair.run([`RENAME TABLE ${SCHEMA}.t TO ${SCHEMA}._x_new`]);
    await expect(pair.sync()).rejects.toMatchObject({ code: 36044 });
    await pair.begin([T, ROWS]);
    await pair.run([
      `CREATE TABLE ${SCHEMA}._u_old LIKE ${SCHEMA}.t`,
      `INSERT INTO ${SCHEMA}._u_old SELECT * FROM ${SCHEMA}.t`,
      `RENAME TABLE ${SCHEMA}._u_old TO ${SCHEMA}.u`,
    ]);
    await expect(pair.sync()).rejects.toMatchObject({ code: 60420 });
    // Somebody has dropped the table, and the ghost comes all the same.
    await pair.begin([T, ROWS]);
    await pair.run([...ghostBegin('t', 'ADD COLUMN c INT'), ...ghostCopy('t', 'id, a, b')]);
    await pair.run([`DROP TABLE ${SCHEMA}.t`, `RENAME TABLE ${SCHEMA}._t_gho TO ${SCHEMA}.t`]);
    await expect(pair.sync()).rejects.toMatchObject({ code: 60420 });
  });

  it('replaces a table that was put aside by hand', async () => {
    await pair.begin([T, ROWS]);
    await pair.run([
      `RENAME TABLE ${SCHEMA}.t TO ${SCHEMA}._t_old`,
      T,
      `INSERT INTO ${SCHEMA}.t VALUES (9, 'new', 9)`,
    ]);
    await pair.sync();
    await pair.expectEqual(`${SCHEMA}.t`);
    // Dropped where it was put: nothing is left of it.
    await pair.run([`DROP TABLE ${SCHEMA}._t_old`, `RENAME TABLE ${SCHEMA}.t TO ${SCHEMA}._t_old`]);
    await pair.sync();
    await pair.run([`DROP TABLE ${SCHEMA}._t_old`]);
    await pair.sync();
    expect(await pair.tables()).toEqual([]);
  });
}

for (const kind of ['mariadb-10.11', 'mysql-9.7'] as const)
  await describeWith(kind, 'gh-ost', () => suite(kind));
