/**
 * Column types of the fuzzer and their values: edges of each type, and few hot values, so that keys
 * collide, also those that only a collation takes for equal.
 */
import type { SeededRandom } from '../../test/support/seeded-random.js';

/** What both servers of a run know. */
export interface Dialect {
  readonly source: 'mariadb' | 'mysql-9.7' | 'mysql-5.6';
  readonly target: 'mariadb' | 'mysql-9.7' | 'tidb';
  /** Generated columns that are too small for their values too: only sessions that are not strict take such rows. */
  readonly lax?: boolean;
}

export interface Kind {
  /** Type as written in a definition, with character set and collation. */
  readonly sql: string;
  readonly group: 'integer' | 'number' | 'time' | 'text' | 'bytes' | 'list' | 'other';
  /** A literal of one of few values. */
  readonly hot: (random: SeededRandom) => string;
  /** A literal of any value, edges preferred. */
  readonly any: (random: SeededRandom) => string;
  /** How it can be part of a key: as a whole, only by a prefix, or not at all. */
  readonly key: 'whole' | 'prefix' | 'no';
  /** A type that holds all its values. */
  readonly wider?: string;
}

export function quoteText(text: string): string {
  if (/[\\\u0000-\u001f]/.test(text)) return `_utf8mb4 X'${Buffer.from(text, 'utf8').toString('hex')}'`;
  return `'${text.replaceAll("'", "''")}'`;
}

function pickers(hot: readonly string[], edges: readonly string[], other?: (random: SeededRandom) => string) {
  return {
    hot: (random: SeededRandom) => random.pick(hot),
    any: (random: SeededRandom) =>
      other !== undefined && random.next() < 0.5 ? other(random) : random.pick(edges),
  };
}

function integer(name: string, bits: number, random: SeededRandom): Kind {
  const unsigned = random.next() < 0.3;
  const zerofill = unsigned && random.next() < 0.2;
  const [low, high] = unsigned
    ? [0n, (1n << BigInt(bits)) - 1n]
    : [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n];
  return {
    sql: `${name}${unsigned ? ' UNSIGNED' : ''}${zerofill ? ' ZEROFILL' : ''}`,
    group: 'integer',
    key: 'whole',
    wider: `BIGINT${unsigned ? ' UNSIGNED' : ''}`,
    ...pickers(
      Array.from({ length: 24 }, (_, i) => String(i)),
      [low, high, low + 1n, high - 1n, 0n, 1n].map(String),
      (r) => String(r.int(0, 120)),
    ),
  };
}

function decimal(random: SeededRandom): Kind {
  const [precision, scale] = random.pick([
    [5, 2],
    [20, 6],
    [65, 30],
    [10, 0],
    [1, 0],
    [30, 30],
    [9, 9],
    [18, 1],
  ]);
  const whole = '9'.repeat(precision - scale) || '0';
  const largest = scale > 0 ? `${whole}.${'9'.repeat(scale)}` : whole;
  const step = scale > 0 ? `0.${'0'.repeat(scale - 1)}` : '';
  const unit = (i: number) => (scale > 0 ? `${step}${i % 10}` : String(i % 10));
  return {
    sql: `DECIMAL(${precision},${scale})`,
    group: 'number',
    key: 'whole',
    ...pickers(
      Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? unit(i) : `-${unit(i)}`)),
      [largest, `-${largest}`, '0', '-0', unit(1)],
      (r) => unit(r.int(0, 9)),
    ),
  };
}

function float(random: SeededRandom): Kind {
  const double = random.next() < 0.5;
  const edges = double
    ? [
        '1.7976931348623157e308',
        '-1.7976931348623157e308',
        '2.2250738585072014e-308',
        '0.1',
        '-0e0',
        '1e15',
        '123456789.12345678',
      ]
    : ['3.4028e38', '-3.4028e38', '1.17549e-38', '0.1', '-0e0', '16777217', '1.00000012'];
  return {
    sql: double ? 'DOUBLE' : 'FLOAT',
    group: 'number',
    key: 'whole',
    ...pickers(
      ['0', '0.5', '1.5', '-1.5', '0.1', '1e10', '2', '3', '4.25', '-0e0'],
      edges,
      (r) => `${r.int(-99999, 99999)}e${r.int(-8, 8)}`,
    ),
  };
}

