/**
 * The `table_info` of the syncer checkpoint. DM keeps TiDB's TableInfo there; we write the same JSON, so
 * that DM can go on from our checkpoint, and add a member `sluice` with our own model, which says more
 * (MariaDB's types, invisible columns ...). TiDB and DM pass over members that they do not know.
 */
import { z } from 'zod';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { portableCharset, portableCollation, quoteText } from './create-sql.js';
import { decodeFieldType, encodeFieldType, FLAG, type TidbFieldType } from './table-info-type.js';
import type { Column, Index, TableSchema } from './table.js';

/** TiDB's state of a column or index that is in use. */
const PUBLIC = 5;

const BTREE = 1;

interface CiString {
  O: string;
  L: string;
}

function ciString(text: string): CiString {
  return { O: text, L: text.toLowerCase() };
}

const INTEGERS = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint']);

/** The integer primary key that is TiDB's row handle; TiDB has no index entry for it. */
function handleColumn(table: TableSchema): string | undefined {
  const primary = table.indexes.find((index) => index.kind === 'primary');
  if (primary?.parts.length !== 1) return undefined;
  const name = primary.parts[0].column.toLowerCase();
  const column = table.columns.find((other) => other.name.toLowerCase() === name);
  return column && INTEGERS.has(column.type.base) ? name : undefined;
}

export function encodeTableInfo(table: TableSchema): string {
  const handle = handleColumn(table);
  const offsets = new Map(table.columns.map((column, i) => [column.name.toLowerCase(), i]));
  const listed = table.indexes.filter(
    (index) =>
      !(index.kind === 'primary' && handle !== undefined) &&
      index.parts.every((part) => offsets.has(part.column.toLowerCase())),
  );
  return JSON.stringify({
    id: 0,
    name: ciString(table.table),
    charset: portableCharset(table.charset),
    collate: portableCollation(table.collation),
    cols: table.columns.map((column, i) => encodeColumn(column, i, table)),
    index_info: listed.map((index, i) => ({
      id: i + 1,
      idx_name: ciString(index.name),
      tbl_name: ciString(''),
      idx_cols: index.parts.map((part) => ({
        name: ciString(part.column),
        offset: offsets.get(part.column.toLowerCase()) ?? 0,
        length: part.length ?? -1,
      })),
      state: PUBLIC,
      comment: index.comment ?? '',
      index_type: BTREE,
      is_unique: index.kind === 'primary' || index.kind === 'unique',
      is_primary: index.kind === 'primary',
      is_invisible: index.invisible ?? false,
      is_global: false,
    })),
    constraint_info: null,
    fk_info: null,
    state: PUBLIC,
    pk_is_handle: handle !== undefined,
    is_common_handle: false,
    common_handle_version: 0,
    comment: table.comment,
    auto_inc_id: 0,
    max_col_id: table.columns.length,
    max_idx_id: listed.length,
    update_timestamp: 0,
    partition: null,
    compression: '',
    view: null,
    sequence: null,
    version: 4,
    sluice: table,
  });
}

function encodeColumn(column: Column, offset: number, table: TableSchema): object {
  const type = encodeFieldType(column);
  const lower = column.name.toLowerCase();
  if (!column.nullable) type.Flag |= FLAG.notNull;
  if (column.autoIncrement) type.Flag |= FLAG.autoIncrement;
  if (column.onUpdate !== undefined) type.Flag |= FLAG.onUpdateNow;
  if (!column.nullable && column.default === null && !column.autoIncrement) type.Flag |= FLAG.noDefault;
  for (const { kind, parts } of table.indexes) {
    if (!parts.some((part) => part.column.toLowerCase() === lower)) continue;
    if (kind === 'primary') type.Flag |= FLAG.primary;
    else if (kind === 'unique' && parts.length === 1) type.Flag |= FLAG.unique;
    else if (parts[0].column.toLowerCase() === lower) type.Flag |= FLAG.multiple;
  }
  const literal = column.default === null ? null : literalText(column.default);
  return {
    id: offset + 1,
    name: ciString(column.name),
    offset,
    origin_default: null,
    origin_default_bit: null,
    default: column.default === null ? null : (literal ?? column.default),
    default_bit: null,
    default_is_expr: column.default !== null && literal === undefined && !isNow(column.default),
    generated_expr_string: column.generated?.expression ?? '',
    generated_stored: column.generated?.stored ?? false,
    dependences: null,
    type,
    state: PUBLIC,
    comment: column.comment,
    hidden: false,
    change_state_info: null,
    version: 2,
  };
}

function isNow(text: string): boolean {
  return /^(current_timestamp|now|localtime|localtimestamp)\b/i.test(text);
}

