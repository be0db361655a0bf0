import { describe, expect, it } from 'vitest';
import { DmError } from '../errors/dm-error.js';
import { SchemaTracker, type TrackerOptions } from './apply.js';
import { parseDdl } from './ddl.js';

const OPTIONS: TrackerOptions = { flavor: 'mysql', serverVersion: '8.0.36' };

function tracker(options: Partial<TrackerOptions> = {}, ...statements: string[]): SchemaTracker {
  const made = new SchemaTracker({ ...OPTIONS, ...options });
  for (const sql of statements) apply(made, sql);
  return made;
}

function apply(to: SchemaTracker, sql: string): string[] {
  const changed = to.apply(parseDdl(sql, { ...OPTIONS, defaultSchema: 'd' }));
  return changed.map((name) => `${name.schema}.${name.table}`);
}

const columns = (of: SchemaTracker, table: string): string[] | undefined =>
  of.get({ schema: 'd', table })?.columns.map((column) => column.name);

describe('schema tracker', () => {
  it('tells which tables changed', () => {
    const model = tracker();
    expect(apply(model, 'CREATE TABLE a (x INT)')).toEqual(['d.a']);
    expect(apply(model, 'CREATE TABLE IF NOT EXISTS a (y INT)')).toEqual([]);
    expect(apply(model, 'CREATE TABLE e.b LIKE a')).toEqual(['e.b']);
    expect(apply(model, 'ALTER TABLE a ADD y INT, RENAME TO c')).toEqual(['d.a', 'd.c']);
    expect(apply(model, 'TRUNCATE c')).toEqual([]);
    expect(apply(model, 'CREATE INDEX i ON c (y)')).toEqual(['d.c']);
    expect(apply(model, 'DROP DATABASE e')).toEqual(['e.b']);
    expect(columns(model, 'c')).toEqual(['x', 'y']);
    expect(apply(model, 'DROP TABLE c, nope')).toEqual(['d.c', 'd.nope']);
    expect(model.tables()).toEqual([]);
  });

  it.each([
    ['CREATE TABLE t (x INT)', 'exists already'],
    ['ALTER TABLE nope ADD x INT', '`d`.`nope` is not known'],
    ['ALTER TABLE t ADD a INT', 'duplicate column a'],
    ['ALTER TABLE t ADD c INT AFTER nope', 'column nope does not exist'],
    ['ALTER TABLE t DROP nope', 'column nope does not exist'],
    ['ALTER TABLE t ADD KEY (nope)', 'key column nope does not exist'],
    ['ALTER TABLE t ADD PRIMARY KEY (b)', 'primary key already'],
    ['ALTER TABLE t DROP KEY nope', 'index nope does not exist'],
    ['ALTER TABLE t ADD KEY k (b)', 'duplicate index k'],
    ['RENAME TABLE t TO u, nope TO v', '`d`.`nope` is not known'],
    ['CREATE TABLE u LIKE nope', '`d`.`nope` is not known'],
    ['CREATE TABLE u (a INT, A INT)', 'duplicate column A'],
    ['CREATE TABLE u AS SELECT 1', 'its columns are not known'],
    ['ALTER TABLE t ADD SYSTEM VERSIONING', 'not supported'],
    ['CREATE TABLE u (a INT) WITH SYSTEM VERSIONING', 'system-versioned table u'],
  ])('refuses %s and stays as it was', (sql, message) => {
    const model = tracker({}, 'CREATE TABLE t (a INT PRIMARY KEY, b INT, KEY k (b))');
    const before = model.tables();
    try {
      apply(model, sql);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(DmError);
      expect(error).toMatchObject({ code: 44006 });
      expect((error as DmError).message).toContain('cannot track DDL: ');
      expect((error as DmError).message).toContain(message);
    }
    expect(model.tables()).toEqual(before);
  });

  it('goes back to a snapshot', () => {
    const model = tracker({}, 'CREATE TABLE t (a INT)');
    const snapshot = model.snapshot();
    apply(model, 'ALTER TABLE t ADD b INT');
    apply(model, 'CREATE TABLE u (a INT)');
    model.restore(snapshot);
    apply(model, 'ALTER TABLE t ADD c INT');
    expect(columns(model, 't')).toEqual(['a', 'c']);
    model.restore(snapshot);
    expect(columns(model, 't')).toEqual(['a']);
    expect(columns(model, 'u')).toBeUndefined();
  });

  it('folds names where the server does', () => {
    const model = tracker({ lowerCaseNames: true }, 'CREATE TABLE T (a INT)', 'ALTER TABLE t ADD b INT');
    expect(columns(model, 'T')).toEqual(['a', 'b']);
    expect(tracker({}, 'CREATE TABLE T (a INT)').get({ schema: 'd', table: 't' })).toBeUndefined();
  });

  it('takes the character set from the schema', () => {
    const model = tracker(
      {},
      'CREATE DATABASE d CHARACTER SET latin1',
      'CREATE TABLE t (a VARCHAR(3), b VARCHAR(3) CHARSET utf8)',
      'ALTER DATABASE d COLLATE utf8mb4_bin',
      'CREATE TABLE u (a VARCHAR(3))',
    );
    const charsets = (table: string) =>
      model.get({ schema: 'd', table })?.columns.map(({ type }) => `${type.charset} ${type.collation}`);
    expect(charsets('t')).toEqual(['latin1 latin1_swedish_ci', 'utf8mb3 utf8mb3_general_ci']);
    expect(charsets('u')).toEqual(['utf8mb4 utf8mb4_bin']);
  });

  it('makes TIMESTAMP NOT NULL where the server does', () => {
    const nullable = (explicitDefaultsForTimestamp: boolean) =>
      tracker({ explicitDefaultsForTimestamp }, 'CREATE TABLE t (a TIMESTAMP, b TIMESTAMP NULL)')
        .get({ schema: 'd', table: 't' })
        ?.columns.map((column) => column.nullable);
    expect(nullable(true)).toEqual([true, true]);
    expect(nullable(false)).toEqual([false, true]);
  });
});
