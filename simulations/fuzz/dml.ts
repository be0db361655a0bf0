/** Random transactions over the fuzzer's tables. */
import type { SeededRandom } from '../../test/support/seeded-random.js';
import { settable, tableSql, type FuzzColumn, type FuzzTable } from './tables.js';

/** Rows of a large transaction. */
const LARGE = 5_000;

function value(column: FuzzColumn, random: SeededRandom): string {
  const draw = random.next();
  if (draw < (column.notNull ? 0.02 : 0.12)) return column.notNull ? 'DEFAULT' : 'NULL';
  return draw < 0.6 ? column.kind.hot(random) : column.kind.any(random);
}

function rowsSql(columns: readonly FuzzColumn[], count: number, random: SeededRandom): string {
  const row = () => `(${columns.map((column) => value(column, random)).join(',')})`;
  return Array.from({ length: count }, row).join(',');
}

function insertSql(verb: string, table: FuzzTable, count: number, random: SeededRandom): string {
  let columns = settable(table).filter(
    (column) => !column.extra.includes('AUTO_INCREMENT') || random.next() < 0.5,
  );
  if (random.next() < 0.2) columns = columns.filter((column) => column.notNull || random.next() < 0.7);
  if (columns.length === 0) columns = settable(table);
  const names = columns.map((column) => `\`${column.name}\``).join(',');
  return `${verb} INTO ${tableSql(table)} (${names}) VALUES ${rowsSql(columns, count, random)}`;
}

function whereSql(table: FuzzTable, random: SeededRandom): string {
  const column = random.pick(table.columns);
  const name = `\`${column.name}\``;
  if (column.kind.key === 'no' || random.next() < 0.1) return `${name} IS ${random.pick(['', 'NOT '])}NULL`;
  const operator = random.pick(['=', '=', '>=', '<=', '<>', '>', '<=>']);
  return `${name} ${operator} ${column.kind.hot(random)}`;
}

function setSql(table: FuzzTable, random: SeededRandom): string {
  const columns = settable(table);
  const chosen = new Set<FuzzColumn>([random.pick(columns)]);
  while (random.next() < 0.4) chosen.add(random.pick(columns));
  return [...chosen]
    .map((column) => {
      const name = `\`${column.name}\``;
      if (column.kind.sql === 'JSON' && random.next() < 0.6) return `${name}=${jsonChange(name, random)}`;
      return `${name}=${value(column, random)}`;
    })
    .join(',');
}

/** Changes in the midst of a document, which MySQL can log as such. */
function jsonChange(name: string, random: SeededRandom): string {
  return random.pick([
    `JSON_SET(${name}, '$.a', ${random.int(0, 9)})`,
    `JSON_SET(${name}, '$.b[1]', 'x', '$.k', ${random.int(0, 9)})`,
    `JSON_REPLACE(${name}, '$.a', 'short')`,
    `JSON_REMOVE(${name}, '$.a')`,
  ]);
}

function keyColumns(table: FuzzTable): FuzzColumn[] {
  const names = new Set(
    [...table.primary, ...table.indexes.flatMap((index) => (index.unique ? index.parts : []))].map(
      (part) => part.column,
    ),
  );
  return settable(table).filter((column) => names.has(column.name));
}

function limit(random: SeededRandom): number {
  return random.pick([1, 1, 1, 2, 3, 10, 50]);
}

/** Two rows exchange the value of a unique column, by way of NULL or a third value. */
function swapSql(table: FuzzTable, random: SeededRandom): string[] {
  const columns = keyColumns(table);
  if (columns.length === 0) return [updateSql(table, random)];
  const column = random.pick(columns);
  const name = `\`${column.name}\``;
  const third = column.notNull ? column.kind.any(random) : 'NULL';
  const pick = (order: string) =>
    `(SELECT ${name} FROM ${tableSql(table)} WHERE ${name} IS NOT NULL ORDER BY ${name} ${order} LIMIT ${random.int(0, 3)},1)`;
  return [
    `SET @a = ${pick('ASC')}, @b = ${pick('DESC')}`,
    `UPDATE ${tableSql(table)} SET ${name}=${third} WHERE ${name}=@a LIMIT 1`,
    `UPDATE ${tableSql(table)} SET ${name}=@a WHERE ${name}=@b LIMIT 1`,
    `UPDATE ${tableSql(table)} SET ${name}=@b WHERE ${name}${third === 'NULL' ? ' IS NULL' : `=${third}`} LIMIT 1`,
  ];
}

/** A key moves up for many rows in one statement: each row takes the place that the one before has left. */
function shiftSql(table: FuzzTable, random: SeededRandom): string {
  const columns = keyColumns(table).filter((column) => column.kind.group === 'integer');
  if (columns.length === 0) return updateSql(table, random);
  const name = `\`${random.pick(columns).name}\``;
  const up = random.next() < 0.5;
  return `UPDATE ${tableSql(table)} SET ${name}=${name}${up ? '+1' : '-1'} WHERE ${name} > 0 ORDER BY ${name} ${up ? 'DESC' : 'ASC'} LIMIT ${random.int(2, 30)}`;
}

