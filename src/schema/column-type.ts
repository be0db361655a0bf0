/** Turns column definitions as written into columns as the server stores them. */
import { type CharsetPair, type CharsetServer, maxBytes, resolveCharset } from './charsets.js';
import type { ColumnDef, TypeDef } from './ddl-types.js';
import { versionNumber } from './dialect.js';
import type { Column, ColumnType } from './table.js';

export interface SchemaServer extends CharsetServer {
  /** The server's setting; default: on since MySQL 8.0 and MariaDB 10.10. */
  readonly explicitDefaultsForTimestamp?: boolean;
}

const TEXT_TYPES = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set']);

/** Types that CHARACTER SET binary turns into others. */
const AS_BINARY: Readonly<Record<string, string>> = {
  char: 'binary',
  varchar: 'varbinary',
  tinytext: 'tinyblob',
  text: 'blob',
  mediumtext: 'mediumblob',
  longtext: 'longblob',
};

/** Display widths that a server fills in: signed, unsigned. */
export const WIDTHS: Readonly<Record<string, readonly [number, number]>> = {
  tinyint: [4, 3],
  smallint: [6, 5],
  mediumint: [9, 8],
  int: [11, 10],
  bigint: [20, 20],
};

const TEXT_SIZES: readonly (readonly [number, string, string])[] = [
  [0xff, 'tinytext', 'tinyblob'],
  [0xffff, 'text', 'blob'],
  [0xffffff, 'mediumtext', 'mediumblob'],
  [Number.MAX_SAFE_INTEGER, 'longtext', 'longblob'],
];

export function isTextType(base: string): boolean {
  return TEXT_TYPES.has(base);
}

/** The text (or blob) type that holds so many bytes. */
export function textTypeFor(bytes: number, binary: boolean): string {
  const size = TEXT_SIZES.find(([limit]) => bytes <= limit)!;
  return binary ? size[2] : size[1];
}

/** Most bytes that a text or blob type holds; 0 for all others. */
export function textCapacity(base: string): number {
  return TEXT_SIZES.find(([, text, blob]) => text === base || blob === base)?.[0] ?? 0;
}

export function resolveType(def: TypeDef, inherited: CharsetPair, server: SchemaServer): ColumnType {
  let { base, length, decimals } = def;
  const type: ColumnType = { base, unsigned: def.unsigned, zerofill: def.zerofill };
  let pair: CharsetPair | undefined;
  if (base === 'json' && server.flavor === 'mariadb') {
    base = 'longtext';
    pair = { charset: 'utf8mb4', collation: 'utf8mb4_bin' };
  } else if (isTextType(base)) {
    pair = resolveCharset(def, inherited, server);
    if (def.binary && def.collation === undefined) {
      pair = {
        charset: pair.charset,
        collation: pair.charset === 'binary' ? 'binary' : `${pair.charset}_bin`,
      };
    }
    // Also where the table's own character set is binary.
    if (pair.charset === 'binary' && AS_BINARY[base] !== undefined) {
      base = AS_BINARY[base];
      pair = undefined;
    }
  }
  switch (base) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
      length = displayWidth(base, def, server);
      break;
    case 'decimal':
      length = length === undefined || length === 0 ? 10 : length;
      decimals ??= 0;
      break;
    case 'float':
    case 'double':
      if (decimals === undefined) {
        if (base === 'float' && length !== undefined && length > 24) base = 'double';
        length = undefined;
      }
      break;
    case 'bit':
    case 'char':
    case 'binary':
      length ??= 1;
      break;
    case 'year':
      length = undefined;
      break;
    case 'vector':
      if (server.flavor === 'mysql') length ??= 2048;
      break;
    case 'text':
    case 'blob':
      if (length !== undefined && length > 0)
        base = textTypeFor(length * maxBytes(pair?.charset), base === 'blob');
      length = undefined;
      break;
    case 'varchar':
    case 'varbinary': {
      // Outside strict mode a server makes a text of what is too long.
      const bytes = (length ?? 0) * maxBytes(pair?.charset);
      if (bytes > 65535) {
        base = textTypeFor(bytes, base === 'varbinary');
        length = undefined;
      }
      break;
    }
    case 'time':
    case 'datetime':
    case 'timestamp':
      if (decimals === 0) decimals = undefined;
      break;
    default:
      break;
  }
  type.base = base;
  if (length !== undefined) type.length = length;
  if (decimals !== undefined) type.decimals = decimals;
  if (pair !== undefined) {
    type.charset = pair.charset;
    type.collation = pair.collation;
  }
  if (def.members !== undefined) type.members = trimMembers(def.members, pair);
  if (def.srid !== undefined) type.srid = def.srid;
  return type;
}

/** Servers cut trailing blanks off the members of ENUM and SET. */
function trimMembers(members: readonly string[], pair: CharsetPair | undefined): string[] {
  if (pair?.charset === 'binary') return [...members];
  return members.map((member) => member.replace(/ +$/, ''));
}

/** undefined where it is the default one, or where the server does not keep it. */
function displayWidth(base: string, def: TypeDef, server: SchemaServer): number | undefined {
  const normal = WIDTHS[base][def.unsigned ? 1 : 0];
  if (def.zerofill) return def.length === undefined || def.length === 0 ? normal : def.length;
  if (def.length === undefined || def.length === 0 || def.length === normal) return undefined;
  const keeps =
    server.flavor === 'mariadb' ||
    (server.flavor === 'mysql' && versionNumber(server.serverVersion ?? '') < 80019) ||
    (base === 'tinyint' && def.length === 1 && !def.unsigned);
  return keeps ? def.length : undefined;
}

function explicitTimestamps(server: SchemaServer): boolean {
  if (server.explicitDefaultsForTimestamp !== undefined) return server.explicitDefaultsForTimestamp;
  const version = versionNumber(server.serverVersion ?? '');
  return server.flavor === 'mariadb' ? version >= 101000 : version >= 80000;
}

/** The column as stored. That a primary key makes it NOT NULL is for the caller to see to. */
export function resolveColumn(def: ColumnDef, inherited: CharsetPair, server: SchemaServer): Column {
  const type = resolveType(def.type, inherited, server);
  const serial = def.type.synonym === 'serial';
  const autoIncrement = def.autoIncrement || serial;
  let nullable = def.nullable ?? true;
  if (autoIncrement || serial || def.rowPeriod !== undefined) nullable = false;
  if (
    def.nullable === undefined &&
    type.base === 'timestamp' &&
    !def.generated &&
    !explicitTimestamps(server)
  ) {
    nullable = def.default === null;
  }
  const column: Column = {
    name: def.name,
    type,
    nullable,
    default: def.default ?? null,
    autoIncrement,
    comment: def.comment,
  };
  if (def.onUpdate !== undefined) column.onUpdate = def.onUpdate;
  if (def.generated !== undefined) column.generated = def.generated;
  if (def.invisible) column.invisible = true;
  if (def.check !== undefined) column.check = def.check;
  else if (def.type.base === 'json' && server.flavor === 'mariadb') {
    column.check = `json_valid(\`${def.name.replaceAll('`', '``')}\`)`;
  }
  return column;
}
