/** The schema model: a table as it is at one place of the binlog. Plain data, saved with checkpoints. */

export interface ColumnType {
  /**
   * Lower-case base type: tinyint smallint mediumint int bigint decimal float double bit year date time
   * datetime timestamp char varchar binary varbinary tinytext text mediumtext longtext tinyblob blob
   * mediumblob longblob enum set json geometry point linestring polygon multipoint multilinestring
   * multipolygon geometrycollection uuid inet4 inet6 vector. Synonyms (integer, numeric, bool, serial,
   * national char ...) are resolved.
   */
  base: string;
  /** Characters, bytes, bits, digits or display width, as written; undefined when not given. */
  length?: number;
  /** Scale of decimal/float/double, fraction digits of time types. */
  decimals?: number;
  unsigned: boolean;
  zerofill: boolean;
  /** Of text types; resolved from table and schema defaults. */
  charset?: string;
  collation?: string;
  /** Members of enum and set, unescaped. */
  members?: string[];
  srid?: number;
}

export interface Column {
  name: string;
  type: ColumnType;
  nullable: boolean;
  /** SQL text of the default (`'x'`, `5`, `CURRENT_TIMESTAMP(6)`, `(uuid())`); null when there is none. */
  default: string | null;
  onUpdate?: string;
  autoIncrement: boolean;
  generated?: { expression: string; stored: boolean };
  invisible?: boolean;
  comment: string;
  check?: string;
}

export interface IndexPart {
  /** Column name, or '' for an expression part. */
  column: string;
  expression?: string;
  /** Prefix length in characters (bytes for binary types). */
  length?: number;
  descending?: boolean;
}

export interface Index {
  name: string;
  kind: 'primary' | 'unique' | 'index' | 'fulltext' | 'spatial' | 'vector';
  parts: IndexPart[];
  invisible?: boolean;
  comment?: string;
  /** Made by the server for a foreign key: gives way to an index that begins with the same columns. */
  generated?: boolean;
}

export interface ForeignKey {
  name: string;
  columns: string[];
  referencedSchema: string;
  referencedTable: string;
  referencedColumns: string[];
  onDelete?: string;
  onUpdate?: string;
}

export interface TableSchema {
  schema: string;
  table: string;
  columns: Column[];
  indexes: Index[];
  foreignKeys: ForeignKey[];
  charset: string;
  collation: string;
  comment: string;
  /** Text of PARTITION BY ... where there is one. */
  partitioning?: string;
  /** Other table options, upper-case name to text value. */
  options: Record<string, string>;
}

/** The key by which a row is found: the primary key, else the first all-NOT-NULL unique index. */
export function identityIndex(table: TableSchema): Index | undefined {
  const primary = table.indexes.find((index) => index.kind === 'primary');
  if (primary) return primary;
  const nullable = new Map(table.columns.map((column) => [column.name.toLowerCase(), column.nullable]));
  return table.indexes.find(
    (index) =>
      index.kind === 'unique' &&
      index.parts.every((part) => part.column !== '' && nullable.get(part.column.toLowerCase()) === false),
  );
}
