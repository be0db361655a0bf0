import { describe, expect, it } from 'vitest';
import { DmError } from '../errors/dm-error.js';
import type { EventFilterRule } from '../model/subtask-config.js';
import { parseDdl } from '../schema/ddl.js';
import { createTableFromSql } from '../schema/build-table.js';
import { checkEventFilterRule, EventFilter } from './event-filter.js';
import { EVENT_NAMES, type DdlEvent } from '../model/event-names.js';
import { statementParts } from './event-types.js';

const DIALECT = {
  flavor: 'mysql',
  serverVersion: '8.0.36',
  ansiQuotes: false,
  noBackslashEscapes: false,
} as const;

function rule(given: Partial<EventFilterRule>): EventFilterRule {
  return {
    schemaPattern: 'test_*',
    tablePattern: '',
    events: [],
    sqlPattern: [],
    action: 'Ignore',
    ...given,
  };
}

function filter(...rules: Partial<EventFilterRule>[]): EventFilter {
  return new EventFilter(rules.map(rule), { caseSensitive: false });
}

const T = { schema: 'test_1', table: 't_1' };
const SCHEMA = { schema: 'test_1', table: '' };

function eventsOf(
  sql: string,
  create = 'CREATE TABLE t (id INT PRIMARY KEY, a BIGINT, b VARCHAR(20), UNIQUE u (a))',
) {
  const before = createTableFromSql(create, 'test_1', DIALECT);
  const parsed = parseDdl(sql, { ...DIALECT, defaultSchema: 'test_1' });
  return statementParts(parsed, before).map((part) => part.events);
}

