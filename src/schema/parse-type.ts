/** Parses a column's type with the attributes that belong to the type. */
import type { Cursor } from './cursor.js';
import type { TypeDef } from './ddl-types.js';

/** Written name -> base type, for the types that take one word. */
const SIMPLE: Readonly<Record<string, string>> = {
  TINYINT: 'tinyint',
  INT1: 'tinyint',
  SMALLINT: 'smallint',
  INT2: 'smallint',
  MEDIUMINT: 'mediumint',
  MIDDLEINT: 'mediumint',
  INT3: 'mediumint',
  INT: 'int',
  INTEGER: 'int',
  INT4: 'int',
  BIGINT: 'bigint',
  INT8: 'bigint',
  DECIMAL: 'decimal',
  DEC: 'decimal',
  NUMERIC: 'decimal',
  FIXED: 'decimal',
  FLOAT: 'float',
  FLOAT4: 'float',
  FLOAT8: 'double',
  REAL: 'double',
  DOUBLE: 'double',
  BIT: 'bit',
  DATE: 'date',
  TIME: 'time',
  DATETIME: 'datetime',
  TIMESTAMP: 'timestamp',
  YEAR: 'year',
  CHAR: 'char',
  CHARACTER: 'char',
  VARCHAR: 'varchar',
  VARCHARACTER: 'varchar',
  NCHAR: 'char',
  NVARCHAR: 'varchar',
  BINARY: 'binary',
  VARBINARY: 'varbinary',
  TINYTEXT: 'tinytext',
  TEXT: 'text',
  MEDIUMTEXT: 'mediumtext',
  LONGTEXT: 'longtext',
  TINYBLOB: 'tinyblob',
  BLOB: 'blob',
  MEDIUMBLOB: 'mediumblob',
  LONGBLOB: 'longblob',
  ENUM: 'enum',
  SET: 'set',
  JSON: 'json',
  GEOMETRY: 'geometry',
  POINT: 'point',
  LINESTRING: 'linestring',
  POLYGON: 'polygon',
  MULTIPOINT: 'multipoint',
  MULTILINESTRING: 'multilinestring',
  MULTIPOLYGON: 'multipolygon',
  GEOMETRYCOLLECTION: 'geometrycollection',
  GEOMCOLLECTION: 'geometrycollection',
  UUID: 'uuid',
  INET4: 'inet4',
  INET6: 'inet6',
  VECTOR: 'vector',
};

const INTEGERS = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint']);

export function parseType(cursor: Cursor): TypeDef {
  const type: TypeDef = { base: '', unsigned: false, zerofill: false };
  const first = cursor.peek();
  // `SET` of SET('a','b'), `BINARY` and the like are words here; a quoted word is never a type.
  if (first.kind !== 'word') cursor.fail('expected a column type');
  cursor.next();
  const word = first.upper;
  if (word === 'BOOL' || word === 'BOOLEAN') {
    return { ...type, base: 'tinyint', length: 1, synonym: 'bool' };
  }
  if (word === 'SERIAL') return { ...type, base: 'bigint', unsigned: true, synonym: 'serial' };
  if (word === 'NATIONAL') {
    const char = cursor.next().upper;
    const varying = cursor.accept('VARYING');
    const base = char === 'VARCHAR' || char === 'VARCHARACTER' || varying ? 'varchar' : 'char';
    if (!['CHAR', 'CHARACTER', 'VARCHAR', 'VARCHARACTER'].includes(char)) cursor.fail('expected CHAR');
    Object.assign(type, { base, charset: 'utf8mb3' });
  } else if (word === 'LONG') {
    if (cursor.accept('VARBINARY')) type.base = 'mediumblob';
    else {
      type.base = 'mediumtext';
      if (!cursor.accept('VARCHAR') && !cursor.accept('VARCHARACTER')) {
        if (cursor.accept('CHAR') || cursor.accept('CHARACTER')) cursor.expect('VARYING');
      }
    }
  } else {
    const base = SIMPLE[word];
    if (base === undefined) cursor.fail(`${first.text} is not a column type known here`, first);
    type.base = base;
    if (word === 'NCHAR' || word === 'NVARCHAR') type.charset = 'utf8mb3';
    if (base === 'char' && word !== 'NVARCHAR' && cursor.accept('VARYING')) type.base = 'varchar';
    if (word === 'DOUBLE') cursor.accept('PRECISION');
  }
  parseParameters(cursor, type);
  parseAttributes(cursor, type);
  return type;
}

function parseParameters(cursor: Cursor, type: TypeDef): void {
  if (!cursor.isOp('(')) {
    if (type.base === 'enum' || type.base === 'set') cursor.fail('expected (');
    return;
  }
  cursor.next();
  if (type.base === 'enum' || type.base === 'set') {
    const members: string[] = [];
    do members.push(cursor.string());
    while (cursor.acceptOp(','));
    type.members = members;
  } else {
    type.length = cursor.number();
    if (cursor.acceptOp(',')) type.decimals = cursor.number();
    if (type.base === 'time' || type.base === 'datetime' || type.base === 'timestamp') {
      type.decimals = type.length;
      delete type.length;
    }
  }
  cursor.expectOp(')');
}

function parseAttributes(cursor: Cursor, type: TypeDef): void {
  for (;;) {
    if (cursor.accept('UNSIGNED')) type.unsigned = true;
    else if (cursor.accept('SIGNED')) continue;
    else if (cursor.accept('ZEROFILL')) {
      type.zerofill = true;
      type.unsigned = true;
    } else if (cursor.acceptCharset()) type.charset = cursor.charsetName();
    else if (cursor.accept('ASCII')) type.charset = 'latin1';
    else if (cursor.accept('UNICODE')) type.charset = 'ucs2';
    else if (cursor.accept('BYTE')) type.charset = 'binary';
    else if (cursor.accept('BINARY')) type.binary = true;
    else if (cursor.is('COMPRESSED') && !INTEGERS.has(type.base)) {
      cursor.next();
      if (cursor.acceptOp('=')) cursor.next();
    } else return;
  }
}