const pad = (value: number, length = 2) => String(value).padStart(length, '0');

function fraction(digits: number, random: SeededRandom): string {
  return digits === 0 ? '' : `.${pad(random.int(0, 10 ** digits - 1), digits)}`;
}

function temporal(random: SeededRandom): Kind {
  const digits = random.pick([0, 0, 3, 6, 1]);
  const suffix = digits === 0 ? '' : `(${digits})`;
  const day = (r: SeededRandom) => `${r.int(1971, 2037)}-${pad(r.int(1, 12))}-${pad(r.int(1, 28))}`;
  const clock = (r: SeededRandom) =>
    `${pad(r.int(0, 23))}:${pad(r.int(0, 59))}:${pad(r.int(0, 59))}${fraction(digits, r)}`;
  const days = Array.from({ length: 12 }, (_, i) => `2020-02-${pad(i + 1)}`);
  const q = (text: string) => `'${text}'`;
  const nines = digits === 0 ? '' : `.${'9'.repeat(digits)}`;
  switch (random.int(0, 4)) {
    case 0:
      return {
        sql: 'DATE',
        group: 'time',
        key: 'whole',
        ...pickers(
          days.map(q),
          ['1000-01-01', '9999-12-31', '2024-02-29', '0000-00-00', '2024-00-00'].map(q),
          (r) => q(day(r)),
        ),
      };
    case 1:
      return {
        sql: `TIME${suffix}`,
        group: 'time',
        key: 'whole',
        ...pickers(
          days.map((_, i) => q(`${i - 5}:00:00`)),
          [
            '-838:59:59',
            '838:59:59',
            `-00:00:00${nines}`,
            `-00:00:01${nines}`,
            '00:00:00',
            `23:59:59${nines}`,
          ].map(q),
          (r) => q(clock(r)),
        ),
      };
    case 2:
      return {
        sql: `DATETIME${suffix}`,
        group: 'time',
        key: 'whole',
        ...pickers(
          days.map((text) => q(`${text} 10:00:00`)),
          [
            '1000-01-01 00:00:00',
            `9999-12-31 23:59:59${nines}`,
            '0000-00-00 00:00:00',
            '2024-02-29 12:00:00',
          ].map(q),
          (r) => q(`${day(r)} ${clock(r)}`),
        ),
      };
    case 3:
      return {
        sql: `TIMESTAMP${suffix} NULL`,
        group: 'time',
        key: 'whole',
        ...pickers(
          days.map((text) => q(`${text} 10:00:00`)),
          [
            '1970-01-03 00:00:01',
            `2038-01-17 03:14:07${nines}`,
            '0000-00-00 00:00:00',
            '2024-03-31 02:30:00',
          ].map(q),
          (r) => q(`${day(r)} ${clock(r)}`),
        ),
      };
    default:
      return {
        sql: 'YEAR',
        group: 'time',
        key: 'whole',
        ...pickers(
          days.map((_, i) => String(2000 + i)),
          ['1901', '2155', '0', '2000'],
          (r) => String(r.int(1901, 2155)),
        ),
      };
  }
}

const LATIN = [
  'a',
  'A',
  'á',
  'Á',
  'ä',
  'ae',
  'æ',
  'Æ',
  'ss',
  'ß',
  'SS',
  's',
  'a ',
  'A  ',
  '',
  ' ',
  'a-',
  'a\t',
  'å',
  'é',
  'e',
  'ÿ',
  'y',
  "it's",
  'ö',
  'o',
  'oe',
  'ø',
];
const CHINESE = ['中', '国', '中国', 'a', 'A', 'a ', 'ａ', '', '丂', '狛', "'", 'z'];
const CYRILLIC = ['ё', 'е', 'Е', 'Ё', 'я', 'Я', 'a', 'A', '', 'я '];
const UNICODE = [
  ...LATIN,
  ...CHINESE,
  ...CYRILLIC,
  '😀',
  '😁',
  'ﬁ',
  'fi',
  'İ',
  'i',
  'I',
  'ı',
  'ς',
  'Σ',
  'σ',
  '\u0000',
  '\u0000a',
  'a\u0301',
  '\u200b',
  'は',
  'ば',
  'ハ',
  'ﾊ',
  '①',
  '1',
  'K',
  'K',
  'ẞ',
  '%',
  '_',
  '\\',
  "\\'",
  '가',
  '각',
];

