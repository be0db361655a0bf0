/** A table, or with an empty `table` a whole schema, on the source or on the target. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Quotes one identifier: a`b -> `a``b`. */
export function quoteName(name: string): string {
  return '`' + name.replaceAll('`', '``') + '`';
}

/** `schema`.`table`, or `schema` alone when the table is empty: the form DM prints. */
export function quoteTable(name: TableName): string {
  return name.table === '' ? quoteName(name.schema) : `${quoteName(name.schema)}.${quoteName(name.table)}`;
}

/** A string unique for the pair, for use as a map key. */
export function tableKey(name: TableName): string {
  return `${name.schema}\u0000${name.table}`;
}
