/** What `parseDdl` makes of a statement: a typed skeleton with the offsets of every name it may rewrite. */
import type { TableName } from '../model/table-name.js';
import type { Dialect } from './dialect.js';
import type { IndexPart } from './table.js';

/** Half-open range of UTF-16 offsets into the statement. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A part that the source alone is meant by; `text`, where there is one, takes its place. */
export interface Removal extends Range {
  readonly text?: string;
}

/** A table, or with an empty `name.table` a schema, named in the statement. */
export interface TableRef extends Range {
  /** With the schema filled in where the text leaves it out. */
  readonly name: TableName;
  /** The text does not name the schema; for a schema reference: there is no text at all. */
  readonly implicit: boolean;
}

/** A column type as written, before charsets and defaults are resolved (column-type.ts). */
export interface TypeDef {
  base: string;
  length?: number;
  decimals?: number;
  unsigned: boolean;
  zerofill: boolean;
  charset?: string;
  collation?: string;
  /** The BINARY attribute: the character set's `_bin` collation. */
  binary?: boolean;
  members?: string[];
  srid?: number;
  /** Written as BOOL or SERIAL or the like, with all that follows from it. */
  synonym?: 'bool' | 'serial';
}

export interface ColumnDef extends Range {
  name: string;
  type: TypeDef;
  /** As written; undefined where neither NULL nor NOT NULL stands. */
  nullable?: boolean;
  /** SQL text; null for DEFAULT NULL; undefined where there is none. */
  default?: string | null;
  onUpdate?: string;
  autoIncrement: boolean;
  generated?: { expression: string; stored: boolean };
  /** MariaDB's GENERATED ALWAYS AS ROW START | END. */
  rowPeriod?: 'start' | 'end';
  invisible?: boolean;
  comment: string;
  check?: string;
  key?: 'primary' | 'unique';
  references?: ForeignKeyTarget;
}

export interface ForeignKeyTarget {
  table: TableRef;
  columns: string[];
  onDelete?: string;
  onUpdate?: string;
}

export interface IndexDef extends Range {
  kind: 'primary' | 'unique' | 'index' | 'fulltext' | 'spatial' | 'vector';
  /** '' where the server chooses. */
  name: string;
  parts: IndexPart[];
  invisible?: boolean;
  comment?: string;
  ifNotExists: boolean;
}

export interface ForeignKeyDef extends Range {
  /** Of CONSTRAINT; '' where the server chooses. */
  name: string;
  indexName: string;
  columns: string[];
  target: ForeignKeyTarget;
  ifNotExists: boolean;
}

export interface CheckDef extends Range {
  name: string;
  expression: string;
}

export interface TableOptions {
  charset?: string;
  collation?: string;
  comment?: string;
  /** All others: upper-case name to text value. */
  others: Record<string, string>;
}

export type Position = { readonly first: true } | { readonly after: string };

export type AlterOperation = Range & {
  /** The operation as it can stand alone behind ALTER TABLE t. */
  readonly text: string;
} & (
    | {
        readonly op: 'add-column';
        readonly column: ColumnDef;
        readonly position?: Position;
        readonly ifNotExists: boolean;
      }
    | { readonly op: 'drop-column'; readonly name: string; readonly ifExists: boolean }
    /** MODIFY and CHANGE; `name` is the old one. */
    | {
        readonly op: 'change-column';
        readonly name: string;
        readonly column: ColumnDef;
        readonly position?: Position;
        readonly ifExists: boolean;
      }
    | {
        readonly op: 'rename-column';
        readonly name: string;
        readonly newName: string;
        readonly ifExists: boolean;
      }
    | {
        readonly op: 'alter-column';
        readonly name: string;
        readonly ifExists: boolean;
        /** null: no default any more. */
        readonly default?: string | null;
        readonly invisible?: boolean;
      }
    | { readonly op: 'add-index'; readonly index: IndexDef }
    | { readonly op: 'drop-index'; readonly name: string; readonly ifExists: boolean }
    | { readonly op: 'drop-primary' }
    | { readonly op: 'rename-index'; readonly name: string; readonly newName: string }
    | { readonly op: 'alter-index'; readonly name: string; readonly invisible: boolean }
    | { readonly op: 'add-foreign-key'; readonly foreignKey: ForeignKeyDef }
    | { readonly op: 'drop-foreign-key'; readonly name: string; readonly ifExists: boolean }
    | { readonly op: 'add-check'; readonly check: CheckDef }
    /** DROP CONSTRAINT or DROP CHECK: a check, a foreign key or a unique key. */
    | { readonly op: 'drop-constraint'; readonly name: string; readonly ifExists: boolean }
    | { readonly op: 'convert-charset'; readonly charset: string | undefined; readonly collation?: string }
    | { readonly op: 'table-options'; readonly options: TableOptions }
    | { readonly op: 'rename-table'; readonly to: TableRef }
    | { readonly op: 'order-by' }
    /** PARTITION BY, or REMOVE PARTITIONING with an undefined text. */
    | { readonly op: 'partition-by'; readonly partitioning: string | undefined }
    /** Changes to single partitions; no column changes by them. */
    | { readonly op: 'partitions'; readonly verb: string }
    /** No change to the structure by itself: ALGORITHM, LOCK, FORCE, ENABLE KEYS ... */
    | { readonly op: 'modifier'; readonly what: string }
    /** MariaDB's system versioning and periods, which the schema model does not hold. */
    | { readonly op: 'versioning'; readonly what: string }
  );

