/** Columns of every type with the values at the edges, by the servers that have them. */

export interface TypeColumn {
  readonly ddl: string;
  /** SQL literals. */
  readonly values: readonly string[];
  /**
   * How the server is asked for the value that `value()` must equal: as text, as hexadecimal bytes, as a
   * double, or as a whole number.
   */
  readonly as: 'text' | 'hex' | 'double' | 'number';
}

export type ServerKind = 'mariadb-10.11' | 'mysql-9.7' | 'mysql-5.6';

export interface TypeGroup {
  readonly name: string;
  readonly servers: readonly ServerKind[];
  readonly columns: readonly TypeColumn[];
}

const ALL: readonly ServerKind[] = ['mariadb-10.11', 'mysql-9.7', 'mysql-5.6'];

function integers(type: string, bits: number): TypeColumn[] {
  const top = 2n ** BigInt(bits);
  return [
    { ddl: type, values: ['0', '1', '-1', '99', String(-top / 2n), String(top / 2n - 1n)], as: 'number' },
    { ddl: `${type} UNSIGNED`, values: ['0', '7', String(top / 2n), String(top - 1n)], as: 'number' },
  ];
}

const TEXTS = ["''", "'a'", "'it''s \\\\ \\\"q\\\" \\n\\t\\0 %_'", "'  trailing  '", "REPEAT('x', 90)"];
const LONG = "REPEAT('long ''\\\\ ', 700)";

function times(type: string, values: (fraction: string) => string[]): TypeColumn[] {
  return [0, 1, 2, 3, 4, 5, 6].map((fsp) => ({
    ddl: `${type}(${fsp}) NULL`,
    values: values(fsp === 0 ? '' : `.${'120506'.slice(0, fsp)}`).map((value) => `'${value}'`),
    as: 'text',
  }));
}

