/** Compiled expressions: a static type, decided once as the servers do, and a function of the row. */
import type { TableSchema } from '../../schema/table.js';
import { decimalText, parseDecimal, roundDecimal, type Decimal } from './decimal.js';
import { Refusal, rowError } from './problem.js';
import { datetimeText } from './temporal.js';

/**
 * Values by type: int a number, beyond 2^53 a bigint; decimal a Decimal; double a number; string a string;
 * bytes a Buffer; date, datetime, time as temporal.ts has them; json its text. null is SQL NULL.
 */
export type Value = number | bigint | string | Buffer | Decimal | null;

/** What a row's column holds, in the form of binlog/rows.ts. */
export type ColumnValue = number | bigint | string | Buffer | null;

export interface Row {
  column(ordinal: number): ColumnValue;
}

/** How strongly a text insists on its collation; smaller wins. */
export const EXPLICIT = 0;
export const OF_COLUMN = 2;
export const OF_LITERAL = 4;

export type SqlType =
  | { readonly t: 'null' }
  | { readonly t: 'int'; readonly unsigned: boolean }
  /** `cut`: a quotient, whose values have more digits than its scale; comparing rounds them to it. */
  | { readonly t: 'decimal'; readonly scale: number; readonly cut?: boolean }
  | { readonly t: 'double' }
  | { readonly t: 'string'; readonly collation: string; readonly coercibility: number }
  | { readonly t: 'bytes' }
  | { readonly t: 'date' }
  | { readonly t: 'datetime'; readonly fsp: number }
  | { readonly t: 'time'; readonly fsp: number }
  | { readonly t: 'json' };

export interface Node {
  readonly type: SqlType;
  readonly at: number;
  readonly run: (row: Row) => Value;
  /** Set where the value is the same for every row. */
  readonly constant?: { readonly value: Value };
  readonly isColumn?: boolean;
  /** The words TRUE and FALSE, which beside JSON are no numbers. */
  readonly isTruth?: boolean;
}

export interface CompileContext {
  readonly table: TableSchema;
  /** Milliseconds since 1970; NOW() asks once a row. */
  readonly wall: () => number;
}

export const INT: SqlType = { t: 'int', unsigned: false };
export const NULL_TYPE: SqlType = { t: 'null' };
export const LITERAL_TEXT: Extract<SqlType, { t: 'string' }> = {
  t: 'string',
  collation: 'utf8mb4_bin',
  coercibility: OF_LITERAL,
};

/** Smallest form of an integer. */
export function small(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}

export function isNumeric(type: SqlType): boolean {
  return type.t === 'int' || type.t === 'decimal' || type.t === 'double';
}

const NUMBER_PREFIX = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/;

/** A text where a number is wanted: what it begins with, or 0. */
export function doubleOfText(text: string): number {
  const match = NUMBER_PREFIX.exec(text);
  return match === null ? 0 : Number(match[0]);
}

export function toDecimal(value: Value): Decimal {
  switch (typeof value) {
    case 'number':
      return { digits: BigInt(value), scale: 0 };
    case 'bigint':
      return { digits: value, scale: 0 };
    default:
      return value as Decimal;
  }
}

/** Of a node whose type is numeric or a text. Never asked for null. */
export function doubleOf(type: SqlType): (value: Value) => number {
  switch (type.t) {
    case 'int':
      return Number;
    case 'double':
      return (value) => value as number;
    case 'decimal':
      return (value) => Number(decimalText(value as Decimal));
    case 'string':
      return (value) => doubleOfText(value as string);
    default:
      throw new Refusal(`a ${type.t} has no value as a number here: use CAST`);
  }
}

/** The text of a value as CONCAT would take it. Never asked for null. */
export function textOf(type: SqlType): (value: Value) => string {
  switch (type.t) {
    case 'string':
    case 'date':
      return (value) => value as string;
    case 'int':
      return String;
    case 'decimal':
      return (value) => {
        const rounded = roundDecimal(value as Decimal, type.scale);
        const missing = type.scale - rounded.scale;
        if (missing <= 0) return decimalText(rounded);
        return decimalText({ digits: rounded.digits * 10n ** BigInt(missing), scale: type.scale });
      };
    case 'datetime':
      return (value) => datetimeText(value as string, type.fsp);
    default:
      throw new Refusal(`a ${type.t} has no exact text here`);
  }
}

