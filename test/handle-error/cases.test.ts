/**
 * DM's own cases of handling failed DDL, with statements that a MariaDB target refuses. Each has a task and
 * a schema of its own. A unique key of the source often collides with a key that the target has already.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ErrorSetup, positionsOf, startOf } from './support.js';

const TABLE = 'CREATE TABLE t (a INT PRIMARY KEY, b INT)';
const ADD_UNIQUE = 'ALTER TABLE t ADD COLUMN c INT, ADD UNIQUE KEY uq (c)';
const COLLIDE = 'ALTER TABLE t ADD KEY uq (b)';
const DUPLICATE = /Duplicate key name 'uq'/;

let setup: ErrorSetup;
beforeAll(async () => {
  setup = await ErrorSetup.start();
});
afterEach(() => setup.stopTasks());
afterAll(() => setup?.stop());

describe('skip', () => {
  it('skips a DDL of two sources, and no row change (SKIP_ERROR)', async () => {
    await setup.replicating('skip_error', {
      one: ['CREATE TABLE tb1 (id INT PRIMARY KEY)', 'INSERT INTO tb1 VALUES (1)'],
      two: ['CREATE TABLE tb2 (id INT PRIMARY KEY)', 'INSERT INTO tb2 VALUES (2)'],
    });
    await setup.run(
      'one',
      'skip_error',
      'ALTER TABLE tb1 ADD COLUMN new_col1 INT',
      'INSERT INTO tb1 VALUES (3,3)',
    );
    await setup.run(
      'two',
      'skip_error',
      'ALTER TABLE tb2 ADD COLUMN new_col1 INT',
      'INSERT INTO tb2 VALUES (4,4)',
    );
    await setup.equal('skip_error.tb1');
    await setup.equal('skip_error.tb2', 'two');
    for (const table of ['tb1', 'tb2'])
      await setup.runOnTarget(
        'skip_error',
        `ALTER TABLE ${table} PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN MAXVALUE)`,
      );
    await setup.run(
      'one',
      'skip_error',
      'ALTER TABLE tb1 MODIFY id VARCHAR(10)',
      "INSERT INTO tb1 VALUES ('aaa',5)",
    );
    await setup.run(
      'two',
      'skip_error',
      'ALTER TABLE tb2 MODIFY id VARCHAR(10)',
      "INSERT INTO tb2 VALUES ('bbb',6)",
    );
    const error = await setup.pausedBy('skip_error', /is of a not allowed type/);
    await setup.pausedBy('skip_error', /is of a not allowed type/, 'two');
    expect(error.Message).toMatch(
      /^startLocation: \[position: \(mysql-bin\.\d{6}, \d+\), gtid-set: [^\]]*\], endLocation: \[position: \(mysql-bin\.\d{6}, \d+\), gtid-set: [^\]]*\], origin SQL: \[ALTER TABLE tb1 MODIFY id VARCHAR\(10\)\]/,
    );

    const answer = await setup.decided('skip', 'skip_error');
    expect(answer.sources).toEqual([
      { result: true, msg: '', source: 'one', worker: expect.stringMatching(/^worker/) },
      { result: true, msg: '', source: 'two', worker: expect.stringMatching(/^worker/) },
    ]);
    await setup.pausedBy('skip_error', /Incorrect integer value/);
    await setup.pausedBy('skip_error', /Incorrect integer value/, 'two');
    const refused = await setup.binlog('skip', 'skip_error', { sources: ['one'] });
    expect(refused).toMatchObject({ result: false, msg: '', sources: [{ result: false, source: 'one' }] });
    expect(refused.sources[0].msg).toContain('only support to handle ddl error currently');
    expect((await setup.binlog('skip', 'skip_error')).sources).toHaveLength(2);
    await setup.pausedBy('skip_error', /Incorrect integer value/);
    await setup.pausedBy('skip_error', /Incorrect integer value/, 'two');
  });

  it('goes on behind a unique key that the target cannot have (EXEC_ERROR_SKIP)', async () => {
    await setup.replicating('exec_error', {
      one: ['CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)', 'INSERT INTO t VALUES (1,1,1)'],
    });
    await setup.runOnTarget('exec_error', 'INSERT INTO t VALUES (3,1,1)');
    await setup.run(
      'one',
      'exec_error',
      'ALTER TABLE t ADD UNIQUE INDEX ua(a)',
      'INSERT INTO t VALUES (5,3,3)',
    );
    await setup.pausedBy('exec_error', /Error 1062.*Duplicate entry/);
    await setup.decided('skip', 'exec_error');
    await setup.run('one', 'exec_error', 'INSERT INTO t VALUES (6,4,4)');
    await setup.target.execute('DELETE FROM exec_error.t WHERE id=3');
    await setup.equal('exec_error.t');
  });

  it('takes the position of the error, or none (4202, 4204)', async () => {
    for (const schema of ['s4202', 's4204']) {
      await setup.replicating(schema, { one: [TABLE, 'INSERT INTO t VALUES (1,1)'] });
      await setup.runOnTarget(schema, 'ALTER TABLE t ADD KEY k (b)');
      await setup.run('one', schema, 'ALTER TABLE t ADD KEY k (b)');
      const error = await setup.pausedBy(schema, /Duplicate key name 'k'/);
      await setup.decided('skip', schema, schema === 's4202' ? { binlogPos: startOf(error) } : {});
      await setup.running(schema);
      await setup.run('one', schema, 'INSERT INTO t VALUES (2,2)');
      await setup.equal(`${schema}.t`);
    }
  });

  it('is decided in advance, in any order, for one source or for all (4206, 4207, 4209, 4201)', async () => {
    const first = 'ALTER TABLE t ADD KEY k1 (b)';
    const second = 'ALTER TABLE t ADD KEY k2 (b)';
    await setup.replicating('s4206', { one: [TABLE], two: ['CREATE TABLE u (a INT PRIMARY KEY, b INT)'] });
    await setup.runOnTarget('s4206', first, second, 'ALTER TABLE u ADD KEY k1 (b)');
    await setup.run('one', 's4206', first, 'INSERT INTO t VALUES (1,1)', second);
    await setup.run('two', 's4206', 'ALTER TABLE u ADD KEY k1 (b)');
    const error = await setup.pausedBy('s4206', /Duplicate key name 'k1'/);
    const other = await setup.pausedBy('s4206', /Duplicate key name 'k1'/, 'two');
    const [secondPos] = await positionsOf(setup.sources.one, /s4206.*ADD KEY k2/);

    await setup.decided('skip', 's4206', { binlogPos: secondPos, sources: ['one'] });
    await setup.pausedBy('s4206', /Duplicate key name 'k1'/);
    // Without a source it goes to all: where nothing begins at the position nothing happens.
    const answer = await setup.decided('skip', 's4206', { binlogPos: startOf(error) });
    expect(answer.sources).toHaveLength(2);
    await setup.running('s4206');
    await setup.run('one', 's4206', 'INSERT INTO t VALUES (2,2)');
    await setup.equal('s4206.t');
    await setup.pausedBy('s4206', /Duplicate key name 'k1'/, 'two');

    await setup.decided('skip', 's4206', { sources: ['two'] });
    await setup.run('two', 's4206', 'INSERT INTO u VALUES (3,3)');
    await setup.equal('s4206.u', 'two');
    // A far past position is harmless.
    await setup.decided('skip', 's4206', { binlogPos: startOf(other), sources: ['two'] });
  });

  it('passes statements that nobody migrates, and skips what cannot be read (SKIP_INCOMPATIBLE_DDL)', async () => {
    await setup.replicating('incompatible', {
      one: ['CREATE TABLE t (id INT PRIMARY KEY)', 'INSERT INTO t VALUES (1)'],
    });
    await setup.run(
      'one',
      'incompatible',
      'CREATE FUNCTION hello(s CHAR(20)) RETURNS CHAR(50) DETERMINISTIC RETURN s',
      'INSERT INTO t VALUES (2)',
    );
    await setup.equal('incompatible.t');
    const oracle = await setup.sources.one.connect({ database: 'incompatible' });
    await oracle.query('SET sql_mode=ORACLE');
    await oracle.query('CREATE TABLE o (id NUMBER(9) PRIMARY KEY, v VARCHAR2(10))');
    await oracle.end();
    const error = await setup.pausedBy('incompatible', /parse statement/);
    expect(error.Workaround).toContain('Please confirm your DDL statement is correct and needed.');
    await setup.decided('skip', 'incompatible');
    await setup.run('one', 'incompatible', 'INSERT INTO t VALUES (3)');
    await setup.equal('incompatible.t');
  });
});

describe('replace', () => {
  it('runs two statements instead of one (REPLACE_ERROR)', async () => {
    await setup.replicating('replace_error', { one: [TABLE, 'INSERT INTO t VALUES (1,1)'] });
    await setup.runOnTarget('replace_error', COLLIDE);
    const sql = 'ALTER TABLE t ADD COLUMN new_col TEXT, ADD COLUMN c INT, ADD UNIQUE KEY uq (c)';
    await setup.run('one', 'replace_error', sql, "INSERT INTO t VALUES (2,2,'haha',2)");
    const error = await setup.pausedBy('replace_error', DUPLICATE);
    expect(error.Message).toContain(`origin SQL: [${sql}]`);
    await setup.decided('replace', 'replace_error', {
      sqls: 'ALTER TABLE replace_error.t ADD COLUMN new_col TEXT, ADD COLUMN c INT; ALTER TABLE t ADD UNIQUE uc (c);',
    });
    await setup.run('one', 'replace_error', "INSERT INTO t VALUES (3,3,'hihi',3)");
    await setup.equal('replace_error.t');
    const keys = await setup.target.query("SHOW INDEX FROM replace_error.t WHERE Key_name='uc'");
    expect(keys).toHaveLength(1);
  });

  it('runs four statements on both sources (REPLACE_ERROR_MULTIPLE)', async () => {
    const sqls = (table: string) =>
      ['ADD COLUMN c INT', 'ADD UNIQUE uc (c)', 'ADD COLUMN d INT', 'ADD UNIQUE ud (d)']
        .map((one) => `ALTER TABLE ${table} ${one}`)
        .join(';');
    await setup.replicating('multiple', { one: [TABLE], two: ['CREATE TABLE u (a INT PRIMARY KEY, b INT)'] });
    await setup.runOnTarget('multiple', COLLIDE, 'ALTER TABLE u ADD KEY uq (b)');
    await setup.run(
      'one',
      'multiple',
      'ALTER TABLE t ADD COLUMN c INT, ADD UNIQUE KEY uq (c), ADD COLUMN d INT UNIQUE',
      'INSERT INTO t VALUES (1,1,1,1)',
    );
    await setup.run(
      'two',
      'multiple',
      'ALTER TABLE u ADD COLUMN c INT, ADD UNIQUE KEY uq (c), ADD COLUMN d INT UNIQUE',
      'INSERT INTO u VALUES (2,2,2,2)',
    );
    await setup.pausedBy('multiple', DUPLICATE);
    await setup.pausedBy('multiple', DUPLICATE, 'two');
    await setup.decided('replace', 'multiple', { sqls: sqls('t'), sources: ['one'] });
    await setup.decided('replace', 'multiple', { sqls: sqls('u'), sources: ['two'] });
    await setup.equal('multiple.t');
    await setup.equal('multiple.u', 'two');
  });

  it('may fail again, be replaced again, be reverted, be skipped half done (4211, 4213, 4210, 4230, 4231)', async () => {
    await setup.replicating('again', { one: [TABLE, 'INSERT INTO t VALUES (1,1)'] });
    await setup.runOnTarget('again', COLLIDE);
    await setup.run('one', 'again', ADD_UNIQUE, 'INSERT INTO t VALUES (2,2,2)');
    const error = await setup.pausedBy('again', DUPLICATE);
    const binlogPos = startOf(error);

    await setup.decided('replace', 'again', {
      binlogPos,
      sqls: 'ALTER TABLE t ADD COLUMN d INT; ALTER TABLE t ADD COLUMN b INT',
    });
    const second = await setup.pausedBy('again', /Duplicate column name 'b'/);
    expect(second.Message).toContain('origin SQL: [ALTER TABLE t ADD COLUMN b INT]');
    expect(startOf(second)).toBe(binlogPos);
    // A new list begins at its first statement: the one before has made `d` already, in another form.
    await setup.decided('replace', 'again', { sqls: 'ALTER TABLE t ADD COLUMN d VARCHAR(3)' });
    await setup.pausedBy('again', /Duplicate column name 'd'/);
    await setup.decided('revert', 'again');
    expect((await setup.pausedBy('again', DUPLICATE)).Message).toContain(`origin SQL: [${ADD_UNIQUE}]`);

    await setup.decided('replace', 'again', {
      sqls: 'ALTER TABLE t ADD COLUMN c INT; ALTER TABLE t ADD COLUMN b INT',
    });
    await setup.pausedBy('again', /Duplicate column name 'b'/);
    await setup.decided('skip', 'again');
    await setup.runOnTarget('again', 'ALTER TABLE t DROP COLUMN d');
    await setup.run('one', 'again', 'INSERT INTO t VALUES (3,3,3)');
    await setup.equal('again.t');
  });
});

describe('inject', () => {
  it('runs statements before the one that fails, then that one (INJECT_DDL_ERROR)', async () => {
    await setup.replicating('inject_error', { one: [TABLE, 'INSERT INTO t VALUES (1,1)'] });
    await setup.runOnTarget('inject_error', COLLIDE);
    await setup.run('one', 'inject_error', ADD_UNIQUE, 'INSERT INTO t VALUES (2,2,2)');
    await setup.pausedBy('inject_error', DUPLICATE);
    await setup.decided('replace', 'inject_error', {
      sqls: 'ALTER TABLE t ADD COLUMN c INT; ALTER TABLE t ADD KEY late (c)',
    });
    await setup.run('one', 'inject_error', 'ALTER TABLE t ADD KEY late (b)', 'INSERT INTO t VALUES (3,3,3)');
    await setup.pausedBy('inject_error', /Duplicate key name 'late'/);
    await setup.decided('inject', 'inject_error', {
      sqls: 'ALTER TABLE t DROP KEY late; ALTER TABLE t ADD UNIQUE uc (c)',
    });
    await setup.equal('inject_error.t');
    const keys = await setup.target.query("SHOW INDEX FROM inject_error.t WHERE Key_name IN ('late','uc')");
    expect(keys.map((key) => `${key['Key_name']} ${key['Column_name']}`).sort()).toEqual(['late b', 'uc c']);
  });

  it('runs statements before row changes that the target refuses (INJECT_DML_ERROR)', async () => {
    await setup.replicating('inject_dml', { one: [TABLE, 'INSERT INTO t VALUES (1,1)'] });
    await setup.runOnTarget('inject_dml', 'ALTER TABLE t ADD UNIQUE ub (b)');
    await setup.run(
      'one',
      'inject_dml',
      'INSERT INTO t VALUES (2,2)',
      'BEGIN; INSERT INTO t VALUES (3,3); INSERT INTO t VALUES (4,2); INSERT INTO t VALUES (5,2); COMMIT',
    );
    await setup.pausedBy('inject_dml', /Duplicate entry '2' for key 'ub'/);
    await setup.decided('inject', 'inject_dml', { sqls: 'ALTER TABLE t DROP KEY missing' });
    const error = await setup.pausedBy('inject_dml', /Can't DROP/);
    expect(error.Message).toContain('origin SQL: [ALTER TABLE t DROP KEY missing]');
    await setup.decided('inject', 'inject_dml', {
      sqls: 'ALTER TABLE t DROP KEY ub; ALTER TABLE t ADD KEY kb (b)',
    });
    await setup.equal('inject_dml.t');
    await setup.run('one', 'inject_dml', 'ALTER TABLE t ADD COLUMN c INT', 'INSERT INTO t VALUES (6,2,6)');
    await setup.equal('inject_dml.t');
    expect(await setup.listed('inject_dml')).toEqual([]);
  });
});

describe('list and revert', () => {
  it('lists what has been decided until it has passed (LIST_ERROR)', async () => {
    await setup.replicating('list_error', { one: [TABLE, 'INSERT INTO t VALUES (1,1)'] });
    await setup.runOnTarget('list_error', 'ALTER TABLE t ADD KEY k1 (b), ADD KEY k2 (b), ADD KEY k3 (b)');
    await setup.run(
      'one',
      'list_error',
      'ALTER TABLE t ADD KEY k1 (b)',
      'ALTER TABLE t ADD KEY k2 (b)',
      'ALTER TABLE t ADD KEY k3 (b)',
    );
    await setup.pausedBy('list_error', /'k1'/);
    expect((await setup.binlog('list', 'list_error')).sources[0].msg).toBe('[]');
    const [k2, k3] = await positionsOf(setup.sources.one, /list_error.*ADD KEY k[23]/);
    const shown = (pos: string | undefined) => `(${String(pos).replace(':', ', ')})`;
    await setup.decided('skip', 'list_error', { binlogPos: k2 });
    const skipped = { op: 1, task: 'list_error', binlogPos: shown(k2) };
    expect((await setup.binlog('list', 'list_error')).sources[0].msg).toBe(JSON.stringify([skipped]));
    await setup.decided('inject', 'list_error', { binlogPos: k3, sqls: 'ALTER TABLE t DROP KEY k3' });
    const injected = { op: 4, task: 'list_error', binlogPos: shown(k3), sqls: ['ALTER TABLE t DROP KEY k3'] };
    expect(await setup.listed('list_error')).toEqual([skipped, injected]);
    expect(await setup.listed('list_error', { binlogPos: k3 })).toEqual([injected]);
    await setup.pausedBy('list_error', /'k1'/);
    await setup.decided('skip', 'list_error');
    await setup.run('one', 'list_error', 'INSERT INTO t VALUES (2,2)');
    await setup.equal('list_error.t');
    expect(await setup.listed('list_error')).toEqual([]);
  });

  it('reverts what has not passed (4220, 4193)', async () => {
    await setup.replicating('reverts', { one: [TABLE] });
    const none = await setup.binlog('revert', 'reverts');
    expect(none.sources[0].msg).toMatch(/source 'one' has no error/);
    await setup.runOnTarget('reverts', 'ALTER TABLE t ADD KEY k1 (b), ADD KEY k2 (b)');
    await setup.run('one', 'reverts', 'ALTER TABLE t ADD KEY k1 (b)', 'ALTER TABLE t ADD KEY k2 (b)');
    const error = await setup.pausedBy('reverts', /'k1'/);
    expect((await setup.binlog('revert', 'reverts')).sources[0].msg).toContain('operator not exist');
    const [k2] = await positionsOf(setup.sources.one, /reverts.*ADD KEY k2/);
    await setup.decided('skip', 'reverts', { binlogPos: k2 });
    await setup.decided('revert', 'reverts', { binlogPos: k2, sources: ['one'] });
    const wrong = await setup.binlog('revert', 'reverts', { binlogPos: k2, sources: ['one'] });
    expect(wrong.sources[0].msg).toMatch(/^\[code=36065.*operator not exist, position: \(mysql-bin/);
    await setup.decided('skip', 'reverts');
    await setup.pausedBy('reverts', /'k2'/);
    const passed = await setup.binlog('revert', 'reverts', { binlogPos: startOf(error) });
    expect(passed.sources[0].msg).toContain('operator not exist');
  });
});

describe('wrong arguments (4177)', () => {
  const dmctl = async (...args: string[]) => {
    const { code, stdout, stderr } = await setup.cluster.dmctl(args);
    return { code, text: stdout + stderr };
  };

  it('are told', async () => {
    await setup.replicating('s4177', { one: [TABLE] });
    const [unknownTask, none, unknownSource, badPos, noError, unknownOp, oldName] = await Promise.all([
      dmctl('binlog', 'skip', 'wrong-task'),
      dmctl('handle-error'),
      dmctl('binlog', 'skip', 's4177', '-s', 'wrong-source'),
      dmctl('binlog', 'skip', 's4177', '-b', 'mysql-bin:shemezhe'),
      dmctl('binlog', 'skip', 's4177'),
      dmctl('binlog', 'frobnicate', 's4177'),
      dmctl('handle-error', 's4177', '-b', 'mysql-bin.000001:4', 'skip'),
    ]);
    expect(unknownTask).toMatchObject({ code: 1, text: expect.stringMatching(/task wrong-task.*not exist/) });
    expect(none.text).toContain(
      'Usage:\n  dmctl handle-error <task-name | task-file> [-s source ...] [-b binlog-pos]',
    );
    expect(unknownSource).toMatchObject({
      code: 1,
      text: expect.stringMatching(/source wrong-source.*not found/),
    });
    expect(badPos.text).toContain('invalid --binlog-pos');
    expect(noError.code).toBe(1);
    expect(noError.text).toMatch(/"result": false[^]*source.*has no error/);
    expect(unknownOp.text).toContain('Usage:\n  dmctl binlog <skip/replace/revert/inject/list>');
    expect(oldName).toMatchObject({
      code: 0,
      text: expect.stringMatching(/"result": true[^]*"result": true/),
    });
  });

  it('of statements are told', async () => {
    await setup.replicating('statements', { one: [TABLE] });
    const more = { binlogPos: 'mysql-bin.000001:4' };
    const message = async (op: string, sqls?: string) =>
      (await setup.binlog(op, 'statements', { ...more, sqls })).sources?.[0]?.msg as string;
    expect(await message('replace')).toMatch(/binlog replace needs the statements/);
    expect(await message('skip', 'DROP TABLE t')).toMatch(/binlog skip takes no statements/);
    expect(await message('inject', 'INSERT INTO t VALUES (1)')).toMatch(
      /only support replace or inject with DDL/,
    );
    expect(await message('replace', 'ALTER TABLE t FROBNICATE')).toMatch(/code=11006/);
  });
});