/** The value of a plain literal; undefined for expressions. */
function literalText(sql: string): string | undefined {
  if (/^[-+]?[0-9.]+(e[-+]?\d+)?$/i.test(sql)) return sql;
  const quoted = /^'((?:[^'\\]|''|\\.)*)'$/s.exec(sql);
  if (!quoted) return undefined;
  return quoted[1].replace(/''|\\(.)/gs, (match, char: string | undefined) => {
    if (match === "''") return "'";
    return char === 'n' ? '\n' : char === '0' ? '\0' : (char ?? '');
  });
}

const nameSchema = z.object({ O: z.string() });

const tidbSchema = z.object({
  name: nameSchema,
  charset: z.string().default('utf8mb4'),
  collate: z.string().default('utf8mb4_bin'),
  comment: z.string().default(''),
  pk_is_handle: z.boolean().default(false),
  cols: z.array(
    z.object({
      name: nameSchema,
      offset: z.number(),
      default: z.unknown(),
      default_is_expr: z.boolean().default(false),
      generated_expr_string: z.string().default(''),
      generated_stored: z.boolean().default(false),
      state: z.number().default(PUBLIC),
      comment: z.string().default(''),
      hidden: z.boolean().default(false),
      type: z.object({
        Tp: z.number(),
        Flag: z.number(),
        Flen: z.number(),
        Decimal: z.number(),
        Charset: z.string(),
        Collate: z.string(),
        Elems: z.array(z.string()).nullable().default(null),
      }),
    }),
  ),
  index_info: z
    .array(
      z.object({
        idx_name: nameSchema,
        idx_cols: z.array(z.object({ name: nameSchema, length: z.number().default(-1) })),
        state: z.number().default(PUBLIC),
        comment: z.string().default(''),
        is_unique: z.boolean().default(false),
        is_primary: z.boolean().default(false),
        is_invisible: z.boolean().default(false),
      }),
    )
    .nullable()
    .default(null),
});

/**
 * The table of a `table_info`, ours or DM's; undefined for `null`, which DM writes where it knows none.
 * Throws DmError 44001.
 */
export function decodeTableInfo(json: string, schema: string): TableSchema | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
    if (parsed === null) return undefined;
    const own = (parsed as { sluice?: TableSchema }).sluice;
    if (own !== undefined && Array.isArray(own.columns)) return own;
    return fromTidb(tidbSchema.parse(parsed), schema);
  } catch (cause) {
    throw new DmError(
      CODES.schemaTrackerInvalidJson,
      `saved schema of a table in \`${schema}\` is not proper JSON`,
      { cause },
    );
  }
}

function fromTidb(info: z.infer<typeof tidbSchema>, schema: string): TableSchema {
  const cols = info.cols
    .filter((col) => col.state === PUBLIC && !col.hidden)
    .sort((a, b) => a.offset - b.offset);
  const columns = cols.map((col): Column => {
    const column: Column = {
      name: col.name.O,
      type: decodeFieldType(col.type satisfies TidbFieldType),
      nullable: (col.type.Flag & FLAG.notNull) === 0,
      default: decodeDefault(col.default, col.default_is_expr),
      autoIncrement: (col.type.Flag & FLAG.autoIncrement) !== 0,
      comment: col.comment,
    };
    if ((col.type.Flag & FLAG.onUpdateNow) !== 0) column.onUpdate = 'CURRENT_TIMESTAMP';
    if (col.generated_expr_string !== '') {
      column.generated = { expression: col.generated_expr_string, stored: col.generated_stored };
    }
    return column;
  });
  const indexes = (info.index_info ?? [])
    .filter((index) => index.state === PUBLIC)
    .map((index): Index => {
      const parts = index.idx_cols.map((part) =>
        part.length > 0 ? { column: part.name.O, length: part.length } : { column: part.name.O },
      );
      const made: Index = {
        name: index.idx_name.O,
        kind: index.is_primary ? 'primary' : index.is_unique ? 'unique' : 'index',
        parts,
      };
      if (index.is_invisible) made.invisible = true;
      if (index.comment !== '') made.comment = index.comment;
      return made;
    });
  const handle = cols.find((col) => (col.type.Flag & FLAG.primary) !== 0);
  if (info.pk_is_handle && handle && !indexes.some((index) => index.kind === 'primary')) {
    indexes.unshift({ name: 'PRIMARY', kind: 'primary', parts: [{ column: handle.name.O }] });
  }
  return {
    schema,
    table: info.name.O,
    columns,
    indexes,
    foreignKeys: [],
    charset: info.charset === 'utf8' ? 'utf8mb3' : info.charset,
    collation: info.collate.replace(/^utf8_/, 'utf8mb3_'),
    comment: info.comment,
    options: {},
  };
}

function decodeDefault(value: unknown, isExpression: boolean): string | null {
  if (value === null || value === undefined) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (isExpression) return `(${text})`;
  return isNow(text) ? text : quoteText(text);
}