/** Three-valued truth of a node. */
export function truthOf(node: Node): (row: Row) => boolean | null {
  const { run } = node;
  switch (node.type.t) {
    case 'null':
      return () => null;
    case 'int':
      return (row) => {
        const value = run(row);
        return value === null ? null : value !== 0;
      };
    case 'decimal':
      return (row) => {
        const value = run(row) as Decimal | null;
        return value === null ? null : value.digits !== 0n;
      };
    case 'double':
    case 'string': {
      const convert = doubleOf(node.type);
      return (row) => {
        const value = run(row);
        return value === null ? null : convert(value) !== 0;
      };
    }
    default:
      throw new Refusal(
        `a ${node.type.t} is neither true nor false here: compare it with something`,
        node.at,
      );
  }
}

/** Where servers do not agree with themselves on whether a quotient counts with all its digits. */
export function refuseCut(nodes: readonly Node[], at: number): void {
  if (nodes.some(({ type }) => type.t === 'decimal' && type.cut === true)) {
    throw new Refusal('a quotient is not exact here: use ROUND(..., n), or = < >', at);
  }
}

export function nullNode(at: number): Node {
  return { type: NULL_TYPE, at, run: () => null, constant: { value: null } };
}

export function constantNode(type: SqlType, value: Value, at: number): Node {
  return { type, at, run: () => value, constant: { value } };
}

/** Runs once where all that it is made of is constant. */
export function derived(at: number, type: SqlType, from: readonly Node[], run: (row: Row) => Value): Node {
  if (from.length === 0 || from.some((node) => node.constant === undefined)) return { type, at, run };
  return constantNode(type, run({ column: () => null }), at);
}

export function columnNode(context: CompileContext, name: string, at: number): Node {
  const { table } = context;
  const wanted = name.toLowerCase();
  const ordinal = table.columns.findIndex((column) => column.name.toLowerCase() === wanted);
  if (ordinal < 0) {
    throw new Refusal(`there is no column \`${name}\` in \`${table.schema}\`.\`${table.table}\``, at);
  }
  const { type } = table.columns[ordinal];
  const raw = (row: Row): Value => row.column(ordinal);
  const node = (sqlType: SqlType, run: (row: Row) => Value = raw): Node => ({
    type: sqlType,
    at,
    run,
    isColumn: true,
  });
  const text = (collation: string | undefined): Node => {
    if (collation === undefined) throw new Refusal(`the collation of \`${name}\` is not known`, at);
    const coerced: SqlType = { t: 'string', collation, coercibility: OF_COLUMN };
    return node(coerced, (row) => {
      const value = row.column(ordinal);
      if (value === null || typeof value === 'string') return value;
      throw rowError(`a value of \`${name}\` is no text`);
    });
  };
  switch (type.base) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
      return node({ t: 'int', unsigned: type.unsigned });
    case 'year':
      return node({ t: 'int', unsigned: true });
    case 'bit':
      return node({ t: 'int', unsigned: true }, (row) => {
        const value = row.column(ordinal);
        return typeof value === 'bigint' ? small(value) : value;
      });
    case 'decimal':
      return node({ t: 'decimal', scale: type.decimals ?? 0 }, (row) => {
        const value = row.column(ordinal);
        return value === null ? null : parseDecimal(value as string);
      });
    case 'float':
    case 'double':
      return node({ t: 'double' });
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
      return type.charset === 'binary' ? node({ t: 'bytes' }) : text(type.collation);
    case 'enum':
    case 'set':
      return text(type.collation);
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return node({ t: 'bytes' });
    case 'date':
      return node({ t: 'date' });
    case 'datetime':
    case 'timestamp':
      return node({ t: 'datetime', fsp: type.decimals ?? 0 }, (row) => {
        const value = row.column(ordinal) as string | null;
        if (value === null || value.length === 26) return value;
        return value + '.000000'.slice(value.length - 19);
      });
    case 'time':
      return node({ t: 'time', fsp: type.decimals ?? 0 }, (row) => {
        const value = row.column(ordinal) as string | null;
        return value === null ? null : timeOfColumn(value);
      });
    case 'json':
      return node({ t: 'json' });
    default:
      throw new Refusal(`\`${name}\` is of the type ${type.base}, which expressions cannot use`, at);
  }
}

/** `[-]hh[h]:mm:ss[.f]` as microseconds. */
function timeOfColumn(text: string): number {
  const negative = text.startsWith('-');
  const [hours, minutes, seconds] = (negative ? text.slice(1) : text).split(':');
  const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds.slice(0, 2));
  const micros = whole * 1e6 + Number(seconds.slice(3).padEnd(6, '0'));
  return negative ? -micros : micros;
}