export const TYPE_GROUPS: readonly TypeGroup[] = [
  {
    name: 'integers',
    servers: ALL,
    columns: [
      ...integers('TINYINT', 8),
      ...integers('SMALLINT', 16),
      ...integers('MEDIUMINT', 24),
      ...integers('INT', 32),
      ...integers('BIGINT', 64),
      { ddl: 'BIGINT', values: ['9007199254740991', '-9007199254740992', '9007199254740993'], as: 'number' },
      { ddl: 'YEAR', values: ["'0000'", '1901', '2000', '2155'], as: 'number' },
      { ddl: 'INT(5) UNSIGNED ZEROFILL', values: ['3', '0'], as: 'number' },
      { ddl: 'BIT(1)', values: ["b'0'", "b'1'"], as: 'number' },
      { ddl: 'BIT(13)', values: ["b'1000000000001'"], as: 'number' },
      { ddl: 'BIT(64)', values: ["b'0'", "x'ffffffffffffffff'", "x'8000000000000000'"], as: 'number' },
    ],
  },
  {
    name: 'fractions',
    servers: ALL,
    columns: [
      { ddl: 'DECIMAL(10,0)', values: ['0', '-1', '9999999999', '-9999999999'], as: 'text' },
      { ddl: 'DECIMAL(5,5)', values: ['0', '0.00001', '-0.99999'], as: 'text' },
      {
        ddl: 'DECIMAL(65,30)',
        values: [
          `${'9'.repeat(35)}.${'9'.repeat(30)}`,
          `-${'1234567890'.repeat(3)}12345.${'0'.repeat(29)}1`,
          '0.000000000000000000000000000001',
          '-1.5',
        ],
        as: 'text',
      },
      { ddl: 'DECIMAL(18,9) UNSIGNED', values: ['0', '123456789.987654321'], as: 'text' },
      { ddl: 'DECIMAL(20,3)', values: ['1000000000', '-100.020', '99999999999999999.999'], as: 'text' },
      { ddl: 'FLOAT', values: ['0', '0.1', '-1.17549e-38', '3.40282e38', '16777217', '1e-45'], as: 'double' },
      {
        ddl: 'DOUBLE',
        values: [
          '0',
          '-0e0',
          '0.1',
          '1.7976931348623157e308',
          '2.2250738585072014e-308',
          '1e21',
          '123456789012345680000',
        ],
        as: 'double',
      },
      { ddl: 'FLOAT(7,2)', values: ['12345.67', '-0.01'], as: 'double' },
      { ddl: 'DOUBLE(20,4) UNSIGNED', values: ['1234567890123.4567'], as: 'double' },
    ],
  },
  {
    name: 'times',
    servers: ALL,
    columns: [
      {
        ddl: 'DATE',
        values: ["'0000-00-00'", "'2020-00-00'", "'2020-02-29'", "'9999-12-31'", "'0001-01-01'"],
        as: 'text',
      },
      ...times('TIME', (f) => [
        '00:00:00',
        `-00:00:00${f}`,
        `-00:00:01${f}`,
        '-01:00:00',
        '-00:01:00',
        `-838:59:58${f}`,
        `838:59:58${f}`,
        `12:34:56${f}`,
      ]),
      ...times('DATETIME', (f) => [
        '0000-00-00 00:00:00',
        `2020-02-29 23:59:59${f}`,
        `9999-12-31 23:59:59${f}`,
        '2021-00-05 01:02:03',
      ]),
      ...times('TIMESTAMP', (f) => [
        '0000-00-00 00:00:00',
        '1970-01-01 00:00:01',
        `2038-01-19 03:14:07`,
        `2020-02-29 12:00:00${f}`,
      ]),
    ],
  },
  {
    name: 'strings',
    servers: ALL,
    columns: [
      { ddl: 'CHAR(100) CHARACTER SET utf8mb4', values: [...TEXTS, "'日本 😀'"], as: 'text' },
      { ddl: 'VARCHAR(100) CHARACTER SET utf8', values: [...TEXTS, "'日本'"], as: 'text' },
      { ddl: 'VARCHAR(6000) CHARACTER SET utf8mb4', values: [...TEXTS, LONG, "'é😀'"], as: 'text' },
      {
        ddl: 'CHAR(200) CHARACTER SET latin1',
        values: [...TEXTS, "'é€ÿ'", "_latin1 x'818d8f909d80ff'"],
        as: 'text',
      },
      { ddl: 'VARCHAR(50) CHARACTER SET gbk', values: ["'中文''\\\\'", "_gbk x'815c'", "'a'"], as: 'text' },
      { ddl: 'VARCHAR(50) CHARACTER SET big5', values: ["'中文'", "_big5 x'a55c'"], as: 'text' },
      { ddl: 'VARCHAR(50) CHARACTER SET sjis', values: ["'日本'", "_sjis x'815f835c'"], as: 'text' },
      { ddl: 'VARCHAR(50) CHARACTER SET ujis', values: ["'日本'", "_ujis x'a1c18fb0a1'"], as: 'text' },
      { ddl: 'VARCHAR(50) CHARACTER SET gb2312', values: ["'中文'", "_gb2312 x'a1a4a1aa'"], as: 'text' },
      { ddl: 'VARCHAR(50) CHARACTER SET euckr', values: ["'한국'"], as: 'text' },
      { ddl: 'VARCHAR(50) CHARACTER SET ucs2', values: ["'a''é日'", "_ucs2 x'feff0041'"], as: 'text' },
      { ddl: 'VARCHAR(50) CHARACTER SET utf16', values: ["'a😀'"], as: 'text' },
      { ddl: 'VARCHAR(50) CHARACTER SET utf32', values: ["'a😀'"], as: 'text' },
      { ddl: 'VARCHAR(50) CHARACTER SET koi8r', values: ["'Привет'"], as: 'text' },
      { ddl: 'VARCHAR(50) CHARACTER SET cp1251', values: ["'Привет'"], as: 'text' },
      { ddl: 'VARCHAR(50) CHARACTER SET swe7', values: ["'åäö'", "'a'"], as: 'text' },
      { ddl: 'TINYTEXT CHARACTER SET ascii', values: TEXTS, as: 'text' },
      { ddl: 'TEXT CHARACTER SET utf8mb4', values: [...TEXTS, LONG], as: 'text' },
      { ddl: 'LONGTEXT CHARACTER SET latin1', values: [...TEXTS, LONG], as: 'text' },
      { ddl: 'BINARY(8)', values: ["''", "x'00'", "x'ff00ff0000'", "x'275c00226162630a'"], as: 'hex' },
      {
        ddl: 'VARBINARY(300)',
        values: ["''", "x'00'", "x'ff00ff0000'", "REPEAT(x'275c00', 100)"],
        as: 'hex',
      },
      { ddl: 'TINYBLOB', values: ["''", "x'275c00'"], as: 'hex' },
      { ddl: 'MEDIUMBLOB', values: ["''", "REPEAT(x'00ff27', 30000)"], as: 'hex' },
      { ddl: 'LONGBLOB', values: ["x'80c3285c27'"], as: 'hex' },
    ],
  },
  {
    name: 'members',
    servers: ALL,
    columns: [
      {
        ddl: "ENUM('a','b,c','it''s','é','\\\\') CHARACTER SET utf8mb4",
        values: ["'a'", "'b,c'", "'it''s'", "'é'", '5', "'nope'"],
        as: 'text',
      },
      { ddl: "ENUM('x','y') CHARACTER SET latin1", values: ["'y'", "''"], as: 'text' },
      {
        ddl: "SET('a','it''s','é') CHARACTER SET utf8mb4",
        values: ["''", "'a'", "'a,é'", "'it''s,a'"],
        as: 'text',
      },
      {
        ddl: `ENUM(${Array.from({ length: 300 }, (_, i) => `'m${i}'`).join(',')})`,
        values: ["'m0'", "'m299'"],
        as: 'text',
      },
      {
        ddl: `SET(${Array.from({ length: 64 }, (_, i) => `'s${i}'`).join(',')})`,
        values: ["'s63'", "'s0,s31,s32,s63'"],
        as: 'text',
      },
    ],
  },
  {
    name: 'geometry',
    servers: ALL,
    columns: [
      {
        ddl: 'GEOMETRY',
        values: [
          "ST_GeomFromText('POINT(1 2)')",
          "ST_GeomFromText('POINT(1.5 -2)', 4326)",
          "ST_GeomFromText('LINESTRING(0 0,1 1,2 0)')",
          "ST_GeomFromText('POLYGON((0 0,0 3,3 3,3 0,0 0))', 4326)",
        ],
        as: 'hex',
      },
      { ddl: 'POINT', values: ["ST_GeomFromText('POINT(-3 4)')"], as: 'hex' },
    ],
  },
  {
    name: 'json',
    servers: ['mysql-9.7'],
    columns: [
      {
        ddl: 'JSON',
        values: [
          "'null'",
          "'true'",
          "'{}'",
          "'[]'",
          `'{"a": [1, -2, 3.5, "x\\\\"y", null, {"b": {}}], "é": "日本 \\\\u0001 \\\\\\\\ / \\\\n"}'`,
          "'[1.0, -0.0, 1e100, 18446744073709551615, -9223372036854775808, 65536, -40000, 4294967296]'",
          '\'{"__proto__": 1, "constructor": 2, "10": 3, "9": 4}\'',
          "JSON_ARRAY(CAST('2020-01-02 03:04:05.678' AS DATETIME(6)), CAST('-12:34:56.5' AS TIME(6)), CAST('2020-02-03' AS DATE))",
          "JSON_OBJECT('big', REPEAT('long ', 20000), 'n', JSON_ARRAY(1,2))",
          'JSON_ARRAY(CAST(12.5 AS DECIMAL(10,1)))',
        ],
        as: 'text',
      },
    ],
  },
  {
    name: 'vector',
    servers: ['mysql-9.7'],
    columns: [{ ddl: 'VECTOR(3)', values: ["STRING_TO_VECTOR('[1,2.5,-3]')"], as: 'hex' }],
  },
  {
    name: 'mariadb types',
    servers: ['mariadb-10.11'],
    columns: [
      {
        ddl: 'UUID',
        values: [
          "'00000000-0000-0000-0000-000000000000'",
          "'550e8400-e29b-41d4-a716-446655440000'",
          "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'",
          "'123e4567-e89b-12d3-a456-426614174000'",
          "'01890a5d-ac96-774b-bcce-b302099a8057'",
          "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
          "'ffffffff-ffff-1fff-0fff-ffffffffff00'",
        ],
        as: 'text',
      },
      {
        ddl: 'INET6',
        values: [
          "'::'",
          "'::1'",
          "'2001:db8::ff00:42:8329'",
          "'::ffff:192.0.2.1'",
          "'::1.2.3.4'",
          "'1::'",
          "'1:0:0:2::3'",
          "'1:0:2:3:4:5:6:7'",
        ],
        as: 'text',
      },
      { ddl: 'INET4', values: ["'0.0.0.0'", "'192.168.1.255'"], as: 'text' },
      {
        ddl: 'VARCHAR(1000) COMPRESSED CHARACTER SET utf8mb4',
        values: ["''", "'a'", "REPEAT('é''', 300)"],
        as: 'text',
      },
      { ddl: 'BLOB COMPRESSED', values: ["''", "x'00'", "REPEAT(x'00', 5000)"], as: 'hex' },
      { ddl: 'JSON', values: [`'{"a": 1.0}'`], as: 'text' },
    ],
  },
];
