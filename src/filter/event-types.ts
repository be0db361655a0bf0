/** Which event types a statement is, for the binlog event filter. */
import { unreachable } from '../model/assert.js';
import type { DdlEvent } from '../model/event-names.js';
import type { TableName } from '../model/table-name.js';
import type { AlterOperation, ColumnDef, ParsedStatement } from '../schema/ddl-types.js';
import type { Column, TableSchema } from '../schema/table.js';

/** One thing that a statement does to one table or schema. */
export interface StatementPart {
  readonly name: TableName;
  readonly events: readonly DdlEvent[];
}

/**
 * The parts of a statement that are filtered each for itself: every operation of an ALTER, every table of
 * a DROP, every pair of a RENAME. In the order in which `splitStatement` cuts. Empty for what is no DDL.
 * `before` is the altered table as it was, by which MODIFY is judged.
 */
export function statementParts(
  parsed: ParsedStatement,
  before: TableSchema | undefined,
): readonly StatementPart[] {
  switch (parsed.kind) {
    case 'create-database':
      return [{ name: parsed.database.name, events: ['create database'] }];
    case 'alter-database': {
      const charset = parsed.charset !== undefined || parsed.collation !== undefined;
      const extra: DdlEvent[] = charset ? ['modify schema charset and collate'] : [];
      return [{ name: parsed.database.name, events: ['alter database', ...extra] }];
    }
    case 'drop-database':
      return [{ name: parsed.database.name, events: ['drop database'] }];
    case 'create-table':
      return [{ name: parsed.table.name, events: ['create table'] }];
    case 'drop-table':
      return parsed.tables.map((ref) => ({ name: ref.name, events: ['drop table'] }));
    case 'truncate-table':
      return [{ name: parsed.table.name, events: ['truncate table'] }];
    case 'rename-table':
      return parsed.pairs.map((pair) => ({ name: pair.from.name, events: ['rename table'] }));
    case 'create-index':
      return [{ name: parsed.table.name, events: ['create index'] }];
    case 'drop-index':
      return [{ name: parsed.table.name, events: ['drop index', ...droppedKey(parsed.name, before)] }];
    case 'alter-table':
      return parsed.operations.map((operation) => ({
        name: parsed.table.name,
        events: ['alter table', ...operationEvents(operation, before)],
      }));
    case 'other-ddl':
    case 'dml':
    case 'begin':
    case 'commit':
    case 'rollback':
    case 'xa':
    case 'empty':
      return [];
    default:
      return unreachable(parsed);
  }
}

function droppedKey(name: string, before: TableSchema | undefined): DdlEvent[] {
  if (name.toUpperCase() === 'PRIMARY') return ['drop primary key'];
  const index = before?.indexes.find((one) => one.name.toLowerCase() === name.toLowerCase());
  return index?.kind === 'unique' ? ['drop unique key'] : [];
}

function operationEvents(operation: AlterOperation, before: TableSchema | undefined): DdlEvent[] {
  switch (operation.op) {
    case 'add-column': {
      const order: DdlEvent[] = operation.position === undefined ? [] : ['modify columns order'];
      const key: DdlEvent[] = operation.column.key === 'primary' ? ['add primary key'] : [];
      return ['add column', ...order, ...key];
    }
    case 'drop-column':
      return ['drop column'];
    case 'change-column': {
      const old = before?.columns.find((one) => one.name.toLowerCase() === operation.name.toLowerCase());
      const events: DdlEvent[] = ['modify column'];
      if (operation.name.toLowerCase() !== operation.column.name.toLowerCase()) events.push('rename column');
      if (operation.position !== undefined) events.push('modify columns order');
      return old === undefined ? events : [...events, ...columnChanges(old, operation.column)];
    }
    case 'rename-column':
      return ['rename column'];
    case 'alter-column':
      return operation.default === undefined ? [] : ['set default value', 'modify default value'];
    case 'add-index':
      return operation.index.kind === 'primary' ? ['create index', 'add primary key'] : ['create index'];
    case 'drop-index':
      return ['drop index', ...droppedKey(operation.name, before)];
    case 'drop-primary':
      return ['drop primary key'];
    case 'rename-index':
      return ['rename index'];
    case 'alter-index':
      return ['alter index visibility'];
    case 'add-foreign-key':
    case 'drop-foreign-key':
    case 'add-check':
      return ['modify constraint'];
    case 'drop-constraint':
      return ['modify constraint', ...droppedKey(operation.name, before)];
    case 'convert-charset':
      return ['modify table charset and collate', 'modify charset', 'modify collation'];
    case 'table-options':
      return optionEvents(operation.options);
    case 'rename-table':
      return ['rename table'];
    case 'partition-by':
      return [
        operation.partitioning === undefined ? 'remove table partitioning' : 'alter table partitioning',
      ];
    case 'partitions':
      return partitionEvents(operation.verb);
    case 'order-by':
    case 'modifier':
    case 'versioning':
      return [];
    default:
      return unreachable(operation);
  }
}