const CHARSETS: readonly { sql: string; pool: readonly string[]; where?: 'mysql' | 'mariadb' }[] = [
  { sql: 'utf8mb4 COLLATE utf8mb4_general_ci', pool: UNICODE },
  { sql: 'utf8mb4 COLLATE utf8mb4_unicode_ci', pool: UNICODE },
  { sql: 'utf8mb4 COLLATE utf8mb4_unicode_520_ci', pool: UNICODE },
  { sql: 'utf8mb4 COLLATE utf8mb4_bin', pool: UNICODE },
  { sql: 'utf8mb4 COLLATE utf8mb4_swedish_ci', pool: UNICODE },
  { sql: 'utf8mb4 COLLATE utf8mb4_0900_ai_ci', pool: UNICODE, where: 'mysql' },
  { sql: 'utf8mb4 COLLATE utf8mb4_0900_as_cs', pool: UNICODE, where: 'mysql' },
  { sql: 'utf8mb4 COLLATE utf8mb4_0900_bin', pool: UNICODE, where: 'mysql' },
  { sql: 'utf8mb4 COLLATE utf8mb4_nopad_bin', pool: UNICODE, where: 'mariadb' },
  { sql: 'utf8mb4 COLLATE utf8mb4_unicode_nopad_ci', pool: UNICODE, where: 'mariadb' },
  { sql: 'latin1 COLLATE latin1_swedish_ci', pool: LATIN },
  { sql: 'latin1 COLLATE latin1_german2_ci', pool: LATIN },
  { sql: 'latin1 COLLATE latin1_bin', pool: [...LATIN, '€'] },
  { sql: 'gbk COLLATE gbk_chinese_ci', pool: CHINESE },
  { sql: 'gbk COLLATE gbk_bin', pool: CHINESE },
  { sql: 'utf16 COLLATE utf16_general_ci', pool: UNICODE },
  { sql: 'cp1251 COLLATE cp1251_general_ci', pool: CYRILLIC },
  { sql: 'sjis COLLATE sjis_japanese_ci', pool: ['ソ', '表', 'ａ', 'a', 'A', 'は', 'ハ', ''] },
];

export function anyCharset(random: SeededRandom, dialect: Dialect): { sql: string; pool: readonly string[] } {
  const both = (name: string) => dialect.source.startsWith(name) && dialect.target.startsWith(name);
  const known = CHARSETS.filter(({ where }) => where === undefined || both(where));
  return random.pick(
    random.next() < 0.3
      ? known.slice(0, 3)
      : known.filter((c) => dialect.source !== 'mysql-5.6' || !c.sql.includes('0900')),
  );
}

function text(random: SeededRandom, dialect: Dialect): Kind {
  const charset = anyCharset(random, dialect);
  const length = random.pick([8, 20, 60]);
  const base = random.pick([
    `VARCHAR(${length})`,
    `VARCHAR(${length})`,
    `CHAR(${length})`,
    'TEXT',
    'TINYTEXT',
    'LONGTEXT',
  ]);
  const whole = base.includes('(');
  const words = Array.from({ length: 8 }, (_, i) => `w${i}`);
  const hot = [...charset.pool, ...words].map(quoteText);
  const long = (r: SeededRandom) =>
    quoteText(
      Array.from({ length: r.int(0, 8) }, () => r.pick(charset.pool))
        .join('')
        .slice(0, 8),
    );
  return {
    sql: `${base} CHARACTER SET ${charset.sql}`,
    group: 'text',
    key: whole ? 'whole' : 'prefix',
    ...(base.startsWith('VARCHAR') ? { wider: `VARCHAR(${length + 30}) CHARACTER SET ${charset.sql}` } : {}),
    ...pickers(hot, hot, long),
  };
}

function bytes(random: SeededRandom): Kind {
  const base = random.pick(['VARBINARY(16)', 'BINARY(4)', 'BINARY(16)', 'BLOB', 'TINYBLOB', 'LONGBLOB']);
  const hot = ['', '00', '0000', '20', '61', '6120', '41', 'ff', '616200', 'c3a1', '27', '5c'].map(
    (hex) => `X'${hex}'`,
  );
  return {
    sql: base,
    group: 'bytes',
    key: base.includes('(') ? 'whole' : 'prefix',
    ...pickers(
      hot,
      hot,
      (r) => `X'${Array.from({ length: r.int(0, 4) }, () => pad(r.int(0, 99))).join('')}'`,
    ),
  };
}