describe('event filter', () => {
  it('filters deletions as the first example of manual 1.3.1.3.3', () => {
    const f = filter(
      { tablePattern: 't_*', events: ['truncate table', 'drop table', 'delete'] },
      { events: ['drop database'] },
    );
    expect(f.dml(T)).toEqual({ insert: 'Do', update: 'Do', delete: 'Ignore' });
    expect(f.dml({ schema: 'test_1', table: 'other' }).delete).toBe('Do');
    expect(f.ddl(T, ['truncate table'], 'TRUNCATE t_1')).toBe('Ignore');
    expect(f.ddl(T, ['drop table'], 'DROP TABLE t_1')).toBe('Ignore');
    expect(f.ddl(T, ['alter table', 'add column'], 'ALTER ...')).toBe('Do');
    expect(f.ddl(SCHEMA, ['drop database'], 'DROP DATABASE test_1')).toBe('Ignore');
    expect(f.ddl(SCHEMA, ['create database'], '')).toBe('Do');
  });

  it('migrates only DML as the second example', () => {
    const f = filter(
      { tablePattern: 't_*', events: ['create table', 'all dml'], action: 'Do' },
      { events: ['create database'], action: 'Do' },
    );
    expect(f.dml(T)).toEqual({ insert: 'Do', update: 'Do', delete: 'Do' });
    expect(f.ddl(T, ['create table'], '')).toBe('Do');
    expect(f.ddl(T, ['alter table', 'drop column'], '')).toBe('Ignore');
    expect(f.ddl(SCHEMA, ['create database'], '')).toBe('Do');
    expect(f.ddl(SCHEMA, ['drop database'], '')).toBe('Ignore');
    expect(f.dml({ schema: 'other', table: 't_1' }).insert).toBe('Do');
    // Only the schema rule is about this table, and it lists no DML.
    expect(f.dml({ schema: 'test_1', table: 'other' }).insert).toBe('Ignore');
  });

  it('filters by the text as the partition example', () => {
    const f = filter({
      schemaPattern: '*',
      sqlPattern: ['ALTER\\s+TABLE[\\s\\S]*ADD\\s+PARTITION', 'ALTER\\s+TABLE[\\s\\S]*DROP\\s+PARTITION'],
    });
    const events: DdlEvent[] = ['alter table', 'add table partition'];
    expect(f.ddl(T, events, 'alter table t_1 add\npartition (partition p values less than (1))')).toBe(
      'Ignore',
    );
    expect(f.ddl(T, ['alter table', 'add column'], 'alter table t_1 add c int')).toBe('Do');
    expect(f.text('any', 'ALTER TABLE x DROP PARTITION p')).toBe('Ignore');
    expect(f.text('any', 'ALTER TABLE x ???')).toBe('Do');
    expect(f.dml(T).insert).toBe('Do');
  });

  it('reads the list of events in its order', () => {
    expect(filter({ events: ['none', 'insert'] }).dml(T).insert).toBe('Do');
    expect(filter({ events: ['insert', 'none'] }).dml(T).insert).toBe('Ignore');
    expect(filter({ events: ['none ddl', 'all'] }).dml(T).insert).toBe('Ignore');
    expect(filter({ events: ['none ddl', 'all'] }).ddl(T, ['create table'], '')).toBe('Do');
    expect(filter({ events: ['ALL  DML'] }).dml(T).delete).toBe('Ignore');
    expect(filter({ events: ['create schema'] }).ddl(SCHEMA, ['create database'], '')).toBe('Ignore');
  });

  it('takes the first rule that decides', () => {
    const f = filter(
      { tablePattern: 't_*', events: ['drop column'], action: 'Error' },
      { tablePattern: 't_*', events: ['all ddl'] },
    );
    expect(f.ddl(T, ['alter table', 'drop column'], '')).toBe('Error');
    expect(f.ddl(T, ['alter table', 'add column'], '')).toBe('Ignore');
    const g = filter({ events: ['incompatible ddl changes'], action: 'Error' });
    expect(g.ddl(T, ['alter table', 'add column'], '')).toBe('Error');
    expect(g.ddl(T, ['create table'], '')).toBe('Do');
  });

  it('minds case when told to', () => {
    const upper = { schema: 'TEST_1', table: 'T_1' };
    const rules = [rule({ tablePattern: 't_*', events: ['insert'] })];
    expect(new EventFilter(rules, { caseSensitive: true }).dml(upper).insert).toBe('Do');
    expect(new EventFilter(rules, { caseSensitive: false }).dml(upper).insert).toBe('Ignore');
  });

  it('reports bad rules', () => {
    const bad = rule({ schemaPattern: '', tablePattern: '~(', events: ['insret'], sqlPattern: ['a', '('] });
    expect(checkEventFilterRule(bad).map((problem) => problem.path)).toEqual([
      'schema-pattern',
      'table-pattern',
      'events[0]',
      'sql-pattern[1]',
    ]);
    // RE2 has no look-ahead.
    expect(checkEventFilterRule(rule({ sqlPattern: ['a(?=b)'] }))).toHaveLength(1);
    expect(() => new EventFilter([bad], { caseSensitive: true })).toThrow(DmError);
  });

  it('knows what an ALTER does', () => {
    expect(eventsOf('ALTER TABLE t MODIFY a INT, ADD c INT FIRST, DROP COLUMN b, DROP KEY u')).toEqual([
      ['alter table', 'modify column', 'value range decrease'],
      ['alter table', 'add column', 'modify columns order'],
      ['alter table', 'drop column'],
      ['alter table', 'drop index', 'drop unique key'],
    ]);
    expect(eventsOf('ALTER TABLE t CHANGE b c VARCHAR(10)')).toEqual([
      ['alter table', 'modify column', 'rename column', 'value range decrease'],
    ]);
    expect(eventsOf("ALTER TABLE t DROP PARTITION p, COMMENT='x'").flat()).toContain('drop table partition');
    expect(eventsOf('DROP INDEX `PRIMARY` ON t')).toEqual([['drop index', 'drop primary key']]);
    expect(eventsOf('DROP TABLE t, s')).toEqual([['drop table'], ['drop table']]);
    expect(eventsOf('CREATE PROCEDURE p() SELECT 1')).toEqual([]);
    for (const event of eventsOf('ALTER TABLE t ENGINE=MyISAM, COMMENT="c"').flat()) {
      expect(EVENT_NAMES.has(event)).toBe(true);
    }
  });
});