function optionEvents(options: {
  charset?: string;
  collation?: string;
  comment?: string;
  others: Record<string, string>;
}): DdlEvent[] {
  const events: DdlEvent[] = [];
  if (options.charset !== undefined || options.collation !== undefined) {
    events.push('modify table charset and collate');
  }
  if (options.comment !== undefined) events.push('modify table comment');
  for (const name of Object.keys(options.others)) {
    if (name === 'ENGINE') events.push('modify storage engine');
    if (name === 'AUTO_INCREMENT') events.push('rebase auto id');
    if (name === 'TTL') events.push('alter ttl info');
  }
  return events;
}

function partitionEvents(verb: string): DdlEvent[] {
  switch (verb.toUpperCase().split(' ')[0]) {
    case 'ADD':
      return ['add table partition'];
    case 'DROP':
      return ['drop table partition'];
    case 'TRUNCATE':
      return ['truncate table partition'];
    case 'REORGANIZE':
      return ['reorganize table partition'];
    case 'REBUILD':
      return ['rebuild table partition'];
    case 'COALESCE':
      return ['coalesce table partition'];
    case 'EXCHANGE':
    case 'CONVERT':
      return ['exchange table partition'];
    default:
      return [];
  }
}

const INTEGER_BYTES: Readonly<Record<string, number>> = {
  tinyint: 1,
  smallint: 2,
  mediumint: 3,
  int: 4,
  bigint: 8,
};
const TEXT_BYTES: Readonly<Record<string, number>> = {
  tinytext: 255,
  tinyblob: 255,
  text: 65_535,
  blob: 65_535,
  mediumtext: 16_777_215,
  mediumblob: 16_777_215,
  longtext: 4_294_967_295,
  longblob: 4_294_967_295,
};

/** What a MODIFY takes away, seen from the column as it was. */
function columnChanges(old: Column, next: ColumnDef): DdlEvent[] {
  const events: DdlEvent[] = [];
  const from = old.type;
  const to = next.type;
  if (rangeShrinks(from, to)) events.push('value range decrease');
  if (precisionShrinks(from, to)) events.push('precision decrease');
  if (old.autoIncrement && !next.autoIncrement) events.push('remove auto increment');
  if ((next.default ?? null) !== old.default && !next.autoIncrement) events.push('modify default value');
  if (old.nullable && next.nullable === false) events.push('modify constraint');
  if (to.charset !== undefined && to.charset !== from.charset) events.push('modify charset');
  if (to.collation !== undefined && to.collation !== from.collation) events.push('modify collation');
  return events;
}

interface SizedType {
  readonly base: string;
  readonly length?: number;
  readonly decimals?: number;
  readonly unsigned: boolean;
  readonly members?: readonly string[];
}

function rangeShrinks(from: SizedType, to: SizedType): boolean {
  const a = INTEGER_BYTES[from.base];
  const b = INTEGER_BYTES[to.base];
  if (a !== undefined && b !== undefined) {
    return b < a || (from.unsigned !== to.unsigned && (to.unsigned || b <= a));
  }
  const size = (type: SizedType) => TEXT_BYTES[type.base] ?? type.length ?? 1;
  if (/char|text|blob|binary|bit/.test(from.base) && /char|text|blob|binary|bit/.test(to.base)) {
    return size(to) < size(from);
  }
  if (from.base === 'decimal' && to.base === 'decimal') {
    return (to.length ?? 10) - (to.decimals ?? 0) < (from.length ?? 10) - (from.decimals ?? 0);
  }
  if (from.members !== undefined && to.members !== undefined) {
    return from.members.some((member) => !to.members?.includes(member));
  }
  return from.base === 'double' && to.base === 'float';
}

function precisionShrinks(from: SizedType, to: SizedType): boolean {
  if (from.base === 'double' && to.base === 'float') return true;
  return from.base === to.base && (to.decimals ?? 0) < (from.decimals ?? 0);
}
