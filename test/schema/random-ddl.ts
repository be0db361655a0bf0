/** Random DDL sequences; many statements fit the tables, those that do not are refused by the server. */
import fc from 'fast-check';

const column = fc.constantFrom('c1', 'c2', 'c3', 'c4', 'C5');
const table = fc.constantFrom('t1', 't1', 't2');
const index = fc.constantFrom('i1', 'i2', 'c1', 'c2', 'c3_2');

const type = fc.constantFrom(
  'INT',
  'INT UNSIGNED NOT NULL',
  'BIGINT NOT NULL DEFAULT 0',
  'TINYINT(1)',
  'DECIMAL(12,3) UNSIGNED',
  'VARCHAR(20)',
  "VARCHAR(30) NOT NULL DEFAULT ''",
  'VARCHAR(10) CHARACTER SET latin1 NOT NULL',
  'CHAR(5) COLLATE utf8mb4_bin',
  'TEXT',
  'TEXT CHARACTER SET latin1',
  'BLOB',
  "ENUM('a','b','c') NOT NULL",
  "SET('x','y')",
  'DATETIME(3)',
  'TIMESTAMP NULL',
  'TIME',
  'YEAR',
  'DOUBLE',
  'FLOAT(7,2)',
  'BIT(5)',
  'VARBINARY(16) NOT NULL',
  'DATE NOT NULL',
  'INT UNIQUE',
);

const position = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constant(' FIRST') },
  { weight: 2, arbitrary: column.map((name) => ` AFTER ${name}`) },
);

const keyPart = fc.oneof(
  { weight: 4, arbitrary: column },
  { weight: 1, arbitrary: fc.tuple(column, fc.integer({ min: 1, max: 12 })).map(([c, n]) => `${c}(${n})`) },
);
const keyParts = fc.uniqueArray(keyPart, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(', '));
const maybeName = fc.oneof(fc.constant(''), index);

const operation = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(column, type, position).map(([c, t, p]) => `ADD COLUMN ${c} ${t}${p}`) },
  { weight: 3, arbitrary: column.map((c) => `DROP COLUMN ${c}`) },
  { weight: 3, arbitrary: fc.tuple(column, type, position).map(([c, t, p]) => `MODIFY ${c} ${t}${p}`) },
  {
    weight: 3,
    arbitrary: fc.tuple(column, column, type, position).map(([a, b, t, p]) => `CHANGE ${a} ${b} ${t}${p}`),
  },
  { weight: 2, arbitrary: fc.tuple(column, column).map(([a, b]) => `RENAME COLUMN ${a} TO ${b}`) },
  { weight: 2, arbitrary: fc.tuple(maybeName, keyParts).map(([n, k]) => `ADD INDEX ${n} (${k})`) },
  { weight: 2, arbitrary: fc.tuple(maybeName, keyParts).map(([n, k]) => `ADD UNIQUE ${n} (${k})`) },
  { weight: 1, arbitrary: keyParts.map((k) => `ADD PRIMARY KEY (${k})`) },
  { weight: 1, arbitrary: fc.constant('DROP PRIMARY KEY') },
  { weight: 2, arbitrary: index.map((n) => `DROP INDEX ${n}`) },
  { weight: 1, arbitrary: fc.tuple(index, index).map(([a, b]) => `RENAME INDEX ${a} TO ${b}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('utf8mb4', 'latin1', 'utf8').map((c) => `CONVERT TO CHARACTER SET ${c}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('utf8mb4', 'latin1').map((c) => `DEFAULT CHARACTER SET ${c}`),
  },
);

const create = fc
  .tuple(
    table,
    fc.uniqueArray(fc.tuple(column, type), { minLength: 1, maxLength: 4, selector: ([name]) => name }),
    fc.array(fc.tuple(fc.constantFrom('KEY', 'UNIQUE', 'PRIMARY KEY'), keyParts), { maxLength: 2 }),
    fc.constantFrom('', ' DEFAULT CHARSET=latin1', ' COLLATE=utf8mb4_bin'),
  )
  .map(([name, columns, keys, options]) => {
    const lines = [...columns.map(([c, t]) => `${c} ${t}`), ...keys.map(([k, parts]) => `${k} (${parts})`)];
    return `CREATE TABLE ${name} (${lines.join(', ')})${options}`;
  });

const statement = fc.oneof(
  { weight: 1, arbitrary: create },
  {
    weight: 12,
    arbitrary: fc
      .tuple(
        table,
        fc.oneof(
          { weight: 3, arbitrary: operation.map((one) => [one]) },
          { weight: 2, arbitrary: fc.array(operation, { minLength: 2, maxLength: 3 }) },
        ),
      )
      .map(([name, operations]) => `ALTER TABLE ${name} ${operations.join(', ')}`),
  },
  { weight: 1, arbitrary: fc.tuple(table, table).map(([a, b]) => `RENAME TABLE ${a} TO ${b}`) },
  { weight: 1, arbitrary: fc.tuple(table, table).map(([a, b]) => `CREATE TABLE ${a} LIKE ${b}`) },
  { weight: 1, arbitrary: table.map((name) => `DROP TABLE ${name}`) },
  {
    weight: 1,
    arbitrary: fc.tuple(index, table, keyParts).map(([n, t, k]) => `CREATE INDEX ${n} ON ${t} (${k})`),
  },
);

const START =
  'CREATE TABLE t1 (c1 INT NOT NULL, c2 VARCHAR(20), c3 TEXT, c4 BIGINT, PRIMARY KEY (c1), KEY (c2), UNIQUE (c4))';

/** The same seed gives the same statements. */
export function randomDdl(seed: number, sequences: number): string[][] {
  const sequence = fc
    .array(statement, { minLength: 40, maxLength: 60 })
    .map((list) => [START, 'CREATE TABLE t2 LIKE t1', ...list]);
  return fc.sample(sequence, { seed, numRuns: sequences });
}
