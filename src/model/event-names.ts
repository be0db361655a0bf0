/** The event types that a binlog event filter can name (manual 1.3.1.3.2, and those since DM 7.5). */

export type DmlEvent = 'insert' | 'update' | 'delete';

/** Types of whole statements; `create schema` and the like are other words for `database`. */
const STATEMENTS = [
  'create database',
  'drop database',
  'alter database',
  'create table',
  'drop table',
  'truncate table',
  'rename table',
  'create index',
  'drop index',
  'create view',
  'drop view',
  'alter table',
] as const;

/** What a single operation of ALTER can be besides `alter table` (since DM 7.5). */
const OPERATIONS = [
  'add table partition',
  'drop table partition',
  'truncate table partition',
  'value range decrease',
  'precision decrease',
  'modify column',
  'rename column',
  'rename index',
  'drop column',
  'drop primary key',
  'drop unique key',
  'modify default value',
  'modify constraint',
  'modify columns order',
  'modify charset',
  'modify collation',
  'remove auto increment',
  'modify storage engine',
  'reorganize table partition',
  'rebuild table partition',
  'coalesce table partition',
  'split table partition',
  'exchange table partition',
  'modify schema charset and collate',
  'modify table charset and collate',
  'modify table comment',
  'recover table',
  'alter table partitioning',
  'remove table partitioning',
  'add column',
  'set default value',
  'rebase auto id',
  'add primary key',
  'alter index visibility',
  'alter ttl info',
  'alter ttl remove',
  'multi schema change',
] as const;

export type DdlEvent = (typeof STATEMENTS)[number] | (typeof OPERATIONS)[number];

/** All that `events` of a rule may hold, as DM spells it. */
export const EVENT_NAMES: ReadonlySet<string> = new Set([
  'all',
  'all dml',
  'all ddl',
  'none',
  'none dml',
  'none ddl',
  'incompatible ddl changes',
  'insert',
  'update',
  'delete',
  'create schema',
  'drop schema',
  'alter schema',
  ...STATEMENTS,
  ...OPERATIONS,
]);

const COMPATIBLE: ReadonlySet<string> = new Set([
  'create database',
  'alter database',
  'create table',
  'create index',
  'create view',
  'drop view',
  'alter table',
  'add table partition',
]);

/** Whether DM counts the type among its `incompatible ddl changes`. */
export function isIncompatible(event: DdlEvent): boolean {
  return !COMPATIBLE.has(event);
}

/** The spelling that is compared: lower case, `schema` as `database`, single blanks. */
export function canonicalEvent(name: string): string {
  const lower = name.trim().toLowerCase().replaceAll(/\s+/g, ' ');
  return /^(?:create|drop|alter) schema$/.test(lower) ? lower.replace('schema', 'database') : lower;
}
