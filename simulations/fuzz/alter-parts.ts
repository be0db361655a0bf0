/** Parts of ALTER TABLE beside columns and plain keys, and statements on indexes and partitions. */
import type { SeededRandom } from '../../test/support/seeded-random.js';
import { keyPart, partsSql, settable, tableSql, type FuzzIndex, type FuzzTable } from './tables.js';
import { integerKind, type Dialect } from './values.js';

const COMMENTS = ["it''s", 'a;b', '-- no', '/* c */', 'ünï 中 😀', '`q`', '"q"', '#', "''"];

export function commentOption(random: SeededRandom): string {
  return `COMMENT${random.pick([' ', '='])}'${random.pick(COMMENTS)}'`;
}

/** An operation as it is, or within a comment that servers execute. */
export function dressed(operation: string, random: SeededRandom): string {
  const draw = random.next();
  if (draw < 0.04 && !operation.includes('/*')) return `/*!50000 ${operation} */`;
  if (draw < 0.06) return `/* changes, ALTER TABLE x */ ${operation}`;
  return operation;
}

/** Adds a generated column, or drops one that no key needs. */
export function generatedColumn(
  table: FuzzTable,
  name: string,
  random: SeededRandom,
  dialect: Dialect,
): string {
  if (dialect.source === 'mysql-5.6') return '';
  const keyed = new Set(table.indexes.flatMap((index) => index.parts.map((part) => part.column)));
  const loose = table.columns.filter((c) => c.generatedFrom !== undefined && !keyed.has(c.name));
  if (loose.length > 0 && random.next() < 0.4) {
    const gone = random.pick(loose);
    table.columns = table.columns.filter((column) => column !== gone);
    return `DROP COLUMN \`${gone.name}\``;
  }
  const bases = settable(table).filter((c) => c.kind.group === 'integer' && !c.extra.includes('AUTO'));
  if (bases.length === 0) return '';
  const base = random.pick(bases);
  const expression = random.pick([
    `CAST(\`${base.name}\` AS SIGNED) % 5`,
    // It may still be a TIMESTAMP, where a change of its type was refused: no number to compare with.
    `CASE WHEN CAST(\`${base.name}\` AS SIGNED) > 3 THEN 1 ELSE 0 END`,
    `COALESCE(\`${base.name}\`, -1) DIV 3`,
    // Halved: what overflows is taken in no mode, while ADD COLUMN .. VIRTUAL does not look at the rows that are there.
    ...(dialect.lax === true ? [`CAST(\`${base.name}\` AS SIGNED) DIV 2 + 100`] : []),
  ]);
  const type = expression.endsWith('100') ? 'TINYINT' : 'BIGINT';
  const how = random.pick(['STORED', 'VIRTUAL']);
  const column = {
    name,
    kind: { ...integerKind(random), sql: type },
    notNull: false,
    extra: `GENERATED ALWAYS AS (${expression}) ${how}`,
    generatedFrom: base.name,
  };
  const first = random.next() < 0.3;
  table.columns = first ? [column, ...table.columns] : [...table.columns, column];
  return `ADD COLUMN \`${name}\` ${type} ${column.extra}${first ? ' FIRST' : ''}`;
}

export function checkConstraint(table: FuzzTable, name: string, random: SeededRandom): string {
  const columns = settable(table).filter((column) => column.kind.group === 'integer');
  if (columns.length === 0) return '';
  // Nearly everything passes it, else the table would take no rows any more.
  return `ADD CONSTRAINT \`${name}\` CHECK (\`${random.pick(columns).name}\` <> 77)`;
}

export function tableOption(random: SeededRandom, dialect: Dialect): string {
  const maria = dialect.source === 'mariadb' && dialect.target === 'mariadb';
  return random.pick([
    commentOption(random),
    `AUTO_INCREMENT=${random.int(1, 5000)}`,
    'ROW_FORMAT=DYNAMIC',
    'ROW_FORMAT=COMPACT',
    'STATS_PERSISTENT=0',
    'DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
    'DEFAULT CHARSET=latin1',
    'ALGORITHM=INPLACE',
    'ALGORITHM=COPY',
    'LOCK=SHARED',
    'FORCE',
    'ALGORITHM=DEFAULT, LOCK=DEFAULT',
    ...(maria ? ['PAGE_CHECKSUM=1', 'ALGORITHM=NOCOPY', 'CONVERT TO CHARACTER SET utf8mb4'] : []),
  ]);
}