/** Rows whose integer keys follow each other, changed together: what a target can take as one range. */
function rangeSql(table: FuzzTable, random: SeededRandom): string[] {
  const [part, ...others] = table.primary;
  const key = settable(table).find((column) => column.name === part?.column);
  if (key?.kind.group !== 'integer' || others.length > 0) return [updateSql(table, random)];
  const rest = settable(table).filter((column) => column !== key);
  if (rest.length === 0) return [updateSql(table, random)];
  // Only large keys have a lane together with their neighbours.
  const base = /^TINYINT/i.test(key.kind.sql) ? 0 : /^SMALLINT/i.test(key.kind.sql) ? 17_000 : 70_000;
  const from = base + random.int(1, 70);
  const count = random.int(12, 50);
  const names = [key, ...rest].map((column) => `\`${column.name}\``).join(',');
  const rows = Array.from({ length: count }, (_, i) => {
    return `(${[from + i, ...rest.map((column) => value(column, random))].join(',')})`;
  });
  const name = `\`${key.name}\``;
  const where = `${name} BETWEEN ${from} AND ${from + count - 1}`;
  const { name: changed, kind, notNull } = random.pick(rest);
  const values = [...new Set(Array.from({ length: 8 }, () => kind.any(random)))];
  const [first = 'NULL', second = first, third = notNull ? second : 'NULL'] = values;
  const update = (to: string) => `UPDATE ${tableSql(table)} SET \`${changed}\`=${to} WHERE ${where}`;
  return [
    `INSERT IGNORE INTO ${tableSql(table)} (${names}) VALUES ${rows.join(',')}`,
    // All rows have one value, so that each of them changes by what comes next.
    update(first),
    update(`CASE ${name} % 3 WHEN 0 THEN ${second} ELSE ${third} END`),
  ];
}

function updateSql(table: FuzzTable, random: SeededRandom): string {
  const ignore = random.next() < 0.2 ? ' IGNORE' : '';
  return `UPDATE${ignore} ${tableSql(table)} SET ${setSql(table, random)} WHERE ${whereSql(table, random)} LIMIT ${limit(random)}`;
}

function deleteSql(table: FuzzTable, random: SeededRandom): string {
  return `DELETE FROM ${tableSql(table)} WHERE ${whereSql(table, random)} LIMIT ${limit(random)}`;
}

function deleteAndInsert(table: FuzzTable, random: SeededRandom): string[] {
  const column = random.pick(table.columns.filter((c) => c.kind.key !== 'no').concat(table.columns[0] ?? []));
  return [
    `DELETE FROM ${tableSql(table)} WHERE \`${column.name}\` <=> ${column.kind.key === 'no' ? 'NULL' : column.kind.hot(random)}`,
    insertSql('INSERT', table, random.int(1, 3), random),
  ];
}

function statements(table: FuzzTable, random: SeededRandom): string[] {
  const draw = random.next();
  if (draw < 0.2) return [insertSql('INSERT', table, 1, random)];
  if (draw < 0.26) return [insertSql('INSERT IGNORE', table, random.int(2, 12), random)];
  if (draw < 0.34) return [insertSql('REPLACE', table, random.int(1, 4), random)];
  if (draw < 0.44) {
    return [
      `${insertSql('INSERT', table, random.int(1, 3), random)} ON DUPLICATE KEY UPDATE ${setSql(table, random)}`,
    ];
  }
  if (draw < 0.64) return [updateSql(table, random)];
  if (draw < 0.7) return [shiftSql(table, random)];
  if (draw < 0.78) return swapSql(table, random);
  if (draw < 0.88) return [deleteSql(table, random)];
  if (draw < 0.95) return deleteAndInsert(table, random);
  if (draw < 0.98) return rangeSql(table, random);
  const name = `\`${random.pick(settable(table)).name}\``;
  return [`UPDATE IGNORE ${tableSql(table)} SET ${name}=${name}`];
}

/** One transaction as its statements. */
export function transaction(tables: readonly FuzzTable[], random: SeededRandom): string[] {
  if (random.next() < 0.5) return statements(random.pick(tables), random);
  const body: string[] = [];
  for (let i = random.int(1, 7); i > 0; i--) {
    if (random.next() < 0.1) body.push('SAVEPOINT sp');
    body.push(...statements(random.pick(tables), random));
    if (random.next() < 0.08) body.push('ROLLBACK TO SAVEPOINT sp');
  }
  const outcome = random.next() < 0.1 ? 'ROLLBACK' : 'COMMIT';
  return random.next() < 0.1 ? distributed(body, outcome, random) : ['BEGIN', ...body, outcome];
}

/** As XA, in one phase or in two. What a dead lock has spoilt is rolled back by the last statement. */
function distributed(body: readonly string[], outcome: string, random: SeededRandom): string[] {
  const xid = `'fz${random.int(0, 1e9)}'`;
  const start = [`XA START ${xid}`, ...body, `XA END ${xid}`];
  const end =
    random.next() < 0.3 && outcome === 'COMMIT'
      ? [`XA COMMIT ${xid} ONE PHASE`]
      : [`XA PREPARE ${xid}`, `XA ${outcome} ${xid}`];
  return [...start, ...end, `XA ROLLBACK ${xid}`];
}

/** Thousands of rows in one transaction, and sometimes most of them taken back in the next. */
export function largeTransaction(table: FuzzTable, random: SeededRandom): string[] {
  const body: string[] = [];
  for (let rows = 0; rows < LARGE; rows += 500) body.push(insertSql('INSERT IGNORE', table, 500, random));
  return ['BEGIN', ...body, updateSql(table, random).replace(/ LIMIT \d+$/, ''), 'COMMIT'];
}

/** Statements that fill a table before the task starts. */
export function initialRows(table: FuzzTable, random: SeededRandom): string[] {
  const rows = random.pick([0, 20, 200, 600]);
  const sql: string[] = [];
  for (let i = 0; i < rows; i += 100)
    sql.push(insertSql('INSERT IGNORE', table, Math.min(100, rows - i), random));
  return sql;
}