/** What of a statement stood in executable comments that the source's server ran. */
export interface ExecutedComments {
  /** The statement as written. */
  readonly origin: string;
  /** Ranges of the plain text, in its order, with the head of the comment: `/*!80023`. */
  readonly contents: readonly (Range & { readonly head: string })[];
  /** How both texts are read. */
  readonly options: Dialect & { readonly defaultSchema: string };
}

interface Common {
  /** Of what changes structures: as the source's server ran it, without executable comments (plain.ts). */
  readonly sql: string;
  /** Where executable comments stood. */
  readonly comments?: ExecutedComments;
  /** Every table (or schema) the statement names, in the order of the text. */
  readonly tables: readonly TableRef[];
  /** Parts that only the source's server understands and that a rewritten statement leaves out. */
  readonly removals: readonly Removal[];
}

export interface CreateTable extends Common {
  readonly kind: 'create-table';
  readonly table: TableRef;
  readonly ifNotExists: boolean;
  readonly orReplace: boolean;
  readonly like?: TableRef;
  /** CREATE TABLE ... SELECT: columns of the query are not known here. */
  readonly select: boolean;
  readonly columns: readonly ColumnDef[];
  readonly indexes: readonly IndexDef[];
  readonly foreignKeys: readonly ForeignKeyDef[];
  readonly checks: readonly CheckDef[];
  readonly options: TableOptions;
  readonly partitioning?: string;
}

export interface AlterTable extends Common {
  readonly kind: 'alter-table';
  readonly table: TableRef;
  readonly ifExists: boolean;
  readonly operations: readonly AlterOperation[];
}

export type ParsedStatement =
  | (Common & {
      readonly kind: 'create-database' | 'alter-database';
      readonly database: TableRef;
      readonly ifNotExists: boolean;
      readonly orReplace: boolean;
      readonly charset?: string;
      readonly collation?: string;
    })
  | (Common & { readonly kind: 'drop-database'; readonly database: TableRef; readonly ifExists: boolean })
  | CreateTable
  | AlterTable
  | (Common & { readonly kind: 'drop-table'; readonly ifExists: boolean })
  | (Common & { readonly kind: 'truncate-table'; readonly table: TableRef })
  | (Common & {
      readonly kind: 'rename-table';
      readonly ifExists: boolean;
      readonly pairs: readonly { readonly from: TableRef; readonly to: TableRef }[];
    })
  | (Common & {
      readonly kind: 'create-index';
      readonly table: TableRef;
      readonly index: IndexDef;
      readonly orReplace: boolean;
    })
  | (Common & {
      readonly kind: 'drop-index';
      readonly table: TableRef;
      readonly name: string;
      readonly ifExists: boolean;
    })
  /** Understood as something that is not migrated; `what` names it: CREATE VIEW, GRANT ... */
  | (Common & { readonly kind: 'other-ddl'; readonly what: string })
  /** Rows changed by statement: the source does not log in ROW format (error 36014, for sync to raise). */
  | (Common & { readonly kind: 'dml'; readonly what: string })
  | (Common & { readonly kind: 'begin' | 'commit' | 'rollback' })
  | (Common & { readonly kind: 'xa'; readonly what: string; readonly xid: string })
  /** Nothing but comments and blanks. */
  | (Common & { readonly kind: 'empty' });