/** A column gets a comment; the statement gives its whole definition, as users must. */
export function commentColumn(table: FuzzTable, random: SeededRandom): string {
  const columns = settable(table).filter((column) => column.extra === '');
  if (columns.length === 0) return '';
  const column = random.pick(columns);
  const nulls = column.notNull ? ' NOT NULL' : '';
  const type = column.notNull ? column.kind.sql.replace(/ NULL$/, '') : column.kind.sql;
  return `MODIFY \`${column.name}\` ${type}${nulls} COMMENT '${random.pick(COMMENTS)}'`;
}

export function renameIndex(table: FuzzTable, name: string, random: SeededRandom): string {
  if (table.indexes.length === 0) return '';
  const index = random.pick(table.indexes);
  table.indexes = table.indexes.map((other) => (other === index ? { ...index, name } : other));
  return `RENAME ${random.pick(['INDEX', 'KEY'])} \`${index.name}\` TO \`${name}\``;
}

/** CREATE INDEX or DROP INDEX. */
export function indexStatement(table: FuzzTable, name: string, random: SeededRandom): string {
  if (table.indexes.length > 0 && random.next() < 0.4) {
    const gone = random.pick(table.indexes);
    table.indexes = table.indexes.filter((index) => index !== gone);
    return `DROP INDEX \`${gone.name}\` ON ${tableSql(table)}`;
  }
  const texts = table.columns.filter((c) => c.kind.group === 'text' && c.kind.sql.includes('utf8mb4_bin'));
  if (texts.length > 0 && random.next() < 0.2)
    return `CREATE FULLTEXT INDEX \`${name}\` ON ${tableSql(table)} (\`${random.pick(texts).name}\`)`;
  const columns = table.columns.filter((column) => column.kind.key !== 'no');
  if (columns.length === 0) return `ALTER TABLE ${tableSql(table)} ${commentOption(random)}`;
  const index: FuzzIndex = {
    name,
    unique: random.next() < 0.3,
    parts: [keyPart(random.pick(columns), random)],
  };
  table.indexes = [...table.indexes, index];
  const using = random.pick(['', ' USING BTREE', " COMMENT 'i'"]);
  return `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX \`${name}\` ON ${tableSql(table)} (${partsSql(index.parts)})${using}`;
}

/** Where the table's keys do not allow a partitioning, the source refuses it. */
export function partitionSql(table: FuzzTable, random: SeededRandom, dialect: Dialect): string {
  const alter = `ALTER TABLE ${tableSql(table)} `;
  const column = random.pick(table.columns).name;
  const key = table.primary[0]?.column ?? column;
  // MariaDB takes no HASH of most generated columns: docs/ddl.md.
  const plain = table.columns.find(({ name, generatedFrom }) => name === key && generatedFrom === undefined);
  const refused = plain === undefined && dialect.source !== 'mariadb' && dialect.target === 'mariadb';
  const hashed = refused ? (table.columns.find((one) => one.generatedFrom === undefined)?.name ?? key) : key;
  const bounds = 'PARTITION p0 VALUES LESS THAN (5), PARTITION p1 VALUES LESS THAN (12)';
  return (
    alter +
    random.pick([
      `PARTITION BY KEY (\`${key}\`) PARTITIONS 3`,
      `PARTITION BY HASH (\`${hashed}\`) PARTITIONS 4`,
      `PARTITION BY LINEAR KEY (\`${key}\`) PARTITIONS 2`,
      `PARTITION BY RANGE (\`${key}\`) (${bounds}, PARTITION pm VALUES LESS THAN MAXVALUE)`,
      `PARTITION BY RANGE (\`${key}\`) (${bounds}, PARTITION pm VALUES LESS THAN MAXVALUE)`,
      'REMOVE PARTITIONING',
      'ADD PARTITION PARTITIONS 2',
      'COALESCE PARTITION 1',
      'TRUNCATE PARTITION p0',
      'TRUNCATE PARTITION ALL',
      'DROP PARTITION p1',
      'REORGANIZE PARTITION pm INTO (PARTITION p2 VALUES LESS THAN (20), PARTITION pm VALUES LESS THAN MAXVALUE)',
      'REBUILD PARTITION ALL',
    ])
  );
}
