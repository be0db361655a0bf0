/**
 * What an operator asks of one subtask beyond its stage: requests that travel from a command's handler
 * through the source and the subtask actor to where the subtask works (src/subtask/operate.ts).
 */
import type { Stage, UnitName } from './stage.js';
import type { ProcessError } from './status.js';

export const BINLOG_OPS = ['skip', 'replace', 'revert', 'inject', 'list'] as const;
export type BinlogOp = (typeof BINLOG_OPS)[number];

/** `binlog` and `handle-error`: what becomes of one statement of the source. */
export interface BinlogOperation {
  readonly kind: 'binlog';
  readonly op: BinlogOp;
  /** `file:pos`; '' = the statement that the subtask is paused at. */
  readonly binlogPos: string;
  /** Statements of replace and inject, one each. */
  readonly sqls: readonly string[];
}

export const SCHEMA_OPS = ['get', 'set', 'remove', 'list'] as const;
export type SchemaOp = (typeof SCHEMA_OPS)[number];

/** `operate-schema` and `binlog-schema`: the structure by which a table's rows are decoded. */
export interface SchemaOperation {
  readonly kind: 'schema';
  readonly op: SchemaOp;
  /** The table in the source; of `list` both are ''. */
  readonly database: string;
  readonly table: string;
  /** CREATE TABLE, for `set` where `from` is ''. */
  readonly schema: string;
  /** Where the structure is taken from in place of what is kept (`get`) or written (`set`). */
  readonly from: '' | 'source' | 'target';
}

export const ISOLATION_OPS = ['list', 'retry', 'drop'] as const;
export type IsolationOp = (typeof ISOLATION_OPS)[number];

/** `isolation`: tables that are set aside after an error. */
export interface IsolationOperation {
  readonly kind: 'isolation';
  readonly op: IsolationOp;
  /** `schema.table` of the target; '' = all that are set aside. */
  readonly table: string;
}

export type SubtaskOperation = BinlogOperation | SchemaOperation | IsolationOperation;

/** The subtask as its actor knows it when the operation arrives. */
export interface OperationContext {
  readonly stage: Stage;
  readonly unit: UnitName;
  /** Why it is Paused; empty where the operator has paused it. */
  readonly errors: readonly ProcessError[];
}

export interface OperationAnswer {
  readonly result: boolean;
  /** The answer's text: an error, or what was asked for. */
  readonly msg: string;
  /** The subtask is to be resumed: the operation has dealt with what it is paused at. */
  readonly resume?: boolean;
}