function list(random: SeededRandom, dialect: Dialect): Kind {
  const drawn = random.next() < 0.5 ? '' : anyCharset(random, dialect).sql;
  // MariaDB itself loses the members of a list in UTF-16 when the table is converted.
  const charset = drawn === '' || drawn.startsWith('utf16') ? 'utf8mb4 COLLATE utf8mb4_general_ci' : drawn;
  const wide = charset.startsWith('utf');
  if (random.next() < 0.5) {
    const members = ['a', 'b', "it''s", 'x,y', wide ? 'ü' : 'u', ''].map((m) => `'${m}'`);
    return {
      sql: `ENUM(${members.join(',')}) CHARACTER SET ${charset}`,
      group: 'list',
      key: 'whole',
      ...pickers(members, [...members, '1', '2']),
    };
  }
  const members = ['a', 'b', "it''s", wide ? 'ü' : 'u', 'e e'];
  const some = ['', 'a', 'a,b', "it''s,a", `b,${wide ? 'ü' : 'u'}`, 'e e'].map((m) => `'${m}'`);
  return {
    sql: `SET(${members.map((m) => `'${m}'`).join(',')}) CHARACTER SET ${charset}`,
    group: 'list',
    key: 'whole',
    ...pickers(some, [...some, '31', '1']),
  };
}

function other(random: SeededRandom, dialect: Dialect): Kind {
  const bits = random.pick([1, 8, 33, 64]);
  const json =
    dialect.source !== 'mysql-5.6' && (dialect.source === dialect.target || dialect.source === 'mysql-9.7');
  if (json && random.next() < 0.5) {
    const values = [
      'null',
      '{}',
      '[]',
      '1',
      '"a"',
      '{"a": 1, "b": [1, 2, null]}',
      '{"a": 12345678901234567890}',
      '{"k": "it\'\'s \u00fc"}',
      'true',
      '[1.5, 1e100, -0.0]',
      '{"a": {"a": {"a": ""}}}',
    ];
    const literals = values.map((value) => `'${value}'`);
    return { sql: 'JSON', group: 'other', key: 'no', ...pickers(literals, literals) };
  }
  if (random.next() < 0.3) {
    const points = ['POINT(0 0)', 'POINT(1 2)', 'POINT(-1.5 1e10)'].map((p) => `ST_GeomFromText('${p}')`);
    return { sql: 'POINT', group: 'other', key: 'no', ...pickers(points, points) };
  }
  const all = `b'${'1'.repeat(bits)}'`;
  return {
    sql: `BIT(${bits})`,
    group: 'other',
    key: 'whole',
    ...pickers(
      ["b'0'", "b'1'", all],
      ["b'0'", all],
      (r) => `b'${r.int(0, 1)}${bits > 1 ? r.int(0, 1) : ''}'`,
    ),
  };
}

const SMALL_INTEGERS: readonly [string, number][] = [
  ['TINYINT', 8],
  ['SMALLINT', 16],
  ['MEDIUMINT', 24],
  ['INT', 32],
  ['BIGINT', 64],
];

export function integerKind(random: SeededRandom): Kind {
  const [name, bits] = random.pick(SMALL_INTEGERS);
  return integer(name, bits, random);
}

export function anyKind(random: SeededRandom, dialect: Dialect): Kind {
  switch (
    random.pick([
      'integer',
      'integer',
      'decimal',
      'float',
      'time',
      'time',
      'text',
      'text',
      'text',
      'bytes',
      'list',
      'other',
    ])
  ) {
    case 'integer':
      return integerKind(random);
    case 'decimal':
      return decimal(random);
    case 'float':
      return float(random);
    case 'time':
      return temporal(random);
    case 'text':
      return text(random, dialect);
    case 'bytes':
      return bytes(random);
    case 'list':
      return list(random, dialect);
    default:
      return other(random, dialect);
  }
}

/** A type that can be in a key. */
export function keyKind(random: SeededRandom, dialect: Dialect): Kind {
  for (;;) {
    const kind = anyKind(random, dialect);
    if (kind.key !== 'no') return kind;
  }
}
